#pragma once

#include <optional>
#include <string>
#include <vector>

#include "actors/swap/swap.hpp"
#include "messages/step.hpp"

namespace paygate {

/// A payout to an owner: decisions only. What it promises:
///   - At most one transfer out of the wallet per bound swap (or per plain payout): the intent "payout/<id>/<try>".
///   - Once `funding_released` is committed nothing is quoted anew and nothing flows back, unless the wallet itself has committed that it
///     never signed the transfer and never will (`transfer_status::dropped`).
///   - It spends only its own pot: the ETH of its accruals, or their USDT.
///   - A refund spends only what lies undecided, and what comes back lies undecided again.
///   - It ends as completed, failed, cancelled (both with the money back on the owner's balance) or needs_attention (money still held).
struct payout_kind {
  using state = payout;
  using message = payout_message;
  static constexpr entity_kind kind = entity_kind::payout;
  static verdict<payout> apply(const payout& state, bool exists, const payout_message& message, const step_context& context);
  static std::vector<effect> effects_due(const payout& state, const entity_ref& self, timestamp now, const policy& rules);
  static std::optional<timestamp> wakes_at(const payout& state, timestamp now, const policy& rules);
  static std::optional<std::chrono::seconds> stuck_after(const payout& state);
};

/// ETH on its own chain: what the wallet holds, so that no swap is needed.
bool is_plain_eth(const asset& target);
/// The owner wants what the pot holds: no swap is needed.
bool is_direct(const payout& state);

/// The account that the money lies on while it is promised to the payout.
std::string held_account(const payout& state);

/// In leg 1: the second leg's pair is asked for its range first.
bool wants_second_minimum(const payout& state);

/// Keys of the effects besides those of the swap (swap_keys).
namespace payout_keys {
inline const std::string claim = "claim";
inline const std::string allowance = "allowance";
inline const std::string second_range = "second_range";
inline const std::string tell_sent = "tell_sent";
inline std::string tell_end(const payout& p) { return "tell_end:" + std::string(to_text(p.status)); }
} // namespace payout_keys

} // namespace paygate
