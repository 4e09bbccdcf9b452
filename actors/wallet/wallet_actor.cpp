#include "actors/kinds.hpp"
#include "actors/runtime/entity_actor.hpp"
#include "actors/wallet/wallet_machine.hpp"

namespace paygate {

caf::actor spawn_wallet(caf::actor_system& system, activation self) { return spawn_entity<wallet_kind>(system, std::move(self)); }

} // namespace paygate
