#include "actors/account/account_machine.hpp"
#include "actors/kinds.hpp"
#include "actors/runtime/entity_actor.hpp"

namespace paygate {

caf::actor spawn_account(caf::actor_system& system, activation self) { return spawn_entity<account_kind>(system, std::move(self)); }

} // namespace paygate
