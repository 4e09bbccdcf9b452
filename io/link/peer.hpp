#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace paygate {

enum class peer_role : std::uint8_t { node, person };

/// Who a certificate speaks for. In the certificate it is the one URI of its subject's alternative names: paygate://node/NAME or
/// paygate://operator/NAME.
struct peer_name {
  peer_role role = peer_role::node;
  std::string name;
  bool operator==(const peer_name&) const = default;
};

/// "node/a", "operator/olga".
std::string to_text(const peer_name& peer);

/// Nothing when it is no such URI. A name has 1 to 64 letters, digits, '-', '_' and '.'.
std::optional<peer_name> parse_peer_uri(std::string_view uri);

} // namespace paygate
