#include "persistence/lease_plan.hpp"

#include <algorithm>
#include <map>

namespace paygate {

namespace {

std::uint32_t share_of(std::uint32_t shards, std::size_t nodes) {
  const auto count = static_cast<std::uint32_t>(nodes);
  return (shards + count - 1) / count;
}

/// A node that shards can be on.
struct seat {
  const cluster_member* member;
  std::uint32_t held = 0, wants = 0;
  bool takes = false; ///< It understands all that was written.
};

/// The seats of all live, not draining nodes, with what each wants.
std::map<std::string, seat> seats_of(const cluster_rows& rows, const std::map<std::string, std::uint32_t>& held, bool may_judge) {
  std::map<std::string, seat> seats;
  std::size_t takers = 0;
  for (const auto& node : rows.nodes) {
    if (is_dead(node, may_judge) || node.member.draining) continue;
    const auto count = held.find(node.member.identity);
    const bool takes = node.member.state_version >= rows.written_version;
    seats[node.member.identity] = {&node.member, count == held.end() ? 0 : count->second, 0, takes};
    takers += takes;
  }
  std::uint32_t kept = 0;
  for (auto& [identity, seat] : seats) {
    if (seat.takes) continue;
    // Without anybody who could take them it keeps them all.
    seat.wants = takers == 0 ? seat.held : std::min(seat.held, share_of(shard_count, seats.size()));
    kept += seat.wants;
  }
  for (auto& [identity, seat] : seats)
    if (seat.takes) seat.wants = share_of(shard_count - kept, takers);
  return seats;
}

} // namespace

bool is_dead(const known_node& node, bool may_judge) { return node.ended || node.proven_dead || (node.expired && node.silent && may_judge); }

lease_plan plan_leases(const cluster_rows& rows, const std::string& self, bool may_judge) {
  lease_plan plan;
  std::map<std::string, bool> dead;
  for (const auto& node : rows.nodes) {
    dead[node.member.identity] = is_dead(node, may_judge);
    if (node.ended || node.member.identity == self) continue;
    if (node.expired) plan.settled = false; // Soon it can be judged, or it comes back.
    if (dead[node.member.identity]) plan.bury.push_back(node.member.identity);
  }
  std::map<std::string, std::uint32_t> held;
  shard_list free;
  for (std::uint32_t shard = 0; shard < shard_count; ++shard) {
    const auto& holder = rows.leases[shard].node;
    const auto known = dead.find(holder);
    if (known == dead.end() || known->second)
      free.push_back(shard);
    else
      ++held[holder];
  }
  for (const auto& node : rows.nodes)
    if (node.member.draining && held.count(node.member.identity)) plan.settled = false;
  const auto seats = seats_of(rows, held, may_judge);
  std::uint32_t room = 0; // What others could take.
  for (const auto& [identity, seat] : seats) {
    if (seat.held > seat.wants) plan.settled = false;
    if (identity != self && seat.takes && seat.held < seat.wants) room += seat.wants - seat.held;
  }
  const auto mine = seats.find(self);
  if (mine == seats.end()) {
    plan.surplus = held[self]; // It drains, or is no member.
    return plan;
  }
  const auto& seat = mine->second;
  if (seat.takes && seat.held < seat.wants && !free.empty()) {
    free.resize(std::min<std::size_t>(free.size(), seat.wants - seat.held));
    plan.take = std::move(free);
    return plan;
  }
  if (!free.empty()) plan.settled = false;
  // What lies free is taken first.
  room -= std::min(room, static_cast<std::uint32_t>(free.size()));
  if (seat.held > seat.wants) plan.surplus = std::min(seat.held - seat.wants, room);
  return plan;
}

cluster_view view_of(const cluster_rows& rows, const std::string& self, bool may_judge) {
  cluster_view view;
  view.self = self;
  std::map<std::string, std::int16_t> index;
  for (const auto& node : rows.nodes)
    if (!is_dead(node, may_judge)) view.members.push_back(node.member);
  std::sort(view.members.begin(), view.members.end(), [](const auto& a, const auto& b) { return a.identity < b.identity; });
  for (std::size_t i = 0; i < view.members.size(); ++i) index[view.members[i].identity] = static_cast<std::int16_t>(i);
  for (std::uint32_t shard = 0; shard < shard_count; ++shard) {
    const auto holder = index.find(rows.leases[shard].node);
    if (holder != index.end()) view.owner[shard] = holder->second;
    view.epochs[shard] = rows.leases[shard].epoch;
  }
  return view;
}

} // namespace paygate
