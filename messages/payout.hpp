#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "messages/effects.hpp"

namespace paygate {

/// Where a payout is (spec 5). Money moves from `funding` on; until then it may be cancelled.
enum class payout_status : std::uint8_t {
  requested,       ///< The pair's range is asked for.
  awaiting_approval,
  estimating,      ///< The rate is asked for.
  swapping,        ///< The swap is being created.
  funding,         ///< The swap (or the owner's own address) is bound; the wallet is to send.
  confirming,      ///< Sent; waits for the chain.
  exchanging,      ///< The provider has the deposit; followed to its end.
  completed, failed, needs_attention, cancelled,
  claiming,        ///< A batch: a channel's accruals are claimed; how much they are is being read.
  limiting,        ///< Its part of the daily limit is claimed; whether it got one is being read.
  refunding,       ///< The provider says that it sent the deposit back: the chain is asked what came.
  receiving        ///< The provider says that it sent what the first leg bought: the chain is asked what came.
};
template <>
struct enum_names<payout_status> {
  static constexpr std::string_view type = "payout_status";
  static constexpr std::string_view values[] = {"requested",  "awaiting_approval", "estimating", "swapping", "funding",        "confirming",
                                                "exchanging", "completed",         "failed",     "needs_attention", "cancelled",      "claiming",
                                                "limiting",   "refunding",         "receiving"};
};

/// A payout to an owner: the snapshot.
struct payout {
  payout_status status = payout_status::requested;
  std::int64_t channel_id = 0, owner_chat_id = 0;
  std::string order_id;                ///< The payment it pays out; empty for a batch.
  bool refund = false;                 ///< It gives a payment's money back to the subscriber: it spends `accounts::undecided`, no owner's balance.
  payout_pot pot = payout_pot::eth;    ///< What it spends, in `source` and `funded` or in `source_usdt` and `funded_usdt`.
  std::uint32_t leg = 0;               ///< payouts.funding = "eth": 1 while its USDT is sold for ETH to ourselves, 2 from then on, its pot being that ETH.
  int128 lost = 0;                     ///< What ways back cost so far, of the pot: `source - lost` is what it may still spend.
  std::int64_t accruals = 1;           ///< How many it pays.
  asset target;
  std::string address, extra_id;       ///< Where the owner wants it.
  eth_amount source;                   ///< What it may spend: exactly the net ETH of its deposit.
  usdt_amount source_usdt, funded_usdt; ///< The same of a pot of USDT.
  usd_amount net;                      ///< Its value when it was judged.
  int128 pair_minimum = 0;             ///< The least that the pair takes, as the provider last said.
  int128 second_minimum = -1;          ///< In leg 1: the least ETH that the second leg's pair takes; below 0: not asked yet.
  bool approved = false;
  std::uint32_t swap_tries = 0;        ///< Swaps created so far.
  std::string rate_id;                 ///< The fixed rate asked for, and until when it stands.
  std::optional<timestamp> quoted_at, valid_until;
  int128 quoted_amount = 0;            ///< What the owner will get, in target.ticker, by that rate.
  int128 deposit_fee = 0, withdrawal_fee = 0;
  std::string swap_id, payin_address, payin_extra_id; ///< Bound before a deposit is signed; empty for a plain transfer.
  eth_amount funded;                   ///< What the wallet was asked to send: `from_amount` as the provider returned it.
  bool funding_released = false;       ///< The provider expects the deposit and the rate lives long enough: the wallet may sign.
  std::string wallet_address;          ///< The wallet that was asked to send: bound with the release, whatever the settings say later.
  std::string settled_intent;          ///< A transfer whose final status is committed here; the wallet is still to be told so.
  std::string tx_hash;                 ///< Of the funding transfer.
  std::int64_t nonce = -1;
  std::int64_t gas_used = 0;
  eth_amount gas_fee;
  swap_status provider_status = swap_status::new_swap;
  std::string payout_hash;             ///< The provider's transfer to the owner.
  int128 amount_out = 0;               ///< What the owner got, in target.ticker.
  std::string incoming_hash;           ///< The transfer to us that is looked for on the chain: a refund, or what the first leg bought.
  int128 incoming_named = 0;           ///< How much the provider says it is; 0: it does not say.
  int128 incoming_units = 0;           ///< How much the chain shows, once it is deep enough.
  std::string first_swap_id, first_tx_hash, first_payout_hash; ///< Of the first leg, once it has ended.
  std::string reason;                  ///< Why it failed, waits or needs attention: words for people.
  std::optional<timestamp> refused_since; ///< Since when the provider calls the pair inactive; it may mean the amount, or a bad hour.
  std::optional<timestamp> completed_at, sent_told_at, end_told_at;
  bool operator==(const payout&) const = default;

  template <class Self, class F>
  static void each_field(Self& self, F&& f) {
    f("status", self.status);
    f("channel_id", self.channel_id);
    f("owner_chat_id", self.owner_chat_id);
    f("order_id", self.order_id);
    f("refund", self.refund);
    f("pot", self.pot);
    f("leg", self.leg);
    f("lost", self.lost);
    f("second_minimum", self.second_minimum);
    f("incoming_hash", self.incoming_hash);
    f("incoming_named", self.incoming_named);
    f("incoming_units", self.incoming_units);
    f("first_swap_id", self.first_swap_id);
    f("first_tx_hash", self.first_tx_hash);
    f("first_payout_hash", self.first_payout_hash);
    f("accruals", self.accruals);
    f("source_usdt", self.source_usdt);
    f("funded_usdt", self.funded_usdt);
    f("pair_minimum", self.pair_minimum);
    f("target_ticker", self.target.ticker);
    f("target_network", self.target.network);
    f("address", self.address);
    f("extra_id", self.extra_id);
    f("source_eth", self.source);
    f("net_usd", self.net);
    f("approved", self.approved);
    f("swap_tries", self.swap_tries);
    f("rate_id", self.rate_id);
    f("quoted_at", self.quoted_at);
    f("valid_until", self.valid_until);
    f("quoted_amount", self.quoted_amount);
    f("deposit_fee", self.deposit_fee);
    f("withdrawal_fee", self.withdrawal_fee);
    f("swap_id", self.swap_id);
    f("payin_address", self.payin_address);
    f("payin_extra_id", self.payin_extra_id);
    f("funded_eth", self.funded);
    f("funding_released", self.funding_released);
    f("wallet_address", self.wallet_address);
    f("settled_intent", self.settled_intent);
    f("tx_hash", self.tx_hash);
    f("nonce", self.nonce);
    f("gas_used", self.gas_used);
    f("gas_fee_eth", self.gas_fee);
    f("provider_status", self.provider_status);
    f("payout_hash", self.payout_hash);
    f("amount_out", self.amount_out);
    f("reason", self.reason);
    f("refused_since", self.refused_since);
    f("completed_at", self.completed_at);
    f("sent_told_at", self.sent_told_at);
    f("end_told_at", self.end_told_at);
  }
};

/// Command: pays `source` out. Repeating it with the same content answers `ok` and changes nothing; with other content it is refused
/// as `conflict`.
struct request_payout {
  std::int64_t channel_id = 0, owner_chat_id = 0;
  std::string order_id;
  asset target;
  std::string address, extra_id;
  eth_amount source;
  usd_amount net;
  bool refund = false; ///< Gives the subscriber's money back: `source` is taken from (and returns to) `accounts::undecided`. No accrual, no word to the owner.
  bool operator==(const request_payout&) const = default;
};
/// Command: claims what has gathered for a channel in one pot, and pays it out. A repeat answers `ok` and changes nothing.
struct request_batch {
  due_payout terms;
  bool operator==(const request_batch&) const = default;
};
/// Command of the operator: releases one that awaits approval.
struct approve_payout { std::string reason; };
/// Command of the operator: ends it and gives the money back to the owner's balance; only before money moved (`out_of_order` afterwards).
struct cancel_payout { std::string reason; };
/// Command of the operator: one that needs attention tries again with a new quote and a new intent. Refused as `out_of_order` while money may
/// be anywhere else than in our wallet: only when nothing was released to be signed, or the transfer was mined without effect.
struct reopen_payout { std::string reason; };

using payout_message = std::variant<effect_done, request_payout, request_batch, approve_payout, cancel_payout, reopen_payout, name_arrival,
                                    imported_swap>;

} // namespace paygate
