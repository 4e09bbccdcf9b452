// How guessing a password is slowed down.
#include "actors/account/login_guard.hpp"
#include "tests/machine/sales_support.hpp"

using namespace paygate;
using namespace paygate::test;

TEST_CASE("a network has five tries, then waits longer and longer, up to a quarter of an hour") {
  login_guard guard;
  auto now = start_of_time();
  for (int i = 0; i < 5; ++i) CHECK(guard.begin("a", now).count() == 0);
  CHECK(guard.begin("a", now) == std::chrono::seconds(1));
  milliseconds before{0};
  for (int i = 0; i < 20; ++i) {
    const auto wait = guard.begin("a", now);
    CHECK(wait >= before);
    CHECK(wait <= login_guard::own_max);
    before = wait;
    now += wait;
    CHECK(guard.begin("a", now).count() == 0);
  }
  CHECK(before == login_guard::own_max);
  CHECK(guard.begin("b", now).count() == 0);
  now += login_guard::own_memory + std::chrono::minutes(16);
  for (int i = 0; i < 4; ++i) CHECK(guard.begin("a", now).count() == 0);
}

TEST_CASE("a thousand networks together cannot keep the owner's own out, nor guess faster than once a minute") {
  login_guard guard;
  auto now = start_of_time();
  guard.begin("home", now);
  guard.succeed("home", now);
  int tried = 0;
  for (int i = 0; i < 100'000; ++i) {
    tried += guard.begin("bot" + std::to_string(i % 1000), now).count() == 0;
    now += std::chrono::milliseconds(100);
    if (i % 1000 == 0) {
      REQUIRE(guard.begin("home", now).count() == 0);
      guard.succeed("home", now);
    }
  }
  CHECK(tried <= 30 + 10 + 100'000 / 600);
  CHECK(tried >= 100);
  CHECK(guard.places.size() <= login_guard::known_max + login_guard::strangers_max);
}

TEST_CASE("a guard's text reads back as what it was, and garbage as nothing") {
  login_guard guard;
  auto now = start_of_time();
  for (int i = 0; i < 40; ++i) {
    guard.begin("2001:db8:" + std::to_string(i) + "::/48", now);
    if (i % 3 == 0) guard.succeed("2001:db8:" + std::to_string(i) + "::/48", now);
    now += std::chrono::seconds(61);
    CHECK(read_guard(to_text(guard)) == guard);
  }
  CHECK(read_guard("") == login_guard{});
  CHECK(read_guard("x").places.empty());
}
