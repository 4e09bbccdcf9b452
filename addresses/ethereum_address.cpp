#include "addresses/ethereum_address.hpp"

#include <algorithm>

#include "crypto/hash.hpp"

namespace paygate {

std::optional<address_bytes> parse_address(std::string_view text) {
  if (text.size() != 42 || !text.starts_with("0x")) return std::nullopt;
  const auto decoded = hex_decode(text);
  address_bytes address;
  if (!decoded || decoded->size() != address.size()) return std::nullopt;
  std::copy(decoded->begin(), decoded->end(), address.begin());
  const auto digits = text.substr(2);
  const bool has_lower = std::any_of(digits.begin(), digits.end(), [](char c) { return c >= 'a' && c <= 'f'; });
  const bool has_upper = std::any_of(digits.begin(), digits.end(), [](char c) { return c >= 'A' && c <= 'F'; });
  if (has_lower && has_upper && to_checksum_text(address) != text) return std::nullopt;
  return address;
}

std::string to_checksum_text(const address_bytes& address) {
  auto text = hex_encode(address);
  const auto hash = keccak256(as_bytes(text));
  for (std::size_t i = 0; i < text.size(); ++i) {
    const int nibble = i % 2 == 0 ? hash[i / 2] >> 4 : hash[i / 2] & 15;
    if (text[i] >= 'a' && nibble >= 8) text[i] = static_cast<char>(text[i] - 'a' + 'A');
  }
  return "0x" + text;
}

std::string to_lower_text(const address_bytes& address) { return hex_encode_0x(address); }

bool same_address(std::string_view a, std::string_view b) {
  const auto left = parse_address(a), right = parse_address(b);
  return left && right && *left == *right;
}

} // namespace paygate
