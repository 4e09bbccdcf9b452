#include <algorithm>

#include "sandbox/telegram.hpp"

namespace sandbox {
namespace {

/// Empty: the keyboard is good (or there is none).
std::string wrong_keyboard(const json& markup) {
  if (markup.is_null()) return "";
  if (!markup.is_object()) return "Bad Request: object expected as reply markup";
  if (!markup.has("inline_keyboard")) return "";
  if (!markup["inline_keyboard"].is_array())
    return "Bad Request: field \"inline_keyboard\" of the InlineKeyboardMarkup must be of type Array";
  constexpr int buttons_max = 100;
  int buttons = 0;
  for (const auto& row : markup["inline_keyboard"].items())
    for (const auto& button : row.items()) {
      if (++buttons > buttons_max) return "Bad Request: reply markup is too long";
      if (button["text"].text().empty()) return "Bad Request: inline keyboard button text must be non-empty";
      const bool data = button.has("callback_data");
      const bool url = button.has("url");
      if (data == url && !button.has("web_app") && !button.has("copy_text"))
        return "Bad Request: can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard";
      if (data && (button["callback_data"].text().empty() || button["callback_data"].text().size() > 64))
        return "Bad Request: BUTTON_DATA_INVALID";
      const auto address = button["url"].text();
      if (url && !address.starts_with("http://") && !address.starts_with("https://") && !address.starts_with("tg://"))
        return "Bad Request: inline keyboard button URL '" + address + "' is invalid: Unsupported URL protocol";
    }
  return "";
}

} // namespace

telegram::outcome telegram::about_messages(const std::string& method, const json& asked, bool& known) {
  if (method == "sendmessage") return send_message(asked);
  if (method == "editmessagetext") return edit_message(asked, false);
  if (method == "editmessagereplymarkup") return edit_message(asked, true);
  if (method == "deletemessage") return delete_message(asked);
  if (method == "answercallbackquery") return answer_callback(asked);
  known = false;
  return json();
}

std::optional<telegram::failure> telegram::limit_reached(tg_chat& chat) {
  const auto now = std::chrono::steady_clock::now();
  auto wait = chat.limit.take(now);
  if (wait == 0) wait = overall_.take(now);
  if (wait == 0) return std::nullopt;
  return too_many(wait);
}

telegram::failure telegram::too_many(std::int64_t wait) {
  core_.count("telegram.too_many_requests");
  return failure{429, "Too Many Requests: retry after " + std::to_string(wait), json::object({{"retry_after", wait}})};
}

std::optional<telegram::failure> telegram::may_write(const tg_chat& chat) const {
  if (chat.type == "private") {
    const auto& user = users_.at(chat.id);
    if (user.blocked) return failure{403, "Forbidden: bot was blocked by the user"};
    if (!user.started && user.open_until < unix_seconds(core_.now()))
      return failure{403, "Forbidden: bot can't initiate conversation with a user"};
    return std::nullopt;
  }
  if (chat.bot_status == "left" || chat.bot_status == "kicked")
    return failure{403, "Forbidden: bot " + std::string(chat.bot_status == "left" ? "is not a member of" : "was kicked from") + " the "
                            + chat.type + " chat"};
  if (chat.type == "channel" && (chat.bot_status != "administrator" || !chat.can_post))
    return failure{400, "Bad Request: need administrator rights in the channel chat"};
  return std::nullopt;
}

std::variant<tg_message, telegram::failure> telegram::compose(const json& asked) const {
  constexpr std::int64_t length_max = 4096;
  tg_message made;
  made.raw = made.text = asked["text"].text();
  const auto mode = asked["parse_mode"].text();
  if (mode == "HTML" || mode == "html") {
    auto parsed = parse_html(made.raw);
    if (const auto* wrong = std::get_if<std::string>(&parsed)) return failure{400, "Bad Request: can't parse entities: " + *wrong};
    made.text = std::get<formatted_text>(parsed).text;
    made.entities = std::get<formatted_text>(parsed).entities;
  } else if (!mode.empty()) {
    return failure{400, "Bad Request: unsupported parse_mode"};
  }
  if (made.text.find_first_not_of(" \t\r\n") == std::string::npos) return failure{400, "Bad Request: message text is empty"};
  if (utf16_length(made.text) > length_max) return failure{400, "Bad Request: message is too long"};
  if (auto wrong = wrong_keyboard(asked["reply_markup"]); !wrong.empty()) return failure{400, wrong};
  made.markup = asked["reply_markup"];
  return made;
}

json telegram::message_json(const tg_chat& chat, const tg_message& message) const {
  json out = json::object({{"message_id", message.id}});
  if (!message.from_bot) {
    out.set("from", user_json(chat.id));
  } else if (chat.type == "channel") {
    out.set("sender_chat", chat_json(chat));
  } else {
    out.set("from", user_json(bot_id_));
  }
  out.set("chat", chat_json(chat)).set("date", unix_seconds(message.date));
  if (message.edited) out.set("edit_date", unix_seconds(*message.edited));
  out.set("text", message.text);
  if (message.entities.size() > 0) out.set("entities", message.entities);
  if (message.markup.has("inline_keyboard")) out.set("reply_markup", message.markup);
  return out;
}

telegram::outcome telegram::send_message(const json& asked) {
  auto found = chat_of(asked);
  if (const auto* why = std::get_if<failure>(&found)) return *why;
  tg_chat& chat = *std::get<tg_chat*>(found);
  auto made = compose(asked);
  if (const auto* why = std::get_if<failure>(&made)) return *why;
  if (auto refused = may_write(chat)) return *refused;
  if (auto wait = limit_reached(chat)) return *wait;
  auto& message = std::get<tg_message>(made);
  message.id = next_message_++;
  message.date = core_.now();
  chat.messages.push_back(std::move(message));
  core_.count("telegram.messages");
  return message_json(chat, chat.messages.back());
}

telegram::outcome telegram::edit_message(const json& asked, bool markup_only) {
  auto found = chat_of(asked);
  if (const auto* why = std::get_if<failure>(&found)) return *why;
  tg_chat& chat = *std::get<tg_chat*>(found);
  tg_message* message = find_message(chat, asked["message_id"].integer().value_or(0));
  if (message == nullptr) return failure{400, "Bad Request: message to edit not found"};
  if (!message->from_bot) return failure{400, "Bad Request: message can't be edited"};
  json wanted = asked;
  if (markup_only) {
    wanted.set("text", message->text);
    wanted.remove("parse_mode");
  }
  auto made = compose(wanted);
  if (const auto* why = std::get_if<failure>(&made)) return *why;
  if (auto refused = may_write(chat)) return *refused;
  auto& next = std::get<tg_message>(made);
  if (markup_only) {
    next.raw = message->raw;
    next.entities = message->entities;
  }
  if (next.text == message->text && next.markup == message->markup && next.entities == message->entities)
    return failure{400, "Bad Request: message is not modified: specified new message content and reply markup are exactly the same as a "
                        "current content and reply markup of the message"};
  // An edit costs nothing of the chat's own limit here, but it counts as one of all calls.
  if (auto wait = overall_.take(std::chrono::steady_clock::now()); wait != 0) return too_many(wait);
  message->text = next.text;
  message->raw = next.raw;
  message->entities = next.entities;
  message->markup = next.markup;
  message->edited = core_.now();
  return message_json(chat, *message);
}

telegram::outcome telegram::delete_message(const json& asked) {
  auto found = chat_of(asked);
  if (const auto* why = std::get_if<failure>(&found)) return *why;
  tg_chat& chat = *std::get<tg_chat*>(found);
  tg_message* message = find_message(chat, asked["message_id"].integer().value_or(0));
  if (message == nullptr) return failure{400, "Bad Request: message to delete not found"};
  const bool old = core_.now() - message->date > std::chrono::hours(48);
  if (chat.type == "private") {
    if (old) return failure{400, "Bad Request: message can't be deleted for everyone"};
  } else if (chat.bot_status != "administrator" || (!chat.can_delete && (old || !chat.can_post || !message->from_bot))) {
    // The right to post takes back one's own posts for two days; the right to delete takes any, at any time.
    return failure{400, "Bad Request: message can't be deleted"};
  }
  message->deleted = true;
  return json(true);
}

telegram::outcome telegram::answer_callback(const json& asked) {
  constexpr auto answer_time = std::chrono::minutes(15);
  const auto found = callbacks_.find(asked["callback_query_id"].text());
  if (found == callbacks_.end() || core_.now() - found->second.at > answer_time)
    return failure{400, "Bad Request: query is too old and response timeout expired or query ID is invalid"};
  if (utf16_length(asked["text"].text()) > 200) return failure{400, "Bad Request: MESSAGE_TOO_LONG"};
  found->second.answer = asked;
  return json(true);
}

} // namespace sandbox
