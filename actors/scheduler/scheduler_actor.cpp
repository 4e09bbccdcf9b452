#include "actors/kinds.hpp"
#include "actors/runtime/entity_actor.hpp"
#include "actors/scheduler/scheduler_machine.hpp"

namespace paygate {

caf::actor spawn_scheduler(caf::actor_system& system, activation self) { return spawn_entity<scheduler_kind>(system, std::move(self)); }

} // namespace paygate
