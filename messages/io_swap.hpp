#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "messages/enums.hpp"
#include "messages/money.hpp"
#include "messages/time.hpp"

// What is asked of ChangeNOW v2, and its answers (provider-apis 2). Always flow=fixed-rate, type=direct.
namespace paygate {

/// GET /v2/exchange/range -> swap_range.
struct get_swap_range {
  asset from, to;
  bool operator==(const get_swap_range&) const = default;
};
struct swap_range {
  int128 min = 0;
  std::optional<int128> max;
  bool operator==(const swap_range&) const = default;
};

/// GET /v2/exchange/estimated-amount with useRateId -> swap_estimate.
struct estimate_swap {
  asset from, to;
  int128 from_amount = 0;
  bool operator==(const estimate_swap&) const = default;
};
struct swap_estimate {
  std::string rate_id;
  std::optional<timestamp> valid_until;
  int128 from_amount = 0, to_amount = 0, deposit_fee = 0, withdrawal_fee = 0;
  bool operator==(const swap_estimate&) const = default;
};

/// POST /v2/exchange -> swap_created. No idempotency key; a swap that nobody funds only expires.
struct create_swap {
  asset from, to;
  int128 from_amount = 0;
  std::string address, extra_id, refund_address, rate_id;
  bool operator==(const create_swap&) const = default;
};
struct swap_created {
  std::string swap_id, payin_address, payin_extra_id;
  int128 from_amount = 0, to_amount = 0;
  bool operator==(const swap_created&) const = default;
};

enum class swap_status : std::uint8_t {
  new_swap,
  waiting,
  confirming,
  exchanging,
  sending,
  finished,
  failed,
  refunded,
  verifying,
  expired
};
template <>
struct enum_names<swap_status> {
  static constexpr std::string_view type = "swap_status";
  static constexpr std::string_view values[] = {"new",      "waiting", "confirming", "exchanging", "sending",
                                                "finished", "failed",  "refunded",   "verifying",  "expired"};
};

/// GET /v2/exchange/by-id -> swap_state.
struct get_swap {
  std::string swap_id;
  bool operator==(const get_swap&) const = default;
};
struct swap_state {
  std::string swap_id;
  swap_status status = swap_status::new_swap;
  std::optional<int128> amount_from, amount_to;
  std::optional<timestamp> valid_until;
  std::string payin_hash, payout_hash, refund_hash;
  std::optional<int128> refund_amount;
  bool operator==(const swap_state&) const = default;
};

} // namespace paygate
