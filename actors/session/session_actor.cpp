#include "actors/kinds.hpp"
#include "actors/runtime/entity_actor.hpp"
#include "actors/session/session_machine.hpp"

namespace paygate {

caf::actor spawn_session(caf::actor_system& system, activation self) { return spawn_entity<session_kind>(system, std::move(self)); }

} // namespace paygate
