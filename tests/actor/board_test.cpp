// What is written down about a node for people to look at: the remarkable few of many, and no more than fit.
#include <catch2/catch.hpp>

#include "actors/runtime/board.hpp"
#include "actors/runtime/node_report.hpp"
#include "actors/runtime/pauses.hpp"

using namespace paygate;
using namespace std::chrono_literals;

namespace {

activity_board::who entity(const std::string& id) { return std::make_shared<const entity_ref>(entity_ref{entity_kind::payout, id}); }

const auto start = activity_board::instant{} + 1000h;

} // namespace

TEST_CASE("mailboxes are shown while messages wait, the longest waiting first") {
  activity_board board;
  board.waiting(entity("a"), 2, start);
  board.waiting(entity("b"), 1, start - 5s);
  board.waiting(entity("a"), 3, start + 1s);
  auto seen = board.look(start + 10s, 10);
  REQUIRE(seen.mailboxes.size() == 2);
  CHECK(seen.mailboxes[0].entity.id == "b");
  CHECK(seen.mailboxes[0].age == 15s);
  CHECK(seen.mailboxes[1].depth == 3);
  board.waiting(entity("b"), 0, {});
  CHECK(board.look(start, 10).mailboxes.size() == 1);
  CHECK(board.look(start, 0).mailboxes.empty());
}

TEST_CASE("of a million steps the slowest are kept, for ten minutes") {
  activity_board board;
  const auto who = entity("a");
  for (int i = 0; i < 1'000'000; ++i) board.stepped(who, "x", std::chrono::microseconds((i * 7919LL) % 1'000'003), start);
  auto seen = board.look(start, 1000);
  REQUIRE(seen.slowest.size() == activity_board::kept_steps);
  CHECK(seen.slowest.front().took == 1'000'002us);
  CHECK(seen.slowest.back().took >= 999'900us);
  // After the slow ones are forgotten a quick one is the slowest.
  board.stepped(who, "later", 10us, start + 11min);
  seen = board.look(start + 11min, 1000);
  REQUIRE(seen.slowest.size() == 1);
  CHECK(seen.slowest[0].message == "later");
}

TEST_CASE("restarts are counted by entity, and the oldest makes room") {
  activity_board board;
  for (std::size_t i = 0; i < activity_board::kept_restarts + 10; ++i)
    board.restarted(entity(std::to_string(i)), "boom", start + std::chrono::seconds(i));
  board.restarted(entity("100"), "again", start + 1h);
  const auto seen = board.look(start + 1h, 1000);
  REQUIRE(seen.restarts.size() == activity_board::kept_restarts);
  CHECK(seen.restarts[0].entity.id == "100");
  CHECK(seen.restarts[0].times == 2);
  CHECK(seen.restarts[0].cause == "again");
  CHECK(std::none_of(seen.restarts.begin(), seen.restarts.end(), [](const auto& r) { return r.entity.id == "9"; }));
}

TEST_CASE("what is paused is named as in the table, and nothing else can be") {
  pause_set set;
  CHECK_FALSE(set.any());
  CHECK(set.add("payouts"));
  CHECK(set.stops(entity_kind::payout));
  CHECK(set.stops(lane::signer));
  CHECK_FALSE(set.stops(entity_kind::conversion));
  CHECK_FALSE(set.stops(lane::changenow));
  for (const auto* wrong : {"", "payout", "kind/", "kind/nobody", "lane/payout", "kind/payout/1"}) CHECK_FALSE(set.add(wrong));
  for (const auto& name : pausable()) {
    pause_set one;
    CHECK(one.add(name));
    CHECK(one.any());
    CHECK_FALSE(one == pause_set::everything());
  }
  pause_slot slot;
  CHECK(slot.set(set));
  CHECK_FALSE(slot.set(set));
  CHECK(slot.get() == set);
}

TEST_CASE("a report adds up its shards") {
  node_report report;
  report.shards = {{1, 4, 2, 1, {{entity_kind::payout, "live", 2}}}, {2, 4, 1, 0, {{entity_kind::payout, "live", 1}}}};
  report.lanes = {{lane::signer, 3, 1, 0, true, 5ms}};
  report.committers = {7};
  report.pauses = {"lane/signer"};
  const auto json = report_json(report);
  INFO(json);
  for (const auto* part :
       {R"("shards_held":2)", R"("residents":3)", R"("waiting":1)", R"({"kind":"payout","where":"live","count":3})", R"("busy":1)",
        R"("committers":[7])", R"("pauses":["lane/signer"])", R"({"shard":2,"epoch":4,"residents":1,"waiting":0})"})
    CHECK(json.find(part) != std::string::npos);
}
