#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <ostream>
#include <string>
#include <string_view>
#include <variant>

#include "crypto/hash.hpp"
#include "messages/io.hpp"

// EIP-1559 transactions: https://eips.ethereum.org/EIPS/eip-1559, provider-apis 4.4.
namespace paygate {

/// A secp256k1 key. It moves but is never copied, wipes its memory when it goes, and cannot be printed.
class private_key {
public:
  /// Reads 64 hex digits with or without "0x", white space around them ignored. Nothing when it is anything else, 0, or beyond the curve's
  /// order.
  static std::optional<private_key> parse(std::string_view hex);

  private_key(private_key&& other) noexcept;
  private_key& operator=(private_key&& other) noexcept;
  private_key(const private_key&) = delete;
  private_key& operator=(const private_key&) = delete;
  ~private_key();

  friend std::ostream& operator<<(std::ostream&, const private_key&) = delete;
  friend std::string address_of(const private_key& key);
  friend std::variant<tx_signed, io_failure> sign(const tx_fields& tx, const private_key& key);

private:
  private_key() = default;
  std::array<std::uint8_t, 32> secret_{};
};

/// The key's address, "0x" and lower case.
std::string address_of(const private_key& key);

/// What is signed: keccak256(0x02 || rlp(the nine fields)). Permanent failure "invalid_tx" for fields that no transaction of ours can have:
/// no chain id, no valid recipient, a negative amount, a priority fee above the maximal fee.
std::variant<hash256, io_failure> sighash(const tx_fields& tx);

/// Signs. The nonce of the signature follows RFC 6979 and s is low: the same fields give the same bytes, so signing again after a crash is
/// harmless. Fails as sighash does.
std::variant<tx_signed, io_failure> sign(const tx_fields& tx, const private_key& key);

} // namespace paygate
