#pragma once

#include <cstdint>
#include <memory>

#include <caf/actor_system.hpp>

#include "actors/runtime/pace.hpp"
#include "actors/runtime/pauses.hpp"
#include "actors/runtime/stats.hpp"
#include "messages/interfaces.hpp"
#include "messages/ports.hpp"

namespace paygate {

/// How much of a provider's service one node uses.
struct lane_limits {
  std::uint32_t workers = 4;      ///< Threads, and so calls at once.
  std::size_t queue_max = 10'000; ///< Calls that wait, of each urgency; more are sent away as a transient
                                  ///< failure, "busy", and told when to come again.
  milliseconds wait_max{60'000};  ///< A call that waited so long is answered likewise and never made: its asker is about to give up.
  std::uint32_t rate = 0;         ///< Calls per second; 0: no limit.
  std::uint32_t burst = 1;
  std::uint32_t failures_max = 8; ///< Failures in a row that open the circuit; 0: it never opens.
  pace_limits pace{};             ///< Limits of a messenger, shared out by urgency; none unless `per_second` is set.
};

/// Starts the effect lane of one provider: a bounded queue, `workers` detached actors that each call `client`, a rate limit and a circuit
/// breaker. It answers every call exactly once. A `retry_after` of the provider holds the whole lane back, or the chat that it is about.
/// Under a pace the order is the pace's (actors/runtime/pace.hpp), a quarter of the workers is kept free of broadcasts, and notices that
/// wait because their chat's limit is reached go out together, as one message; each of their calls gets its answer.
///   (stats) -> lane_stats_ptr   how it is
///   (view, cluster_view_ptr)    the pace's limit over all is shared by so many nodes
/// While `pauses` stop it, what comes and what waits is answered as a transient failure `lane_paused`; calls under way go on.
lane_actor spawn_lane(caf::actor_system& system, lane which, io_client client, lane_limits limits, std::shared_ptr<metrics_sink> metrics,
                      std::shared_ptr<const pause_slot> pauses = std::make_shared<const pause_slot>());

} // namespace paygate
