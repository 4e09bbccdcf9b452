#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "messages/effects.hpp"

namespace paygate {

/// Where a conversion is (spec 5): the micro-batch that turns gathered ETH into USDT. Money moves from `funding` on.
enum class conversion_status : std::uint8_t {
  claiming,   ///< The pending accruals are claimed; how much they are is being read.
  requested,  ///< The pair's range is asked for.
  estimating, ///< The rate is asked for.
  swapping,   ///< The swap is being created.
  funding,    ///< The swap is bound; the wallet is to send.
  confirming, ///< Sent; waits for the chain.
  exchanging, ///< The provider has the deposit; followed to its end.
  receiving,  ///< The provider says it sent the USDT: the chain is asked what came.
  completed, failed, needs_attention, cancelled,
  refunding   ///< The provider says that it sent the deposit back: the chain is asked what came.
};
template <>
struct enum_names<conversion_status> {
  static constexpr std::string_view type = "conversion_status";
  static constexpr std::string_view values[] = {"claiming",   "requested",  "estimating", "swapping",  "funding", "confirming",
                                                "exchanging", "receiving",  "completed",  "failed",    "needs_attention", "cancelled",
                                                "refunding"};
};

/// A conversion: the snapshot. The fields from `address` to `refused_since` are those of every swap, as in `payout`.
struct conversion {
  conversion_status status = conversion_status::claiming;
  usd_amount threshold;                ///< conversion.threshold_usd when it was made.
  std::int64_t accruals = 0;           ///< How many it claimed,
  usd_amount net;                      ///< their value when they were judged,
  eth_amount source;                   ///< and their net ETH: what it may spend,
  int128 lost = 0;                     ///< less what ways back cost.
  std::string address;                 ///< Ours, where the USDT is to come.
  std::uint32_t swap_tries = 0;
  std::string rate_id;
  std::optional<timestamp> quoted_at, valid_until;
  int128 quoted_amount = 0;            ///< USDT by that rate.
  int128 deposit_fee = 0, withdrawal_fee = 0; ///< In ETH, in USDT.
  std::string swap_id, payin_address, payin_extra_id;
  eth_amount funded;
  bool funding_released = false;
  std::string wallet_address, settled_intent;
  std::string tx_hash;
  std::int64_t nonce = -1;
  std::int64_t gas_used = 0;
  eth_amount gas_fee;
  swap_status provider_status = swap_status::new_swap;
  std::string payout_hash;             ///< The provider's transfer of the USDT to us.
  int128 amount_out = 0;               ///< USDT by the provider's word; `received` is the chain's.
  std::string incoming_hash;           ///< As in `payout`: the USDT bought, or a refund.
  int128 incoming_named = 0, incoming_units = 0;
  std::string reason;
  std::optional<timestamp> refused_since;
  usdt_amount received;                ///< What really came, and was distributed to the last unit.
  int128 market_rate = 0;              ///< USDT per ETH without fees, by the quote: (to + withdrawal fee) / (from - deposit fee).
  int128 achieved_rate = 0;            ///< USDT received per ETH sent.
  std::optional<timestamp> completed_at;
  bool operator==(const conversion&) const = default;

  template <class Self, class F>
  static void each_field(Self& self, F&& f) {
    f("status", self.status);
    f("threshold_usd", self.threshold);
    f("accruals", self.accruals);
    f("net_usd", self.net);
    f("source_eth", self.source);
    f("lost", self.lost);
    f("incoming_hash", self.incoming_hash);
    f("incoming_named", self.incoming_named);
    f("incoming_units", self.incoming_units);
    f("address", self.address);
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
    f("received_usdt", self.received);
    f("market_rate", self.market_rate);
    f("achieved_rate", self.achieved_rate);
    f("completed_at", self.completed_at);
  }
};

/// Command: claims every pending accrual whose ETH has arrived, the oldest first up to `most` when it is not 0, and converts them. A repeat
/// answers `ok` and changes nothing.
struct open_conversion {
  usd_amount threshold;
  eth_amount most{}; ///< The most that the pair takes.
  bool operator==(const open_conversion&) const = default;
};
/// Command of the operator: ends it and sets its accruals free; only before money moved (`out_of_order` afterwards).
struct cancel_conversion { std::string reason; };
/// Command of the operator: as reopen_payout.
struct reopen_conversion { std::string reason; };

using conversion_message = std::variant<effect_done, open_conversion, cancel_conversion, reopen_conversion, name_arrival, imported_swap>;

} // namespace paygate
