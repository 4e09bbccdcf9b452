#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

#include "messages/ids.hpp"

// Which shards a node may take, and which it gives back: pure rules over what one transaction saw, on the database's clock. Whoever writes
// the leases judges each of them again under its row's lock.
namespace paygate {

/// What one lease is to the node that looks at it.
enum class lease_standing : std::uint8_t {
  ours,    ///< Held by this identity; pushed on, be it expired or not: nobody has taken it.
  free,    ///< Nobody's: never taken, given back, or its holder has left, was declared dead or is provably dead. To be had at once.
  expired, ///< Its holder has not renewed it in time. It may be dead, or cut off, or about to renew after an outage of the database.
  others   ///< A living node holds it.
};
using lease_standings = std::array<lease_standing, shard_count>;

/// What a node knows of the cluster when it looks at the leases.
struct balance_view {
  std::size_t members = 1;   ///< Alive and not draining, this one included unless it drains.
  std::size_t rank = 0;      ///< Of this one among them, by identity: each begins to look elsewhere, so that two seldom want the same.
  bool draining = false;     ///< This one.
  milliseconds connected{0}; ///< For how long it has reached the database without interruption.
  milliseconds ttl{10'000};
};

/// A shard more than this in one renewal is not given back: its neighbours have time to take what is there.
inline constexpr std::size_t given_at_once = 8;

/// How many shards each of so many nodes wants; one alone wants all.
std::size_t fair_share(std::size_t members);

/// After an outage of the database everybody's leases have expired and everybody renews: only who has been able to for a ttl may conclude
/// that another one is not.
bool may_take_expired(const balance_view& view);

/// What to take now, in the order of trying: free ones and, where that may be concluded, expired ones, up to the fair share.
std::vector<std::uint32_t> shards_to_take(const lease_standings& leases, const balance_view& view);

/// What to give back now, after its open steps are through: a few above the fair share; when draining, all.
std::vector<std::uint32_t> shards_to_give(const lease_standings& leases, const balance_view& view);

} // namespace paygate
