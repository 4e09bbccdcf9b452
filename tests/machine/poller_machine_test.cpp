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

TEST_CASE("updates come by a webhook when it is configured, and are polled again when it is not") {
  machine<poller_kind> m("main");
  m.send(start_polling{});
  m.rules.telegram_webhook_url = "https://pay.example/telegram-webhook";
  CHECK(m.due_words() == "webhook");
  CHECK(m.request<set_webhook>("webhook").url == "https://pay.example/telegram-webhook");
  m.done_with("webhook", done{});
  CHECK(m.state.status == poller_status::webhook);
  CHECK(m.state.webhook_url == "https://pay.example/telegram-webhook");
  m.done_with("webhook", done{}); // Told again now and then: no commit.
  CHECK_FALSE(m.last.changed);
  CHECK(m.find("webhook").again_after >= milliseconds(60'000));
  m.done_with("webhook", no_way("bad_request"));
  REQUIRE(m.rows<failure_listed>().size() == 1);
  CHECK(m.rows<failure_listed>()[0].text.find("webhook") != std::string::npos);

  m.rules.telegram_webhook_url = "https://other.example/telegram-webhook";
  m.send(effect_done{"webhook:https://pay.example/telegram-webhook", io_outcome(done{})}); // An answer about the old one.
  CHECK(m.state.webhook_url == "https://pay.example/telegram-webhook");

  m.rules.telegram_webhook_url.clear();
  CHECK(m.due_words() == "webhook"); // Nothing is polled before the webhook is gone: Telegram would refuse.
  CHECK(m.request<set_webhook>("webhook").url.empty());
  m.done_with("webhook", done{});
  CHECK(m.state.status == poller_status::polling);
  CHECK(m.due_words() == "poll");
}
