#pragma once

#include <cstdint>

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include "actors/runtime/ports.hpp"

namespace paygate {

/// Between a shard and its entities. Local only.
///   shard -> entity: (deliver, envelope) -> entity_reply_ptr
///                    (passivate)            leave memory now: the shard has seen that nothing is on its way to you
///                    (retry)                try again at once whatever waits out a back-off
///                    (moved)                business time was moved, or a pause began or ended: look again what is due
///                    (restart)              end after the step under way; you are loaded anew
///                    (finish)               end when no step is open any more: the shard goes to another node
///                    (inspect) -> JSON text of what only the live entity knows
///   entity -> shard: (idle, ref, handled)   nothing is due for a while; `handled` messages were taken so far
///                    (stays, ref)           the answer to (passivate) when something has come up meanwhile
///                    (reload, ref)          the next exit is no crash: the row has to be looked at again
///                    (poisoned, ref, what, message)  the next exit is a crash; the message as JSON
using passivate_atom = caf::atom_constant<caf::atom("passivate")>;
using retry_atom = caf::atom_constant<caf::atom("retry")>;
using finish_atom = caf::atom_constant<caf::atom("finish")>;
using restart_atom = caf::atom_constant<caf::atom("restart")>;
using moved_atom = caf::atom_constant<caf::atom("moved")>;
using inspect_atom = caf::atom_constant<caf::atom("inspect")>;
using idle_atom = caf::atom_constant<caf::atom("idle")>;
using stays_atom = caf::atom_constant<caf::atom("stays")>;
using reload_atom = caf::atom_constant<caf::atom("reload")>;
using poisoned_atom = caf::atom_constant<caf::atom("poisoned")>;
using timer_atom = caf::atom_constant<caf::atom("timer")>;
using ref_ptr = std::shared_ptr<const entity_ref>;
using loaded_ptr = std::shared_ptr<const loaded_entity>;

/// What a new activation is made of.
struct activation {
  ref_ptr ref;
  std::uint32_t shard = 0;
  std::uint64_t epoch = 0;
  caf::actor parent; ///< The shard actor.
  ports_ptr ports;
  loaded_ptr loaded; ///< Let go as soon as it is taken over: it has room for any kind.
};

/// Starts the entity's actor, monitored by nobody yet. One function per kind, in actors/<kind>/<kind>_actor.cpp.
using spawn_entity_fn = caf::actor (*)(caf::actor_system&, activation);

/// The function for a kind: the registration table in actors/kinds.cpp.
spawn_entity_fn spawner_of(entity_kind kind);

} // namespace paygate
