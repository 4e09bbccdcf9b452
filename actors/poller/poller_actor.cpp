#include "actors/kinds.hpp"
#include "actors/poller/poller_machine.hpp"
#include "actors/runtime/entity_actor.hpp"

namespace paygate {

caf::actor spawn_poller(caf::actor_system& system, activation self) { return spawn_entity<poller_kind>(system, std::move(self)); }

} // namespace paygate
