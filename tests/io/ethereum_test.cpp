// Addresses and signed transactions against vectors made by others (EIP-55, ethers 6).
#include <random>

#include <catch2/catch.hpp>
#include <secp256k1.h>
#include <secp256k1_recovery.h>

#include "addresses/ethereum_address.hpp"
#include "io/codec/rlp.hpp"
#include "io/codec/signer.hpp"

using namespace paygate;

namespace {

std::string key_text() {
  std::string text;
  for (int i = 0; i < 32; ++i) text += "46";
  return text;
}

private_key key() { return *private_key::parse(key_text()); }

// provider-apis 4.4, made by ethers 6.
tx_fields vector_tx() {
  tx_fields tx;
  tx.chain_id = 31337;
  tx.nonce = 9;
  tx.max_priority_fee = 1'500'000'000;
  tx.max_fee = 30'000'000'000;
  tx.gas_limit = 21000;
  tx.to = "0x3535353535353535353535353535353535353535";
  tx.value = one_coin;
  return tx;
}

// The address that a raw transaction recovers to, by libsecp256k1 alone.
std::string sender_of(const tx_signed& signed_tx, const tx_fields& tx) {
  const auto raw = *hex_decode(signed_tx.raw);
  const auto item = rlp_decode(byte_view(raw).subspan(1));
  REQUIRE(item);
  REQUIRE(item->items.size() == 12);
  std::array<std::uint8_t, 64> r_s{};
  const auto &r = item->items[10].text, &s = item->items[11].text;
  std::copy(r.begin(), r.end(), r_s.begin() + 32 - static_cast<std::ptrdiff_t>(r.size()));
  std::copy(s.begin(), s.end(), r_s.begin() + 64 - static_cast<std::ptrdiff_t>(s.size()));
  auto* context = secp256k1_context_create(SECP256K1_CONTEXT_VERIFY);
  secp256k1_ecdsa_recoverable_signature signature;
  secp256k1_ecdsa_signature plain;
  secp256k1_pubkey point;
  const int parity = item->items[9].text.empty() ? 0 : 1;
  REQUIRE(secp256k1_ecdsa_recoverable_signature_parse_compact(context, &signature, r_s.data(), parity) == 1);
  REQUIRE(secp256k1_ecdsa_recoverable_signature_convert(context, &plain, &signature) == 1);
  CHECK(secp256k1_ecdsa_signature_normalize(context, nullptr, &plain) == 0); // s is low already.
  REQUIRE(secp256k1_ecdsa_recover(context, &point, &signature, std::get<hash256>(sighash(tx)).data()) == 1);
  std::array<std::uint8_t, 65> text;
  auto length = text.size();
  secp256k1_ec_pubkey_serialize(context, text.data(), &length, &point, SECP256K1_EC_UNCOMPRESSED);
  secp256k1_context_destroy(context);
  const auto hash = keccak256(byte_view(text).subspan(1));
  return hex_encode_0x(byte_view(hash).last(20));
}

const io_failure* failure_of(const io_outcome& outcome) { return std::get_if<io_failure>(&outcome); }

} // namespace

TEST_CASE("EIP-55's own addresses are written and read") {
  for (const std::string text : {"0x52908400098527886E0F7030069857D2E4169EE7", "0x8617E340B3D01FA5F11F306F4090FD50E238070D",
                                 "0xde709f2102306220921060314715629080e2fb77", "0x27b1fdb04752bbc536007a920d24acb045561c26",
                                 "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",
                                 "0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB", "0xD1220A0cf47c7B9Be7A2E6BA89F429762e7b9aDb"}) {
    const auto address = parse_address(text);
    REQUIRE(address);
    CHECK(to_checksum_text(*address) == text);
    CHECK(parse_address(to_lower_text(*address)) == address);
    auto upper = text.substr(2);
    for (char& c : upper) c = static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
    CHECK(parse_address("0x" + upper) == address);
    CHECK(same_address(text, to_lower_text(*address)));
  }
}

TEST_CASE("a wrong mix of cases, or anything else, is no address") {
  for (const auto* text : {"", "0x", "0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed", "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAe",
                           "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAedd", "5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed",
                           "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAeg", "0X5aaeb6053f3e94c9b9a09f33669435e7ef1beaed",
                           " 0x5aaeb6053f3e94c9b9a09f33669435e7ef1beaed", "0x0x5aeb6053f3e94c9b9a09f33669435e7ef1beae"})
    CHECK_FALSE(parse_address(text));
  CHECK_FALSE(same_address("", ""));
}

TEST_CASE("any single letter in the other case breaks a checksum") {
  const std::string right = "0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed";
  for (std::size_t i = 2; i < right.size(); ++i) {
    if (!std::isalpha(static_cast<unsigned char>(right[i]))) continue;
    auto wrong = right;
    wrong[i] = static_cast<char>(wrong[i] ^ 0x20);
    CHECK_FALSE(parse_address(wrong));
  }
}

TEST_CASE("keys are read with and without 0x and white space; what is no key is refused") {
  for (const auto& text : {key_text(), "0x" + key_text(), " \n0x" + key_text() + "\r\n"}) {
    const auto read = private_key::parse(text);
    REQUIRE(read);
    CHECK(address_of(*read) == "0x9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f");
  }
  // Zero, the curve's order, and malformed text.
  CHECK_FALSE(private_key::parse(std::string(64, '0')));
  CHECK_FALSE(private_key::parse("fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141"));
  CHECK_FALSE(private_key::parse(key_text() + "46"));
  CHECK_FALSE(private_key::parse(key_text().substr(1)));
  CHECK_FALSE(private_key::parse("g" + key_text().substr(1)));
  CHECK_FALSE(private_key::parse(""));
}

TEST_CASE("a transaction is signed to the very bytes that ethers makes") {
  const auto digest = sighash(vector_tx());
  REQUIRE(std::holds_alternative<hash256>(digest));
  CHECK(hex_encode_0x(std::get<hash256>(digest)) == "0x786754e4bb091e8a7b30a2c2248e20288f81e058cbc5963033ec4c13a1c416c9");
  const auto result = sign(vector_tx(), key());
  REQUIRE(std::holds_alternative<tx_signed>(result));
  const auto& made = std::get<tx_signed>(result);
  CHECK(made.raw
        == "0x02f875827a69098459682f008506fc23ac00825208943535353535353535353535353535353535353535880de0b6b3a764000080c080a041ee0d42b2bae35"
           "a9e6b"
           "8825f0ac9c822267ccf3c79dd1d81f80db921742ec4ca04aa4db901fa5deea205d1d1b4387c0ef31827ccdcdbe207a3e4c2e57cdc7d726");
  CHECK(made.hash == "0xdab60f4aa6def6bb02c48e6e953cb9b13af2ddd8da537984c0dcf09faea3dd98");
  CHECK(sign(vector_tx(), key()) == result);
}

TEST_CASE("any transaction's signature recovers to the signer, and its fields read back") {
  std::mt19937_64 random(3);
  const auto signer = key();
  int short_ones = 0; // One r or s in 128 begins with a zero byte, which must not be written.
  for (int i = 0; i < 600; ++i) {
    auto tx = vector_tx();
    tx.nonce = random() >> random() % 64;
    tx.gas_limit = random() >> random() % 64;
    tx.value = static_cast<int128>(random()) * (random() % 1000);
    tx.max_fee = static_cast<int128>(random());
    tx.max_priority_fee = tx.max_fee / 3;
    tx.data.assign(random() % 100, static_cast<char>(random()));
    const auto made = std::get<tx_signed>(sign(tx, signer));
    CHECK(sender_of(made, tx) == address_of(signer));
    const auto raw = *hex_decode(made.raw);
    CHECK(made.hash == hex_encode_0x(keccak256(raw)));
    const auto item = rlp_decode(byte_view(raw).subspan(1));
    CHECK(rlp_string(item->items[1].text) == rlp_integer(static_cast<int128>(tx.nonce)));
    CHECK(rlp_string(item->items[6].text) == rlp_integer(tx.value));
    CHECK(as_text(item->items[7].text) == tx.data);
    for (std::size_t part : {10, 11}) {
      REQUIRE_FALSE(item->items[part].text.empty());
      CHECK(item->items[part].text.front() != 0);
      short_ones += item->items[part].text.size() < 32 ? 1 : 0;
    }
  }
  CHECK(short_ones > 0);
}

TEST_CASE("fields that cannot be are refused, not signed") {
  const auto refuses = [](auto change) {
    auto tx = vector_tx();
    change(tx);
    const auto result = sign(tx, key());
    const auto* failure = std::get_if<io_failure>(&result);
    return failure && failure->kind == fault::permanent && failure->code == "invalid_tx";
  };
  CHECK(refuses([](tx_fields& tx) { tx.chain_id = 0; }));
  CHECK(refuses([](tx_fields& tx) { tx.to = ""; }));
  CHECK(refuses([](tx_fields& tx) { tx.to = "0x5aaeb6053F3E94C9b9A09f33669435E7Ef1BeAed"; }));
  CHECK(refuses([](tx_fields& tx) { tx.value = -1; }));
  CHECK(refuses([](tx_fields& tx) { tx.max_fee = -1; }));
  CHECK(refuses([](tx_fields& tx) { tx.max_priority_fee = tx.max_fee + 1; }));
}

TEST_CASE("the signer signs for its own address only") {
  const auto client = make_signer(key());
  for (const auto* from : {"0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F", "0x9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f",
                           "0x9D8A62F656A8D1615C1294FD71E9CFB3E4855A4F"}) {
    const auto outcome = client(sign_tx{from, vector_tx()});
    REQUIRE(std::holds_alternative<tx_signed>(outcome));
    CHECK(std::get<tx_signed>(outcome) == std::get<tx_signed>(sign(vector_tx(), key())));
  }
  for (const auto* from : {"", "0x3535353535353535353535353535353535353535"}) {
    const auto outcome = client(sign_tx{from, vector_tx()});
    REQUIRE(failure_of(outcome));
    CHECK(failure_of(outcome)->code == "wrong_key");
    CHECK(failure_of(outcome)->kind == fault::permanent);
    CHECK(failure_of(outcome)->text.find("4646") == std::string::npos);
  }
  const auto other = client(get_payment{"1"});
  REQUIRE(failure_of(other));
  CHECK(failure_of(other)->code == "not_supported");
}

TEST_CASE("a key that was moved away signs nothing") {
  auto first = key();
  const auto second = std::move(first);
  CHECK(std::holds_alternative<io_failure>(sign(vector_tx(), first)));
  CHECK(std::holds_alternative<tx_signed>(sign(vector_tx(), second)));
}
