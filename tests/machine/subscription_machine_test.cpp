#include "actors/subscription/subscription_machine.hpp"
#include "tests/machine/sales_support.hpp"

using namespace paygate;
using namespace paygate::test;

namespace {

extend_subscription order(std::string id, int days = 30) {
  extend_subscription e;
  e.order_id = std::move(id);
  e.channel_id = -1001;
  e.closed_channel_id = -1002;
  e.user_id = 7;
  e.chat_id = 7;
  e.user_name = "@ann";
  e.channel_title = "Closed";
  e.days = days;
  return e;
}

subscription_extended extended(const entity_reply& reply) { return std::get<subscription_extended>(reply); }

} // namespace

TEST_CASE("the first order starts a subscription now") {
  machine<subscription_kind> m("-1001:7");
  const auto reply = extended(m.send(order("A")));
  CHECK(reply.starts_at == m.now);
  CHECK(reply.ends_at == m.now + std::chrono::days(30));
  CHECK(m.rows<subscription_period>().size() == 1);
  CHECK(m.state.ends_at == reply.ends_at);
  CHECK(m.state.user_name == "@ann");
  CHECK(m.due().empty());
}

TEST_CASE("an order while it runs extends from the end, one after the end from now") {
  machine<subscription_kind> m("-1001:7");
  const auto begin = m.now;
  m.send(order("A"));
  m.now += std::chrono::days(10);
  CHECK(extended(m.send(order("B", 90))).starts_at == begin + std::chrono::days(30));
  CHECK(m.state.ends_at == begin + std::chrono::days(120));
  CHECK(m.state.starts_at == begin);
  m.now = begin + std::chrono::days(200);
  CHECK(extended(m.send(order("C", 1))).starts_at == m.now);
  CHECK(m.state.starts_at == m.now);
  CHECK(m.state.periods.size() == 3);
}

TEST_CASE("a repeated order answers its own period and changes nothing, however late") {
  machine<subscription_kind> m("-1001:7");
  const auto first = m.send(order("A"));
  m.send(order("B"));
  const auto before = m.state;
  m.now += std::chrono::days(500);
  CHECK(m.send(order("A")) == first);
  CHECK_FALSE(m.last.changed);
  CHECK(m.last.rows.empty());
  CHECK(m.state == before);
}

TEST_CASE("what cannot be an extension is refused") {
  machine<subscription_kind> m("-1001:7");
  auto foreign = order("A");
  foreign.user_id = 8;
  CHECK(code_of(m.send(foreign)) == "invalid");
  CHECK(code_of(m.send(order(""))) == "invalid");
  CHECK(code_of(m.send(order("A", 0))) == "invalid");
  CHECK(code_of(m.send(order("A", -1))) == "invalid");
  CHECK(code_of(m.send(order("A", 36'601))) == "invalid");
  CHECK(code_of(m.send(effect_done{"x", io_outcome(done{})})) == "not_found");
  CHECK_FALSE(m.exists);
  m.send(order("A"));
  m.send(effect_done{"x", io_outcome(done{})});
  CHECK_FALSE(m.last.changed);
}

TEST_CASE("the phase is a function of dates") {
  machine<subscription_kind> m("-1001:7");
  m.send(order("A", 1));
  CHECK(phase(m.state, m.now) == subscription_status::active);
  CHECK(phase(m.state, m.state.ends_at - std::chrono::microseconds(1)) == subscription_status::active);
  CHECK(phase(m.state, m.state.ends_at) == subscription_status::expired);
}
