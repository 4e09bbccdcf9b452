// Packs of letters: what is put in comes out, and whatever else arrives is an error as a whole.
#include <catch2/catch.hpp>

#include <random>

#include "messages/pack.hpp"

using namespace paygate;

namespace {

std::vector<packed> read(const std::string& pack) {
  const auto result = read_pack(pack);
  const auto* all = std::get_if<std::vector<packed>>(&result);
  return all ? *all : std::vector<packed>{};
}
bool is_refused(const std::string& pack) { return std::holds_alternative<wire_error>(read_pack(pack)); }

} // namespace

TEST_CASE("the bytes of version 1 are these") {
  pack_writer out;
  out.add(1, "ab");
  out.add(300, "");
  const auto packs = out.take();
  REQUIRE(packs.size() == 1);
  CHECK(packs[0]
        == std::string("\x01\x01\x02"
                       "ab\xac\x02\x00",
                       8));
  CHECK(out.empty());
}

TEST_CASE("what is packed comes out in its order, whatever the numbers and lengths") {
  std::minstd_rand random(7);
  pack_writer out;
  std::vector<std::pair<std::uint64_t, std::string>> put;
  for (int i = 0; i < 200; ++i) {
    const std::uint64_t number = i == 0 ? UINT64_MAX : std::uint64_t{random()} << (random() % 30);
    put.emplace_back(number, std::string(random() % 20'000, static_cast<char>(random())));
    out.add(number, put.back().second);
  }
  const auto packs = out.take();
  CHECK(packs.size() > 4);
  std::size_t at = 0;
  for (const auto& pack : packs) {
    CHECK(pack.size() < pack_full + 20'020);
    for (const auto& each : read(pack)) {
      REQUIRE(at < put.size());
      CHECK(each.number == put[at].first);
      CHECK(each.bytes == put[at++].second);
    }
  }
  CHECK(at == put.size());
}

TEST_CASE("what is no pack is refused as a whole, and nothing is read beyond its end") {
  pack_writer out;
  out.add(5, "hello");
  out.add(70'000, std::string(300, 'x'));
  const auto good = out.take().at(0);
  CHECK(read(good).size() == 2);
  CHECK(is_refused(""));
  CHECK(is_refused("\x01"));
  CHECK(is_refused("\x02" + good.substr(1)));
  for (std::size_t cut = 1; cut < good.size(); ++cut)
    if (cut != 8) CHECK(is_refused(good.substr(0, cut))); // After the first letter it would be a pack of one.
  CHECK(is_refused(good + "\x80"));
  CHECK(is_refused(std::string("\x01\x01") + std::string(9, '\xff') + "\x01" + "abc")); // Longer than everything.
  CHECK(is_refused(std::string("\x01") + std::string(10, '\xff') + "\x01"
                   + "\x01"
                     "a")); // A number beyond 64 bits.
}
