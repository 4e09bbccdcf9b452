#pragma once

#include <string>

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include "messages/interfaces.hpp"

namespace paygate {

/// Starts the actor that creates the entities which every system has, the hot wallet and the Telegram poller, once this node acts. It asks
/// again until both have committed, and then only answers
///   (ready) -> bool    both are there
caf::actor spawn_bootstrap(caf::actor_system& system, router_actor router, std::string wallet_address);

} // namespace paygate
