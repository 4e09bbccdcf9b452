#include "actors/kinds.hpp"
#include "actors/reconciliation/reconciliation_machine.hpp"
#include "actors/runtime/entity_actor.hpp"

namespace paygate {

caf::actor spawn_reconciliation(caf::actor_system& system, activation self) {
  return spawn_entity<reconciliation_kind>(system, std::move(self));
}

} // namespace paygate
