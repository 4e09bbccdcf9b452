// Polls of the provider, messages that are refused, and what only a person can mend.
#include "tests/machine/payment_samples.hpp"

using namespace paygate;
using namespace paygate::test;

TEST_CASE("the provider is asked at a growing distance when it is silent") {
  purchase p;
  p.to_waiting();
  auto find = p.find("find@");
  CHECK(find.not_before == p.now + p.rules.payment_poll_first);
  auto distance = p.rules.payment_poll_first;
  for (int i = 0; i < 10; ++i) {
    p.now = p.find("find@").not_before;
    p.done_with("find@", payments_listed{});
    distance = std::min(distance * 2, p.rules.payment_poll_max);
    CHECK(p.find("find@").not_before == p.now + distance);
  }
  // The list knows the payment that no IPN told us of; from then on it is read by its id, and the distance starts anew.
  p.done_with("find@", payments_listed{{p.report(provider_status::confirming)}});
  CHECK(p.status() == "confirming");
  CHECK(p.rows<webhook_event>().empty());
  CHECK(p.request<get_payment>("poll:").payment_id == "5001");
  CHECK(p.find("poll:").not_before == p.now + p.rules.payment_poll_first);
  p.now = p.find("poll:").not_before;
  p.done_with("poll:", p.report(provider_status::finished, "6666")); // About another payment.
  CHECK(p.status() == "confirming");
  p.done_with("poll:", no_way("http_404"));
  CHECK(p.state.polls == 2);
  p.done_with("poll:", p.report(provider_status::finished));
  CHECK(p.status() == "paid");
  CHECK_FALSE(p.owes("poll:"));
}

TEST_CASE("a poke makes the poll due, but not twice in a moment") {
  purchase p;
  p.to_waiting();
  p.now += seconds(10);
  p.done_with("find@", no_way("no_credentials"));
  CHECK_FALSE(p.owes("find@")); // Nobody to ask.
  p.send(payment_poked{});
  CHECK_FALSE(p.last.changed);
  p.now += seconds(6);
  p.send(payment_poked{});
  CHECK(p.last.changed);
  CHECK(p.due_words() == "find");
  p.send(payment_poked{});
  CHECK_FALSE(p.last.changed);
  p.done_with("find@", payments_listed{{p.report(provider_status::sending)}});
  p.send(payment_poked{});
  CHECK_FALSE(p.last.changed);
  p.now += seconds(6);
  p.send(payment_poked{});
  CHECK(p.due_words() == "poll");
  p.ipn(p.report(provider_status::finished));
  p.now += seconds(60);
  p.send(payment_poked{});
  CHECK_FALSE(p.last.changed);
}

TEST_CASE("a chat that refuses messages is not asked for ever; the link stays on the page") {
  purchase p;
  p.send(p.order);
  p.done_with("invoice", invoice_created{"111", "u"});
  p.done_with("pay_link", no_way());
  CHECK(p.status() == "waiting");
  p.ipn(p.report(provider_status::finished));
  p.answered("extend", subscription_extended{p.now, p.now + std::chrono::days(30)});
  p.send(access_given{"https://t.me/+abc"});
  p.done_with("tell_owner", no_way());
  CHECK(p.last.note.find("refuses") != std::string::npos);
  CHECK(p.due_words() == "payout_hash");
  CHECK(std::get<payment_view>(p.send(get_payment_view{})).invite_link == "https://t.me/+abc");
}

TEST_CASE("what only a person can mend is listed and goes on being tried") {
  purchase p;
  p.send(p.order);
  p.done_with("invoice", no_way("INVALID_API_KEY"));
  CHECK(p.rows<failure_listed>().size() == 1);
  CHECK(p.owes("invoice"));
  p.done_with("invoice", invoice_created{"111", "u"});
  p.ipn(p.report(provider_status::finished));
  p.answered("extend", refused{refusal::invalid, "no"});
  CHECK(p.rows<failure_listed>().size() == 1);
  p.answered("extend", subscription_extended{p.now, p.now + std::chrono::days(30)});
  CHECK(payment_kind::stuck_after(p.state).has_value());
}

TEST_CASE("a refund after the settlement is shown; a part payment asks for the rest once") {
  purchase p;
  p.to_waiting();
  p.ipn(p.report(provider_status::finished));
  p.ipn(p.report(provider_status::refunded));
  CHECK(p.status() == "paid");
  REQUIRE(p.rows<failure_listed>().size() == 1);
  CHECK(p.rows<failure_listed>()[0].code == "refunded_after_settled");
  purchase part;
  part.to_waiting();
  part.ipn(part.report(provider_status::partially_paid));
  CHECK(part.due_words() == "payout_hash tell_shortfall");
  part.done_with("tell_shortfall", message_sent{1});
  part.ipn(part.report(provider_status::partially_paid));
  CHECK(part.due_words() == "payout_hash");
}
