#pragma once
#include <chrono>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <thread>
#include <variant>
#include <vector>

#include "sandbox/core.hpp"
#include "sandbox/http.hpp"
#include "sandbox/telegram_html.hpp"

namespace sandbox {

/// A bucket that refills steadily. Amounts are millionths of a message, so that slow rates stay exact.
class token_bucket {
public:
  token_bucket() = default;
  token_bucket(std::int64_t per_minute, std::int64_t burst) : per_minute_(per_minute), burst_(burst), micros_(burst * 1'000'000) {}
  /// 0: taken. Otherwise nothing is taken and so many whole seconds have to pass.
  std::int64_t take(std::chrono::steady_clock::time_point now);

private:
  std::int64_t per_minute_ = 60;
  std::int64_t burst_ = 1;
  std::int64_t micros_ = 1'000'000;
  std::optional<std::chrono::steady_clock::time_point> filled_;
};

struct tg_message {
  std::int64_t id = 0;
  bool from_bot = true;
  std::string text; ///< After entity parsing.
  std::string raw;  ///< As it was sent.
  json entities, markup;
  time_point date;
  std::optional<time_point> edited;
  bool deleted = false;
};

struct tg_user {
  std::int64_t id = 0;
  std::string first_name, username;
  bool started = false;        ///< Has written to the bot.
  bool blocked = false;        ///< Has blocked the bot.
  std::int64_t open_until = 0; ///< Unix seconds: till then a join request lets the bot write, started or not.
};

struct tg_link {
  std::string url, name;
  std::int64_t expires = 0; ///< Unix seconds; 0: never.
  std::int64_t member_limit = 0;
  bool join_request = false, revoked = false;
  std::int64_t creator = 0;      ///< The administrator who made it; 0: the bot.
  std::set<std::int64_t> inside; ///< Who is in the chat by this link.
  std::set<std::int64_t> waiting;
};

struct tg_member {
  std::string status = "left"; ///< creator, administrator, member, left, kicked.
  std::int64_t until = 0;      ///< Of kicked: unix seconds; 0: for ever.
};

struct tg_chat {
  std::int64_t id = 0;
  std::string type, title, username;
  std::string bot_status = "administrator";
  bool can_invite = true, can_restrict = true, can_post = true, can_delete = true;
  std::map<std::int64_t, tg_member> members;
  std::map<std::string, tg_link> links;
  std::deque<tg_message> messages; ///< By rising id.
  token_bucket limit;
};

/// Stand-in for the Telegram Bot API (provider-apis.md, section 3) and for the people who talk to the bot.
class telegram {
public:
  explicit telegram(core& shared);
  ~telegram();

  /// One call of the bot. The token has been checked.
  reply handle(const request& from, const std::string& token, const std::string& method);
  /// Ends long polls and the webhook's thread.
  void stop();

  // People. `who` is the user's id.
  /// {"text"}, and {"forward_from"}: the channel that it is forwarded from.
  reply person_sends(std::int64_t who, const json& wish);
  reply person_presses(std::int64_t who, const json& wish);
  /// {"url"}: follows a link: a deep link of the bot, an invite, or any other, which does nothing.
  reply person_opens(std::int64_t who, const json& wish);
  /// {"link"} (or "invite_link", or "chat_id" of a chat that anybody may enter): joins, or asks to be let in.
  reply person_joins(std::int64_t who, const json& wish);
  reply person_leaves(std::int64_t who, const json& wish);
  reply person_blocks(std::int64_t who, bool blocks);
  reply person_sees(std::int64_t who, std::int64_t after);
  /// With `all` those that were deleted too.
  reply chat_shows(std::int64_t chat, std::int64_t after, bool all = false);
  /// Of one status only, unless that is empty.
  reply chat_members(std::int64_t chat, const std::string& status);
  reply callback_answers(std::int64_t who);
  // The desk: what no person does by a chat.
  reply put_chat(const json& wish);
  /// {"status", "can_invite_users", ...}: the bot's standing, or with "user_id" that person's, changed by the owner: both are told as
  /// updates.
  reply put_rights(std::int64_t chat, const json& wish);
  /// {"join_request"}: the owner makes a link of their own in the app, which the bot sees only in part. Answers it whole.
  reply put_link(std::int64_t chat, const json& wish);
  /// {"from", "count", "started", "chat_id"}: so many people at once, members of that chat if one is named. No updates.
  reply put_users(const json& wish);
  /// {"from", "count"}: so many channels, ids falling from `from`.
  reply put_chats(const json& wish);
  /// {"overall_per_s", "chat_per_min", "group_per_min", "burst", "group_burst"}: the limits from now on; {"off": true}: none.
  reply put_limits(const json& wish);
  /// How many private chats got a message that contains the text, and how often.
  reply deliveries(const std::string& text);
  json summary();
  void reset();

private:
  struct update {
    std::int64_t id;
    json body;
  };
  struct callback {
    std::int64_t user;
    time_point at;
    std::optional<json> answer;
  };
  struct failure {
    int code;
    std::string description;
    json parameters = {};
  };
  using outcome = std::variant<json, failure>;
  using lock_type = std::unique_lock<std::mutex>;

  outcome run(const std::string& method, const json& asked, lock_type& lock);
  outcome about_messages(const std::string& method, const json& asked, bool& known);
  outcome about_members(const std::string& method, const json& asked, bool& known);

  // telegram_updates.cpp
  outcome get_updates(const json& asked, lock_type& lock);
  outcome set_webhook(const json& asked);
  json webhook_info() const;
  void push(const std::string& kind, json body);
  void deliver_webhook();

  // telegram_messages.cpp
  outcome send_message(const json& asked);
  outcome edit_message(const json& asked, bool markup_only);
  outcome delete_message(const json& asked);
  outcome answer_callback(const json& asked);
  std::optional<failure> limit_reached(tg_chat& chat);
  failure too_many(std::int64_t wait);
  std::optional<failure> may_write(const tg_chat& chat) const;
  std::variant<tg_message, failure> compose(const json& asked) const;
  json message_json(const tg_chat& chat, const tg_message& message) const;

  // telegram_members.cpp
  std::string new_link_url();
  outcome create_link(tg_chat& chat, const json& asked);
  outcome revoke_link(tg_chat& chat, const json& asked);
  outcome ban(tg_chat& chat, const json& asked);
  outcome unban(tg_chat& chat, const json& asked);
  outcome decide_request(tg_chat& chat, const json& asked, bool approve);
  json link_json(const tg_link& link) const;
  json member_json(const tg_chat& chat, std::int64_t user) const;
  json bot_member_json(const tg_chat& chat) const;
  reply enter(tg_chat& chat, tg_link& link, std::int64_t who);
  void change_member(tg_chat& chat, std::int64_t user, tg_member next, const json& by, const tg_link* link);

  // telegram.cpp
  std::variant<tg_chat*, failure> chat_of(const json& asked);
  tg_chat* find_chat(std::int64_t id);
  tg_chat& make_chat(std::int64_t id, const std::string& type);
  tg_user& person(std::int64_t id, const json& wish);
  json user_json(std::int64_t id) const;
  json bot_json() const;
  json chat_json(const tg_chat& chat) const;
  void tell_standing(const tg_chat& chat, std::int64_t by, const json& before, const json& after);
  void set_blocked(tg_user& user, bool blocked);
  static tg_message* find_message(tg_chat& chat, std::int64_t id);

  json seen_message(const tg_message& message) const;

  core& core_;
  std::int64_t bot_id_ = 7'000'000'001;
  std::map<std::int64_t, tg_user> users_;
  std::map<std::int64_t, tg_chat> chats_; ///< Private ones too, under the user's id.
  std::map<std::string, callback> callbacks_;
  std::deque<update> updates_;
  std::optional<update> last_confirmed_;
  std::set<std::string> allowed_;
  std::int64_t next_update_, next_message_;
  std::uint64_t poll_ = 0;
  std::string webhook_url_, webhook_secret_, webhook_error_;
  time_point webhook_error_at_;
  std::optional<std::chrono::steady_clock::time_point> webhook_set_;
  token_bucket overall_{30 * 60, 30};
  std::int64_t private_per_minute_ = 60, group_per_minute_ = 20, private_burst_ = 5, group_burst_ = 20;
  std::thread webhook_thread_;
};

} // namespace sandbox
