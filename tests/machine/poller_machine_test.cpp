#include "actors/poller/poller_machine.hpp"
#include "tests/machine/sales_support.hpp"

using namespace paygate;
using namespace paygate::test;

TEST_CASE("the poller starts once and polls for ever") {
  machine<poller_kind> m("main");
  CHECK(code_of(m.send(effect_done{"poll", io_outcome(updates_handled{5, 1})})) == "not_found");
  m.send(start_polling{});
  CHECK(m.last.changed);
  m.send(start_polling{});
  CHECK_FALSE(m.last.changed);
  CHECK(m.request<poll_updates>("poll").offset == 0);
  m.done_with("poll", updates_handled{8, 3});
  CHECK(m.last.changed);
  CHECK(m.request<poll_updates>("poll").offset == 8);
  CHECK(m.find("poll").not_before <= m.now);
}

TEST_CASE("an empty poll and an old offset cost no commit") {
  machine<poller_kind> m("main");
  m.send(start_polling{});
  m.done_with("poll", updates_handled{8, 3});
  for (std::int64_t offset : {8, 7, 0}) {
    m.done_with("poll", updates_handled{offset, 0});
    CHECK_FALSE(m.last.changed);
    CHECK(m.last.rows.empty());
  }
  m.done_with("poll", done{});
  CHECK_FALSE(m.last.changed);
  m.send(effect_done{"other", io_outcome(updates_handled{99, 1})});
  CHECK(m.state.next_offset == 8);
}

TEST_CASE("a refusal by Telegram is listed and polling goes on") {
  machine<poller_kind> m("main");
  m.send(start_polling{});
  m.done_with("poll", no_way("http_401"));
  CHECK_FALSE(m.last.changed);
  CHECK(m.rows<failure_listed>().size() == 1);
  CHECK(m.owes("poll"));
}
