#include "io/link/hand_over.hpp"

#include <caf/all.hpp>
#include <caf/binary_deserializer.hpp>
#include <caf/io/all.hpp>
#include <caf/io/basp_broker.hpp>
#include <caf/io/network/default_multiplexer.hpp>

namespace paygate {

caf::actor basp_of(caf::actor_system& system) { return system.middleman().named_broker<caf::io::basp_broker>(caf::atom("BASP")); }

void add_link_types(caf::actor_system_config& config) { config.add_message_type<std::vector<std::uint8_t>>("bytes"); }

caf::io::scribe_ptr scribe_of(caf::actor_system& system, unique_fd plain) {
  return system.middleman().backend().new_scribe(plain.release());
}

std::optional<std::string> node_in_handshake(caf::actor_system& system, std::string_view payload) {
  caf::binary_deserializer source(system, payload.data(), payload.size());
  caf::node_id node;
  if (source(node) || !node) return std::nullopt;
  return caf::to_string(node);
}

} // namespace paygate
