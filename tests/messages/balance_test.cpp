// Who takes and gives which shard: a fair share, a few at a time, and never what somebody may still hold.
#include <algorithm>
#include <random>
#include <set>

#include <catch2/catch.hpp>

#include "messages/balance.hpp"

using namespace paygate;

namespace {

lease_standings all(lease_standing standing) {
  lease_standings leases;
  leases.fill(standing);
  return leases;
}

/// A cluster that turns by turn does what the rules say; owner 0 is nobody.
struct cluster {
  std::array<std::size_t, shard_count> owner{};
  std::size_t members = 1;
  std::set<std::size_t> draining;

  void turn(std::size_t node) {
    balance_view view;
    std::size_t rank = 0;
    for (std::size_t n = 1; n < node; ++n) rank += draining.count(n) == 0;
    view.members = members - draining.size();
    view.rank = rank;
    view.draining = draining.count(node) != 0;
    lease_standings leases;
    for (std::size_t s = 0; s < shard_count; ++s)
      leases[s] = owner[s] == node ? lease_standing::ours : owner[s] == 0 ? lease_standing::free : lease_standing::others;
    for (const auto s : shards_to_give(leases, view)) owner[s] = 0;
    for (const auto s : shards_to_take(leases, view)) {
      REQUIRE(owner[s] == 0);
      owner[s] = node;
    }
  }
  std::size_t held(std::size_t node) const { return static_cast<std::size_t>(std::count(owner.begin(), owner.end(), node)); }
};

} // namespace

TEST_CASE("a share is what makes everybody alike") {
  CHECK(fair_share(0) == 256);
  CHECK(fair_share(1) == 256);
  CHECK(fair_share(2) == 128);
  CHECK(fair_share(3) == 86);
  CHECK(fair_share(256) == 1);
  CHECK(fair_share(1000) == 1);
}

TEST_CASE("a node alone takes all, at once") {
  CHECK(shards_to_take(all(lease_standing::free), {}).size() == 256);
  CHECK(shards_to_give(all(lease_standing::ours), {}).empty());
}

TEST_CASE("what a living node holds is never taken") {
  for (std::size_t members : {1, 2, 3, 7})
    CHECK(shards_to_take(all(lease_standing::others), {members, 0, false, milliseconds(60'000)}).empty());
}

TEST_CASE("expired leases are for those who could have renewed all the while") {
  const auto leases = all(lease_standing::expired);
  CHECK(shards_to_take(leases, {1, 0, false, milliseconds(0)}).empty());
  CHECK(shards_to_take(leases, {1, 0, false, milliseconds(9'999)}).empty());
  CHECK(shards_to_take(leases, {1, 0, false, milliseconds(10'000)}).size() == 256);
  CHECK(shards_to_take(leases, {2, 1, false, milliseconds(10'000)}).size() == 128);
}

TEST_CASE("free ones come before expired ones") {
  auto leases = all(lease_standing::expired);
  leases[250] = leases[3] = lease_standing::free;
  const auto wanted = shards_to_take(leases, {3, 1, false, milliseconds(10'000)});
  REQUIRE(wanted.size() == 86);
  CHECK(std::set(wanted.begin(), wanted.begin() + 2) == std::set<std::uint32_t>{3, 250});
}

TEST_CASE("who drains takes nothing and gives everything") {
  const balance_view view{2, 0, true, milliseconds(60'000)};
  CHECK(shards_to_take(all(lease_standing::free), view).empty());
  CHECK(shards_to_give(all(lease_standing::ours), view).size() == 256);
}

TEST_CASE("a few at a time, until everybody has a fair share") {
  CHECK(shards_to_give(all(lease_standing::ours), {2, 0}).size() == given_at_once);
  std::mt19937_64 random(7);
  for (int world = 0; world < 50; ++world) {
    cluster c;
    for (std::size_t s = 0; s < shard_count; ++s) c.owner[s] = 1;
    c.members = 1 + random() % 5;
    if (c.members > 2 && random() % 2) c.draining.insert(1 + random() % c.members);
    for (int n = 0; n < 400; ++n) {
      const auto node = 1 + random() % c.members;
      const auto before = c.held(node);
      c.turn(node);
      if (c.draining.count(node) == 0) CHECK(before <= c.held(node) + given_at_once);
    }
    const auto share = fair_share(c.members - c.draining.size());
    std::size_t sum = 0;
    for (std::size_t n = 1; n <= c.members; ++n) {
      sum += c.held(n);
      CHECK(c.held(n) <= (c.draining.count(n) ? 0 : share));
    }
    CHECK(sum == shard_count);
  }
}

TEST_CASE("what is even stays where it is") {
  auto leases = all(lease_standing::others);
  for (std::size_t s = 0; s < 85; ++s) leases[s] = lease_standing::ours;
  CHECK(shards_to_give(leases, {3, 0}).empty());
  CHECK(shards_to_take(leases, {3, 0}).empty());
}
