// Many timers behind few of CAF's: each goes off at its time, in order, and those that may share an instant do.
#include <set>

#include <catch2/catch.hpp>

#include "actors/runtime/alarms.hpp"
#include "actors/runtime/entity.hpp"
#include "tests/support/virtual_system.hpp"

using namespace paygate;
using namespace paygate::test;
using namespace std::chrono_literals;

namespace {

struct bench {
  virtual_system world;
  alarms timers;
  std::vector<std::pair<std::uint64_t, std::chrono::milliseconds>> rung; ///< Which, how long after the beginning.
  alarms::moment begin = world.system().clock().now();
  caf::actor who = world.own(world.system().spawn([this](caf::event_based_actor* self) -> caf::behavior {
    return {[this, self](timer_atom, std::uint64_t number) {
      rung.emplace_back(number, std::chrono::duration_cast<std::chrono::milliseconds>(self->clock().now() - begin));
    }};
  }));

  void set(std::uint64_t number, std::chrono::milliseconds in, std::chrono::milliseconds slack = 0ms) {
    timers.set(world.system(), who, number, begin + in, slack);
  }
  std::size_t asked() { return world.timers(); }
};

using rings = std::vector<std::pair<std::uint64_t, std::chrono::milliseconds>>;

} // namespace

TEST_CASE("each alarm goes off at its time, those of one instant in the order in which they were set") {
  bench b;
  b.set(1, 300ms);
  b.set(2, 100ms);
  b.set(3, 200ms);
  b.set(4, 100ms);
  b.world.run_for(99ms);
  CHECK(b.rung.empty());
  b.world.run_for(1s);
  CHECK(b.rung == rings{{2, 100ms}, {4, 100ms}, {3, 200ms}, {1, 300ms}});
}

TEST_CASE("an alarm whose time is past goes off at once") {
  bench b;
  b.world.run_for(1s);
  b.set(1, 10ms);
  b.world.settle();
  b.world.run_for(0ms);
  CHECK(b.rung == rings{{1, 1000ms}});
}

TEST_CASE("alarms with slack share instants, never before their time") {
  bench b;
  for (std::uint64_t i = 0; i < 100; ++i) b.set(i, std::chrono::milliseconds(1'000 + i), 50ms);
  b.world.run_for(2s);
  REQUIRE(b.rung.size() == 100);
  std::set<std::chrono::milliseconds> instants;
  for (const auto& [number, after] : b.rung) {
    CHECK(after >= std::chrono::milliseconds(1'000 + number));
    CHECK(after < std::chrono::milliseconds(1'050 + number));
    instants.insert(after);
  }
  CHECK(instants.size() <= 3);
}

TEST_CASE("thousands of alarms are one of CAF's while the earliest is known to it") {
  bench b;
  for (std::uint64_t i = 0; i < 5'000; ++i) b.set(i, std::chrono::milliseconds(20'000 + i));
  CHECK(b.asked() == 1);
  b.set(5'000, 100ms); // Earlier than all: one more.
  CHECK(b.asked() == 2);
  b.world.run_for(101ms);
  CHECK(b.asked() == 1);
  b.world.run_for(30s);
  CHECK(b.rung.size() == 5'001);
  CHECK(b.asked() == 0);
}
