// A lane under a pace, with real workers: what it hands to its client.
#include <catch2/catch.hpp>

#include <condition_variable>
#include <mutex>

#include <caf/all.hpp>

#include "actors/runtime/lane.hpp"
#include "tests/support/virtual_system.hpp"

using namespace paygate;
using namespace std::chrono_literals;

namespace {

struct telegram {
  std::mutex mutex;
  std::vector<send_message> sent;
  std::function<io_outcome(const send_message&)> judge = [](const send_message&) { return message_sent{7}; };

  io_client client() {
    return [this](const io_request& request) -> io_outcome {
      const auto& m = std::get<send_message>(request);
      const std::lock_guard lock(mutex);
      sent.push_back(m);
      return judge(m);
    };
  }
};

/// Asks for all of them at once, and waits for every answer.
std::vector<io_outcome> ask_all(caf::actor_system& system, const lane_actor& lane, const std::vector<send_message>& all) {
  caf::scoped_actor self{system};
  std::vector<io_outcome> answers(all.size());
  auto gather = system.spawn([&, lane](caf::event_based_actor* a) {
    for (std::size_t i = 0; i < all.size(); ++i)
      a->request(lane, 100s, call_atom::value, std::make_shared<const io_request>(all[i])).then([&answers, i](const call_answer_ptr& got) {
        answers[i] = got->outcome;
      });
  });
  self->wait_for(gather);
  return answers;
}

} // namespace

TEST_CASE("notices that wait for their chat go out as one message, and each is answered") {
  caf::actor_system_config config;
  config.set("scheduler.max-threads", std::size_t{2});
  caf::actor_system system{config};
  telegram outside;
  lane_limits limits;
  limits.workers = 2;
  limits.pace.per_second = 1000;
  limits.pace.per_chat_burst = 1;
  limits.pace.per_chat = 1500ms;
  auto lane = spawn_lane(system, lane::telegram, outside.client(), limits, std::make_shared<test::no_metrics>());
  const auto notice = [](std::string html, keyboard buttons = {}) {
    return send_message{5, std::move(html), std::move(buttons), urgency::notice};
  };

  SECTION("all that fit, but for those with buttons") {
    const auto answers = ask_all(
        system, lane, {notice("<b>1</b>"), notice("2"), notice("3"), notice("4", {{button{"b", std::string("cb"), false}}}), notice("5")});
    for (const auto& a : answers) CHECK(std::holds_alternative<message_sent>(a));
    REQUIRE(outside.sent.size() == 3);
    CHECK(outside.sent[0].html == "<b>1</b>");
    CHECK(outside.sent[1].html == "2\n\n———\n\n3\n\n———\n\n5");
    CHECK(outside.sent[2].html == "4");
  }
  SECTION("one that Telegram refuses does not spoil the others") {
    outside.judge = [](const send_message& m) -> io_outcome {
      if (m.html.find("bad") != std::string::npos) return io_failure{fault::permanent, "markup", "can't parse entities", {}};
      return message_sent{7};
    };
    const auto answers = ask_all(system, lane, {notice("1"), notice("2"), notice("bad")});
    CHECK(std::holds_alternative<message_sent>(answers[0]));
    CHECK(std::holds_alternative<message_sent>(answers[1]));
    CHECK(std::holds_alternative<io_failure>(answers[2]));
  }
  SECTION("a notice that is too long is cut") {
    ask_all(system, lane, {notice("<b>" + std::string(5000, 'x') + "</b>")});
    REQUIRE(outside.sent.size() == 1);
    CHECK(outside.sent[0].html.ends_with("…</b>"));
  }
  caf::anon_send_exit(lane, caf::exit_reason::user_shutdown);
}

TEST_CASE("a retry_after of one chat leaves the others alone") {
  caf::actor_system_config config;
  config.set("scheduler.max-threads", std::size_t{2});
  caf::actor_system system{config};
  telegram outside;
  outside.judge = [](const send_message& m) -> io_outcome {
    if (m.chat_id == 5) return io_failure{fault::transient, "http_429", "Too Many Requests", 60s};
    return message_sent{7};
  };
  lane_limits limits;
  limits.workers = 2;
  limits.pace.per_second = 1000;
  auto lane = spawn_lane(system, lane::telegram, outside.client(), limits, std::make_shared<test::no_metrics>());
  CHECK(std::holds_alternative<io_failure>(ask_all(system, lane, {send_message{5, "x", {}}})[0]));
  for (const auto& a : ask_all(system, lane, {send_message{6, "x", {}}, send_message{7, "x", {}}}))
    CHECK(std::holds_alternative<message_sent>(a));
  caf::anon_send_exit(lane, caf::exit_reason::user_shutdown);
}
