#pragma once

#include <array>

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include "messages/interfaces.hpp"

namespace paygate {

/// The shard actors of this node by shard; null: the shard is not here.
using shard_table = std::array<caf::actor, shard_count>;
using shard_table_ptr = std::shared_ptr<const shard_table>;
using shards_atom = caf::atom_constant<caf::atom("shards")>;
using route_atom = caf::atom_constant<caf::atom("route")>;

/// Starts the router: router_actor's messages, and besides them
///   (route, shard_table_ptr)   the shards that live here from now on
///   (wake, ref), (inspect, ref), (retry, ref, reason), (restart, ref, reason), as shard.hpp says, passed on to the ref's shard
///   (moved)                    passed on to every shard
///   (shards) -> shard_table_ptr
///   (count) -> uint64          residents of all shards
/// A message to a shard that is not here is refused as `not_owner`.
caf::actor spawn_router(caf::actor_system& system);

} // namespace paygate

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(paygate::shard_table_ptr)
