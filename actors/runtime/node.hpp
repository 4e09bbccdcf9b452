#pragma once

#include <functional>
#include <memory>
#include <string>

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include "actors/runtime/ports.hpp"
#include "actors/runtime/waker.hpp"

namespace paygate {

/// What the node keeper needs. `lease_ttl` is that of the membership; a node that could not renew for 3/4 of it stops acting.
struct node_setup {
  lease_actor leases;
  loader_actor loader;
  reader_actor reader;
  caf::actor router;
  ports_ptr ports;
  waker_limits waker;
  milliseconds lease_ttl{3'000};
  std::size_t hand_over_max = 8;     ///< Shards given to others at once; a node that drains gives many more.
  milliseconds finish_within{2'000}; ///< Longest wait for the open steps of shards that are handed over.
  milliseconds drain_within{8'000};  ///< Longest time that a drain may take before it is answered false.
  /// Told once when this node cannot be a member beside those that live (a name or CAF node id that is taken), and for how long it has
  /// tried.
  std::function<void(const std::string& why)> on_refused;
};

/// Starts the node keeper: renews the membership, takes the leases of this node's share, runs a shard actor under each, hands shards over
/// to nodes that have less, and ends the shards of leases that it lost or could not renew in time, before anybody else can take them.
///   (ready) -> bool            this node acts: it holds shards and does not drain
///   (watch, actor)             is sent (view, cluster_view_ptr), now and whenever the cluster changed
///   (refresh)                  somebody met a stale route: the cluster is read again at once
///   (moved)                    business time was moved
///   (resumed)                  a pause began or ended
///   (drain) -> bool            hands all shards over, open steps first, and takes none from now on; the node stays up. True: all are given
///   (leave) -> bool            drains and leaves the cluster, for a clean stop; false when not all was finished and given back in time
/// Metrics: members, shards_held, leases_taken_total, leases_lost_total, leases_given_total, self_fenced_total.
caf::actor spawn_node(caf::actor_system& system, node_setup setup);

using ready_atom = caf::atom_constant<caf::atom("ready")>;
using resumed_atom = caf::atom_constant<caf::atom("resumed")>;
using watch_atom = caf::atom_constant<caf::atom("watch")>;
using refresh_atom = caf::atom_constant<caf::atom("refresh")>;
using leave_atom = caf::atom_constant<caf::atom("leave")>;

} // namespace paygate
