#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "messages/cluster.hpp"
#include "messages/interfaces.hpp"

// Who is dead, and who should hold which shards: decided from rows that were read, without a clock and without I/O.
namespace paygate {

struct known_node {
  cluster_member member;
  bool ended = false;       ///< Declared dead, or left.
  bool expired = false;     ///< Its membership ran out, on the database's clock.
  bool proven_dead = false; ///< Its process is gone, as this machine sees it.
  bool silent = true;       ///< By the clock of who asks, too, it has not renewed for about a ttl.
  std::string stamp;        ///< What each of its renewals changes.
};
struct known_lease {
  std::string node; ///< Empty: nobody's.
  std::uint64_t epoch = 0;
};
struct cluster_rows {
  std::vector<known_node> nodes; ///< By identity.
  std::array<known_lease, shard_count> leases;
  std::uint32_t written_version = 0; ///< The newest row layout that may have been written by anybody.
};

struct lease_plan {
  std::vector<std::string> bury; ///< Identities to declare dead.
  shard_list take;
  std::uint32_t surplus = 0; ///< So many of self's shards are others' share, and they would take them.
  bool settled = true;       ///< Nothing is about to change hands.
};

/// Whether that node is dead. A jump of the database's clock alone makes nobody so. `may_judge`: the asking node has reached the database
/// without interruption for a ttl, so that whoever did not renew could have.
bool is_dead(const known_node& node, bool may_judge);

/// What `self` should do. A live, not draining node wants an equal share, rounded up. One that understands less than was written keeps what
/// it has, up to its share, and takes nothing; what it does not hold is shared out among the others. `self` that is no member plans
/// nothing.
lease_plan plan_leases(const cluster_rows& rows, const std::string& self, bool may_judge);

/// The cluster as these rows show it: those that are dead are no members, and own nothing.
cluster_view view_of(const cluster_rows& rows, const std::string& self, bool may_judge);

} // namespace paygate
