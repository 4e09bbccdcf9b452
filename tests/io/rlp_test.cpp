// RLP against the examples of its specification; the decoder takes exactly what the encoder writes.
#include <random>

#include <catch2/catch.hpp>

#include "io/codec/rlp.hpp"

using namespace paygate;

namespace {

bytes text(std::string_view s) { return rlp_string(as_bytes(s)); }

rlp_item random_item(std::mt19937_64& random, int depth) {
  rlp_item item;
  item.is_list = depth < 4 && random() % 2 == 0;
  if (item.is_list) {
    for (auto n = random() % 6; n > 0; --n) item.items.push_back(random_item(random, depth + 1));
  } else {
    item.text.resize(random() % 5 == 0 ? random() % 400 : random() % 4);
    for (auto& byte : item.text) byte = static_cast<std::uint8_t>(random());
  }
  return item;
}

bytes encode(const rlp_item& item) {
  if (!item.is_list) return rlp_string(item.text);
  std::vector<bytes> parts;
  for (const auto& child : item.items) parts.push_back(encode(child));
  return rlp_list(parts);
}

} // namespace

TEST_CASE("the specification's examples encode as given there") {
  CHECK(hex_encode(text("dog")) == "83646f67");
  CHECK(hex_encode(rlp_list({text("cat"), text("dog")})) == "c88363617483646f67");
  CHECK(hex_encode(text("")) == "80");
  CHECK(hex_encode(rlp_list({})) == "c0");
  CHECK(hex_encode(rlp_integer(0)) == "80");
  CHECK(hex_encode(rlp_string(bytes{0})) == "00");
  CHECK(hex_encode(rlp_integer(15)) == "0f");
  CHECK(hex_encode(rlp_integer(1024)) == "820400");
  const auto empty = rlp_list({}), one = rlp_list({empty});
  CHECK(hex_encode(rlp_list({empty, one, rlp_list({empty, one})})) == "c7c0c1c0c3c0c1c0");
  CHECK(hex_encode(text("Lorem ipsum dolor sit amet, consectetur adipisicing elit")).substr(0, 8) == "b8384c6f");
}

TEST_CASE("integers are minimal, whatever their size") {
  CHECK(hex_encode(rlp_integer(127)) == "7f");
  CHECK(hex_encode(rlp_integer(128)) == "8180");
  CHECK(hex_encode(rlp_integer(one_coin)) == "880de0b6b3a7640000");
  CHECK(hex_encode(rlp_integer(byte_view(bytes{0, 0, 1, 0}))) == "820100");
  CHECK(hex_encode(rlp_integer(byte_view(bytes(32, 0)))) == "80");
  CHECK(hex_encode(rlp_string(bytes(1024, 7))).substr(0, 6) == "b90400");
}

TEST_CASE("what is not the one encoding is refused") {
  for (const auto* hex : {"", "8100", "817f", "b800", "b83700", "b90001", "b8", "b9ff", "83646f", "c1", "c28080ff", "8080", "f800",
                          "c100c0", "bfffffffffffffffff", "ffffffffffffffffff", "c483646f67ff"}) {
    INFO(hex);
    CHECK_FALSE(rlp_decode(*hex_decode(hex)));
  }
}

TEST_CASE("the long form is refused where the short one would do") {
  for (const std::uint8_t lead : {0xb8, 0xf8}) {
    bytes encoded{lead, 55};
    encoded.resize(2 + 55, 7);
    CHECK_FALSE(rlp_decode(encoded));
    encoded[1] = 56;
    encoded.push_back(7);
    CHECK(rlp_decode(encoded));
  }
}

TEST_CASE("lists are not followed deeper than the limit") {
  bytes nested = rlp_list({});
  for (int depth = 1; depth < rlp_depth_max; ++depth) nested = rlp_list({nested});
  CHECK(rlp_decode(nested));
  CHECK_FALSE(rlp_decode(rlp_list({nested})));
  CHECK_FALSE(rlp_decode(bytes(100000, 0xc1)));
}

TEST_CASE("any item is read back, and any changed or cut encoding is refused or means something else") {
  std::mt19937_64 random(7);
  for (int i = 0; i < 3000; ++i) {
    const auto item = random_item(random, 0);
    auto encoded = encode(item);
    REQUIRE(rlp_decode(encoded) == item);
    auto cut = encoded;
    cut.resize(random() % encoded.size());
    CHECK_FALSE(rlp_decode(cut));
    encoded[random() % encoded.size()] ^= static_cast<std::uint8_t>(1U << random() % 8);
    if (const auto other = rlp_decode(encoded)) {
      CHECK(*other != item);
      CHECK(encode(*other) == encoded);
    }
  }
}
