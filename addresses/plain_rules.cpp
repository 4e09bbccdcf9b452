// Ethereum and its like, and the networks whose addresses are a bare key, a bare number or a name: there a pattern is all that can be
// checked.
#include <algorithm>

#include "addresses/encodings.hpp"
#include "addresses/ethereum_address.hpp"
#include "addresses/rule.hpp"
#include "crypto/hash.hpp"

namespace paygate::addresses {

namespace {

constexpr std::string_view small_letters = "abcdefghijklmnopqrstuvwxyz", decimal_digits = "0123456789";

/// EIP-55; one case throughout carries no checksum. Nobody has the key of address 0.
verdict check_evm(std::string_view text) {
  const auto data = read_hex(text, "0x", 20);
  if (!data) return bad(address_fault::malformed);
  if (!parse_address(text)) return bad(address_fault::wrong_checksum);
  if (std::all_of(data->begin(), data->end(), [](auto byte) { return byte == 0; })) return bad(address_fault::not_payable);
  const auto digits = text.substr(2);
  const bool mixed = digits.find_first_of("abcdef") != digits.npos && digits.find_first_of("ABCDEF") != digits.npos;
  return good(mixed ? checked_by::checksum : checked_by::pattern);
}

verdict check_xdc(std::string_view text) {
  return check_evm(text.starts_with("xdc") ? "0x" + std::string(text.substr(3)) : std::string(text));
}

/// Any 32 bytes: a wallet's key lies on the curve, a program's account does not, and both can own coins.
verdict check_solana(std::string_view text) {
  const auto data = text.size() > 44 ? std::nullopt : read_number(text, bitcoin_base58);
  return data && data->size() == 32 ? good(checked_by::pattern) : bad(address_fault::malformed);
}

/// Aptos, Sui, IOTA: 32 bytes; shortened forms are not taken.
verdict check_hex32(std::string_view text) { return read_hex(text, "0x", 32) ? good(checked_by::pattern) : bad(address_fault::malformed); }

/// A field element: below 2^251, its leading zeros may be missing.
verdict check_starknet(std::string_view text) {
  if (!text.starts_with("0x") || text.size() < 2 + 50 || text.size() > 2 + 64 || !is_hex(text.substr(2)))
    return bad(address_fault::malformed);
  const bool fits = text.size() < 2 + 64 || (text[2] == '0' && text[3] <= '7');
  return fits ? good(checked_by::pattern) : bad(address_fault::malformed);
}

/// An implicit account is a key in hex; a named one is taken only below a registrar. https://docs.near.org/protocol/account-id
verdict check_near(std::string_view text) {
  if (read_hex(text, "", 32)) return text == lower(text) ? good(checked_by::pattern) : bad(address_fault::malformed);
  const auto is_separator = [](char c) { return c == '-' || c == '_' || c == '.'; };
  if (text.size() < 4 || text.size() > 64 || is_separator(text.front()) || is_separator(text.back())) return bad(address_fault::malformed);
  for (std::size_t i = 0; i < text.size(); ++i) {
    const bool is_plain = small_letters.find(text[i]) != small_letters.npos || decimal_digits.find(text[i]) != decimal_digits.npos;
    if (!is_plain && (!is_separator(text[i]) || is_separator(text[i - 1]))) return bad(address_fault::malformed);
  }
  if (text.ends_with(".testnet")) return bad(address_fault::test_network);
  return text.ends_with(".near") || text.ends_with(".tg") ? good(checked_by::pattern) : bad(address_fault::malformed);
}

/// EOS, WAX: up to 12 characters of 32, a 13th of 16; no dot at either end. https://docs.eosnetwork.com ("Account names")
verdict check_eos_name(std::string_view text) {
  if (text.empty() || text.size() > 13 || text.front() == '.' || text.back() == '.') return bad(address_fault::malformed);
  if (!consists_of(text, "abcdefghijklmnopqrstuvwxyz12345.")) return bad(address_fault::malformed);
  if (text.size() == 13 && text[12] > 'j') return bad(address_fault::malformed);
  return good(checked_by::pattern);
}

/// A public key with RIPEMD-160's first 4 bytes, or a handle name@domain. https://dev.fio.net
verdict check_fio(std::string_view text) {
  if (text.find('@') != text.npos) {
    const auto at = text.find('@');
    const auto name = text.substr(0, at), domain = text.substr(at + 1);
    const auto is_word = [](std::string_view word) {
      return !word.empty() && word.size() <= 62 && consists_of(word, "abcdefghijklmnopqrstuvwxyz0123456789-") && word.front() != '-'
             && word.back() != '-';
    };
    return is_word(name) && is_word(domain) ? good(checked_by::pattern) : bad(address_fault::malformed);
  }
  if (!text.starts_with("FIO")) return bad(address_fault::malformed);
  const auto data = read_number(text.substr(3), bitcoin_base58);
  if (!data || data->size() != 37) return bad(address_fault::malformed);
  const auto sum = ripemd160(byte_view(*data).first(33));
  return std::equal(data->end() - 4, data->end(), sum.begin()) ? good() : bad(address_fault::wrong_checksum);
}

/// A wallet is hx, a contract cx.
verdict check_icon(std::string_view text) {
  if (read_hex(text, "cx", 20) && text == lower(text)) return bad(address_fault::not_payable);
  return read_hex(text, "hx", 20) && text == lower(text) ? good(checked_by::pattern) : bad(address_fault::malformed);
}

/// A public key with the number of its curve: 01 Ed25519, 02 Secp256k1. Its optional mixed-case checksum is not looked at.
verdict check_casper(std::string_view text) {
  const bool fits = read_hex(text, "01", 32) || read_hex(text, "0202", 32) || read_hex(text, "0203", 32);
  return fits ? good(checked_by::pattern) : bad(address_fault::malformed);
}

verdict check_flow(std::string_view text) { return read_hex(text, "0x", 8) ? good(checked_by::pattern) : bad(address_fault::malformed); }

} // namespace

void add_plain_rules(std::vector<rule>& rules) {
  rules.push_back({"evm", "an Ethereum-style address (0x...)", checked_by::checksum, check_evm});
  rules.push_back({"solana", "a Solana address", checked_by::pattern, check_solana});
  rules.push_back({"xdc", "an XDC address", checked_by::checksum, check_xdc});
  rules.push_back({"fio", "a FIO key or handle", checked_by::checksum, check_fio});
  rules.push_back({"hex32", "an address of 32 bytes (0x...)", checked_by::pattern, check_hex32});
  rules.push_back({"starknet", "a Starknet address", checked_by::pattern, check_starknet});
  rules.push_back({"near", "a NEAR account", checked_by::pattern, check_near});
  rules.push_back({"eos_name", "an account name", checked_by::pattern, check_eos_name});
  rules.push_back({"icon", "an ICON address", checked_by::pattern, check_icon});
  rules.push_back({"casper", "a Casper public key", checked_by::pattern, check_casper});
  rules.push_back({"flow", "a Flow address", checked_by::pattern, check_flow});
}

} // namespace paygate::addresses
