#include "tests/simulation/lease_table.hpp"

#include <algorithm>

#include "tests/simulation/planted.hpp"

namespace paygate::sim {

// A member's number is its place in the order of entering; the newest are asked for most.
std::size_t lease_table::number_of(const std::string& identity) const {
  for (auto n = members.size(); --n > 0;)
    if (members[n].identity == identity) return n;
  return 0;
}

bool lease_table::is_expired(const member& m) const {
  const bool early = active_fault == planted::take_unexpired_lease && m.expires <= w_.now + lease_ttl / 2;
  return m.expires <= w_.now || early;
}

cluster_rows lease_table::rows() const {
  cluster_rows all;
  for (std::size_t n = 1; n < members.size(); ++n) {
    const auto& m = members[n];
    if (m.left || m.dead) continue;
    all.nodes.push_back({{m.identity, m.name, m.name, m.identity, 1, m.draining}, false, is_expired(m), is_gone(m.identity)});
  }
  std::sort(all.nodes.begin(), all.nodes.end(), [](const auto& a, const auto& b) { return a.member.identity < b.member.identity; });
  for (std::uint32_t s = 0; s < shard_count; ++s) all.leases[s] = {holder_of(s).identity, leases[s].epoch};
  all.written_version = 1;
  return all;
}

void lease_table::join(const std::string& identity, const std::string& name, bool draining) {
  w_.demand(number_of(identity) == 0, "an identity is made anew: " + identity);
  for (const auto& m : members) w_.demand(m.left || m.dead || m.name != name, identity + ": one living node of a name at a time");
  members.push_back({identity, name, w_.now + lease_ttl, false, false, draining});
  ++changes;
}

lease_table::pulse lease_table::renew(const std::string& identity) {
  auto& self = members[number_of(identity)];
  if (active_fault == planted::dead_identity_returns) self.dead = false;
  if (self.dead || self.left) return {};
  self.expires = w_.now + lease_ttl;
  renewed(identity);
  const bool late = std::any_of(members.begin() + 1, members.end(), [this](const auto& m) { return !m.left && !m.dead && is_expired(m); });
  return {true, late};
}

bool lease_table::bury(const std::vector<std::string>& dead, const std::string& by) {
  const bool all = std::all_of(dead.begin(), dead.end(), [this](const auto& identity) {
    const auto& m = members[number_of(identity)];
    return !m.left && !m.dead && (is_expired(m) || is_gone(identity));
  });
  if (!all) return false;
  for (const auto& identity : dead) {
    auto& m = members[number_of(identity)];
    buried(m, by);
    m.dead = true;
    ++changes;
  }
  return true;
}

void lease_table::take(const std::string& identity, const shard_list& shards) {
  const auto self = number_of(identity);
  for (const auto s : shards) {
    if (taken) taken(s, holder_of(s), identity);
    leases[s] = {self, leases[s].epoch + 1};
  }
  ++changes;
}

void lease_table::free(const std::string& identity, const shard_list& shards) {
  const auto self = number_of(identity);
  for (const auto s : shards)
    if (leases[s].holder == self) leases[s] = {0, leases[s].epoch + 1};
  ++changes;
}

void lease_table::drain(const std::string& identity) {
  members[number_of(identity)].draining = true;
  ++changes;
}

void lease_table::leave(const std::string& identity) {
  const auto self = number_of(identity);
  for (auto& l : leases)
    if (l.holder == self) l = {0, l.epoch + 1};
  members[self].left = true;
  ++changes;
}

void lease_table::give_all(const std::string& identity, std::uint64_t epoch) {
  if (number_of(identity) == 0) join(identity, identity, false);
  leases.fill({number_of(identity), epoch});
}

} // namespace paygate::sim
