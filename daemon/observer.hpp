#pragma once

#include <memory>
#include <vector>

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include "messages/interfaces.hpp"
#include "messages/ports.hpp"
#include "persistence/figures.hpp"

namespace paygate {

/// Starts the actor that tells /metrics what only the database knows: the business each 15 s, what is stuck each minute. `reader` should be one of
/// its own: the timers must not wait behind these questions. Every node tells the same figures: dashboards and rules take `max` over nodes.
caf::actor spawn_observer(caf::actor_system& system, reader_actor reader, std::shared_ptr<metrics_sink> metrics);

/// What each machine says of each status that its snapshot can be in from the start.
std::vector<stuck_limit> stuck_limits();

/// Counts what the process itself is: CPU, memory and how much it may have, open files, errors of the database. Call it once a second.
class process_figures {
public:
  explicit process_figures(std::shared_ptr<metrics_sink> metrics);
  void tell();

private:
  std::shared_ptr<metrics_sink> metrics_;
  std::int64_t cpu_ms_ = 0, database_errors_ = 0, memory_max_ = 0;
};

} // namespace paygate
