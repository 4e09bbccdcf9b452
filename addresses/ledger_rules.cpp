// Networks that have several formats each: XRP, Stellar, Cardano, TON, Hedera.
#include <algorithm>
#include <array>

#include "addresses/encodings.hpp"
#include "addresses/rule.hpp"
#include "crypto/hash.hpp"

namespace paygate::addresses {

namespace {

verdict good_with_memo() { return {address_fault::none, checked_by::checksum, true}; }

/// Classic address (https://xrpl.org/docs/references/protocol/data-types/base58-encodings) or X-address, which carries the destination tag
/// (https://xls.xrpl.org, XLS-5).
verdict check_xrp(std::string_view text) {
  constexpr std::size_t classic_size = 25, x_size = 35, seed_size = 21;
  const auto data = read_number(text, xrp_base58);
  if (!data || (data->size() != classic_size && data->size() != x_size && data->size() != seed_size)) return bad(address_fault::malformed);
  const auto body = byte_view(*data).first(data->size() - 4);
  const auto sum = sha256(sha256(body));
  if (!std::equal(data->end() - 4, data->end(), sum.begin())) return bad(address_fault::wrong_checksum);
  if (body.size() == seed_size - 4) return bad(body[0] == 0x21 ? address_fault::secret_key : address_fault::malformed);
  if (body.size() == classic_size - 4) return body[0] == 0 ? good() : bad(address_fault::other_network);
  if (body[0] == 0x04 && body[1] == 0x93) return bad(address_fault::test_network);
  if (body[0] != 0x05 || body[1] != 0x44) return bad(address_fault::other_network);
  const auto tag = body.last(8);
  const auto zeros_from = [&](std::size_t at) {
    return std::all_of(tag.begin() + static_cast<std::ptrdiff_t>(at), tag.end(), [](auto b) { return b == 0; });
  };
  if (body[22] == 0) return zeros_from(0) ? good() : bad(address_fault::malformed);
  return body[22] == 1 && zeros_from(4) ? good_with_memo() : bad(address_fault::malformed);
}

/// https://stellar.org/protocol/sep-23
verdict check_stellar(std::string_view text) {
  constexpr std::uint8_t account = 6 << 3, muxed = 12 << 3, seed = 18 << 3;
  const auto data = consists_of(text, rfc4648_base32) ? read_base32(text, rfc4648_base32) : std::nullopt;
  if (text.size() != 56 && text.size() != 69) return bad(address_fault::malformed);
  if (!data) return bad(consists_of(text, rfc4648_base32) ? address_fault::wrong_checksum : address_fault::malformed);
  const auto sum = crc16_xmodem(byte_view(*data).first(data->size() - 2));
  if ((*data)[data->size() - 2] != (sum & 0xff) || data->back() != sum >> 8) return bad(address_fault::wrong_checksum);
  const auto kind = (*data)[0];
  if (kind == seed) return bad(address_fault::secret_key);
  if (kind == account && data->size() == 35) return good();
  if (kind == muxed && data->size() == 43) return good_with_memo();
  return bad(address_fault::not_payable); // Contracts, signers' hashes.
}

/// Shelley (CIP-19): a header, whose upper half is the type and lower half the network, and one or two hashes.
verdict check_shelley(std::string_view text) {
  const auto read = read_bech32(text, 128);
  if (!read) return bad(address_fault::malformed);
  if (read->prefix == "addr_test") return bad(address_fault::test_network);
  if (read->prefix != "addr" && read->prefix != "stake") return bad(address_fault::malformed);
  if (read->kind != bech32_kind::bech32) return bad(address_fault::wrong_checksum);
  const auto data = five_to_eight(read->values);
  if (!data || data->size() < 29) return bad(address_fault::malformed);
  if (((*data)[0] & 15) != 1) return bad(address_fault::test_network);
  const int type = (*data)[0] >> 4;
  if (read->prefix == "stake" || type >= 8) return bad(address_fault::not_payable);
  const bool fits = type < 4 ? data->size() == 57 : type < 6 ? data->size() >= 32 && data->size() <= 59 : data->size() == 29;
  return fits ? good() : bad(address_fault::malformed);
}

/// Byron: CBOR [tag 24 (bytes), crc32], the bytes being [hash of 28, attributes, type]; attribute 2 names a test net.
/// https://github.com/cardano-foundation/CIPs/blob/master/CIP-0019/CIP-0019-byron-addresses.cddl
verdict check_byron(std::string_view text) {
  const auto data = read_number(text, bitcoin_base58);
  if (!data || data->size() < 43 || (*data)[0] != 0x82 || (*data)[1] != 0xd8 || (*data)[2] != 0x18) return bad(address_fault::malformed);
  const bool long_size = (*data)[3] == 0x58;
  const std::size_t head = long_size ? 5 : 4, size = long_size ? (*data)[4] : (*data)[3] & 0x1fU;
  // The checksum may be written in fewer bytes when its upper ones are zero, as CBOR demands.
  if (data->size() < head + size + 1) return bad(address_fault::wrong_checksum);
  const auto inner = byte_view(*data).subspan(head, size);
  const auto tail = byte_view(*data).subspan(head + size);
  static constexpr std::array<std::size_t, 3> widths = {1, 2, 4};
  if (tail[0] < 0x18 || tail[0] > 0x1a || tail.size() != 1 + widths[tail[0] - 0x18U]) return bad(address_fault::wrong_checksum);
  std::uint32_t sum = 0;
  for (auto byte : tail.subspan(1)) sum = sum << 8 | byte;
  if (sum != crc32(inner)) return bad(address_fault::wrong_checksum);
  if (inner.size() < 33 || inner[0] != 0x83 || inner[1] != 0x58 || inner[2] != 28) return bad(address_fault::malformed);
  const auto attributes = inner.subspan(31);
  if (attributes[0] < 0xa0 || attributes[0] > 0xa2) return bad(address_fault::malformed);
  std::size_t at = 1;
  for (int left = attributes[0] - 0xa0; left > 0; --left) {
    if (at + 2 > attributes.size()) return bad(address_fault::malformed);
    if (attributes[at] == 2) return bad(address_fault::test_network);
    const bool counted = attributes[at + 1] == 0x58 && at + 2 < attributes.size();
    at += counted ? 3U + attributes[at + 2] : 2U + (attributes[at + 1] & 0x1fU);
  }
  return at + 1 == attributes.size() ? good() : bad(address_fault::malformed);
}

/// The user-friendly form is flags, workchain, account and CRC16 in base64 of either alphabet; the raw one has no checksum.
/// https://docs.ton.org/learn/overviews/addresses
verdict check_ton(std::string_view text) {
  for (std::string_view chain : {"0:", "-1:"})
    if (read_hex(text, chain, 32)) return good(checked_by::pattern);
  if (text.size() != 48) return bad(address_fault::malformed);
  std::string url(text);
  const bool classic = text.find_first_of("+/") != text.npos, modern = text.find_first_of("-_") != text.npos;
  if (classic && modern) return bad(address_fault::malformed);
  for (auto& c : url) c = c == '+' ? '-' : c == '/' ? '_' : c;
  const auto data = base64url_decode(url);
  if (!data || data->size() != 36) return bad(address_fault::malformed);
  const auto sum = crc16_xmodem(byte_view(*data).first(34));
  if ((*data)[34] != sum >> 8 || (*data)[35] != (sum & 0xff)) return bad(address_fault::wrong_checksum);
  const int flags = (*data)[0] & 0x7f;
  if ((flags != 0x11 && flags != 0x51) || ((*data)[1] != 0 && (*data)[1] != 0xff)) return bad(address_fault::malformed);
  return ((*data)[0] & 0x80) != 0 ? bad(address_fault::test_network) : good();
}

/// The five letters of HIP-15 for an account on the main net. https://hips.hedera.com/hip/hip-15
std::string hedera_sum(std::string_view account) {
  constexpr std::uint64_t letters3 = 26 * 26 * 26, letters5 = letters3 * 26 * 26, weight = 31, spread = 1'000'003;
  std::uint64_t even = 0, odd = 0, all = 0, ledger = 0;
  for (std::size_t i = 0; i < account.size(); ++i) {
    const auto digit = account[i] == '.' ? 10U : static_cast<unsigned>(account[i] - '0');
    all = (weight * all + digit) % letters3;
    (i % 2 == 0 ? even : odd) += digit;
  }
  for (int i = 0; i < 7; ++i) ledger = weight * ledger % letters5; // The main net's number is 0, with six zero bytes after it.
  auto sum = ((((account.size() % 5) * 11 + even % 11) * 11 + odd % 11) * letters3 + all + ledger) % letters5;
  sum = sum * spread % letters5;
  std::string text(5, 'a');
  for (auto c = text.rbegin(); c != text.rend(); ++c, sum /= 26) *c = static_cast<char>('a' + sum % 26);
  return text;
}

verdict check_hedera(std::string_view text) {
  const auto hyphen = text.find('-');
  const auto account = text.substr(0, hyphen);
  // Shard and realm are 0 on the main net.
  if (!account.starts_with("0.0.") || account.size() < 5 || account.size() > 4 + 12) return bad(address_fault::malformed);
  const auto number = account.substr(4);
  if (!consists_of(number, "0123456789") || number[0] == '0') return bad(address_fault::malformed);
  if (hyphen == text.npos) return good(checked_by::pattern);
  const auto sum = text.substr(hyphen + 1);
  if (sum.size() != 5 || !consists_of(sum, "abcdefghijklmnopqrstuvwxyz")) return bad(address_fault::malformed);
  return sum == hedera_sum(account) ? good() : bad(address_fault::wrong_checksum);
}

} // namespace

void add_ledger_rules(std::vector<rule>& rules) {
  rules.push_back({"xrp", "an XRP address", checked_by::checksum, check_xrp});
  rules.push_back({"stellar", "a Stellar address", checked_by::checksum, check_stellar});
  rules.push_back({"cardano", "a Cardano address", checked_by::checksum, [](std::string_view text) {
                     return best({check_shelley(text), check_byron(text)});
                   }});
  rules.push_back({"ton", "a TON address", checked_by::checksum, check_ton});
  rules.push_back({"hedera", "a Hedera account", checked_by::pattern, check_hedera});
}

} // namespace paygate::addresses
