#include "actors/broadcast/broadcast_machine.hpp"
#include "actors/kinds.hpp"
#include "actors/runtime/entity_actor.hpp"

namespace paygate {

caf::actor spawn_broadcast(caf::actor_system& system, activation self) { return spawn_entity<broadcast_kind>(system, std::move(self)); }

} // namespace paygate
