#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "messages/enums.hpp"

namespace paygate {

/// What a deep link of ours carries: the channel and the tier bought (0 based), a donation, the choice of all that the channel sells, or
/// the joining of a web account. io/ signs and verifies it, so a start_link in a message is one that we made.
struct start_link {
  static constexpr int donation = -1;
  static constexpr int choice = -2;  ///< All tiers of the channel, to choose from.
  static constexpr int account = -3; ///< No purchase: `word` is the token that joins a web account to whoever follows the link.
  static constexpr std::size_t word_max = 30;
  std::int64_t channel_id = 0;
  int tier = 0;       ///< 0..2, `donation`, `choice` or `account`.
  std::string word{}; ///< A promo code for what is bought, or the account's token; at most word_max bytes.
  bool operator==(const start_link&) const = default;
};

/// A button under a message: a web address, a callback of 1..64 bytes, or a deep link into our bot.
struct button {
  std::string text;
  std::variant<std::string, start_link> target; ///< Text is a URL when `is_url`, else callback data.
  bool is_url = false;
  bool operator==(const button&) const = default;
};
using keyboard = std::vector<std::vector<button>>;

/// What an update tells of somebody in a group or channel.
enum class member_change : std::uint8_t {
  joined, ///< They came in.
  left,   ///< They left, or were put out without a ban; or a ban of theirs was lifted.
  banned,
  asks,   ///< They ask to be let in.
  rights  ///< It is the bot itself, and what it may do there.
};
template <>
struct enum_names<member_change> {
  static constexpr std::string_view type = "member_change";
  static constexpr std::string_view values[] = {"joined", "left", "banned", "asks", "rights"};
};

/// Where it happened, and how.
struct member_update {
  std::int64_t group_id = 0; ///< The group or channel.
  member_change change = member_change::joined;
  bool by_us = false;    ///< The bot did it.
  bool our_link = false; ///< They came, or ask to come, by a link that the bot has made,
  std::string link, link_name; ///< this one.
  bool administrator = false, can_invite = false, can_restrict = false, can_post = false; ///< `rights`: what the bot may do.
  bool operator==(const member_update&) const = default;
};

/// One Telegram update, reduced to what we act on. With `member` it is no word of a chat: chat_id is then the user's own, so that what a
/// person says and does stays in order (of the bot's rights: the channel's).
struct chat_update {
  std::int64_t update_id = 0;
  std::int64_t chat_id = 0; ///< A private chat: equal to the user's id.
  std::int64_t user_id = 0;
  std::string user_name;           ///< "@name", else the first name; unescaped.
  std::string text;                ///< Empty for a callback.
  std::optional<start_link> start; ///< `/start` with a payload that verified.
  bool bad_start = false;          ///< `/start` with a payload that did not.
  std::string callback_id;         ///< Set for a pressed button.
  std::string callback_data;       ///< What the client says was pressed: never trusted.
  std::int64_t message_id = 0;     ///< Of a pressed button: the message that it stands under; 0 when Telegram does not say.
  std::int64_t shared_chat_id = 0; ///< The channel that a forwarded message came from; 0: none.
  std::string shared_title{};      ///< Its title.
  std::optional<member_update> member{}; ///< Somebody came, went or asks to come; or the bot's rights changed.
  std::string html{}; ///< The text as HTML, with the formatting that its author gave it; empty: it has none.
  bool operator==(const chat_update&) const = default;
};

/// Escapes &, <, > and " for Telegram's HTML mode and for web pages. Every text from outside passes through it before it is sent.
std::string escape_html(std::string_view text);

} // namespace paygate
