#pragma once

#include <optional>
#include <string>
#include <vector>

#include "messages/step.hpp"

namespace paygate {

/// A payout to an owner: decisions only. What it promises:
///   - At most one transfer out of the wallet per bound swap (or per plain payout): the intent "payout/<id>/<try>".
///   - Once `funding_released` is committed nothing is quoted anew and nothing flows back, unless the wallet itself has committed that it
///     never signed the transfer and never will (`transfer_status::dropped`).
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
/// 0x and 40 hex digits, not all zero.
bool is_evm_address(std::string_view address);

/// The transfer that a payout wants of its wallet, once per try.
std::string transfer_intent(const payout& state, const entity_ref& self);
/// What the provider is asked to swap: ChangeNOW takes 8 decimals; what is cut off stays the owner's.
eth_amount swap_source(const payout& state);
/// After the release: a deposit of a rate that has ended is money in limbo, so the wallet may not sign after half of the least validity.
std::optional<timestamp> sign_deadline(const payout& state, const policy& rules);
/// The provider has (or may have) the deposit, but a person was called: its later words are still heard.
bool is_still_followed(const payout& state);

/// Keys of the effects: a late answer to an earlier try carries another key.
namespace payout_keys {
inline const std::string range = "range";
inline const std::string tell_sent = "tell_sent";
inline std::string estimate(const payout& p) { return "estimate:" + std::to_string(p.swap_tries); }
inline std::string create(const payout& p) { return "swap:" + std::to_string(p.swap_tries); }
inline std::string expect(const payout& p) { return "expect:" + p.swap_id; }
inline std::string follow(const payout& p) { return "follow:" + p.swap_id; }
inline std::string transfer(const std::string& intent) { return "transfer:" + intent; }
inline std::string acknowledge(const payout& p) { return "ack:" + p.settled_intent; }
inline std::string tell_end(const payout& p) { return "tell_end:" + std::string(to_text(p.status)); }
} // namespace payout_keys

} // namespace paygate
