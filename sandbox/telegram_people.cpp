#include <algorithm>

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
  if (text.empty()) return refused(400, "text is missing");
  tg_user& user = person(who, wish);
  user.started = true;
  user.blocked = false;
  tg_chat& chat = make_chat(who, "private");
  tg_message message;
  message.id = next_message_++;
  message.from_bot = false;
  message.text = message.raw = text;
  message.date = core_.now();
  if (text[0] == '/')
    message.entities =
        json::array({json::object({{"offset", 0}, {"length", utf16_length(text.substr(0, text.find(' ')))}, {"type", "bot_command"}})});
  chat.messages.push_back(message);
  push("message", message_json(chat, message));
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
    start = payload->empty() ? "/start" : "/start " + *payload;
  }
  reply sent = person_sends(who, json::object({{"text", start}}));
  json out = json::parse(sent.body).value_or(json());
  return answer(sent.status, out.set("pressed", "start").set("sent", start));
}

reply telegram::person_joins(std::int64_t who, const json& wish) {
  const std::lock_guard lock(core_.mutex);
  person(who, wish);
  const auto now = unix_seconds(core_.now());
  const auto url = wish["invite_link"].text();
  for (auto& [id, chat] : chats_) {
    const auto found = chat.links.find(url);
    const bool open = url.empty() && wish["chat_id"].integer() == id;
    if (found == chat.links.end() && !open) continue;
    tg_member& before = chat.members[who];
    if (before.status == "kicked" && (before.until == 0 || before.until > now)) return refused(403, "USER_BANNED_IN_CHANNEL");
    if (before.status != "left" && before.status != "kicked") return refused(409, "USER_ALREADY_PARTICIPANT");
    if (open) {
      change_member(chat, who, {"member", 0}, user_json(who), nullptr);
      return answer(200, json::object({{"ok", true}, {"result", "joined"}, {"chat_id", id}}));
    }
    tg_link& link = found->second;
    const bool full = link.member_limit != 0 && static_cast<std::int64_t>(link.inside.size()) >= link.member_limit;
    if (link.revoked || full || (link.expires != 0 && link.expires <= now)) return refused(410, "INVITE_HASH_EXPIRED");
    if (link.join_request) {
      link.waiting.insert(who);
      push("chat_join_request", json::object({{"chat", chat_json(chat)},
                                              {"from", user_json(who)},
                                              {"user_chat_id", who},
                                              {"date", now},
                                              {"invite_link", link_json(link)}}));
      return answer(200, json::object({{"ok", true}, {"result", "requested"}, {"chat_id", id}}));
    }
    link.inside.insert(who);
    change_member(chat, who, {"member", 0}, user_json(who), &link);
    return answer(200, json::object({{"ok", true}, {"result", "joined"}, {"chat_id", id}}));
  }
  return refused(404, "INVITE_HASH_INVALID");
}

reply telegram::person_leaves(std::int64_t who, const json& wish) {
  const std::lock_guard lock(core_.mutex);
  const auto found = chats_.find(wish["chat_id"].integer().value_or(0));
  if (found == chats_.end() || found->second.members[who].status != "member") return refused(409, "is not a member");
  change_member(found->second, who, {"left", 0}, user_json(who), nullptr);
  return answer(200, json::object({{"ok", true}}));
}

reply telegram::person_blocks(std::int64_t who, bool blocks) {
  const std::lock_guard lock(core_.mutex);
  tg_user& user = person(who, json());
  tg_chat& chat = make_chat(who, "private");
  const auto state = [&](bool blocked) {
    json out = json::object({{"user", user_json(bot_id_)}, {"status", blocked ? "kicked" : "member"}});
    return blocked ? out.set("until_date", 0) : out;
  };
  const bool before = user.blocked;
  user.blocked = blocks;
  if (before != blocks)
    push("my_chat_member", json::object({{"chat", chat_json(chat)},
                                         {"from", user_json(who)},
                                         {"date", unix_seconds(core_.now())},
                                         {"old_chat_member", state(before)},
                                         {"new_chat_member", state(blocks)}}));
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
                       {"buttons", flat_buttons(message.markup)}});
}

reply telegram::person_sees(std::int64_t who, std::int64_t after) { return chat_shows(who, after); }

reply telegram::chat_shows(std::int64_t id, std::int64_t after) {
  const std::lock_guard lock(core_.mutex);
  json out = json::array();
  if (const auto chat = chats_.find(id); chat != chats_.end())
    for (const auto& message : chat->second.messages)
      if (!message.deleted && message.id > after) out.push(seen_message(message));
  return answer(200, out);
}

reply telegram::chat_members(std::int64_t id) {
  const std::lock_guard lock(core_.mutex);
  const auto chat = chats_.find(id);
  if (chat == chats_.end()) return refused(404, "no such chat");
  json members = json::array();
  for (const auto& [user, member] : chat->second.members)
    members.push(json::object({{"user_id", user}, {"status", member.status}, {"until_date", member.until}}));
  json links = json::array();
  for (const auto& [url, link] : chat->second.links) {
    json entry = link_json(link);
    links.push(entry.set("inside", link.inside.size()));
  }
  return answer(200, json::object({{"id", id}, {"title", chat->second.title}, {"members", members}, {"links", links}}));
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

reply telegram::put_chat(const json& wish) {
  const std::lock_guard lock(core_.mutex);
  const auto id = wish["id"].integer();
  if (!id || *id >= 0) return refused(400, "id must be negative");
  tg_chat& chat = make_chat(*id, "channel");
  if (wish["type"].is_string()) chat.type = wish["type"].text();
  if (wish["title"].is_string()) chat.title = wish["title"].text();
  if (wish["username"].is_string()) chat.username = wish["username"].text();
  if (wish.has("bot_admin")) chat.bot_status = wish["bot_admin"].is_true() ? "administrator" : "member";
  if (wish["bot_status"].is_string()) chat.bot_status = wish["bot_status"].text();
  if (wish.has("can_invite_users")) chat.can_invite = wish["can_invite_users"].is_true();
  if (wish.has("can_restrict_members")) chat.can_restrict = wish["can_restrict_members"].is_true();
  if (wish.has("can_post_messages")) chat.can_post = wish["can_post_messages"].is_true();
  for (const auto& owner : wish["creators"].items())
    if (const auto user = owner.integer()) chat.members[*user].status = "creator";
  for (const auto& admin : wish["administrators"].items())
    if (const auto user = admin.integer()) chat.members[*user].status = "administrator";
  for (const auto& member : wish["members"].items())
    if (const auto user = member.integer()) chat.members[*user].status = "member";
  return answer(200, json::object({{"ok", true}, {"chat", chat_json(chat)}}));
}

reply telegram::put_limits(const json& wish) {
  const std::lock_guard lock(core_.mutex);
  const auto overall = wish["overall_per_s"].integer().value_or(30);
  private_per_minute_ = wish["chat_per_min"].integer().value_or(private_per_minute_);
  group_per_minute_ = wish["group_per_min"].integer().value_or(group_per_minute_);
  private_burst_ = wish["burst"].integer().value_or(private_burst_);
  group_burst_ = wish["group_burst"].integer().value_or(group_burst_);
  overall_ = token_bucket(overall * 60, overall);
  for (auto& [id, chat] : chats_)
    chat.limit = chat.type == "private" ? token_bucket(private_per_minute_, private_burst_) : token_bucket(group_per_minute_, group_burst_);
  return answer(200, json::object({{"ok", true}}));
}

} // namespace sandbox
