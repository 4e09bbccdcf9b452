#include "sandbox/telegram.hpp"

#include <algorithm>

#include "sandbox/chain_client.hpp"

namespace sandbox {

std::int64_t token_bucket::take(std::chrono::steady_clock::time_point now) {
  if (filled_) {
    const auto passed = std::chrono::duration_cast<std::chrono::microseconds>(now - *filled_).count();
    const auto full_after = burst_ * 60'000'000 / std::max<std::int64_t>(1, per_minute_) + 1;
    micros_ = passed >= full_after ? burst_ * 1'000'000 : std::min(burst_ * 1'000'000, micros_ + passed * per_minute_ / 60);
  }
  filled_ = now;
  if (micros_ >= 1'000'000) {
    micros_ -= 1'000'000;
    return 0;
  }
  const auto wait_us = (1'000'000 - micros_) * 60 / std::max<std::int64_t>(1, per_minute_);
  return std::max<std::int64_t>(1, (wait_us + 999'999) / 1'000'000);
}

telegram::telegram(core& shared)
    : core_(shared),
      // Ids go on rising over a restart, since the daemon remembers the last one it has seen.
      next_update_(unix_seconds(std::chrono::system_clock::now()) - 1'000'000'000),
      next_message_(unix_seconds(std::chrono::system_clock::now()) % 1'000'000'000) {
  if (const auto digits = json(core_.set.telegram_token.substr(0, core_.set.telegram_token.find(':'))).integer()) bot_id_ = *digits;
  webhook_thread_ = std::thread([this] { deliver_webhook(); });
}

telegram::~telegram() {
  stop();
  if (webhook_thread_.joinable()) webhook_thread_.join();
}

void telegram::stop() {
  const std::lock_guard lock(core_.mutex);
  core_.stopping = true;
  core_.changed.notify_all();
}

reply telegram::handle(const request& from, const std::string& token, const std::string& method) {
  const auto refuse = [](const failure& why) {
    json body = json::object({{"ok", false}, {"error_code", why.code}, {"description", why.description}});
    if (why.parameters.is_object()) body.set("parameters", why.parameters);
    reply out = answer(why.code, body);
    if (why.parameters.has("retry_after")) out.headers.emplace_back("Retry-After", why.parameters["retry_after"].text());
    return out;
  };
  if (token.find(':') == std::string::npos) return refuse({404, "Not Found"});
  if (!core_.set.telegram_token.empty() && token != core_.set.telegram_token) return refuse({401, "Unauthorized"});
  json asked = json::object();
  for (const auto& [name, value] : from.query) asked.set(name, value);
  for (const auto& [name, value] : from.form) asked.set(name, value);
  if (from.header("content-type").starts_with("application/json") && !from.body.empty()) {
    const auto body = json::parse(from.body);
    if (!body || !body->is_object()) return refuse({400, "Bad Request: can't parse JSON object"});
    for (const auto& [name, value] : body->members()) asked.set(name, value);
  }
  // Objects come as JSON texts when the rest is a form.
  for (const char* name : {"reply_markup", "allowed_updates", "entities"})
    if (asked[name].is_string())
      if (const auto inner = json::parse(asked[name].text())) asked.set(name, *inner);
  lock_type lock(core_.mutex);
  const auto result = run(lowercase(method), asked, lock);
  if (const auto* why = std::get_if<failure>(&result)) return refuse(*why);
  return answer(200, json::object({{"ok", true}, {"result", std::get<json>(result)}}));
}

telegram::outcome telegram::run(const std::string& method, const json& asked, lock_type& lock) {
  if (method == "getme") return bot_json();
  if (method == "getupdates") return get_updates(asked, lock);
  if (method == "setwebhook") return set_webhook(asked);
  if (method == "deletewebhook") {
    webhook_url_.clear();
    if (asked["drop_pending_updates"].text() == "true") updates_.clear();
    core_.changed.notify_all();
    return json(true);
  }
  if (method == "getwebhookinfo") return webhook_info();
  if (method == "setmycommands" || method == "setmydescription" || method == "sendchataction") return json(true);
  bool known = true;
  auto result = about_messages(method, asked, known);
  if (known) return result;
  known = true;
  result = about_members(method, asked, known);
  if (known) return result;
  return failure{404, "Not Found: method not found"};
}

std::variant<tg_chat*, telegram::failure> telegram::chat_of(const json& asked) {
  const auto& given = asked["chat_id"];
  if (given.is_null() || given.text().empty()) return failure{400, "Bad Request: chat_id is empty"};
  if (given.is_string() && given.text()[0] == '@') {
    for (auto& [id, chat] : chats_)
      if (!chat.username.empty() && lowercase(chat.username) == lowercase(given.text().substr(1))) return &chat;
    return failure{400, "Bad Request: chat not found"};
  }
  const auto id = given.integer();
  tg_chat* chat = id ? find_chat(*id) : nullptr;
  if (chat == nullptr) return failure{400, "Bad Request: chat not found"};
  return chat;
}

tg_chat* telegram::find_chat(std::int64_t id) {
  if (const auto found = chats_.find(id); found != chats_.end()) return &found->second;
  if (users_.contains(id)) return &make_chat(id, "private"); // Somebody whom the bot knows, from a channel for example.
  if (id < 0 && core_.set.auto_chats) return &make_chat(id, "channel");
  return nullptr;
}

tg_chat& telegram::make_chat(std::int64_t id, const std::string& type) {
  tg_chat& made = chats_[id];
  if (made.id != 0) return made;
  made.id = id;
  made.type = type;
  if (type != "private") made.title = "Channel " + std::to_string(id);
  made.limit = type == "private" ? token_bucket(private_per_minute_, private_burst_) : token_bucket(group_per_minute_, group_burst_);
  return made;
}

tg_user& telegram::person(std::int64_t id, const json& wish) {
  tg_user& who = users_[id];
  if (who.id == 0) {
    who.id = id;
    who.first_name = "User" + std::to_string(id);
  }
  if (wish["first_name"].is_string()) who.first_name = wish["first_name"].text();
  if (wish["username"].is_string()) who.username = wish["username"].text();
  return who;
}

json telegram::bot_json() const {
  return json::object({{"id", bot_id_},
                       {"is_bot", true},
                       {"first_name", "PayGate"},
                       {"username", core_.set.bot_name},
                       {"can_join_groups", true},
                       {"can_read_all_group_messages", false},
                       {"supports_inline_queries", false}});
}

json telegram::user_json(std::int64_t id) const {
  if (id == bot_id_) return json::object({{"id", bot_id_}, {"is_bot", true}, {"first_name", "PayGate"}, {"username", core_.set.bot_name}});
  const auto found = users_.find(id);
  json out = json::object(
      {{"id", id}, {"is_bot", false}, {"first_name", found == users_.end() ? "User" + std::to_string(id) : found->second.first_name}});
  if (found != users_.end() && !found->second.username.empty()) out.set("username", found->second.username);
  return out.set("language_code", "en");
}

json telegram::chat_json(const tg_chat& chat) const {
  json out = json::object({{"id", chat.id}});
  if (chat.type == "private") {
    const json user = user_json(chat.id);
    out.set("first_name", user["first_name"]);
    if (user.has("username")) out.set("username", user["username"]);
  } else {
    out.set("title", chat.title);
    if (!chat.username.empty()) out.set("username", chat.username);
  }
  return out.set("type", chat.type);
}

tg_message* telegram::find_message(tg_chat& chat, std::int64_t id) {
  const auto found = std::lower_bound(chat.messages.begin(), chat.messages.end(), id,
                                      [](const tg_message& m, std::int64_t wanted) { return m.id < wanted; });
  return found == chat.messages.end() || found->id != id || found->deleted ? nullptr : &*found;
}

json telegram::summary() {
  const std::lock_guard lock(core_.mutex);
  std::size_t messages = 0;
  for (const auto& [id, chat] : chats_) messages += chat.messages.size();
  return json::object({{"users", users_.size()},
                       {"chats", chats_.size()},
                       {"messages", messages},
                       {"pending_updates", updates_.size()},
                       {"webhook", webhook_url_}});
}

void telegram::reset() {
  const std::lock_guard lock(core_.mutex);
  users_.clear();
  chats_.clear();
  callbacks_.clear();
  updates_.clear();
  last_confirmed_.reset();
  overall_ = token_bucket(30 * 60, 30);
  private_per_minute_ = 60;
  group_per_minute_ = group_burst_ = 20;
  private_burst_ = 5;
}

} // namespace sandbox
