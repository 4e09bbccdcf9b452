#include "actors/channel/channel_machine.hpp"
#include "actors/kinds.hpp"
#include "actors/runtime/entity_actor.hpp"

namespace paygate {

caf::actor spawn_channel(caf::actor_system& system, activation self) { return spawn_entity<channel_kind>(system, std::move(self)); }

} // namespace paygate
