#include "actors/conversation/conversation_machine.hpp"

#include <algorithm>

#include "messages/channel.hpp"

namespace paygate {

namespace {

using step = decision<conversation>;

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

  /// A newer view replaces one that was not sent yet.
  static void owe(step& out, conversation_view view) {
    out.next.owed_view = view;
    ++out.next.view_seq;
    out.note = "shows " + std::string(to_text(view));
  }

  static void forget_offer(conversation& s) {
    s.status = conversation_status::idle;
    s.channel_id = 0;
    s.tier = 0;
    s.channel_title.clear();
    s.price = {};
    s.days = 0;
    s.order_id.clear();
    s.terms.reset();
  }

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
      follow(out, *update.start);
    else if (update.bad_start) {
      forget_offer(s);
      owe(out, conversation_view::unknown_link);
    } else
      say(out, update.text);
    return out;
  }

  static void follow(step& out, const start_link& link) {
    auto& s = out.next;
    forget_offer(s);
    if (link.channel_id == 0 || link.tier < start_link::donation || link.tier > 2) return owe(out, conversation_view::unknown_link);
    s.status = conversation_status::looking_up;
    s.owed_view = conversation_view::none;
    ++s.view_seq; // The question to the channel is a new one.
    s.channel_id = link.channel_id;
    s.tier = link.tier;
    out.note = "followed a link";
  }

  static void say(step& out, std::string_view text) {
    const auto command = text.substr(0, text.find_first_of(" @\n"));
    if (command == "/start") forget_offer(out.next);
    const auto waits_for_button = out.next.status == conversation_status::offered && !text.starts_with('/');
    owe(out, waits_for_button ? conversation_view::use_buttons : conversation_view::help);
  }

  /// The dollars of a donation button; nothing when the data is none of ours.
  static std::optional<int> pressed_donation(const std::string& data, const std::string& order_id) {
    for (int dollars : donation_presets)
      if (data == donation_data(dollars, order_id)) return dollars;
    return std::nullopt;
  }

  static void press(step& out, const chat_update& update) {
    auto& s = out.next;
    const auto is_donation = s.tier == start_link::donation;
    const auto dollars = is_donation ? pressed_donation(update.callback_data, s.order_id) : std::nullopt;
    const auto valid = !s.order_id.empty() && (is_donation ? dollars.has_value() : update.callback_data == pay_data(s.order_id));
    if (!valid) {
      s.open_callback = "!" + update.callback_id;
      return owe(out, conversation_view::help);
    }
    s.open_callback = update.callback_id;
    if (s.status == conversation_status::ordering) {
      out.note = "pressed again";
      return;
    }
    if (dollars) s.price = usd_amount::of_units(*dollars * one_coin);
    s.status = conversation_status::ordering;
    s.terms.reset(); // Of now, not of when the offer was shown.
    if (s.owed_view == conversation_view::offer) s.owed_view = conversation_view::none;
    out.note = "ordered " + s.order_id;
  }

  // --- what came of our work ---

  verdict<conversation> operator()(const effect_done& message) const {
    if (!exists) return refused{refusal::not_found, "nobody ever wrote in this chat"};
    const auto due = conversation_kind::effects_due(state, context.self, context.now, context.rules);
    if (std::none_of(due.begin(), due.end(), [&](const effect& e) { return e.key == message.key; })) return unchanged();
    if (const auto* io = std::get_if<io_outcome>(&message.outcome)) return sent(message.key, *io);
    return answered(message.key, std::get<entity_reply>(message.outcome));
  }

  /// A chat that refuses messages is left alone: the view is dropped, the person can always begin anew.
  verdict<conversation> sent(const std::string& key, const io_outcome& outcome) const {
    const auto* failure = std::get_if<io_failure>(&outcome);
    auto out = begin();
    if (key.starts_with("view:") && (failure || std::holds_alternative<message_sent>(outcome))) {
      out.next.owed_view = conversation_view::none;
      out.note = failure ? "view dropped: " + failure->text : "view shown";
    } else if (key.starts_with("answer:") && (failure || std::holds_alternative<done>(outcome))) {
      out.next.open_callback.clear();
      out.note = failure ? "callback dropped: " + failure->text : "callback answered";
    } else
      return unchanged();
    return out;
  }

  verdict<conversation> answered(const std::string& key, const entity_reply& reply) const {
    auto out = begin();
    if (std::holds_alternative<refused>(reply)) {
      // Closed or unknown, or no longer sold like this: either way there is nothing to buy here.
      forget_offer(out.next);
      owe(out, conversation_view::not_for_sale);
      return out;
    }
    if (const auto* view = std::get_if<channel_view>(&reply); view && view->terms && !key.starts_with("order:")) {
      if (state.status == conversation_status::looking_up)
        offer(out, *view->terms);
      else
        check_terms(out, view->terms);
      return out;
    }
    if (std::holds_alternative<payment_view>(reply) && key.starts_with("order:")) {
      auto& s = out.next;
      s.status = conversation_status::idle;
      s.terms.reset();
      // A second press of Pay is the same order; a second donation is another one, with buttons of its own.
      if (s.tier == start_link::donation) s.order_id.clear();
      out.note = "ordered";
      return out;
    }
    return unchanged();
  }

  void offer(step& out, const channel& terms) const {
    auto& s = out.next;
    const auto is_donation = s.tier == start_link::donation;
    const auto known = terms.open_channel_id == s.channel_id;
    if (!known || (is_donation ? !terms.donations : terms.tiers[static_cast<std::size_t>(s.tier)].days <= 0)) {
      forget_offer(s);
      return owe(out, conversation_view::not_for_sale);
    }
    s.status = conversation_status::offered;
    s.channel_title = terms.closed_title;
    s.price = is_donation ? usd_amount{} : terms.tiers[static_cast<std::size_t>(s.tier)].price;
    s.days = is_donation ? 0 : terms.tiers[static_cast<std::size_t>(s.tier)].days;
    s.order_id = new_order_id(context.now, std::to_string(s.chat_id) + ":" + std::to_string(s.last_update_id));
    s.terms.reset();
    owe(out, conversation_view::offer);
  }

  /// Pay was pressed: what is sold now must still be what was shown.
  void check_terms(step& out, const std::shared_ptr<const channel>& terms) const {
    auto& s = out.next;
    if (s.tier != start_link::donation) {
      const auto& tier = terms->tiers[static_cast<std::size_t>(s.tier)];
      if (tier.price != s.price || tier.days != s.days) return offer(out, *terms);
    } else if (!terms->donations)
      return offer(out, *terms);
    s.terms = terms;
    out.note = "terms read";
  }
};

} // namespace

verdict<conversation> conversation_kind::apply(const conversation& state, bool exists, const conversation_message& message,
                                               const step_context& context) {
  return std::visit(conversation_step{state, exists, context}, message);
}

} // namespace paygate
