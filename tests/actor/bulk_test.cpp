// The bulk mailer over a lane that the test answers itself, on virtual time.
#include <catch2/catch.hpp>

#include <deque>

#include "actors/runtime/bulk.hpp"
#include "actors/runtime/pauses.hpp"
#include "tests/support/virtual_system.hpp"

using namespace paygate;
using namespace paygate::test;
using namespace std::chrono_literals;

namespace {

using promise = caf::typed_response_promise<call_answer_ptr>;

/// What the lane was asked, and has not answered yet.
struct open_call {
  send_message message;
  promise answer;
};

struct rig {
  virtual_system world;
  std::shared_ptr<std::deque<open_call>> open = std::make_shared<std::deque<open_call>>();
  std::size_t most = 0;
  std::vector<std::int64_t> asked; ///< Chats, in the order of asking.
  caf::actor bulk;

  explicit rig(bulk_limits limits = {}) {
    auto lane = world.own(world.system().spawn([this](caf::event_based_actor* self) -> caf::behavior {
      return {[this, self](call_atom, const io_request_ptr& request) {
        auto p = self->make_response_promise<call_answer_ptr>();
        open->push_back({std::get<send_message>(*request), p});
        most = std::max(most, open->size());
        asked.push_back(open->back().message.chat_id);
        return p;
      }};
    }));
    bulk = world.own(
        caf::actor_cast<caf::actor>(spawn_bulk(world.system(), caf::actor_cast<lane_actor>(lane), std::make_shared<no_metrics>(), limits)));
  }

  std::shared_ptr<std::optional<io_outcome>> send(std::vector<std::int64_t> chats) {
    auto got = std::make_shared<std::optional<io_outcome>>();
    world.system().spawn([=, bulk = bulk](caf::event_based_actor* self) {
      self->request(bulk, caf::infinite, call_atom::value, std::make_shared<const io_request>(send_batch{chats, "<b>x</b>", {}}))
          .then([=](const call_answer_ptr& answer) { *got = answer->outcome; });
    });
    world.settle();
    return got;
  }

  void answer(io_outcome outcome) {
    auto call = std::move(open->front());
    open->pop_front();
    call.answer.deliver(std::make_shared<const call_answer>(call_answer{std::move(outcome)}));
    world.settle();
  }
};

std::vector<std::int64_t> chats(std::int64_t first, std::int64_t last) {
  std::vector<std::int64_t> all;
  for (auto chat = first; chat <= last; ++chat) all.push_back(chat);
  return all;
}

const batch_sent& result(const std::shared_ptr<std::optional<io_outcome>>& got) {
  REQUIRE(got->has_value());
  return std::get<batch_sent>(**got);
}

} // namespace

TEST_CASE("a batch is fed to the lane by credit, in order, as broadcasts") {
  rig r({.credit = 5, .batch_time = 20s});
  const auto got = r.send(chats(1, 100));
  CHECK(r.open->front().message.importance == urgency::broadcast);
  while (!r.open->empty()) r.answer(message_sent{1});
  CHECK(r.most == 5);
  CHECK(r.asked == chats(1, 100));
  CHECK(result(got).each == std::vector<delivery>(100, delivery::sent));
}

TEST_CASE("batches take turns") {
  rig r({.credit = 2, .batch_time = 20s});
  const auto first = r.send(chats(1, 50));
  const auto second = r.send(chats(101, 105));
  for (int i = 0; i < 14; ++i) r.answer(message_sent{1});
  CHECK(second->has_value());
  CHECK_FALSE(first->has_value());
}

TEST_CASE("each end is told apart") {
  rig r({.credit = 1, .batch_time = 20s});
  const auto got = r.send(chats(1, 4));
  r.answer(io_failure{fault::permanent, "blocked", "Forbidden", {}});
  r.answer(io_failure{fault::unknown, "timeout", "", {}});
  r.answer(message_sent{1});
  r.answer(io_failure{fault::transient, "http_429", "slow down", 3s});
  using enum delivery;
  CHECK(result(got).each == std::vector<delivery>{refused, pending, sent, pending});
}

TEST_CASE("a closed lane, or a message that is wrong, ends the batch early") {
  struct row {
    io_failure failure;
    int times;
    delivery first;
  };
  for (const auto& w : {row{{fault::transient, std::string(lane_paused), "", {}}, 1, delivery::pending},
                        row{{fault::transient, "circuit_open", "", {}}, 1, delivery::pending},
                        row{{fault::transient, "http_503", "", {}}, 4, delivery::pending},
                        row{{fault::permanent, "markup", "can't parse", {}}, 1, delivery::wrong}}) {
    rig r({.credit = 1, .batch_time = 20s});
    const auto got = r.send(chats(1, 50));
    for (int i = 0; i < w.times; ++i) {
      REQUIRE_FALSE(got->has_value());
      r.answer(w.failure);
    }
    CHECK(result(got).each.front() == w.first);
    CHECK(result(got).each.back() == delivery::pending);
    CHECK(r.asked.size() == static_cast<std::size_t>(w.times));
  }
}

TEST_CASE("a batch that takes long is answered with what it got done") {
  rig r({.credit = 2, .batch_time = 20s});
  const auto got = r.send(chats(1, 50));
  r.answer(message_sent{1});
  r.world.run_for(21s);
  r.answer(message_sent{1});
  CHECK_FALSE(got->has_value()); // One is still under way.
  r.answer(message_sent{1});
  CHECK(std::count(result(got).each.begin(), result(got).each.end(), delivery::sent) == 3);
  CHECK(r.asked.size() == 3);
}
