#pragma once

#include <array>
#include <memory>

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include "actors/runtime/forwarder.hpp"
#include "messages/cluster.hpp"
#include "messages/interfaces.hpp"

namespace paygate {

/// The shard actors of this node by shard; null: the shard is not here.
using shard_table = std::array<caf::actor, shard_count>;
using shard_table_ptr = std::shared_ptr<const shard_table>;
using shards_atom = caf::atom_constant<caf::atom("shards")>;
using route_atom = caf::atom_constant<caf::atom("route")>;
using listen_atom = caf::atom_constant<caf::atom("listen")>;
using peers_atom = caf::atom_constant<caf::atom("peers")>;

/// Starts the router: router_actor's messages, and besides them
///   (route, shard_table_ptr)   the shards that live here from now on
///   (view, cluster_view_ptr)   who holds the others
///   (linkup, identity, exchange), (linkdown, identity)   the way there
///   (listen, exchange)         this node's own exchange: it is told routes and views
///   (inspect, ref), (retry, ref, reason), (restart, ref, reason) -> JSON text, as shard.hpp says, wherever the ref's shard is
///   (ctl, node, operator, JSON) -> JSON text   a question to another node's inspector; `node`: a member's identity or name
///   (peers) -> JSON text       the other members, whether they can be reached, letters under way to each
///   (wake, ref)                passed on to the ref's shard if it is here
///   (moved)                    passed on to every shard here
///   (shards) -> shard_table_ptr
///   (count) -> uint64          residents of all shards here
/// A message to a shard that is not here goes to the node that holds it, and its answer comes back; forwarder.hpp says how. A message that
/// cannot get there is refused as `unavailable` or `busy` in route_limits::patience at the latest: whoever asked asks again.
caf::actor spawn_router(caf::actor_system& system, std::shared_ptr<metrics_sink> metrics = nullptr, route_limits limits = {});

} // namespace paygate

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(paygate::shard_table_ptr)
