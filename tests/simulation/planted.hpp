#pragma once

#include <cstdint>

#include "messages/enums.hpp"

namespace paygate::sim {

/// Deliberate faults of test code alone: each must be caught by the checks within a bounded number of seeds.
enum class planted : std::uint8_t {
  none,
  skip_version_guard,       ///< The store writes a row whatever version it has.
  skip_epoch_guard,         ///< The store takes steps of a node that lost its leases.
  effect_before_commit,     ///< The store answers `committed` before it has stored.
  broadcast_before_stored,  ///< Whoever signs broadcasts at once.
  drop_wake_up,             ///< The scan of the waker never mentions some rows.
  revert_in_progress,       ///< A payout whose deposit was sent is quoted anew.
  forget_period,            ///< A subscription does not know that an order has extended it.
  forget_intent,            ///< The wallet does not know that it has an intent already.
  new_nonce,                ///< "nonce too low" is answered by signing under another nonce.
  answer_before_stored,     ///< An IPN is answered 200 though its step was not written.
  claim_counts_twice,       ///< A claim counts one of its accruals twice.
  share_rounded,            ///< The shares of a conversion miss a unit of what was received.
  provider_amount,          ///< A conversion shares out what the provider says, not what the chain shows.
  way_back_without_proof,   ///< "The swap failed" frees the accruals of a conversion whose deposit was sent.
  wrong_pot,                ///< A batch from USDT spends the ETH of others.
  scheduler_twice,          ///< A scheduler creates twice for one look.
  same_rows,                ///< A conversion claims what another one is converting.
  refund_by_word,           ///< A refund is believed to the provider, not to the chain.
  refund_whole,             ///< Accruals are set free with all that was sent, not with what came back.
  no_self_fence,            ///< A node that cannot renew goes on as if it had.
  take_unexpired_lease,     ///< A lease is taken a little before it expires.
  dead_identity_returns,    ///< A node goes on under the identity that was declared dead.
  take_over_after_outage,   ///< Expired leases are taken by the first who reaches the database again.
  forward_twice_acts_twice, ///< A letter that comes twice is acted on twice.
  skip_recipient,           ///< A broadcast counts as dealt with whom it has not sent to.
  keep_used_link,           ///< A link that was used stays good.
  forget_join,              ///< A subscription does not take in that its user has come in.
  lose_wake_on_handover     ///< The new holder of a shard does not look for what was due before.
};

} // namespace paygate::sim

namespace paygate {
template <>
struct enum_names<sim::planted> {
  static constexpr std::string_view type = "planted";
  static constexpr std::string_view values[] = {"none",
                                                "skip_version_guard",
                                                "skip_epoch_guard",
                                                "effect_before_commit",
                                                "broadcast_before_stored",
                                                "drop_wake_up",
                                                "revert_in_progress",
                                                "forget_period",
                                                "forget_intent",
                                                "new_nonce",
                                                "answer_before_stored",
                                                "claim_counts_twice",
                                                "share_rounded",
                                                "provider_amount",
                                                "way_back_without_proof",
                                                "wrong_pot",
                                                "scheduler_twice",
                                                "same_rows",
                                                "refund_by_word",
                                                "refund_whole",
                                                "no_self_fence",
                                                "take_unexpired_lease",
                                                "dead_identity_returns",
                                                "take_over_after_outage",
                                                "forward_twice_acts_twice",
                                                "skip_recipient",
                                                "keep_used_link",
                                                "forget_join",
                                                "lose_wake_on_handover"};
};
} // namespace paygate

namespace paygate::sim {
inline constexpr std::size_t planted_count = std::size(enum_names<planted>::values);
/// The one that is active now; read by the store, the clients and the wrapped kinds.
inline planted active_fault = planted::none;
} // namespace paygate::sim
