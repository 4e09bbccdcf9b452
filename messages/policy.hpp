#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "messages/money.hpp"
#include "messages/time.hpp"

namespace paygate {

/// Every number that tunes a decision. Filled from the settings (config/), handed to `apply` and `effects_due`; machines know no settings
/// file.
struct policy {
  // Payments (spec 3).
  std::int64_t min_tolerance_bps = 5000;      ///< payments.min_tolerance: paid USD / price from the provider's own figures.
  std::int64_t fallback_tolerance_bps = 7500; ///< payments.fallback_tolerance: when the value is only estimated.
  seconds invite_validity{std::chrono::hours(24)};
  milliseconds payment_poll_first{30'000};  ///< A payment whose IPNs stop coming is read at growing distance,
  milliseconds payment_poll_max{3'600'000}; ///< up to this one.
  std::uint64_t incoming_confirmations = 1; ///< Confirmations before ETH that reached us counts as available.

  // Donations (spec 3).
  usd_amount donation_min = usd_amount::of_units(5 * one_coin);      ///< donations.min_usd.
  usd_amount donation_max = usd_amount::of_units(10'000 * one_coin); ///< donations.max_usd.

  usd_amount price_min = usd_amount::of_units(one_coin); ///< payments.min_usd: no promo code takes a price below it, but to nothing.

  // Subscriptions (spec 4).
  std::vector<seconds> reminders{std::chrono::hours(72), std::chrono::hours(24)}; ///< subscriptions.reminders: so long before the end.
  seconds grace{0};                            ///< subscriptions.grace: access goes on for so long after the end.

  // Fees (spec 2).
  std::int64_t platform_bps = 300;

  // Payouts (spec 5).
  usd_amount payout_max;                     ///< payouts.max_usd; 0: no limit.
  usd_amount payout_daily_max;               ///< payouts.daily_max_usd, of each channel within 24 hours; 0: no limit.
  usd_amount payout_daily_total_max;         ///< The same of all channels together.
  bool payout_funding_eth = false;           ///< payouts.funding = "eth": USDT is sold for ETH first, then the ETH for the owner's coin.
  std::int64_t swap_min_validity_bps = 2500; ///< swaps.min_validity: share of the rate's life that must be left when the deposit is sent.
  seconds swap_rate_life{1200};              ///< Assumed when the provider names no end.
  milliseconds swap_poll{5'000};
  std::uint32_t swap_tries_max = 5;
  seconds payout_address_delay{std::chrono::hours(24)}; ///< payouts.address_delay: from an owner's confirmation of another address.

  // Gathering (spec 5).
  usd_amount conversion_threshold;           ///< conversion.threshold_usd: pending net USD over all channels.
  milliseconds conversion_interval{900'000}; ///< conversion.interval.
  milliseconds payouts_interval{300'000};    ///< payouts.interval.
  std::string usdt_contract;                 ///< ethereum.usdt_contract, lower case; empty: nothing is converted.

  // Broadcasts (spec 6).
  milliseconds broadcast_auto_interval{86'400'000}; ///< broadcast.auto_interval: between two scheduled posts of a channel.
  milliseconds broadcast_manual_interval{300'000};  ///< broadcast.manual_interval: between two broadcasts of one owner to one channel.
  milliseconds broadcast_look{60'000};              ///< How often due posts are looked for.

  // Wallet (spec 5).
  std::string wallet_address; ///< Lower-case 0x...; the address of HOST_WALLET_PRIVATE_KEY.
  std::uint64_t chain_id = 1;
  std::uint64_t confirmations = 2; ///< wallet.confirmations.
  int128 max_fee_wei = 0;          ///< wallet.max_fee_gwei, in wei per gas; 0: no cap.
  milliseconds receipt_poll{2'000};
  milliseconds resubmit_after{60'000}; ///< Unmined for so long: fees are raised.
  /// The gas float is what the chain shows less what others are owed (wallet_books_seen) and what is in flight.
  eth_amount gas_float_low;  ///< wallet.gas_float_low: below it new transfers wait; at or above it they go on.
  eth_amount gas_float_high; ///< wallet.gas_float_high: an alert that began below the low mark stays until this is reached.

  // Telegram (spec 7).
  std::string telegram_webhook_url; ///< Where Telegram is to send updates; empty: they are polled.

  // Accounts (spec 8).
  std::string public_url;                      ///< http.public_url: where the links in mails lead.

  // Reconciliation (spec 10).
  milliseconds reconciliation_interval{86'400'000}; ///< reconciliation.interval: from one round's end to the next; 0: only when asked for.

  // The sandbox: polls and delays are shortened, nothing else differs.
  bool operator==(const policy&) const = default;
};

} // namespace paygate
