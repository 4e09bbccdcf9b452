#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/encoding.hpp"

// All of these throw std::runtime_error only when the crypto library itself fails (no memory); no input can make them.
namespace paygate {

using hash160 = std::array<std::uint8_t, 20>;
using hash256 = std::array<std::uint8_t, 32>;
using hash512 = std::array<std::uint8_t, 64>;

/// Ethereum's hash: Keccak-256 as submitted, not the later SHA3-256 (they differ in padding).
hash256 keccak256(byte_view data);

/// FIPS 180-4.
hash256 sha256(byte_view data);
hash256 sha512_256(byte_view data);

/// RFC 7693 without key, with a digest of `size` bytes (1..64): the length is part of the hash, a shorter one is no prefix of a longer one.
bytes blake2b(byte_view data, unsigned size);

/// BLAKE-256 of the SHA-3 competition (14 rounds, no salt): what Decred uses.
hash256 blake256(byte_view data);

/// ISO 10118-3.
hash160 ripemd160(byte_view data);

/// RFC 2104.
hash256 hmac_sha256(std::string_view key, byte_view data);
hash512 hmac_sha512(std::string_view key, byte_view data);

/// The same as lower-case hex.
std::string sha256_hex(std::string_view data);
std::string hmac_sha256_hex(std::string_view key, std::string_view data);
std::string hmac_sha512_hex(std::string_view key, std::string_view data);

} // namespace paygate
