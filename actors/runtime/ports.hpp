#pragma once

#include <array>
#include <functional>
#include <memory>

#include "messages/interfaces.hpp"
#include "messages/ports.hpp"

namespace paygate {

/// Limits of the runtime; every queue has one (design promise 9).
struct runtime_limits {
  std::size_t inbox_max = 64;                 ///< Messages that wait while an entity commits; more are refused as busy.
  std::size_t loading_max = 256;              ///< Messages that wait while an entity is loaded.
  milliseconds passivate_after{20'000};       ///< An entity with nothing due for so long leaves memory.
  milliseconds ask_timeout{10'000};           ///< An entity asked another one; after that it asks again.
  milliseconds call_timeout{120'000};         ///< Above every provider's own time-out.
  std::uint32_t crashes_max = 3;              ///< Crashes in a row before an entity is quarantined.
  seconds wake_horizon{60};                   ///< Work that is due at once is written with a wake_at this far away: whoever starts up looks so far ahead.
};

/// Named instants at which a test build of the outside may kill the process: "before_commit", "after_commit", "before_call:sign_tx",
/// "after_call:broadcast_tx", ... Empty in production.
using crash_point_fn = std::function<void(std::string_view window)>;

/// Everything an entity needs from the rest of the node; one per node, shared by all entities.
struct entity_ports {
  committer_actor committer(std::uint32_t shard) const { return committers[shard % committers.size()]; }

  std::vector<committer_actor> committers;
  router_actor router;
  std::array<lane_actor, lane_count> lanes;
  std::shared_ptr<const business_clock> clock;
  std::shared_ptr<metrics_sink> metrics;
  policy rules;
  runtime_limits limits;
  crash_point_fn crash_point;

  void pass(std::string_view window) const {
    if (crash_point) crash_point(window);
  }
};
using ports_ptr = std::shared_ptr<const entity_ports>;

} // namespace paygate
