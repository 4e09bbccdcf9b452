#pragma once

#include <optional>
#include <string>
#include <string_view>

#include <caf/fwd.hpp>
#include <caf/io/scribe.hpp>

#include "io/link/socket.hpp"

// Where an authenticated connection becomes one of CAF's network layer. It is the only way in: nothing is published on a port.
namespace paygate {

/// CAF's BASP broker.
caf::actor basp_of(caf::actor_system& system);

/// Names the types that nodes send each other, besides plain ones. Before the actor system is made.
void add_link_types(caf::actor_system_config& config);

/// What BASP reads and writes a connection by.
caf::io::scribe_ptr scribe_of(caf::actor_system& system, unique_fd plain);

/// BASP keeps what is published by a port number, and names it to whom connects. Each connection is published for itself, so that the
/// number means nothing.
inline constexpr std::uint16_t no_port = 1;

/// The node id at the beginning of a BASP handshake, as text; nothing when there is none. Safe from any thread.
std::optional<std::string> node_in_handshake(caf::actor_system& system, std::string_view payload);

} // namespace paygate
