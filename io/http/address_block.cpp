#include "io/http/address_block.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <charconv>

#include "crypto/encoding.hpp"

namespace paygate {

namespace {

struct parsed_address {
  std::array<std::uint8_t, 16> bytes{};
  bool v4 = false;
};

std::optional<parsed_address> parse_ip(const std::string& text) {
  parsed_address address;
  if (inet_pton(AF_INET, text.c_str(), address.bytes.data() + 12) == 1) {
    address.bytes[10] = address.bytes[11] = 0xff;
    address.v4 = true;
    return address;
  }
  if (inet_pton(AF_INET6, text.c_str(), address.bytes.data()) == 1) return address;
  return std::nullopt;
}

} // namespace

std::optional<address_block> address_block::parse(const std::string& text) {
  const auto slash = text.find('/');
  const auto address = parse_ip(text.substr(0, slash));
  if (!address) return std::nullopt;
  address_block block;
  block.bytes_ = address->bytes;
  if (slash == text.npos) return block;
  const auto digits = std::string_view(text).substr(slash + 1);
  int bits = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), bits);
  if (error != std::errc{} || end != digits.data() + digits.size() || bits < 0 || bits > (address->v4 ? 32 : 128)) return std::nullopt;
  block.prefix_bits_ = address->v4 ? bits + 96 : bits;
  return block;
}

bool address_block::contains(const std::string& text) const {
  const auto address = parse_ip(text);
  if (!address) return false;
  for (int bit = 0; bit < prefix_bits_; bit += 8) {
    const int left = std::min(8, prefix_bits_ - bit);
    const auto mask = static_cast<std::uint8_t>(0xff << (8 - left));
    const auto index = static_cast<std::size_t>(bit / 8);
    if ((address->bytes[index] & mask) != (bytes_[index] & mask)) return false;
  }
  return true;
}

std::vector<address_block> parse_blocks(const std::vector<std::string>& texts) {
  std::vector<address_block> blocks;
  for (const auto& text : texts)
    if (auto block = address_block::parse(text)) blocks.push_back(*block);
  return blocks;
}

bool any_contains(const std::vector<address_block>& blocks, const std::string& address) {
  return std::any_of(blocks.begin(), blocks.end(), [&](const auto& block) { return block.contains(address); });
}

bool is_loopback(const std::string& address) {
  static const auto blocks = parse_blocks({"127.0.0.0/8", "::1"});
  return any_contains(blocks, address);
}

std::string client_address(const std::string& peer, const std::string& forwarded_for, const std::vector<address_block>& trusted) {
  if (trusted.empty() || forwarded_for.empty() || !any_contains(trusted, peer)) return peer;
  // Each proxy appends whom it saw; everything left of the first one that we do not trust may be invented.
  std::string client = peer;
  std::string_view rest = forwarded_for;
  while (!rest.empty()) {
    const auto comma = rest.rfind(',');
    const std::string hop(trimmed(comma == rest.npos ? rest : rest.substr(comma + 1)));
    if (!parse_ip(hop)) break;
    client = hop;
    if (!any_contains(trusted, hop) || comma == rest.npos) break;
    rest = rest.substr(0, comma);
  }
  return client;
}

} // namespace paygate
