#include "actors/kinds.hpp"
#include "actors/payout/payout_machine.hpp"
#include "actors/runtime/entity_actor.hpp"

namespace paygate {

caf::actor spawn_payout(caf::actor_system& system, activation self) { return spawn_entity<payout_kind>(system, std::move(self)); }

} // namespace paygate
