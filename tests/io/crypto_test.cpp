// Hashes and encodings against published vectors, and every encoder against its decoder.
#include <random>

#include <catch2/catch.hpp>

#include "crypto/bcrypt.hpp"
#include "crypto/hash.hpp"

using namespace paygate;

TEST_CASE("Keccak-256 is Ethereum's, not SHA3-256") {
  CHECK(hex_encode(keccak256({})) == "c5d2460186f7233c927e7db2dcc703c0e500b653ca82273b7bfad8045d85a470");
  CHECK(hex_encode(keccak256(as_bytes("abc"))) == "4e03657aea45a94fc7d47ba826c8d667c0d1e6e33a64a036ec44f58fa12d6c45");
  CHECK(hex_encode(keccak256(as_bytes("Transfer(address,address,uint256)")))
        == "ddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef");
}

TEST_CASE("the hashes that only addresses need give the published values") {
  CHECK(hex_encode(sha512_256(as_bytes("abc"))) == "53048e2681941ef99b2e29b76b4c7dabe4c2d0c634fc6d46e0e2f13107e7af23");
  CHECK(hex_encode(ripemd160(as_bytes("abc"))) == "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc");
  CHECK(hex_encode(blake2b({}, 32)) == "0e5751c026e543b2e8ab2eb06099daa1d1e5df47778f7787faab45cdf12fe3a8");
  CHECK(hex_encode(blake2b(as_bytes("abc"), 64))
        == "ba80a53f981c4d0d6a2797b69f12f6e94c212f14685ac4b74b12bb6fdbffa2d1"
           "7d87c5392aab792dc252d5de4533cc9518d38aa8dbf1925ab92386edd4009923");
  // SHA-3 proposal BLAKE, appendix; empty, one block, two blocks.
  CHECK(hex_encode(blake256({})) == "716f6e863f744b9ac22c97ec7b76ea5f5908bc5b2f67c61510bfc4751384ea7a");
  CHECK(hex_encode(blake256(bytes(1))) == "0ce8d4ef4dd7cd8d62dfded9d4edb0a774ae6a41929a74da23109e8f11139c87");
  CHECK(hex_encode(blake256(bytes(72))) == "d419bad32d504fb7d44d460c42c5593fe544fa4c135dec31e21bd9abdcc22d41");
}

TEST_CASE("SHA-256 and HMACs give the published values") {
  CHECK(sha256_hex("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(sha256_hex("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  // RFC 4231, case 2.
  CHECK(hmac_sha256_hex("Jefe", "what do ya want for nothing?") == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  CHECK(hmac_sha512_hex("Jefe", "what do ya want for nothing?")
        == "164b7a7bfcf819e2e395fbe73b56e0a387bd64222e831fd610270cd7ea250554"
           "9758bf75c05a994a6d034f65f8f0e6fdcaeab1a34d4a6b4b636e070a38bce737");
  CHECK(hmac_sha256_hex("", "") == "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

TEST_CASE("base64url gives RFC 4648's values without padding, and refuses all other spellings") {
  struct row {
    const char* plain;
    const char* text;
  };
  for (const auto& r : {row{"", ""}, row{"f", "Zg"}, row{"fo", "Zm8"}, row{"foo", "Zm9v"}, row{"foob", "Zm9vYg"}, row{"fooba", "Zm9vYmE"},
                        row{"foobar", "Zm9vYmFy"}, row{"\xfb\xff\xfe", "-__-"}}) {
    CHECK(base64url_encode(as_bytes(r.plain)) == r.text);
    const auto back = base64url_decode(r.text);
    REQUIRE(back);
    CHECK(as_text(*back) == r.plain);
  }
  for (const auto* text : {"Zg==", "Zh", "Z", "Zm9vY", "+//+", "Zm 9", "Zm9\n", "Zm9v="}) CHECK_FALSE(base64url_decode(text));
}

TEST_CASE("hex is read in either case, with or without 0x") {
  CHECK(hex_encode_0x(bytes{0, 0x0f, 0xa0, 0xff}) == "0x000fa0ff");
  CHECK(hex_decode("0x000Fa0fF") == bytes{0, 0x0f, 0xa0, 0xff});
  CHECK(hex_decode("") == bytes{});
  CHECK(hex_decode("0x") == bytes{});
  for (const auto* text : {"0", "0x0", "0g", "00x0", "-1", "0 0 "}) CHECK_FALSE(hex_decode(text));
}

TEST_CASE("any bytes survive hex and base64url") {
  std::mt19937_64 random(20261121);
  for (int i = 0; i < 2000; ++i) {
    bytes data(random() % 70);
    for (auto& byte : data) byte = static_cast<std::uint8_t>(random());
    REQUIRE(hex_decode(hex_encode(data)) == data);
    REQUIRE(base64url_decode(base64url_encode(data)) == data);
  }
}

TEST_CASE("constant-time comparison compares, and secrets are trimmed") {
  CHECK(constant_time_equal("", ""));
  CHECK(constant_time_equal("abc", "abc"));
  CHECK_FALSE(constant_time_equal("abc", "abd"));
  CHECK_FALSE(constant_time_equal("abc", "ab"));
  CHECK(trimmed(" \t secret\r\n") == "secret");
  CHECK(trimmed(" \n").empty());
  CHECK(trimmed("a b") == "a b");
}

TEST_CASE("a bcrypt hash is told by its form, and by a cost that a log-in can pay") {
  for (const auto* good : {"$2a$04$", "$2b$12$", "$2y$14$"}) CHECK(is_bcrypt(good + std::string(53, 'a')));
  for (const auto* bad : {"", "$2b$12$short", "$argon2id$v=19", "$1$abc"}) CHECK_FALSE(is_bcrypt(bad));
  for (const auto* bad : {"$2x$12$", "$2b$03$", "$2b$15$", "$2b$1x$", "$2b$12/"}) CHECK_FALSE(is_bcrypt(bad + std::string(53, 'a')));
  CHECK_FALSE(is_bcrypt("$2b$12$" + std::string(52, 'a') + "'"));
}
