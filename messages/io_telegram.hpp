#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "messages/chat.hpp"
#include "messages/enums.hpp"
#include "messages/time.hpp"

// What is asked of Telegram's Bot API, and its answers (provider-apis 3). Texts are HTML. The questions of the owner's form are in io_bot.hpp.
namespace paygate {

/// What a message is to whom it is sent: an answer to what they just did, the access that they paid for, news, one of many posts.
/// Telegram's limits are shared out by it (actors/runtime/pace.hpp).
enum class urgency : std::uint8_t { answer, access, notice, broadcast };
template <>
struct enum_names<urgency> {
  static constexpr std::string_view type = "urgency";
  static constexpr std::string_view values[] = {"answer", "access", "notice", "broadcast"};
};

/// sendMessage -> message_sent. No idempotency: a repeat may send twice.
struct send_message {
  std::int64_t chat_id = 0;
  std::string html;
  keyboard buttons;
  urgency importance = urgency::answer;
  bool operator==(const send_message&) const = default;
};
struct message_sent {
  std::int64_t message_id = 0;
  bool operator==(const message_sent&) const = default;
};

/// deleteMessage -> done. A message that is not there (any more) counts as deleted.
struct delete_message {
  std::int64_t chat_id = 0, message_id = 0;
  bool operator==(const delete_message&) const = default;
};

/// The same message to many chats, by sendMessage with urgency::broadcast -> batch_sent. Run by the bulk mailer, which feeds the Telegram
/// lane a few at a time; it answers after a while with what it got done.
struct send_batch {
  std::vector<std::int64_t> chats;
  std::string html;
  keyboard buttons;
  bool operator==(const send_batch&) const = default;
};
enum class delivery : std::uint8_t {
  pending, ///< Not tried, or it failed for now: to be sent again.
  sent,
  refused, ///< For good: the person blocked the bot, or is gone.
  wrong    ///< Telegram refuses the message itself.
};
template <>
struct enum_names<delivery> {
  static constexpr std::string_view type = "delivery";
  static constexpr std::string_view values[] = {"pending", "sent", "refused", "wrong"};
};
struct batch_sent {
  std::vector<delivery> each; ///< In the order of the chats.
  std::string words;          ///< Telegram's, of the last one that was refused, wrong or failed.
  bool operator==(const batch_sent&) const = default;
};

/// answerCallbackQuery -> done. "query is too old" counts as done.
struct answer_callback {
  std::string callback_id, text;
  bool operator==(const answer_callback&) const = default;
};

/// createChatInviteLink with member_limit 1 -> invite_created. `name` (at most 32 characters) ties the link to its order.
struct create_invite {
  std::int64_t chat_id = 0;
  std::string name;
  timestamp expires_at{};
  bool operator==(const create_invite&) const = default;
};
struct invite_created {
  std::string link;
  bool operator==(const invite_created&) const = default;
};

/// revokeChatInviteLink -> done, also when the link is none any more. Whoever came in by it stays in.
struct revoke_invite {
  std::int64_t chat_id = 0;
  std::string link;
  bool operator==(const revoke_invite&) const = default;
};

/// getChatMember -> member_seen. Whom Telegram does not know there has `left`.
struct get_member { std::int64_t chat_id = 0, user_id = 0; bool operator==(const get_member&) const = default; };
enum class member_status : std::uint8_t { creator, administrator, member, left, kicked };
template <>
struct enum_names<member_status> {
  static constexpr std::string_view type = "member_status";
  static constexpr std::string_view values[] = {"creator", "administrator", "member", "left", "kicked"};
};
struct member_seen { member_status status = member_status::left; bool operator==(const member_seen&) const = default; };

/// banChatMember -> done. Permanent failures: "administrator" (they cannot be banned), "not_member" (Telegram does not know them there).
struct ban_member { std::int64_t chat_id = 0, user_id = 0; bool operator==(const ban_member&) const = default; };
/// unbanChatMember, only_if_banned -> done: they may come back; whoever is in stays in.
struct unban_member { std::int64_t chat_id = 0, user_id = 0; bool operator==(const unban_member&) const = default; };
/// approveChatJoinRequest -> done, also when they are in already. Permanent failure "no_request": they no longer ask.
struct approve_join { std::int64_t chat_id = 0, user_id = 0; bool operator==(const approve_join&) const = default; };

/// Long poll of getUpdates, each update handed to its conversation in order per chat, and confirmed to Telegram only when all are
/// committed -> updates_handled with the next offset. Run by the update intake, not by a provider client alone.
struct poll_updates {
  std::int64_t offset = 0;
  bool operator==(const poll_updates&) const = default;
};
struct updates_handled {
  std::int64_t next_offset = 0;
  std::uint32_t count = 0;
  bool operator==(const updates_handled&) const = default;
};

/// getUpdates alone -> updates_received.
struct get_updates {
  std::int64_t offset = 0;
  bool operator==(const get_updates&) const = default;
};
struct updates_received {
  std::vector<chat_update> updates;
  std::int64_t next_offset = 0;
  bool operator==(const updates_received&) const = default;
};

/// Updates that a webhook brought, handed over like those of a poll -> updates_handled, whose next_offset is `received`'s when all of them
/// are committed. Run by the update intake.
struct hand_over_updates {
  updates_received received;
  bool operator==(const hand_over_updates&) const = default;
};

} // namespace paygate
