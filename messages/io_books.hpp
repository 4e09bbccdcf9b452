#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "messages/enums.hpp"
#include "messages/money.hpp"
#include "messages/time.hpp"

// What is asked of our own tables, read by persistence/: what has gathered, whose it is, and who is to be written to.
namespace paygate {

/// What an entity claimed by `claim_accruals` -> claim_seen. Transient failure "not_found" while there is no such claim.
struct get_claim {
  std::string claimant;
  bool operator==(const get_claim&) const = default;
}; ///< to_text(entity_ref).
struct claim_seen {
  std::int64_t accruals = 0;
  usd_amount net;   ///< Their value when they were judged,
  eth_amount eth;   ///< the net ETH of the unconverted ones,
  usdt_amount usdt; ///< the USDT shares of the converted ones.
  bool operator==(const claim_seen&) const = default;
};

/// Whose the wallet's coins are -> wallet_books_seen.
struct get_wallet_books {
  bool operator==(const get_wallet_books&) const = default;
};
struct wallet_books_seen {
  int128 ledger = 0;    ///< `assets:wallet` in ETH.
  int128 owed = 0;      ///< What of it is not the platform's: all liabilities, less what is on its way to us or in a swap.
  int128 incoming = 0;  ///< ETH on its way: the chain may show it before the ledger does.
  int128 owed_usdt = 0; ///< What of `assets:wallet` in USDT is not the platform's.
  bool operator==(const wallet_books_seen&) const = default;
};

/// The pending accruals of all channels whose ETH has arrived -> gathered_seen.
struct get_gathered {
  bool operator==(const get_gathered&) const = default;
};
struct gathered_seen {
  std::int64_t accruals = 0;
  usd_amount net;
  eth_amount eth;
  bool operator==(const gathered_seen&) const = default;
};

/// The channels that are to be paid from what has gathered (spec 5) -> due_payouts_seen: a threshold channel whose converted USD value
/// reached its threshold, an instant channel whose pot reached the least amount that its pair is known to take. A channel one of
/// whose payouts failed is left out until that failure is resolved. At most `limit`, those with the oldest accruals first.
struct get_due_payouts {
  std::uint32_t limit = 200;
  bool operator==(const get_due_payouts&) const = default;
};
/// In what the accruals that a payout claims lie: each pot pays its own.
enum class payout_pot : std::uint8_t { eth, usdt };
template <>
struct enum_names<payout_pot> {
  static constexpr std::string_view type = "payout_pot";
  static constexpr std::string_view values[] = {"eth", "usdt"};
};
struct due_payout {
  std::int64_t channel_id = 0, owner_chat_id = 0;
  asset target;
  std::string address, extra_id;
  payout_pot pot = payout_pot::usdt;
  bool operator==(const due_payout&) const = default;
};
struct due_payouts_seen {
  std::vector<due_payout> due;
  bool operator==(const due_payouts_seen&) const = default;
};

/// What a transaction on the chain was counted for already -> arrival_seen.
struct find_arrival {
  std::string hash, currency;
  bool operator==(const find_arrival&) const = default;
};
struct arrival_seen {
  std::string owner;
  bool operator==(const arrival_seen&) const = default;
}; ///< "payout/...", "payment/..."; empty: nothing.

/// Whether a payout got a part of the daily limits -> allowance_seen. Transient failure "not_found" while it has claimed none.
struct get_allowance {
  std::string payout_id;
  bool operator==(const get_allowance&) const = default;
};
struct allowance_seen {
  bool granted = false;
  usd_amount channel, total; ///< What others had of the last 24 hours when it was claimed: of its channel, and of all.
  bool operator==(const allowance_seen&) const = default;
};

/// How many subscribers a broadcast has -> audience_seen: whose access to the channel had begun and not ended `at` that instant.
struct get_audience {
  std::int64_t channel_id = 0;
  timestamp at{};
  bool operator==(const get_audience&) const = default;
};
struct audience_seen {
  std::int64_t recipients = 0;
  bool operator==(const audience_seen&) const = default;
};

/// The next of them after the user `after`, by user id -> recipients_seen; those whose access ended meanwhile are left out.
struct get_recipients {
  std::int64_t channel_id = 0;
  timestamp at{};
  std::int64_t after = 0;
  std::uint32_t limit = 0;
  bool operator==(const get_recipients&) const = default;
};
struct recipient {
  std::int64_t user_id = 0, chat_id = 0;
  bool operator==(const recipient&) const = default;
};
struct recipients_seen {
  std::vector<recipient> people;
  bool operator==(const recipients_seen&) const = default;
};

/// The scheduled posts that are due `at` that instant and not under way -> due_posts_seen, those due first first.
struct get_due_posts {
  timestamp at{};
  std::uint32_t limit = 200;
  bool operator==(const get_due_posts&) const = default;
};
enum class broadcast_what : std::uint8_t {
  offer,    ///< The tiers, in the open channel.
  donation, ///< The donate button, in the closed channel.
  message   ///< The owner's own words.
};
template <>
struct enum_names<broadcast_what> {
  static constexpr std::string_view type = "broadcast_what";
  static constexpr std::string_view values[] = {"offer", "donation", "message"};
};
struct due_post {
  std::int64_t channel_id = 0;
  broadcast_what what = broadcast_what::offer;
  timestamp due_at{};
  bool operator==(const due_post&) const = default;
};
struct due_posts_seen {
  std::vector<due_post> due;
  bool operator==(const due_posts_seen&) const = default;
};

/// The registered channels that this one is the open or the closed side of -> channels_found; those closed to new sales included.
struct find_channels { std::int64_t channel_id = 0; bool operator==(const find_channels&) const = default; };
struct channel_found {
  std::int64_t open_channel_id = 0, closed_channel_id = 0;
  std::string closed_title;
  bool operator==(const channel_found&) const = default;
};
struct channels_found { std::vector<channel_found> channels; bool operator==(const channels_found&) const = default; };

/// Whether a user has access to a closed channel by another open one than this, that ends after `at` -> other_access_seen.
struct find_other_access {
  std::int64_t closed_channel_id = 0, user_id = 0, channel_id = 0;
  timestamp at{};
  bool operator==(const find_other_access&) const = default;
};
struct other_access_seen {
  std::int64_t channel_id = 0; ///< The one that lasts longest; 0: there is none.
  timestamp ends_at{};
  bool operator==(const other_access_seen&) const = default;
};

/// The next subscriptions of a channel after the user `after`, by user id, that wait because Telegram refused them something in the closed
/// channel -> waiting_seen.
struct get_waiting {
  std::int64_t channel_id = 0, after = 0;
  std::uint32_t limit = 20;
  bool operator==(const get_waiting&) const = default;
};
struct waiting_seen {
  std::vector<std::int64_t> user_ids;
  bool operator==(const waiting_seen&) const = default;
};

} // namespace paygate
