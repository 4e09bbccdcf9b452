#pragma once

#include <string>

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>
#include <caf/atom.hpp>

namespace paygate {

/// (hello, version, identity, exchange) -> (hello, identity, exchange): two nodes tell each other who they are since they were started.
using hello_atom = caf::atom_constant<caf::atom("hello")>;
/// 2: letters come in packs, too. A node says the highest version that it knows, and is answered when the other one knows that, too; else it
/// says the one before, so that nodes of two programs are linked during a rolling upgrade.
inline constexpr std::uint32_t hello_version = 2, hello_with_packs = 2, hello_first = 1;

/// What a node finds behind its connection: passes its hello on to the links actor with the connection's number, (hello, id, version,
/// identity, exchange). Ends with the connection.
caf::actor spawn_node_door(caf::actor_system& system, std::uint64_t connection, caf::actor links);

/// What an operator finds: (ctl, JSON) -> JSON, asked of the inspector as (ctl, name, JSON). The name is the certificate's. A fifth
/// question beside four open ones is answered {"error":{"code":"busy",...}}.
caf::actor spawn_operator_door(caf::actor_system& system, std::string name, caf::actor inspector);

} // namespace paygate
