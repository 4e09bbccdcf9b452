#include "actors/conversation/conversation_machine.hpp"
#include "actors/kinds.hpp"
#include "actors/runtime/entity_actor.hpp"

namespace paygate {

caf::actor spawn_conversation(caf::actor_system& system, activation self) {
  return spawn_entity<conversation_kind>(system, std::move(self));
}

} // namespace paygate
