#pragma once

#include <functional>
#include <memory>
#include <string>

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include "io/link/doors.hpp"
#include "io/link/pump.hpp"

namespace paygate {

/// What the cluster door needs. @pre the actor system has its middleman, and nothing else uses it.
struct cluster_door_setup {
  std::shared_ptr<credential_store> own;
  caf::actor
      listener; ///< (linkup, identity, exchange, packs), (linkdown, identity): the router. A link that comes back is told as a new one.
  caf::actor exchange;                   ///< What other nodes are given to send letters to.
  caf::actor inspector;                  ///< (ctl, operator's name, JSON) -> JSON.
  std::shared_ptr<metrics_sink> metrics; ///< May be null.
  link_limits limits;
  std::function<bool()> busy; ///< Whether the machine is; null: never (see link_pump).
  std::uint32_t hello = hello_version; ///< The highest that is said and understood; lower, to pass for an older program.
  std::chrono::milliseconds dial_patience{3'000};
  std::chrono::milliseconds retry_first{100}, retry_max{5'000}; ///< Between two dials; doubled at each failure, with chance in it.
};

/// Opens the port by which nodes and operators come in (`socket` listens already, see listen_at), and starts the links actor behind it:
///   (view, cluster_view_ptr)   the members to be linked with: one connection for each pair, dialed by the lower identity
/// It ends with every connection when it is told to exit.
caf::actor open_cluster_door(caf::actor_system& system, unique_fd socket, cluster_door_setup setup);

} // namespace paygate
