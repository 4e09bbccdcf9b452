#pragma once

#include <optional>
#include <string>
#include <vector>

#include "actors/swap/swap.hpp"
#include "messages/step.hpp"

namespace paygate {

/// A conversion of gathered ETH into USDT: decisions only. What it promises:
///   - It spends the net ETH of the accruals that it claimed when it was made, and nothing else.
///   - At most one transfer out of the wallet per bound swap, and the way back of spec 5, as for a payout.
///   - It shares out what the chain shows to have come, not what the provider says, and once.
///   - It ends as completed, failed, cancelled (both with its accruals pending again) or needs_attention.
struct conversion_kind {
  using state = conversion;
  using message = conversion_message;
  static constexpr entity_kind kind = entity_kind::conversion;
  static verdict<conversion> apply(const conversion& state, bool exists, const conversion_message& message, const step_context& context);
  static std::vector<effect> effects_due(const conversion& state, const entity_ref& self, timestamp now, const policy& rules);
  static std::optional<timestamp> wakes_at(const conversion& state, timestamp now, const policy& rules);
  static std::optional<std::chrono::seconds> stuck_after(const conversion& state);
};

/// USDT per ETH that the quote would give without fees: (to + withdrawal fee) / (from - deposit fee); 0 when it cannot be said.
int128 market_rate(const conversion& state);

/// Keys of the effects besides those of the swap (swap_keys).
namespace conversion_keys {
inline const std::string claim = "claim";
} // namespace conversion_keys

} // namespace paygate
