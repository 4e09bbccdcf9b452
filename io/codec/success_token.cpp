#include "io/codec/success_token.hpp"

#include "crypto/hash.hpp"

namespace paygate {

namespace {

// The label keeps this key's other uses from making a MAC that fits here.
std::string mac_of(std::string_view order_id, std::string_view key) {
  return as_text(hmac_sha256(trimmed(key), as_bytes("paygate success token\n" + std::string(order_id))));
}

} // namespace

std::string make_success_token(std::string_view order_id, std::string_view key) {
  return base64url_encode(as_bytes(order_id)) + "." + base64url_encode(as_bytes(mac_of(order_id, key)));
}

std::optional<std::string> read_success_token(std::string_view token, std::string_view key) {
  const auto dot = token.find('.');
  if (trimmed(key).empty() || dot == std::string_view::npos) return std::nullopt;
  const auto order = base64url_decode(token.substr(0, dot));
  const auto mac = base64url_decode(token.substr(dot + 1));
  if (!order || !mac) return std::nullopt;
  auto order_id = as_text(*order);
  if (!constant_time_equal(as_text(*mac), mac_of(order_id, key))) return std::nullopt;
  return order_id;
}

} // namespace paygate
