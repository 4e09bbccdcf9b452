#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "crypto/encoding.hpp"

// The alphabets in which addresses are written. Every reader refuses what no writer would have written, and any text that is longer than
// an address can be.
namespace paygate::addresses {

inline constexpr std::string_view bitcoin_base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz";
inline constexpr std::string_view xrp_base58 = "rpshnaf39wBUDNEGHJKLM4PQRST7VWXYZ2bcdeCg65jkm8oFqi1tuvAxyz";
inline constexpr std::string_view rfc4648_base32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
inline constexpr std::string_view lower_base32 = "abcdefghijklmnopqrstuvwxyz234567";
inline constexpr std::string_view nano_base32 = "13456789abcdefghijkmnopqrstuwxyz";
inline constexpr std::string_view crockford_base32 = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// The number that the digits are, big endian, with a zero byte for each leading zero digit.
std::optional<bytes> read_number(std::string_view text, std::string_view digits);

/// Monero's base58: blocks of 8 bytes in 11 digits.
std::optional<bytes> read_monero_base58(std::string_view text);

/// Five bits a character, without padding; spare bits at the end have to be zero.
std::optional<bytes> read_base32(std::string_view text, std::string_view digits);

/// 5-bit values to bytes; more than 4 spare bits, or spare bits that are not zero, are refused.
std::optional<bytes> five_to_eight(byte_view values);

enum class bech32_kind : std::uint8_t { bech32, bech32m, neither };
struct bech32_text {
  std::string prefix; ///< Lower case.
  bytes values;       ///< 5 bits each, without the checksum.
  bech32_kind kind = bech32_kind::neither;
};
/// BIP-173 and BIP-350. Nothing when the text has not even the form; `neither` when its checksum is wrong.
std::optional<bech32_text> read_bech32(std::string_view text, std::size_t length_max = 90);

/// The 40-bit checksum of CashAddr and Kaspa. Answers the 5-bit values without the checksum; `sum_is_right` says whether it was.
struct cashaddr_text {
  bytes values;
  bool sum_is_right = false;
};
std::optional<cashaddr_text> read_cashaddr(std::string_view prefix, std::string_view text);

std::uint16_t crc16_xmodem(byte_view data);
std::uint32_t crc32(byte_view data);

bool is_hex(std::string_view text);
/// Hex of exactly `size` bytes after `prefix`.
std::optional<bytes> read_hex(std::string_view text, std::string_view prefix, std::size_t size);
/// Whether all characters are among `allowed`.
bool consists_of(std::string_view text, std::string_view allowed);
std::string lower(std::string_view text);

} // namespace paygate::addresses
