#include "actors/kinds.hpp"
#include "actors/runtime/entity_actor.hpp"
#include "actors/subscription/subscription_machine.hpp"

namespace paygate {

caf::actor spawn_subscription(caf::actor_system& system, activation self) {
  return spawn_entity<subscription_kind>(system, std::move(self));
}

} // namespace paygate
