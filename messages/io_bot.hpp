#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "messages/chat.hpp"
#include "messages/money.hpp"
#include "messages/time.hpp"

// What the bot's conversations and the owners' channels ask of Telegram and of our own tables.
namespace paygate {

// --- Telegram ---

/// editMessageText -> done; "message is not modified" is done as well. Permanent failure "gone" when there is nothing left to edit.
struct edit_message {
  std::int64_t chat_id = 0, message_id = 0;
  std::string html;
  keyboard buttons;
  bool operator==(const edit_message&) const = default;
};

/// getChat of a public name ("@channel") -> chat_found; chat_id 0 when there is no such channel.
struct find_chat {
  std::string name;
  bool operator==(const find_chat&) const = default;
};
struct chat_found {
  std::int64_t chat_id = 0;
  std::string title;
  bool operator==(const chat_found&) const = default;
};

/// Whether somebody may sell access to a channel: creator or administrator of both, and the bot an administrator of both that may post in
/// the open one and invite and ban in the closed one -> rights_checked. What Telegram refuses to tell is a right that is missing.
struct check_rights {
  std::int64_t open_channel_id = 0, closed_channel_id = 0, user_id = 0;
  bool operator==(const check_rights&) const = default;
};
struct rights_checked {
  bool owner_open = false, owner_closed = false, bot_open = false, bot_closed = false;
  std::string open_title, closed_title;
  std::string words; ///< What is missing, a sentence each, for the owner; empty when all is well.
  bool good() const { return owner_open && owner_closed && bot_open && bot_closed; }
  bool operator==(const rights_checked&) const = default;
};

/// setWebhook with our secret token and the kinds of updates that we want, or deleteWebhook when `url` is empty -> done.
struct set_webhook {
  std::string url;
  bool operator==(const set_webhook&) const = default;
};

// --- our own tables, read by persistence/ ---

/// One's subscriptions, those that end last first -> subscriptions_listed.
struct list_subscriptions {
  std::int64_t user_id = 0;
  std::uint32_t offset = 0, limit = 5;
  bool operator==(const list_subscriptions&) const = default;
};
struct listed_subscription {
  std::int64_t channel_id = 0;
  std::string channel_title, status;
  timestamp ends_at{};
  bool on_sale = false; ///< Its channel can be bought again.
  bool operator==(const listed_subscription&) const = default;
};
struct subscriptions_listed {
  std::vector<listed_subscription> subscriptions;
  bool more = false;
  bool operator==(const subscriptions_listed&) const = default;
};

/// The channels of an owner that are not closed, by title -> channels_listed.
struct list_channels {
  std::int64_t owner_user_id = 0;
  std::uint32_t offset = 0, limit = 5;
  bool operator==(const list_channels&) const = default;
};
/// The channels on sale that take donations, by title -> channels_listed.
struct list_donation_channels {
  std::uint32_t offset = 0, limit = 8;
  bool operator==(const list_donation_channels&) const = default;
};
struct listed_channel {
  std::int64_t channel_id = 0, closed_channel_id = 0;
  std::string open_title, closed_title, status;
  bool operator==(const listed_channel&) const = default;
};
struct channels_listed {
  std::vector<listed_channel> channels;
  bool more = false;
  bool operator==(const channels_listed&) const = default;
};

/// The promo codes of a channel, open ones first, then by code -> promos_listed; none when it is not this owner's.
struct list_promos {
  std::int64_t owner_user_id = 0, channel_id = 0;
  std::uint32_t offset = 0, limit = 5;
  bool operator==(const list_promos&) const = default;
};
struct listed_promo {
  std::string code;
  bool disabled = false;
  std::int32_t percent = 0;
  usd_amount fixed;
  std::int64_t uses = 0; ///< Orders that use it now.
  std::int32_t uses_max = 0, uses_per_user = 0;
  std::optional<timestamp> expires_at;
  bool operator==(const listed_promo&) const = default;
};
struct promos_listed {
  std::vector<listed_promo> codes;
  bool more = false;
  std::string channel_title; ///< Empty: the channel is not this owner's.
  bool operator==(const promos_listed&) const = default;
};

/// The open web accounts that are joined with a Telegram user, by name, ten at most -> accounts_listed.
struct list_accounts {
  std::int64_t user_id = 0;
  bool operator==(const list_accounts&) const = default;
};
struct listed_account {
  std::string account_id, user_name;
  bool operator==(const listed_account&) const = default;
};
struct accounts_listed {
  std::vector<listed_account> accounts;
  bool operator==(const accounts_listed&) const = default;
};

/// What an owner's channels earned, or one of them -> stats_seen.
struct channel_stats {
  std::int64_t owner_user_id = 0;
  std::int64_t channel_id = 0; ///< 0: all.
  std::uint32_t offset = 0, limit = 5;
  bool operator==(const channel_stats&) const = default;
};
struct channel_figures {
  std::int64_t channel_id = 0;
  std::string title, status;
  std::int64_t subscribers = 0;                                 ///< Whose access has not ended.
  std::int64_t payments = 0, donations = 0, payments_month = 0; ///< Paid ones; `month`: within 30 days.
  usd_amount gross, gross_month;                                ///< What came in.
  usd_amount pending, paid;                                     ///< Net value on its way to the owner, and paid out.
  bool operator==(const channel_figures&) const = default;
};
struct stats_seen {
  std::vector<channel_figures> channels;
  bool more = false;
  bool operator==(const stats_seen&) const = default;
};

/// Whether a channel got one of its owner's places -> owner_slot_seen. Transient failure "not_found" while it has claimed none.
struct get_owner_slot {
  std::int64_t channel_id = 0;
  bool operator==(const get_owner_slot&) const = default;
};
struct owner_slot_seen {
  bool granted = false;
  std::int64_t used = 0; ///< By the owner's other channels when it was claimed.
  bool operator==(const owner_slot_seen&) const = default;
};

/// What keeps a channel from being closed for good -> channel_holdings.
struct get_channel_holdings {
  std::int64_t channel_id = 0;
  bool operator==(const get_channel_holdings&) const = default;
};
struct channel_holdings {
  std::int64_t subscribers = 0, payments = 0, accruals = 0, payouts = 0; ///< `payments`: paid for or still payable; the others: not ended.
  bool none() const { return subscribers == 0 && payments == 0 && accruals == 0 && payouts == 0; }
  bool operator==(const channel_holdings&) const = default;
};

} // namespace paygate
