#include "actors/channel/channel_terms.hpp"
#include "actors/conversation/talk.hpp"
#include "messages/html.hpp"

namespace paygate::talk {

namespace {

/// With what is said around it, it still fits into one message.
constexpr std::size_t post_max = 3500;

void back_to_preview(step& out, std::string words) {
  const bool here = out.next.panel_id != 0;
  out.next.status = conversation_status::confirming_post;
  out.next.order_id.clear();
  owe(out, conversation_view::preview_post, std::move(words));
  out.next.edit_panel = here;
}

void press_target(step& out, const chat_update& press, bool to_subscribers, const step_context& context) {
  auto& s = out.next;
  answer(out, press, "One moment, please.");
  s.status = conversation_status::claiming_post;
  s.to_subscribers = to_subscribers;
  s.order_id = new_order_id(context.now, "broadcast:" + std::to_string(s.chat_id) + ":" + std::to_string(s.last_update_id));
  s.panel_id = press.message_id;
  s.owed_view = conversation_view::none;
  out.note = "broadcast " + s.order_id;
}

} // namespace

bool press_broadcast(step& out, const chat_update& press, const step_context& context) {
  auto& s = out.next;
  const auto post = after(press.callback_data, "post:");
  const auto channel = post ? number_of(*post).value_or(0) : 0;
  const auto what = after(press.callback_data, "b:");
  if (channel == 0 && !what) return false;
  if (channel != 0) {
    answer(out, press);
    leave(s);
    s.status = conversation_status::addressing;
    s.channel_id = channel;
    s.owed_view = conversation_view::none;
    ++s.view_seq; // The question is a new one.
    out.note = "begins a broadcast";
    return true;
  }
  const bool in_use = s.status == conversation_status::confirming_post && (press.message_id == 0 || press.message_id == s.panel_id);
  if (!in_use) {
    answer_stale(out, press, "This message is sent, or was given up. /broadcast begins another one.");
  } else if (*what == "channel" || *what == "subscribers") {
    press_target(out, press, *what == "subscribers", context);
  } else if (*what == "again") {
    answer(out, press);
    s.status = conversation_status::writing_post;
    s.post_html.clear();
    owe_here(out, press, conversation_view::ask_post);
  } else if (*what == "cancel") {
    answer(out, press);
    leave(s);
    owe_here(out, press, conversation_view::cancelled);
  } else
    answer_stale(out, press, "I do not know that button.");
  return true;
}

void say_post(step& out, const chat_update& update) {
  const auto text = trim(update.text);
  if (text.empty()) return owe(out, conversation_view::ask_post, "Only a text can be sent. Expected: at least a word.");
  if (!is_clean(text))
    return owe(out, conversation_view::ask_post, "That text has characters that no message can have. Expected: a plain text.");
  // With the formatting that its author gave it, when Telegram would take it back like that.
  const bool formatted = !update.html.empty() && is_clean(update.html) && objection_to_html(update.html).empty();
  auto html = formatted ? update.html : escape_html(text);
  if (const auto length = html_length(html); length > post_max)
    return owe(out, conversation_view::ask_post,
               "That text has " + std::to_string(length) + " characters. Expected: at most " + std::to_string(post_max) + ".");
  out.next.post_html = std::move(html);
  out.next.status = conversation_status::confirming_post;
  owe(out, conversation_view::preview_post);
}

void channel_addressed(step& out, const entity_reply& reply) {
  auto& s = out.next;
  const auto* view = std::get_if<channel_view>(&reply);
  const bool own = view && view->terms && view->terms->owner_user_id != 0 && view->terms->owner_user_id == s.user_id;
  if (!own) {
    leave(s);
    return owe(out, conversation_view::note,
               view ? "This channel is registered by somebody else." : "This channel is not on sale any more.");
  }
  s.channel_title = view->terms->open_title;
  s.status = conversation_status::writing_post;
  owe(out, conversation_view::ask_post);
}

void broadcast_answered(step& out, const entity_reply& reply) {
  auto& s = out.next;
  if (const auto* no = std::get_if<refused>(&reply)) return back_to_preview(out, "It cannot be sent now: " + no->text + ".");
  if (s.status == conversation_status::claiming_post) {
    s.status = conversation_status::posting;
    out.note = "it may go out";
    return;
  }
  const bool here = s.panel_id != 0;
  std::string words = s.to_subscribers ? "📣 Your message is on its way to the subscribers. You are told when all have it."
                                       : "📣 Your message will stand in the channel in a moment.";
  leave(s);
  owe(out, conversation_view::note, std::move(words));
  s.edit_panel = here;
}

start_broadcast broadcast_request(const conversation& s) {
  return {s.channel_id, broadcast_what::message, s.to_subscribers ? broadcast_target::subscribers : broadcast_target::channel, s.post_html,
          false};
}

std::string ask_post_text(const conversation& s) {
  return "📣 <b>" + escape_html(s.channel_title) + "</b>\n\nWrite what you want to send, at most " + std::to_string(post_max)
         + " characters. You see it before it is sent. /cancel stops it.";
}

std::string preview_text(const conversation& s) { return "📣 This is what will be sent:\n\n" + s.post_html + "\n\nTo whom?"; }

keyboard preview_buttons() {
  return {{button{"To the public channel", "b:channel", false}},
          {button{"To every subscriber", "b:subscribers", false}},
          {button{"Write it anew", "b:again", false}, button{"Cancel", "b:cancel", false}}};
}

} // namespace paygate::talk
