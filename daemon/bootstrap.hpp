#pragma once

#include <string>
#include <vector>

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include "messages/interfaces.hpp"

namespace paygate {

/// What creates the entities that every system has, in the order in which they must come: the hot wallet, the Telegram poller, the
/// schedulers of what gathers.
std::vector<envelope> first_letters(const std::string& wallet_address);

/// Starts the actor that sends these letters, each as soon as the one before it was answered `ok`, again and again until then. Once it
/// knows the cluster it sends those whose shards are here, and again when a shard has come here: whoever holds an entity's shard sees to it
/// that there is one, which is harmless to repeat.
///   (ready) -> bool                  all were, here or by the nodes that hold their shards
///   (view, cluster_view_ptr)         who holds which shard
caf::actor spawn_bootstrap(caf::actor_system& system, router_actor router, std::vector<envelope> letters);

} // namespace paygate
