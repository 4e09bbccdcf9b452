#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace paygate {

using address_bytes = std::array<std::uint8_t, 20>;

/// Reads "0x" and 40 hex digits. All lower case and all upper case are taken as they are; mixed case must be the checksum of EIP-55, so
/// that a mistyped address gives nothing.
std::optional<address_bytes> parse_address(std::string_view text);

/// With the checksum of EIP-55, for people: https://eips.ethereum.org/EIPS/eip-55
std::string to_checksum_text(const address_bytes& address);

/// "0x" and lower case: how addresses are stored and compared here.
std::string to_lower_text(const address_bytes& address);

/// Whether both texts are valid and name the same address, whatever their case.
bool same_address(std::string_view a, std::string_view b);

} // namespace paygate
