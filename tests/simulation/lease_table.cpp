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

void lease_table::enter(const std::string& identity, const std::string& name) {
  w_.demand(number_of(identity) == 0, "an identity is made anew: " + identity);
  members.push_back({identity, name, w_.now});
}

void lease_table::give_all(const std::string& identity, std::uint64_t epoch) {
  if (number_of(identity) == 0) enter(identity, identity);
  leases.fill({number_of(identity), epoch, timestamp::max()});
}

lease_standings lease_table::standings(std::size_t self) const {
  std::vector<char> nobody(members.size());
  for (std::size_t n = 0; n < members.size(); ++n)
    nobody[n] = n == 0 || members[n].left || members[n].dead || is_gone(members[n].identity);
  const auto now = active_fault == planted::take_unexpired_lease ? w_.now + lease_ttl / 3 : w_.now;
  lease_standings all;
  for (std::uint32_t s = 0; s < shard_count; ++s) {
    const auto& l = leases[s];
    if (l.holder == self)
      all[s] = lease_standing::ours;
    else if (nobody[l.holder])
      all[s] = lease_standing::free;
    else
      all[s] = l.expires <= now ? lease_standing::expired : lease_standing::others;
  }
  return all;
}

balance_view lease_table::balance(std::size_t self, milliseconds connected) const {
  balance_view view;
  view.members = 0;
  for (std::size_t n = 1; n < members.size(); ++n) {
    const auto& m = members[n];
    if (m.draining || (n != self && (!is_alive(m) || is_gone(m.identity)))) continue;
    view.rank += n < self;
    ++view.members;
  }
  view.draining = members[self].draining;
  view.connected = active_fault == planted::take_over_after_outage ? lease_ttl : connected;
  view.ttl = lease_ttl;
  return view;
}

lease_table::answer lease_table::turn(const std::string& identity, milliseconds connected) {
  answer found;
  const auto self = number_of(identity);
  if (active_fault == planted::dead_identity_returns) members[self].dead = false;
  found.dead = members[self].dead;
  if (found.dead) return found;
  members[self].seen = w_.now;
  const auto view = balance(self, connected);
  auto standing = standings(self);
  for (const auto s : shards_to_give(standing, view)) {
    leases[s].holder = 0;
    standing[s] = lease_standing::free;
  }
  for (std::uint32_t s = 0; s < shard_count; ++s) {
    if (leases[s].holder != self) continue;
    leases[s].expires = w_.now + lease_ttl;
    found.epochs[s] = leases[s].epoch;
  }
  if (pushed) pushed(identity);
  for (const auto s : shards_to_take(standing, view)) {
    auto& l = leases[s];
    const bool expired = standing[s] == lease_standing::expired;
    if (taken) taken(s, l, members[self], expired);
    if (expired) members[l.holder].dead = true;
    l = {self, l.epoch + 1, w_.now + lease_ttl};
    found.epochs[s] = l.epoch;
  }
  return found;
}

void lease_table::release(const std::string& identity) {
  const auto self = number_of(identity);
  for (auto& l : leases)
    if (l.holder == self) l.holder = 0;
  members[self].left = true;
}

cluster_view_ptr lease_table::view(const std::string& identity) const {
  auto view = std::make_shared<cluster_view>();
  view->self = identity;
  std::vector<std::int16_t> index(members.size(), -1);
  for (std::size_t n = 1; n < members.size(); ++n) {
    const auto& m = members[n];
    if (m.identity != identity && !is_alive(m)) continue;
    index[n] = static_cast<std::int16_t>(view->members.size());
    view->members.push_back({m.identity, m.name, m.name, m.identity, 1, m.draining});
  }
  for (std::uint32_t s = 0; s < shard_count; ++s) {
    view->owner[s] = index[leases[s].holder];
    view->epochs[s] = leases[s].epoch;
  }
  return view;
}

} // namespace paygate::sim
