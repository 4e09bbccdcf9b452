#pragma once

#include "io/providers/provider_faults.hpp"

namespace paygate {

struct telegram_settings {
  http_settings http{.base_url = "https://api.telegram.org"};
  secret_source token;
  secret_source start_link_key; ///< Signs and verifies deep links.
  secret_source webhook_secret; ///< Telegram sends it along with each update of a webhook.
  seconds poll_timeout{25};     ///< How long Telegram may hold getUpdates; it takes at most 50 s. The read time-out is added to it.
};

/// Telegram Bot API (provider-apis 3): send_message, edit_message, delete_message, answer_callback, create_invite, revoke_invite, get_member,
/// ban_member, unban_member, approve_join, get_updates, find_chat, check_rights, set_webhook. A button with a start_link becomes
/// https://t.me/<bot>?start=<signed payload>; the bot's name is asked for once by getMe. Private chats' messages and callbacks become
/// updates, and who comes, goes or asks to come in groups and channels; next_offset covers all that came. Codes of permanent failures:
/// "blocked" (the person blocked the bot, or is gone), "chat_not_found", "migrated" (the group has a new id: the text), "markup" (Telegram
/// cannot parse the HTML), "gone" (there is nothing to edit any more), "button" (a callback of no 1..64 bytes), "bad_request" (anything else
/// it refuses). Of transient ones: "http_429" with retry_after, "no_rights" (the bot may not do this in the channel: its owner can mend it;
/// permanent of links and members, whose entity tells the owner), "conflict" (another poller or a webhook: the text says which, and a
/// webhook is taken away), "credentials".
io_client make_telegram_client(telegram_settings settings);

/// An update that a webhook brought, in the form of a poll's: none or one in it. Nothing when the body is no update.
std::optional<updates_received> read_webhook_update(std::string_view body, const telegram_settings& settings);

/// Makes links into our bot, https://t.me/<bot>?start=<signed payload>. Its name is asked for once, and after a failure not again for a
/// while: the link is empty until it is known. Safe from several threads.
std::function<std::string(const start_link&)> make_deep_linker(telegram_settings settings);

/// The bot's user name without "@", by getMe: tells at the start of the daemon whether the token is good.
std::variant<std::string, io_failure> check_telegram(const telegram_settings& settings);

} // namespace paygate
