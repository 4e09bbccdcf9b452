#pragma once

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include "actors/runtime/ports.hpp"

namespace paygate {

/// Starts the actor that keeps `ports->pauses` as the table `pause` says: it reads it each second. Until it has read it for the first time
/// nothing is started; when the database is away what was read last holds. A change is told to `node` (resumed) and to the metrics.
///   (query) -> JSON text   reads now: {"pauses": [{what, since, operator, reason}]}, or the error
caf::actor spawn_pause_watch(caf::actor_system& system, reader_actor reader, caf::actor node, ports_ptr ports);

} // namespace paygate
