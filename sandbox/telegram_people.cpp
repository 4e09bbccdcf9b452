#include <algorithm>
#include <cctype>
#include <utility>

#include "sandbox/telegram.hpp"

namespace sandbox {
namespace {

reply refused(int status, const std::string& why) { return answer(status, json::object({{"ok", false}, {"error", why}})); }

/// The payload of a deep link to this bot; nullopt: another address.
std::optional<std::string> start_payload(const std::string& url, const std::string& bot) {
  for (const std::string& prefix : {"https://t.me/" + bot, "http://t.me/" + bot, "tg://resolve?domain=" + bot}) {
    if (!url.starts_with(prefix)) continue;
    const auto at = url.find("start=");
    if (at == std::string::npos) return "";
    const auto payload = url.substr(at + 6);
    return payload.substr(0, payload.find('&'));
  }
  return std::nullopt;
}

/// What Telegram's own clients pass on: 1 to 64 characters of A-Za-z0-9_-.
bool good_payload(const std::string& payload) {
  constexpr std::size_t length_max = 64;
  const auto allowed = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_' || c == '-'; };
  return payload.size() <= length_max && std::all_of(payload.begin(), payload.end(), allowed);
}

json flat_buttons(const json& markup) {
  json out = json::array();
  std::int64_t row_number = 0;
  for (const auto& row : markup["inline_keyboard"].items()) {
    for (const auto& button : row.items()) {
      json entry = button;
      out.push(entry.set("row", row_number));
    }
    ++row_number;
  }
  return out;
}

} // namespace

reply telegram::person_sends(std::int64_t who, const json& wish) {
  const std::lock_guard lock(core_.mutex);
  if (who <= 0) return refused(400, "a user's id is positive");
  const auto text = wish["text"].text();
  constexpr std::int64_t length_max = 4096;
  if (text.empty()) return refused(400, "text is missing");
  if (utf16_length(text) > length_max) return refused(400, "MESSAGE_TOO_LONG");
  tg_user& user = person(who, wish);
  user.started = true;
  tg_chat& chat = make_chat(who, "private");
  set_blocked(user, false);
  tg_message message;
  message.id = next_message_++;
  message.from_bot = false;
  message.text = message.raw = text;
  message.date = core_.now();
  if (text[0] == '/')
    message.entities =
        json::array({json::object({{"offset", 0}, {"length", utf16_length(text.substr(0, text.find(' ')))}, {"type", "bot_command"}})});
  chat.messages.push_back(message);
  json body = message_json(chat, message);
  if (const auto from = wish["forward_from"].integer()) {
    const tg_chat* origin = *from < 0 ? find_chat(*from) : nullptr;
    if (origin == nullptr) return refused(404, "there is no such channel to forward from");
    const auto posted = origin->messages.empty() ? 1 : origin->messages.back().id;
    body.set(
        "forward_origin",
        json::object({{"type", "channel"}, {"date", unix_seconds(core_.now())}, {"chat", chat_json(*origin)}, {"message_id", posted}}));
  }
  push("message", body);
  return answer(200, json::object({{"ok", true}, {"message_id", message.id}, {"update_id", next_update_ - 1}}));
}

reply telegram::person_presses(std::int64_t who, const json& wish) {
  std::string start;
  {
    const std::lock_guard lock(core_.mutex);
    tg_user& user = person(who, wish);
    tg_chat* chat = find_chat(wish["chat_id"].integer().value_or(who));
    if (chat == nullptr) return refused(404, "this chat has no messages");
    const auto wanted_message = wish["message_id"].integer();
    const tg_message* on = nullptr;
    json button;
    for (auto message = chat->messages.rbegin(); message != chat->messages.rend() && on == nullptr; ++message) {
      if (message->deleted || !message->from_bot || (wanted_message && message->id != *wanted_message)) continue;
      const json buttons = flat_buttons(message->markup);
      for (const auto& candidate : buttons.items()) {
        const bool by_data = wish["data"].is_string() && candidate["callback_data"].text() == wish["data"].text();
        const bool by_text = wish["text"].is_string() && candidate["text"].text() == wish["text"].text();
        if (!by_data && !by_text) continue;
        on = &*message;
        button = candidate;
        break;
      }
      // A forged press needs no such button.
      if (on == nullptr && wish["force"].is_true() && wish["data"].is_string()) {
        on = &*message;
        button = json::object({{"callback_data", wish["data"]}});
      }
    }
    if (on == nullptr) return refused(404, "no message shows this button");
    if (button.has("callback_data")) {
      const auto id = std::to_string(1'000'000'000'000 + core_.random_below(8'000'000'000'000));
      callbacks_[id] = {user.id, core_.now(), std::nullopt};
      push("callback_query", json::object({{"id", id},
                                           {"from", user_json(user.id)},
                                           {"message", message_json(*chat, *on)},
                                           {"chat_instance", std::to_string(-chat->id * 31 - 7)},
                                           {"data", button["callback_data"]}}));
      return answer(200, json::object({{"ok", true}, {"pressed", "callback"}, {"callback_query_id", id}, {"message_id", on->id}}));
    }
    const auto url = button["url"].text();
    const auto payload = start_payload(url, core_.set.bot_name);
    if (!payload) return answer(200, json::object({{"ok", true}, {"pressed", "url"}, {"url", url}, {"message_id", on->id}}));
    if (!good_payload(*payload)) return refused(422, "START_PARAM_INVALID");
    start = payload->empty() ? "/start" : "/start " + *payload;
  }
  reply sent = person_sends(who, json::object({{"text", start}}));
  json out = json::parse(sent.body).value_or(json());
  return answer(sent.status, out.set("pressed", "start").set("sent", start));
}

reply telegram::person_opens(std::int64_t who, const json& wish) {
  const auto url = wish["url"].text();
  if (url.starts_with("https://t.me/+")) return person_joins(who, json::object({{"link", url}, {"first_name", wish["first_name"]}}));
  const auto payload = start_payload(url, core_.set.bot_name);
  if (!payload) return answer(200, json::object({{"ok", true}, {"opened", "url"}}));
  if (!good_payload(*payload)) return refused(422, "START_PARAM_INVALID");
  json sent = wish;
  return person_sends(who, sent.set("text", payload->empty() ? "/start" : "/start " + *payload));
}

reply telegram::person_joins(std::int64_t who, const json& wish) {
  const std::lock_guard lock(core_.mutex);
  person(who, wish);
  const auto now = unix_seconds(core_.now());
  const auto url = wish["link"].text_or(wish["invite_link"].text());
  if (const auto wanted = wish["chat_id"].integer(); url.empty() && wanted && *wanted < 0) find_chat(*wanted);
  for (auto& [id, chat] : chats_) {
    const auto found = chat.links.find(url);
    const bool open = url.empty() && wish["chat_id"].integer() == id;
    if (found == chat.links.end() && !open) continue;
    const tg_member& before = chat.members[who];
    if (before.status == "kicked" && (before.until == 0 || before.until > now)) return refused(403, "USER_BANNED_IN_CHANNEL");
    if (before.status != "left" && before.status != "kicked") return refused(409, "USER_ALREADY_PARTICIPANT");
    if (!open) return enter(chat, found->second, who);
    change_member(chat, who, {"member", 0}, user_json(who), nullptr);
    return answer(200, json::object({{"ok", true}, {"result", "joined"}, {"chat_id", id}}));
  }
  return refused(404, "INVITE_HASH_INVALID");
}

reply telegram::enter(tg_chat& chat, tg_link& link, std::int64_t who) {
  const auto now = unix_seconds(core_.now());
  const bool full = link.member_limit != 0 && static_cast<std::int64_t>(link.inside.size()) >= link.member_limit;
  if (link.revoked || full || (link.expires != 0 && link.expires <= now)) return refused(410, "INVITE_HASH_EXPIRED");
  if (!link.join_request) {
    link.inside.insert(who);
    change_member(chat, who, {"member", 0}, user_json(who), &link);
    return answer(200, json::object({{"ok", true}, {"result", "joined"}, {"chat_id", chat.id}}));
  }
  constexpr std::int64_t open_s = 300;
  link.waiting.insert(who);
  users_[who].open_until = now + open_s;
  if (chat.bot_status == "administrator" && chat.can_invite)
    push(
        "chat_join_request",
        json::object(
            {{"chat", chat_json(chat)}, {"from", user_json(who)}, {"user_chat_id", who}, {"date", now}, {"invite_link", link_json(link)}}));
  return answer(200, json::object({{"ok", true}, {"result", "requested"}, {"chat_id", chat.id}}));
}

reply telegram::person_leaves(std::int64_t who, const json& wish) {
  const std::lock_guard lock(core_.mutex);
  const auto found = chats_.find(wish["chat_id"].integer().value_or(0));
  if (found == chats_.end() || found->second.members[who].status != "member") return refused(409, "is not a member");
  change_member(found->second, who, {"left", 0}, user_json(who), nullptr);
  return answer(200, json::object({{"ok", true}}));
}

void telegram::set_blocked(tg_user& user, bool blocked) {
  const auto standing = [&](bool out) {
    json is = json::object({{"user", user_json(bot_id_)}, {"status", out ? "kicked" : "member"}});
    return out ? is.set("until_date", 0) : is;
  };
  const bool before = std::exchange(user.blocked, blocked);
  if (before != blocked) tell_standing(chats_.at(user.id), user.id, standing(before), standing(blocked));
}

reply telegram::person_blocks(std::int64_t who, bool blocks) {
  const std::lock_guard lock(core_.mutex);
  tg_user& user = person(who, json());
  make_chat(who, "private");
  set_blocked(user, blocks);
  return answer(200, json::object({{"ok", true}, {"blocked", blocks}}));
}

json telegram::seen_message(const tg_message& message) const {
  return json::object({{"message_id", message.id},
                       {"from", message.from_bot ? "bot" : "user"},
                       {"date", unix_seconds(message.date)},
                       {"text", message.text},
                       {"raw", message.raw},
                       {"entities", message.entities},
                       {"edited", message.edited.has_value()},
                       {"deleted", message.deleted},
                       {"buttons", flat_buttons(message.markup)}});
}

reply telegram::person_sees(std::int64_t who, std::int64_t after) { return chat_shows(who, after); }

reply telegram::chat_shows(std::int64_t id, std::int64_t after, bool all) {
  const std::lock_guard lock(core_.mutex);
  json out = json::array();
  if (const auto chat = chats_.find(id); chat != chats_.end())
    for (const auto& message : chat->second.messages)
      if ((all || !message.deleted) && message.id > after) out.push(seen_message(message));
  return answer(200, out);
}

reply telegram::callback_answers(std::int64_t who) {
  const std::lock_guard lock(core_.mutex);
  json out = json::array();
  for (const auto& [id, entry] : callbacks_)
    if (entry.user == who)
      out.push(json::object(
          {{"callback_query_id", id}, {"answered", entry.answer.has_value()}, {"text", entry.answer ? (*entry.answer)["text"] : json()}}));
  return answer(200, out);
}

} // namespace sandbox
