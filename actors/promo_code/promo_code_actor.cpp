#include "actors/kinds.hpp"
#include "actors/promo_code/promo_code_machine.hpp"
#include "actors/runtime/entity_actor.hpp"

namespace paygate {

caf::actor spawn_promo_code(caf::actor_system& system, activation self) { return spawn_entity<promo_code_kind>(system, std::move(self)); }

} // namespace paygate
