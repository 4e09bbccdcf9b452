#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/atom.hpp>

#include "messages/ids.hpp"

// Who is in the cluster and who holds which shard, as the database said it; and the messages that carry letters between nodes.
namespace paygate {

/// A node of the cluster that is alive: it renewed its membership within a ttl, on the database's clock.
struct cluster_member {
  std::string identity;            ///< Made anew at each boot, and when the old one was declared dead. Names the member in every table.
  std::string name;                ///< `node.name`: stable over restarts; the peer's certificate says it.
  std::string address;             ///< "host:port" that others dial; empty: it offers no cluster door.
  std::string caf_node;            ///< Its CAF node id as text: no two members share one.
  std::uint32_t state_version = 0; ///< The newest row layout that it understands.
  bool draining = false;           ///< Gives its shards away and takes none.
  bool operator==(const cluster_member&) const = default;
};

/// The cluster at one instant. Old the moment it was read: only the database's guard decides who commits.
struct cluster_view {
  std::string self;                              ///< The identity of the node that read it.
  std::vector<cluster_member> members;           ///< Alive, self included, in the order of their identities.
  std::array<std::int16_t, shard_count> owner;   ///< Index into `members`; -1: nobody who is alive.
  std::array<std::uint64_t, shard_count> epochs; ///< Of the lease on each shard, whoever holds it.

  cluster_view() {
    owner.fill(-1);
    epochs.fill(0);
  }
  bool operator==(const cluster_view&) const = default;

  const cluster_member* find(std::string_view identity) const {
    for (const auto& member : members)
      if (member.identity == identity) return &member;
    return nullptr;
  }
  /// Null when nobody who is alive holds it.
  const cluster_member* owner_of(std::uint32_t shard) const {
    const auto index = owner.at(shard);
    return index < 0 ? nullptr : &members.at(static_cast<std::size_t>(index));
  }
};
using cluster_view_ptr = std::shared_ptr<const cluster_view>;

/// (view, cluster_view_ptr): the node keeper tells router, links and inspector whenever it changed. Never leaves the process.
using view_atom = caf::atom_constant<caf::atom("view")>;
/// (forward, bytes): a letter in the format of messages/wire.hpp, to the exchange of the node that holds its shard; answered with bytes.
using forward_atom = caf::atom_constant<caf::atom("forward")>;
/// (linkup, identity, exchange): a member can be reached, through its exchange.
using link_up_atom = caf::atom_constant<caf::atom("linkup")>;
/// (linkdown, identity): no longer.
using link_down_atom = caf::atom_constant<caf::atom("linkdown")>;

} // namespace paygate

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(paygate::cluster_view_ptr)
