#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "io/crypto/encoding.hpp"

// All of these throw std::runtime_error only when the crypto library itself fails (no memory); no input can make them.
namespace paygate {

using hash256 = std::array<std::uint8_t, 32>;
using hash512 = std::array<std::uint8_t, 64>;

/// Ethereum's hash: Keccak-256 as submitted, not the later SHA3-256 (they differ in padding).
hash256 keccak256(byte_view data);

/// FIPS 180-4.
hash256 sha256(byte_view data);

/// RFC 2104.
hash256 hmac_sha256(std::string_view key, byte_view data);
hash512 hmac_sha512(std::string_view key, byte_view data);

/// The same as lower-case hex.
std::string sha256_hex(std::string_view data);
std::string hmac_sha256_hex(std::string_view key, std::string_view data);
std::string hmac_sha512_hex(std::string_view key, std::string_view data);

} // namespace paygate
