#include <algorithm>

#include "sandbox/telegram.hpp"

// What the desk of the sandbox does to Telegram's world: make and change chats and crowds, set limits, count.
namespace sandbox {
namespace {

reply refused(int status, const std::string& why) { return answer(status, json::object({{"ok", false}, {"error", why}})); }

void take_rights(tg_chat& chat, const json& wish) {
  const std::pair<const char*, bool*> rights[] = {{"can_invite_users", &chat.can_invite},
                                                  {"can_restrict_members", &chat.can_restrict},
                                                  {"can_post_messages", &chat.can_post},
                                                  {"can_delete_messages", &chat.can_delete}};
  for (const auto& [name, right] : rights)
    if (wish.has(name)) *right = wish[name].is_true();
}

bool known_status(const std::string& status) {
  return status == "creator" || status == "administrator" || status == "member" || status == "left" || status == "kicked";
}

} // namespace

reply telegram::chat_members(std::int64_t id, const std::string& status) {
  const std::lock_guard lock(core_.mutex);
  const auto chat = chats_.find(id);
  if (chat == chats_.end()) return refused(404, "no such chat");
  json members = json::array();
  for (const auto& [user, member] : chat->second.members)
    if (status.empty() || member.status == status)
      members.push(json::object({{"user_id", user}, {"status", member.status}, {"until_date", member.until}}));
  json links = json::array();
  for (const auto& [url, link] : chat->second.links) {
    json entry = link_json(link);
    links.push(entry.set("inside", link.inside.size()));
  }
  return answer(200, json::object({{"id", id}, {"title", chat->second.title}, {"members", members}, {"links", links}}));
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
  take_rights(chat, wish);
  for (const auto& owner : wish["creators"].items())
    if (const auto user = owner.integer()) chat.members[*user].status = "creator";
  for (const auto& admin : wish["administrators"].items())
    if (const auto user = admin.integer()) chat.members[*user].status = "administrator";
  for (const auto& member : wish["members"].items())
    if (const auto user = member.integer()) chat.members[*user].status = "member";
  return answer(200, json::object({{"ok", true}, {"chat", chat_json(chat)}}));
}

void telegram::tell_standing(const tg_chat& chat, std::int64_t by, const json& before, const json& after) {
  push("my_chat_member", json::object({{"chat", chat_json(chat)},
                                       {"from", user_json(by)},
                                       {"date", unix_seconds(core_.now())},
                                       {"old_chat_member", before},
                                       {"new_chat_member", after}}));
}

reply telegram::put_rights(std::int64_t id, const json& wish) {
  const std::lock_guard lock(core_.mutex);
  tg_chat* chat = id < 0 ? find_chat(id) : nullptr;
  if (chat == nullptr) return refused(404, "no such chat");
  if (wish["status"].is_string() && !known_status(wish["status"].text())) return refused(400, "no such status: " + wish["status"].text());
  const auto creator = std::find_if(chat->members.begin(), chat->members.end(), [](const auto& m) { return m.second.status == "creator"; });
  if (const auto user = wish["user_id"].integer()) {
    person(*user, json());
    change_member(*chat, *user, {wish["status"].text_or("member"), 0}, user_json(creator == chat->members.end() ? *user : creator->first),
                  nullptr);
    return answer(200, json::object({{"ok", true}, {"member", member_json(*chat, *user)}}));
  }
  const json before = bot_member_json(*chat);
  if (wish["status"].is_string()) chat->bot_status = wish["status"].text();
  take_rights(*chat, wish);
  const json after = bot_member_json(*chat);
  if (!(before == after)) tell_standing(*chat, creator == chat->members.end() ? bot_id_ : creator->first, before, after);
  return answer(200, json::object({{"ok", true}, {"bot", after}}));
}

reply telegram::put_link(std::int64_t id, const json& wish) {
  const std::lock_guard lock(core_.mutex);
  tg_chat* chat = id < 0 ? find_chat(id) : nullptr;
  if (chat == nullptr) return refused(404, "no such chat");
  const auto creator = std::find_if(chat->members.begin(), chat->members.end(), [](const auto& m) { return m.second.status == "creator"; });
  if (creator == chat->members.end()) return refused(409, "the chat has no creator");
  tg_link made;
  made.url = new_link_url();
  made.creator = creator->first;
  made.join_request = wish["join_request"].is_true();
  const auto url = made.url;
  chat->links[url] = std::move(made);
  return answer(200, json::object({{"ok", true}, {"invite_link", url}}));
}

reply telegram::put_users(const json& wish) {
  constexpr std::int64_t count_max = 2'000'000;
  const std::lock_guard lock(core_.mutex);
  const auto from = wish["from"].integer().value_or(0);
  const auto count = wish["count"].integer().value_or(0);
  if (from <= 0 || count <= 0 || count > count_max) return refused(400, "from is positive, count is 1 to " + std::to_string(count_max));
  const auto where = wish["chat_id"].integer();
  tg_chat* chat = where && *where < 0 ? find_chat(*where) : nullptr;
  if (where && chat == nullptr) return refused(404, "no such chat");
  for (auto id = from; id < from + count; ++id) {
    tg_user& user = person(id, json());
    if (wish["started"].is_true()) {
      user.started = true;
      make_chat(id, "private");
    }
    if (chat != nullptr) chat->members[id] = {"member", 0};
  }
  return answer(200, json::object({{"ok", true}, {"users", users_.size()}}));
}

reply telegram::put_chats(const json& wish) {
  constexpr std::int64_t count_max = 100'000;
  const std::lock_guard lock(core_.mutex);
  const auto from = wish["from"].integer().value_or(0);
  const auto count = wish["count"].integer().value_or(0);
  if (from >= 0 || count <= 0 || count > count_max) return refused(400, "from is negative, count is 1 to " + std::to_string(count_max));
  for (auto id = from; id > from - count; --id) make_chat(id, "channel");
  return answer(200, json::object({{"ok", true}, {"chats", chats_.size()}}));
}

reply telegram::put_limits(const json& wish) {
  const std::lock_guard lock(core_.mutex);
  constexpr std::int64_t none = 1'000'000'000;
  const bool off = wish["off"].is_true();
  const auto overall = off ? none / 60 : wish["overall_per_s"].integer().value_or(30);
  if (off) private_per_minute_ = group_per_minute_ = private_burst_ = group_burst_ = none;
  private_per_minute_ = wish["chat_per_min"].integer().value_or(private_per_minute_);
  group_per_minute_ = wish["group_per_min"].integer().value_or(group_per_minute_);
  private_burst_ = wish["burst"].integer().value_or(private_burst_);
  group_burst_ = wish["group_burst"].integer().value_or(group_burst_);
  overall_ = token_bucket(overall * 60, overall);
  for (auto& [id, chat] : chats_)
    chat.limit = chat.type == "private" ? token_bucket(private_per_minute_, private_burst_) : token_bucket(group_per_minute_, group_burst_);
  return answer(200, json::object({{"ok", true}}));
}

reply telegram::deliveries(const std::string& text) {
  const std::lock_guard lock(core_.mutex);
  std::int64_t chats = 0;
  std::int64_t messages = 0;
  std::int64_t repeated = 0;
  std::int64_t most = 0;
  for (const auto& [id, chat] : chats_) {
    if (chat.type != "private") continue;
    const auto got = std::count_if(chat.messages.begin(), chat.messages.end(),
                                   [&](const tg_message& m) { return m.from_bot && m.text.find(text) != std::string::npos; });
    chats += got > 0;
    repeated += got > 1;
    messages += got;
    most = std::max<std::int64_t>(most, got);
  }
  return answer(200,
                json::object({{"chats", chats}, {"messages", messages}, {"chats_with_repeats", repeated}, {"most_in_one_chat", most}}));
}

} // namespace sandbox
