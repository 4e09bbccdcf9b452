// Bitcoin and what came of its code: base58check, segregated witness (BIP-173, BIP-350, BIP-141), CashAddr.
#include <algorithm>

#include "addresses/encodings.hpp"
#include "addresses/rule.hpp"
#include "crypto/hash.hpp"

namespace paygate::addresses {

namespace {

constexpr std::size_t sum_size = 4, hash_size = 20, key_size = 32;

using sum_function = hash256 (*)(byte_view);
hash256 sha256_twice(byte_view data) { return sha256(sha256(data)); }
hash256 blake256_twice(byte_view data) { return blake256(blake256(data)); }
hash256 keccak_of_blake2b(byte_view data) { return keccak256(blake2b(data, 32)); }

/// One coin's base58check addresses: a version, 20 bytes of a hash, 4 bytes of checksum.
struct base58_coin {
  std::vector<bytes> versions, test_versions;
  sum_function sum = sha256_twice;
};

bool begins_with(byte_view data, const bytes& head, std::size_t size) {
  return data.size() == head.size() + size && std::equal(head.begin(), head.end(), data.begin());
}

bool has_version(byte_view body, const std::vector<bytes>& versions) {
  return std::any_of(versions.begin(), versions.end(), [&](const bytes& v) { return begins_with(body, v, hash_size); });
}

/// A private key in wallet import format, of any coin: a version from 0x80 up, the key, and 01 when its public key is compressed.
bool is_private_key(byte_view body) {
  return body[0] >= 0x80 && (body.size() == 1 + key_size || (body.size() == 2 + key_size && body.back() == 1));
}

verdict check_base58(std::string_view text, const base58_coin& coin) {
  const auto data = read_number(text, bitcoin_base58);
  if (!data || data->size() <= sum_size) return bad(address_fault::malformed);
  const auto body = byte_view(*data).first(data->size() - sum_size);
  const auto sum = coin.sum(body);
  if (!std::equal(data->end() - sum_size, data->end(), sum.begin())) {
    // A changed character may well have changed the version too: the length is what is left to know it by.
    const bool has_form = body.size() == coin.versions[0].size() + hash_size;
    return bad(has_form ? address_fault::wrong_checksum : address_fault::malformed);
  }
  if (has_version(body, coin.versions)) return good();
  if (has_version(body, coin.test_versions)) return bad(address_fault::test_network);
  return bad(is_private_key(body) ? address_fault::secret_key : address_fault::other_network);
}

/// One coin's segregated witness addresses.
struct witness_coin {
  std::string prefix;
  std::vector<std::string> test_prefixes;
  bool taproot = false; ///< Whether witness version 1 is enforced: where it is not, anybody can spend what is sent to it.
};

verdict check_witness(std::string_view text, const witness_coin& coin) {
  const auto read = read_bech32(text);
  if (!read) return bad(address_fault::malformed);
  if (read->prefix != coin.prefix) {
    const auto& tests = coin.test_prefixes;
    if (std::find(tests.begin(), tests.end(), read->prefix) != tests.end()) return bad(address_fault::test_network);
    return bad(read->kind == bech32_kind::neither ? address_fault::malformed : address_fault::other_network);
  }
  if (read->kind == bech32_kind::neither) return bad(address_fault::wrong_checksum);
  if (read->values.empty() || read->values[0] > 16) return bad(address_fault::malformed);
  const auto version = read->values[0];
  if (read->kind != (version == 0 ? bech32_kind::bech32 : bech32_kind::bech32m)) return bad(address_fault::wrong_checksum);
  const auto program = five_to_eight(byte_view(read->values).subspan(1));
  if (!program || program->size() < 2 || program->size() > 40) return bad(address_fault::malformed);
  if (version == 0) return program->size() == hash_size || program->size() == 32 ? good() : bad(address_fault::malformed);
  // What is sent to a witness that no rule of the chain looks at belongs to whoever takes it first.
  return version == 1 && program->size() == 32 && coin.taproot ? good() : bad(address_fault::not_payable);
}

/// https://github.com/bitcoincashorg/bitcoincash.org/blob/master/spec/cashaddr.md; types 2 and 3 are 0 and 1 for wallets that know tokens.
verdict check_cashaddr(std::string_view text, std::string_view prefix, std::string_view test_prefix, int type_max) {
  const auto colon = text.find(':');
  if (colon != text.npos) {
    const auto has = [&](char first, char last) {
      return std::any_of(text.begin(), text.end(), [=](char c) { return c >= first && c <= last; });
    };
    if (has('a', 'z') && has('A', 'Z')) return bad(address_fault::malformed);
    const auto given = lower(text.substr(0, colon));
    if (given == test_prefix) return bad(address_fault::test_network);
    if (given != prefix) return bad(address_fault::malformed);
    text.remove_prefix(colon + 1);
  }
  const auto read = read_cashaddr(prefix, text);
  if (!read) return bad(address_fault::malformed);
  // 34 values hold 21 bytes, 53 hold 33: an address of another length was never one.
  if (read->values.size() != 34 && read->values.size() != 53) return bad(address_fault::malformed);
  if (!read->sum_is_right) return bad(address_fault::wrong_checksum);
  const auto data = five_to_eight(read->values);
  if (!data || ((*data)[0] & 0x80) != 0) return bad(address_fault::malformed);
  const int type = (*data)[0] >> 3, size = (*data)[0] & 7;
  if (type > type_max) return bad(address_fault::not_payable);
  const bool fits = (size == 0 && data->size() == 1 + hash_size) || (size == 3 && data->size() == 1 + 32 && type % 2 == 1);
  return fits ? good() : bad(address_fault::malformed);
}

/// Zcash's other receivers: real addresses, which the exchange does not pay to.
verdict check_shielded(std::string_view text) {
  const auto read = read_bech32(text, 512);
  if (!read || (read->prefix != "zs" && read->prefix != "u" && read->prefix != "tex")) return bad(address_fault::malformed);
  return bad(read->kind == bech32_kind::neither ? address_fault::wrong_checksum : address_fault::not_payable);
}

/// Kaspa: CashAddr's checksum and alphabet; always with its prefix.
verdict check_kaspa(std::string_view text) {
  if (lower(text.substr(0, 10)) == "kaspatest:") return bad(address_fault::test_network);
  if (!text.starts_with("kaspa:")) return bad(address_fault::malformed);
  const auto read = read_cashaddr("kaspa", text.substr(6));
  if (!read || (read->values.size() != 53 && read->values.size() != 55)) return bad(address_fault::malformed);
  if (!read->sum_is_right) return bad(address_fault::wrong_checksum);
  const auto data = five_to_eight(read->values);
  if (!data) return bad(address_fault::malformed);
  const auto version = (*data)[0];
  const bool fits = data->size() == 33 ? version == 0 || version == 8 : version == 1;
  return fits ? good() : bad(address_fault::malformed);
}

judge base58(base58_coin coin) {
  return [coin = std::move(coin)](std::string_view text) { return check_base58(text, coin); };
}

judge base58_or_witness(base58_coin coin, witness_coin witness) {
  return [coin = std::move(coin), witness = std::move(witness)](std::string_view text) {
    return best({check_base58(text, coin), check_witness(text, witness)});
  };
}

judge base58_or_cashaddr(base58_coin coin, std::string prefix, std::string test_prefix, int type_max) {
  return [=](std::string_view text) { return best({check_base58(text, coin), check_cashaddr(text, prefix, test_prefix, type_max)}); };
}

} // namespace

// Versions and prefixes are those of each coin's chainparams.cpp.
void add_bitcoin_rules(std::vector<rule>& rules) {
  const std::vector<bytes> bitcoin_tests = {{0x6f}, {0xc4}};
  const base58_coin bitcoin{{{0x00}, {0x05}}, bitcoin_tests}, zcash{{{0x1c, 0xb8}, {0x1c, 0xbd}}, {{0x1d, 0x25}, {0x1c, 0xba}}};
  const auto add = [&](std::string name, std::string title, judge check) {
    rules.push_back({std::move(name), std::move(title), checked_by::checksum, std::move(check)});
  };
  add("bitcoin", "a Bitcoin address", base58_or_witness(bitcoin, {"bc", {"tb", "bcrt"}, true}));
  add("litecoin", "a Litecoin address", base58_or_witness({{{0x30}, {0x32}}, {{0x6f}, {0xc4}, {0x3a}}}, {"ltc", {"tltc", "rltc"}, true}));
  add("dogecoin", "a Dogecoin address", base58({{{0x1e}, {0x16}}, {{0x71}, {0xc4}}}));
  add("bitcoincash", "a Bitcoin Cash address", base58_or_cashaddr(bitcoin, "bitcoincash", "bchtest", 3));
  add("tron", "a Tron address", base58({{{0x41}}, {}}));
  add("dash", "a Dash address", base58({{{0x4c}, {0x10}}, {{0x8c}, {0x13}}}));
  add("zcash", "a Zcash address", [zcash](std::string_view text) { return best({check_base58(text, zcash), check_shielded(text)}); });
  // Pay-to-script-hash ended on this chain in 2020; what is sent there is lost.
  add("bitcoinsv", "a Bitcoin SV address", base58({{{0x00}}, bitcoin_tests}));
  add("bitcoingold", "a Bitcoin Gold address", base58_or_witness({{{0x26}, {0x17}}, bitcoin_tests}, {"btg", {"tbtg"}}));
  add("digibyte", "a DigiByte address", base58_or_witness({{{0x1e}, {0x3f}}, {{0x7e}, {0x8c}}}, {"dgb", {"dgbt", "dgbrt"}}));
  add("ravencoin", "a Ravencoin address", base58({{{0x3c}, {0x7a}}, bitcoin_tests}));
  add("qtum", "a Qtum address", base58_or_witness({{{0x3a}, {0x32}}, {{0x78}, {0x6e}}}, {"qc", {"tq", "qcrt"}}));
  add("ecash", "an eCash address", base58_or_cashaddr(bitcoin, "ecash", "ectest", 1));
  add("firo", "a Firo address", base58({{{0x52}, {0x07}}, {{0x41}, {0xb2}}}));
  add("pivx", "a PIVX address", base58({{{0x1e}, {0x0d}}, {{0x8b}, {0x13}}}));
  add("divi", "a Divi address", base58({{{0x1e}, {0x0d}}, {{0x8b}, {0x13}}}));
  add("komodo", "a Komodo address", base58({{{0x3c}, {0x55}}, {}}));
  add("verge", "a Verge address", base58({{{0x1e}, {0x21}}, {{0x73}, {0xc6}}}));
  add("horizen", "a Horizen address", base58({{{0x20, 0x89}, {0x20, 0x96}}, {{0x20, 0x98}, {0x20, 0x92}}}));
  add("decred", "a Decred address", base58({{{0x07, 0x3f}, {0x07, 0x1a}}, {{0x0f, 0x21}, {0x0e, 0xfc}}, blake256_twice}));
  add("neo", "a Neo address", base58({{{0x17}, {0x35}}, {}}));
  add("ontology", "an Ontology address", base58({{{0x17}}, {}}));
  add("solar", "a Solar address", base58({{{0x3f}}, {{0x1e}}}));
  add("waves", "a Waves address", base58({{{0x01, 'W'}}, {{0x01, 'T'}}, keccak_of_blake2b}));
  add("kaspa", "a Kaspa address", check_kaspa);
}

} // namespace paygate::addresses
