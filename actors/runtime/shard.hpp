#pragma once

#include <cstdint>

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include "actors/runtime/entity.hpp"

namespace paygate {

/// Starts the actor of one shard: it loads entities on demand, supervises them, and lets idle ones leave memory.
///   (deliver, envelope) -> entity_reply_ptr      after the step is committed
///   (wake, ref)                                  loads the entity if it is not there; it then does what its row says is due
///   (inspect, ref) -> JSON text                  live data; loads the entity if needed
///   (retry, ref, reason) -> JSON text            ends a back-off or a quarantine
///   (restart, ref, reason) -> JSON text          ends the activation after its step under way, and loads the row anew
///   (stats) -> shard_stats_ptr                   residents by kind and whereabouts
///   (moved)                                      business time was moved: told to every resident
///   (count) -> uint64                            residents
///   (finish) -> bool                             takes nothing any more; answered when every open step is committed and nobody is in memory
/// An entity that throws is loaded again after a back-off; after runtime_limits::crashes_max crashes in a row it is quarantined: a row write
/// that names the offending message, after which its messages are refused until an operator retries it. Its neighbours notice nothing.
caf::actor spawn_shard(caf::actor_system& system, std::uint32_t shard, std::uint64_t epoch, loader_actor loader, ports_ptr ports);

using count_atom = caf::atom_constant<caf::atom("count")>;

} // namespace paygate
