#include "actors/kinds.hpp"
#include "actors/login_name/login_name_machine.hpp"
#include "actors/runtime/entity_actor.hpp"

namespace paygate {

caf::actor spawn_login_name(caf::actor_system& system, activation self) { return spawn_entity<login_name_kind>(system, std::move(self)); }

} // namespace paygate
