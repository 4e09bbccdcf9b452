// Networks with a form of their own, and a hash of it for a checksum.
#include <algorithm>

#include "addresses/encodings.hpp"
#include "addresses/rule.hpp"
#include "crypto/hash.hpp"

namespace paygate::addresses {

namespace {

bool ends_with(byte_view data, byte_view tail) {
  return data.size() >= tail.size() && std::equal(tail.begin(), tail.end(), data.end() - static_cast<std::ptrdiff_t>(tail.size()));
}

bytes joined(std::string_view head, byte_view data) {
  bytes all(head.begin(), head.end());
  all.insert(all.end(), data.begin(), data.end());
  return all;
}

/// Version, two public keys and, in an integrated address, a payment id of 8 bytes; checksum of 4.
/// https://docs.getmonero.org/public-address/standard-address/
verdict check_monero(std::string_view text) {
  constexpr std::size_t plain_digits = 95, integrated_digits = 106;
  if (text.size() != plain_digits && text.size() != integrated_digits) return bad(address_fault::malformed);
  const auto data = read_monero_base58(text);
  if (!data) return bad(consists_of(text, bitcoin_base58) ? address_fault::wrong_checksum : address_fault::malformed);
  const auto body = byte_view(*data).first(data->size() - 4);
  const auto sum = keccak256(body);
  if (!ends_with(*data, byte_view(sum).first(4))) return bad(address_fault::wrong_checksum);
  const auto version = (*data)[0];
  if (version == 53 || version == 54 || version == 63 || version == 24 || version == 25 || version == 36)
    return bad(address_fault::test_network);
  if (text.size() == integrated_digits) {
    if (version != 19) return bad(address_fault::other_network);
    return {address_fault::none, checked_by::checksum, true};
  }
  return version == 18 || version == 42 ? good() : bad(address_fault::other_network);
}

/// SS58 of a 32-byte account. https://docs.substrate.io/reference/address-formats/
verdict check_ss58(std::string_view text, unsigned network) {
  const auto data = read_number(text, bitcoin_base58);
  if (!data || (data->size() != 35 && data->size() != 36)) return bad(address_fault::malformed);
  const std::size_t prefix_size = data->size() - 34;
  const unsigned first = (*data)[0];
  if ((prefix_size == 2) != (first >= 64) || first >= 128) return bad(address_fault::malformed);
  const auto sum = blake2b(joined("SS58PRE", byte_view(*data).first(data->size() - 2)), 64);
  if (!ends_with(*data, byte_view(sum).first(2))) return bad(address_fault::wrong_checksum);
  const unsigned second = (*data)[1];
  const unsigned read = prefix_size == 1 ? first : (first & 0x3f) << 2 | second >> 6 | (second & 0x3f) << 8;
  return read == network ? good() : bad(address_fault::other_network);
}

/// https://developer.algorand.org/docs/get-details/accounts/#transformation-public-key-to-algorand-address
verdict check_algorand(std::string_view text) {
  if (text.size() != 58 || !consists_of(text, rfc4648_base32)) return bad(address_fault::malformed);
  const auto data = read_base32(text, rfc4648_base32);
  if (!data) return bad(address_fault::wrong_checksum);
  const auto sum = sha512_256(byte_view(*data).first(32));
  return ends_with(*data, byte_view(sum).last(4)) ? good() : bad(address_fault::wrong_checksum);
}

/// tz1 to tz4 are accounts, KT1 a contract: all 20 bytes. https://tezos.gitlab.io/shell/data_encoding.html
verdict check_tezos(std::string_view text) {
  const auto data = read_number(text, bitcoin_base58);
  if (!data || data->size() != 27) return bad(address_fault::malformed);
  const auto sum = sha256(sha256(byte_view(*data).first(23)));
  if (!ends_with(*data, byte_view(sum).first(4))) return bad(address_fault::wrong_checksum);
  const bytes kind(data->begin(), data->begin() + 3);
  for (const auto& known : {bytes{6, 161, 159}, bytes{6, 161, 161}, bytes{6, 161, 164}, bytes{6, 161, 166}, bytes{2, 90, 121}})
    if (kind == known) return good();
  return bad(address_fault::other_network);
}

/// https://spec.filecoin.io/appendix/address/; f410f is an Ethereum account's.
verdict check_filecoin(std::string_view text) {
  if (text.size() < 3 || (text[0] != 'f' && text[0] != 't')) return bad(address_fault::malformed);
  const int protocol = text[1] - '0';
  std::string_view rest = text.substr(2);
  verdict found = bad(address_fault::malformed);
  if (protocol == 0) {
    if (rest.size() <= 19 && consists_of(rest, "0123456789") && rest[0] != '0') found = good(checked_by::pattern);
  } else if (protocol >= 1 && protocol <= 4) {
    bytes summed{static_cast<std::uint8_t>(protocol)};
    if (protocol == 4) {
      if (!rest.starts_with("10f")) return bad(address_fault::malformed);
      rest.remove_prefix(3);
      summed.push_back(10);
    }
    const std::size_t size = protocol == 3 ? 48 : 20, digits = ((size + 4) * 8 + 4) / 5;
    if (rest.size() != digits || !consists_of(rest, lower_base32)) return bad(address_fault::malformed);
    const auto data = read_base32(rest, lower_base32);
    if (!data) return bad(address_fault::wrong_checksum);
    summed.insert(summed.end(), data->begin(), data->end() - 4);
    found = ends_with(*data, blake2b(summed, 4)) ? good() : bad(address_fault::wrong_checksum);
  }
  return text[0] == 't' && found.fault == address_fault::none ? bad(address_fault::test_network) : found;
}

/// https://docs.nano.org/integration-guides/the-basics/#account-public-address
verdict check_nano(std::string_view text) {
  const std::size_t prefix_size = text.starts_with("nano_") ? 5 : text.starts_with("xrb_") ? 4 : 0;
  if (prefix_size == 0) return bad(address_fault::malformed);
  text.remove_prefix(prefix_size);
  // 256 bits in 52 digits: the four spare bits stand in front.
  if (text.size() != 60 || !consists_of(text, nano_base32) || (text[0] != '1' && text[0] != '3')) return bad(address_fault::malformed);
  const auto key = read_base32("1111" + std::string(text.substr(0, 52)), nano_base32);
  const auto sum = read_base32(text.substr(52), nano_base32);
  if (!key || !sum || key->size() != 35) return bad(address_fault::malformed);
  auto wanted = blake2b(byte_view(*key).last(32), 5);
  std::reverse(wanted.begin(), wanted.end());
  return *sum == wanted ? good() : bad(address_fault::wrong_checksum);
}

/// Hash of the unlock conditions and 6 bytes of its hash, in hex.
verdict check_sia(std::string_view text) {
  const auto data = text == lower(text) ? read_hex(text, "", 38) : std::nullopt;
  if (!data) return bad(address_fault::malformed);
  const auto sum = blake2b(byte_view(*data).first(32), 32);
  return ends_with(*data, byte_view(sum).first(6)) ? good() : bad(address_fault::wrong_checksum);
}

/// https://docs.nem.io/en/nem-sdk/; people write it with hyphens.
verdict check_nem(std::string_view text) {
  std::string digits;
  for (char c : text)
    if (c != '-') digits += c;
  if (digits.size() != 40 || !consists_of(digits, rfc4648_base32)) return bad(address_fault::malformed);
  const auto data = read_base32(digits, rfc4648_base32);
  if (!data) return bad(address_fault::malformed);
  const auto sum = keccak256(byte_view(*data).first(21));
  if (!ends_with(*data, byte_view(sum).first(4))) return bad(address_fault::wrong_checksum);
  if ((*data)[0] == 0x98) return bad(address_fault::test_network);
  return (*data)[0] == 0x68 ? good() : bad(address_fault::other_network);
}

/// 'S', the version as a digit, then hash and checksum as one number. https://docs.stacks.co (SIP-005)
verdict check_stacks(std::string_view text) {
  if (text.size() < 30 || text.size() > 42 || text[0] != 'S') return bad(address_fault::malformed);
  const auto version = crockford_base32.find(text[1]);
  const auto data = read_number(text.substr(2), crockford_base32);
  if (version == crockford_base32.npos || !data) return bad(address_fault::malformed);
  if (data->size() != 24) return bad(data->size() > 22 && data->size() < 26 ? address_fault::wrong_checksum : address_fault::malformed);
  bytes summed{static_cast<std::uint8_t>(version)};
  summed.insert(summed.end(), data->begin(), data->end() - 4);
  const auto sum = sha256(sha256(summed));
  if (!ends_with(*data, byte_view(sum).first(4))) return bad(address_fault::wrong_checksum);
  if (version == 26 || version == 21) return bad(address_fault::test_network);
  return version == 22 || version == 20 ? good() : bad(address_fault::other_network);
}

/// An account's number (checksum and 28 bytes of a hash, in hex) or a principal (checksum and id, in groups of five).
verdict check_internet_computer(std::string_view text) {
  const auto sum_fits = [](byte_view data) {
    const auto sum = crc32(data.subspan(4));
    for (unsigned i = 0; i < 4; ++i)
      if (data[i] != static_cast<std::uint8_t>(sum >> (24 - 8 * i))) return false;
    return true;
  };
  if (text != lower(text)) return bad(address_fault::malformed);
  if (const auto account = read_hex(text, "", 32)) return sum_fits(*account) ? good() : bad(address_fault::wrong_checksum);
  std::string digits;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if ((i % 6 == 5) != (text[i] == '-')) return bad(address_fault::malformed);
    if (text[i] != '-') digits += text[i];
  }
  const auto data = read_base32(digits, lower_base32);
  if (!data || data->size() < 6 || data->size() > 4 + 29) return bad(address_fault::malformed);
  return sum_fits(*data) ? good() : bad(address_fault::wrong_checksum);
}

} // namespace

void add_hash_rules(std::vector<rule>& rules) {
  const auto add = [&](std::string name, std::string title, judge check) {
    rules.push_back({std::move(name), std::move(title), checked_by::checksum, std::move(check)});
  };
  const auto ss58 = [](unsigned network) { return [network](std::string_view text) { return check_ss58(text, network); }; };
  add("monero", "a Monero address", check_monero);
  add("polkadot", "a Polkadot address", ss58(0));
  add("kusama", "a Kusama address", ss58(2));
  add("joystream", "a Joystream address", ss58(126));
  add("algorand", "an Algorand address", check_algorand);
  add("tezos", "a Tezos address", check_tezos);
  add("filecoin", "a Filecoin address", check_filecoin);
  add("nano", "a Nano address", check_nano);
  add("sia", "a Sia address", check_sia);
  add("nem", "a NEM address", check_nem);
  add("stacks", "a Stacks address", check_stacks);
  add("internet_computer", "an Internet Computer account", check_internet_computer);
}

} // namespace paygate::addresses
