#include "actors/conversation/conversation_machine.hpp"

#include <algorithm>

#include "actors/conversation/talk.hpp"

namespace paygate {

namespace {

using talk::step;

/// A name as it may be stored and sent: without control characters, of bounded length (cut between characters).
std::string clean_name(std::string_view name) {
  std::string text;
  for (char c : name)
    if (static_cast<unsigned char>(c) >= 0x20) text += c;
  if (text.size() <= 128) return text;
  std::size_t end = 128;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

struct conversation_step {
  const conversation& state;
  bool exists;
  const step_context& context;

  verdict<conversation> unchanged() const {
    return step{.next = state, .changed = false, .reply = ok{}, .entries = {}, .rows = {}, .note = {}};
  }
  step begin() const { return {.next = state, .changed = true, .reply = ok{}, .entries = {}, .rows = {}, .note = {}}; }

  // --- what the person does ---

  verdict<conversation> operator()(const update_received& event) const {
    const auto& update = event.update;
    if (std::to_string(update.chat_id) != context.self.id) return refused{refusal::invalid, "the update is of another chat"};
    if (exists && update.update_id <= state.last_update_id) return unchanged();
    auto out = begin();
    auto& s = out.next;
    s.chat_id = update.chat_id;
    s.user_id = update.user_id;
    s.user_name = clean_name(update.user_name);
    s.last_update_id = update.update_id;
    if (!update.callback_id.empty())
      press(out, update);
    else if (update.start)
      talk::follow(out, *update.start);
    else if (update.bad_start) {
      talk::leave(s);
      talk::owe(out, conversation_view::unknown_link);
    } else if (update.text.starts_with('/'))
      command(out, update.text);
    else
      say(out, update);
    return out;
  }

  static void command(step& out, std::string_view text) {
    const auto word = text.substr(0, text.find_first_of(" @\n"));
    if (word == "/donate") return talk::begin_list(out, conversation_query::donations);
    if (word == "/subscriptions") return talk::begin_list(out, conversation_query::subscriptions);
    if (word == "/channels") return talk::begin_list(out, conversation_query::own_channels);
    if (word == "/account") return talk::begin_list(out, conversation_query::accounts);
    if (word == "/stats") return talk::begin_list(out, conversation_query::stats);
    if (word == "/broadcast") return talk::begin_list(out, conversation_query::broadcasts);
    if (word == "/cancel") return cancel(out);
    if (word == "/start") talk::leave(out.next);
    talk::owe(out, conversation_view::help, word == "/start" || word == "/help" ? "" : "I do not know that command.");
  }

  static void cancel(step& out) {
    if (out.next.status == conversation_status::idle) return talk::owe(out, conversation_view::note, "There is nothing to cancel.");
    if (talk::is_form(out.next.status)) return talk::cancel_form(out);
    const bool too_late = out.next.status == conversation_status::posting;
    talk::leave(out.next);
    if (too_late) return talk::owe(out, conversation_view::note, "Your message may be on its way already.");
    talk::owe(out, conversation_view::cancelled);
  }

  void say(step& out, const chat_update& update) const {
    auto& s = out.next;
    switch (s.status) {
    case conversation_status::typing_amount: return talk::say_amount(out, update.text, context.rules);
    case conversation_status::offered:
      if (s.tier == start_link::donation) return talk::say_amount(out, update.text, context.rules);
      return talk::owe(out, conversation_view::use_buttons);
    case conversation_status::writing_message: return talk::say_message(out, update.text);
    case conversation_status::entering: return talk::say_field(out, update);
    case conversation_status::entering_code: return talk::say_code(out, update.text);
    case conversation_status::writing_post: return talk::say_post(out, update);
    case conversation_status::entering_promo: return talk::say_promo(out, update.text, context.now);
    case conversation_status::confirming_post:
      return talk::owe(out, conversation_view::preview_post, "Please use the buttons to say to whom.");
    case conversation_status::editing: return talk::owe(out, conversation_view::form, "Please use the buttons to say what to change.");
    case conversation_status::finding:
    case conversation_status::verifying:
    case conversation_status::saving:
    case conversation_status::settling:
      return talk::owe(out, conversation_view::note, "One moment, please: I am still busy with your form. /cancel stops it.");
    case conversation_status::idle:
    case conversation_status::looking_up:
    case conversation_status::ordering:
    case conversation_status::listing:
    case conversation_status::addressing:
    case conversation_status::claiming_post:
    case conversation_status::posting:
    case conversation_status::quoting:
    case conversation_status::trying:
    case conversation_status::setting_promo:
    case conversation_status::disabling_promo:
    case conversation_status::opening: break;
    }
    talk::owe(out, conversation_view::help);
  }

  void press(step& out, const chat_update& update) const {
    if (talk::press_offer(out, update, context.rules) || talk::press_list(out, update) || talk::press_promo(out, update)
        || talk::press_errand(out, update) || talk::press_broadcast(out, update, context) || talk::press_form(out, update, context.self))
      return;
    talk::answer(out, update, "This offer is no longer valid.");
    talk::owe(out, conversation_view::help);
  }

  // --- what came of our work ---

  verdict<conversation> operator()(const effect_done& message) const {
    if (!exists) return refused{refusal::not_found, "nobody ever wrote in this chat"};
    const auto due = conversation_kind::effects_due(state, context.self, context.now, context.rules);
    if (std::none_of(due.begin(), due.end(), [&](const effect& e) { return e.key == message.key; })) return unchanged();
    if (const auto* io = std::get_if<io_outcome>(&message.outcome)) {
      if (message.key.starts_with("view:")) return view_sent(*io);
      if (message.key.starts_with("answer:")) return callback_answered(message.key.substr(7), *io);
      return found(*io);
    }
    return answered(message.key, std::get<entity_reply>(message.outcome));
  }

  verdict<conversation> view_sent(const io_outcome& outcome) const {
    const auto* failure = std::get_if<io_failure>(&outcome);
    const auto* sent = std::get_if<message_sent>(&outcome);
    if (!failure && !sent && !(state.edit_panel && std::holds_alternative<done>(outcome))) return unchanged();
    auto out = begin();
    auto& s = out.next;
    if (failure && state.edit_panel && failure->code != "blocked") {
      // Its old place is gone: it comes as a new message.
      s.edit_panel = false;
      ++s.view_seq;
      out.note = "view moved: " + failure->text;
      return out;
    }
    const auto view = std::exchange(s.owed_view, conversation_view::none);
    // A chat that refuses messages is left alone: the view is dropped, the person can always begin anew.
    out.note = failure ? "view dropped: " + failure->text : "view shown";
    if (sent && view != conversation_view::help && view != conversation_view::note) s.panel_id = sent->message_id;
    s.words.clear();
    s.edit_panel = false;
    if (view == conversation_view::list || view == conversation_view::choice || failure) {
      if (s.status == conversation_status::listing || s.status == conversation_status::looking_up) talk::leave(s);
    } else if (s.status == conversation_status::listing && s.found)
      talk::owe(out, conversation_view::list); // Help came in between.
    else if (s.status == conversation_status::looking_up && s.terms)
      talk::owe(out, conversation_view::choice);
    return out;
  }

  verdict<conversation> callback_answered(std::string_view id, const io_outcome& outcome) const {
    const auto* failure = std::get_if<io_failure>(&outcome);
    if (!failure && !std::holds_alternative<done>(outcome)) return unchanged();
    auto out = begin();
    talk::forget_callback(out.next, id);
    out.note = failure ? "callback dropped: " + failure->text : "callback answered";
    return out;
  }

  verdict<conversation> found(const io_outcome& outcome) const {
    auto out = begin();
    const auto* failure = std::get_if<io_failure>(&outcome);
    if (failure && talk::is_form(state.status)) {
      talk::form_answered(out, refused{refusal::unavailable, failure->text});
      return out;
    }
    if (failure) {
      talk::leave(out.next);
      talk::owe(out, conversation_view::note, "That did not work: " + failure->text + ".");
      return out;
    }
    if (const auto* name = std::get_if<chat_found>(&outcome); name && state.status == conversation_status::finding)
      talk::name_found(out, *name);
    else if (const auto* rights = std::get_if<rights_checked>(&outcome); rights && state.status == conversation_status::verifying)
      talk::rights_found(out, *rights);
    else if (state.status == conversation_status::listing)
      talk::list_found(out, outcome);
    else
      return unchanged();
    return out;
  }

  verdict<conversation> answered(const std::string& key, const entity_reply& reply) const {
    auto out = begin();
    if (key.starts_with("errand:")) {
      talk::errand_answered(out, reply);
      return out;
    }
    if (state.status == conversation_status::saving || state.status == conversation_status::settling) {
      talk::form_answered(out, reply);
      return out;
    }
    if (state.status == conversation_status::quoting) {
      talk::code_answered(out, reply);
      return out;
    }
    if (state.status == conversation_status::setting_promo || state.status == conversation_status::disabling_promo) {
      talk::promo_answered(out, reply);
      return out;
    }
    if (state.status == conversation_status::trying) {
      talk::trial_answered(out, reply);
      return out;
    }
    if (state.status == conversation_status::addressing) {
      talk::channel_addressed(out, reply);
      return out;
    }
    if (state.status == conversation_status::claiming_post || state.status == conversation_status::posting) {
      talk::broadcast_answered(out, reply);
      return out;
    }
    const auto* view = std::get_if<channel_view>(&reply);
    if (state.status == conversation_status::opening) {
      if (view && view->terms)
        talk::form_opened(out, *view->terms, context.self);
      else {
        talk::leave(out.next);
        talk::owe(out, conversation_view::note, "This channel is not on sale any more. /channels registers it anew.");
      }
      return out;
    }
    // Closed or unknown, or no longer sold like this: either way there is nothing to buy here.
    if (std::holds_alternative<refused>(reply))
      talk::not_for_sale(out);
    else if (view && view->terms && !key.starts_with("order:"))
      talk::channel_answered(out, view->terms, context);
    else if (std::holds_alternative<payment_view>(reply) && key.starts_with("order:"))
      talk::order_answered(out);
    else
      return unchanged();
    return out;
  }
};

} // namespace

verdict<conversation> conversation_kind::apply(const conversation& state, bool exists, const conversation_message& message,
                                               const step_context& context) {
  return std::visit(conversation_step{state, exists, context}, message);
}

} // namespace paygate
