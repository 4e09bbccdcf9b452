#include "actors/kinds.hpp"
#include "actors/payment/payment_machine.hpp"
#include "actors/runtime/entity_actor.hpp"

namespace paygate {

caf::actor spawn_payment(caf::actor_system& system, activation self) { return spawn_entity<payment_kind>(system, std::move(self)); }

} // namespace paygate
