#include "messages/balance.hpp"

#include <algorithm>

namespace paygate {

namespace {

std::size_t held(const lease_standings& leases) {
  return static_cast<std::size_t>(std::count(leases.begin(), leases.end(), lease_standing::ours));
}

} // namespace

std::size_t fair_share(std::size_t members) { return members < 2 ? shard_count : (shard_count + members - 1) / members; }

bool may_take_expired(const balance_view& view) { return view.connected >= view.ttl; }

std::vector<std::uint32_t> shards_to_take(const lease_standings& leases, const balance_view& view) {
  std::vector<std::uint32_t> wanted;
  const auto share = view.draining ? 0 : fair_share(view.members), have = held(leases);
  const auto first = shard_count * view.rank / std::max<std::size_t>(view.members, 1);
  const auto look_for = [&](lease_standing standing) {
    for (std::size_t i = 0; i < shard_count && have + wanted.size() < share; ++i) {
      const auto shard = (first + i) % shard_count;
      if (leases[shard] == standing) wanted.push_back(static_cast<std::uint32_t>(shard));
    }
  };
  look_for(lease_standing::free);
  if (may_take_expired(view)) look_for(lease_standing::expired);
  return wanted;
}

std::vector<std::uint32_t> shards_to_give(const lease_standings& leases, const balance_view& view) {
  std::vector<std::uint32_t> given;
  const auto share = view.draining ? 0 : fair_share(view.members), have = held(leases);
  const auto most = view.draining ? have : given_at_once;
  // The last ones first: what is taken begins at the front of a node's own range.
  const auto first = shard_count * view.rank / std::max<std::size_t>(view.members, 1);
  for (std::size_t i = shard_count; i-- > 0 && given.size() < most && have - given.size() > share;) {
    const auto shard = (first + i) % shard_count;
    if (leases[shard] == lease_standing::ours) given.push_back(static_cast<std::uint32_t>(shard));
  }
  return given;
}

} // namespace paygate
