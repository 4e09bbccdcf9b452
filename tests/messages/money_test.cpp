// Amounts survive every hop: the parser, the printer, and arithmetic at the edges of 128 bits.
#include <random>

#include <catch2/catch.hpp>

#include "messages/ids.hpp"
#include "messages/money.hpp"

using namespace paygate;

TEST_CASE("number tokens are read exactly") {
  struct row { const char* token; const char* text; bool exact; };
  for (const auto& r : {row{"0", "0", true}, row{"-0", "0", true}, row{"1e-7", "0.0000001", true}, row{"10.50", "10.5", true},
                        row{"0.0000001", "0.0000001", true}, row{"1E3", "1000", true}, row{"-2.5e+1", "-25", true},
                        row{"14848580.123456789012345678", "14848580.123456789012345678", true},
                        row{"0.1234567890123456789", "0.123456789012345678", false}, row{"1e-19", "0", false},
                        row{"0e99999999", "0", true}, row{"123456789012345.123456789012345678", "123456789012345.123456789012345678", true}}) {
    const auto read = parse_decimal(r.token);
    REQUIRE(read);
    CHECK(to_decimal(read->units) == r.text);
    CHECK(read->exact == r.exact);
  }
}

TEST_CASE("what is no number, or too large a one, is refused") {
  for (const auto* token : {"", "-", "+1", ".5", "5.", "1e", "1e+", "0x10", "1 ", " 1", "NaN", "1,5", "1e30", "170141183460469231732.0", "--1"})
    CHECK_FALSE(parse_decimal(token));
}

TEST_CASE("any amount is printed and read back unchanged") {
  std::mt19937_64 random(7);
  for (int i = 0; i < 20000; ++i) {
    const auto bits = random() % 126;
    auto units = static_cast<int128>(random()) << 64 | static_cast<int128>(random());
    units >>= bits;
    const auto read = parse_decimal(to_decimal(units));
    REQUIRE(read);
    REQUIRE(read->units == units);
    REQUIRE(parse_integer(to_integer_text(units)) == units);
  }
}

TEST_CASE("overflow is an error, never a wrap") {
  const auto largest = static_cast<int128>(~static_cast<unsigned __int128>(0) >> 1);
  CHECK_THROWS_AS(checked_add(largest, 1), money_error);
  CHECK_THROWS_AS(checked_sub(-largest, 2), money_error);
  CHECK_THROWS_AS(mul_div_floor(largest, 3, 2), money_error);
  CHECK_THROWS_AS(mul_div_floor(1, 1, 0), money_error);
  CHECK(mul_div_floor(largest, largest, largest) == largest);
}

TEST_CASE("ratios round the way their name says, for either sign") {
  struct row { int a, b, c, floor, ceil; };
  for (const auto& r : {row{7, 1, 2, 3, 4}, row{-7, 1, 2, -4, -3}, row{7, 1, -2, -4, -3}, row{-7, 1, -2, 3, 4}, row{6, 1, 2, 3, 3}}) {
    CHECK(mul_div_floor(r.a, r.b, r.c) == r.floor);
    CHECK(mul_div_ceil(r.a, r.b, r.c) == r.ceil);
  }
}

TEST_CASE("texts to people have fixed decimals") {
  CHECK(to_fixed(one_coin * 10 + one_coin / 2, 2) == "10.50");
  CHECK(to_fixed(one_coin / 1000 * 1999, 2) == "1.99");
  CHECK(to_fixed(-one_coin / 2, 0) == "0");
  CHECK(to_fixed(one_coin * 3, 0) == "3");
}

TEST_CASE("order ids are unique, sort by time and repeat for the same request") {
  const timestamp now{std::chrono::seconds(1795244400)};
  CHECK(new_order_id(now, "a") == new_order_id(now, "a"));
  CHECK(new_order_id(now, "a") != new_order_id(now, "b"));
  CHECK(new_order_id(now, "a") < new_order_id(now + std::chrono::milliseconds(1), "a"));
  CHECK(new_order_id(now, "a").size() == 26);
  CHECK(to_text(now) == "2026-11-21T07:00:00.000000Z");
}

TEST_CASE("shards are spread evenly and never move") {
  CHECK(shard_of({entity_kind::payment, "01J"}) == shard_of({entity_kind::payment, "01J"}));
  int counts[shard_count] = {};
  for (int i = 0; i < 256 * 100; ++i) ++counts[shard_of({entity_kind::payment, std::to_string(i)})];
  for (int count : counts) CHECK((count > 40 && count < 180));
}
