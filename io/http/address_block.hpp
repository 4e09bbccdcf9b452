#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace paygate {

/// An IPv4 or IPv6 network ("10.0.0.0/8", "::1", "192.0.2.7"). IPv4 is held as ::ffff:a.b.c.d, so that both spellings of it match.
class address_block {
public:
  static std::optional<address_block> parse(const std::string& text);
  /// Whether the block holds the address; false for a text that is no address.
  bool contains(const std::string& address) const;

private:
  std::array<std::uint8_t, 16> bytes_{};
  int prefix_bits_ = 128;
};

/// Those of the texts that are blocks; the settings' check has named the others already.
std::vector<address_block> parse_blocks(const std::vector<std::string>& texts);
bool any_contains(const std::vector<address_block>& blocks, const std::string& address);
bool is_loopback(const std::string& address);

/// Who is at the other end: the peer, or when that is a trusted proxy the last address in X-Forwarded-For that is none.
std::string client_address(const std::string& peer, const std::string& forwarded_for, const std::vector<address_block>& trusted);

} // namespace paygate
