// A lane's admission, on virtual time. It has no workers here: what is let in waits for ever.
#include <catch2/catch.hpp>

#include "actors/runtime/lane.hpp"
#include "tests/support/memory_store.hpp"
#include "tests/support/virtual_system.hpp"

using namespace paygate;
using namespace paygate::test;
using namespace std::chrono_literals;

TEST_CASE("who finds no room in a lane is told a turn of its own, within the time that a call may wait") {
  virtual_system world;
  lane_limits limits;
  limits.workers = 0;
  limits.queue_max = 3;
  limits.wait_max = 60s;
  auto metrics = std::make_shared<no_metrics>();
  auto lane = world.own(caf::actor_cast<caf::actor>(spawn_lane(
      world.system(), lane::changenow, [](const io_request&) { return done{}; }, limits, metrics)));
  const auto request = std::make_shared<const io_request>(get_swap{"s"});
  std::vector<milliseconds> turns;
  for (int i = 0; i < 100; ++i) {
    const auto answer = world.ask<call_answer_ptr>(lane, 1ms, call_atom::value, request);
    if (!answer) continue; // Let in: nobody answers.
    const auto& no = std::get<io_failure>((*answer)->outcome);
    CHECK(no.kind == fault::transient);
    CHECK(no.code == "busy");
    REQUIRE(no.retry_after);
    CHECK(*no.retry_after >= 1s);
    CHECK(*no.retry_after <= 60s);
    turns.push_back(*no.retry_after);
  }
  CHECK(turns.size() == 97);
}

TEST_CASE("each urgency has a room of its own: no crowd shuts another one out") {
  virtual_system world;
  lane_limits limits;
  limits.workers = 0;
  limits.queue_max = 3;
  limits.pace.per_second = 30;
  auto lane = world.own(caf::actor_cast<caf::actor>(spawn_lane(
      world.system(), lane::telegram, [](const io_request&) { return done{}; }, limits, std::make_shared<no_metrics>())));
  const auto let_in = [&](urgency importance) {
    const auto request = std::make_shared<const io_request>(send_message{7, "x", {}, importance});
    return !world.ask<call_answer_ptr>(lane, 1ms, call_atom::value, request).has_value();
  };
  for (const auto importance : {urgency::broadcast, urgency::answer, urgency::notice, urgency::access}) {
    for (int i = 0; i < 3; ++i) CHECK(let_in(importance));
    CHECK_FALSE(let_in(importance));
  }
}
