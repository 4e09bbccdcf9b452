#include "io/link/peer.hpp"

#include <algorithm>

namespace paygate {

namespace {

bool is_name(std::string_view text) {
  const auto fits = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_' || c == '.';
  };
  return !text.empty() && text.size() <= 64 && std::all_of(text.begin(), text.end(), fits);
}

} // namespace

std::string to_text(const peer_name& peer) { return (peer.role == peer_role::node ? "node/" : "operator/") + peer.name; }

std::optional<peer_name> parse_peer_uri(std::string_view uri) {
  constexpr std::string_view node = "paygate://node/", person = "paygate://operator/";
  const bool is_node = uri.starts_with(node);
  if (!is_node && !uri.starts_with(person)) return std::nullopt;
  const auto name = uri.substr((is_node ? node : person).size());
  if (!is_name(name)) return std::nullopt;
  return peer_name{is_node ? peer_role::node : peer_role::person, std::string(name)};
}

} // namespace paygate
