#pragma once

#include <memory>

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include "actors/runtime/ports.hpp"
#include "actors/runtime/waker.hpp"

namespace paygate {

/// What the node keeper needs. `lease_ttl` is that of the lease rows; a node that could not renew for 2/3 of it stops acting.
struct node_setup {
  lease_actor leases;
  loader_actor loader;
  reader_actor reader;
  caf::actor router;
  ports_ptr ports;
  waker_limits waker;
  milliseconds lease_ttl{10'000};
};

/// Starts the node keeper: takes the shards' leases, runs a shard actor under each, renews, and ends the shards of leases that it lost or
/// could not renew in time, before anybody else can take them.
///   (ready) -> bool            all shards are here and acting
///   (moved)                    business time was moved
///   (resumed)                  a pause began or ended
///   (drain) -> bool            ends every shard and gives the leases back: for a clean stop
caf::actor spawn_node(caf::actor_system& system, node_setup setup);

using ready_atom = caf::atom_constant<caf::atom("ready")>;
using resumed_atom = caf::atom_constant<caf::atom("resumed")>;
using drain_atom = caf::atom_constant<caf::atom("drain")>;

} // namespace paygate
