#include "actors/conversion/conversion_machine.hpp"
#include "actors/kinds.hpp"
#include "actors/runtime/entity_actor.hpp"

namespace paygate {

caf::actor spawn_conversion(caf::actor_system& system, activation self) { return spawn_entity<conversion_kind>(system, std::move(self)); }

} // namespace paygate
