#include "actors/scheduler/scheduler_machine.hpp"
#include "tests/machine/sales_support.hpp"

using namespace paygate;
using namespace paygate::test;
using namespace std::chrono_literals;

namespace {

const std::string usdt = "0x00000000000000000000000000000000000000dd";

machine<scheduler_kind> started(const std::string& id) {
  machine<scheduler_kind> m(id);
  m.rules.usdt_contract = usdt;
  m.rules.conversion_threshold = usd("5");
  m.send(start_scheduler{});
  return m;
}
due_payout due_for(std::int64_t channel, payout_pot pot = payout_pot::usdt) { return {channel, 7, {"btc", "btc"}, "bc1owner", "", pot}; }

} // namespace

TEST_CASE("a scheduler starts once, looks at its time, and sooner when told to") {
  auto m = started("conversions");
  CHECK(m.state.next_at == m.now + 15min);
  CHECK(m.find("look:1").not_before == m.now + 15min);
  m.send(start_scheduler{});
  CHECK_FALSE(m.last.changed);
  m.send(run_scheduler{});
  CHECK(m.find("look:1").not_before == m.now);
  CHECK(started("payouts").state.next_at == start_of_time() + 5min);
  machine<scheduler_kind> wrong("other");
  CHECK(code_of(wrong.send(start_scheduler{})) == "invalid");
  CHECK(code_of(wrong.send(run_scheduler{})) == "not_found");
}

TEST_CASE("conversions wait for the threshold and for the pair's minimum, and say so") {
  struct row {
    gathered_seen seen;
    std::string reason;
  };
  for (const auto& r : {row{{0, {}, {}}, "nothing is pending"}, row{{2, usd("4.99"), eth("1")}, "$4.99 of $5.00 are pending"}}) {
    auto m = started("conversions");
    m.done_with("look:1", r.seen);
    CHECK(m.state.status == scheduler_status::waiting);
    CHECK(m.state.reason == r.reason);
    CHECK(m.state.round == 2);
    CHECK(m.state.accruals == r.seen.accruals);
    CHECK(m.find("look:2").not_before == m.now + 15min);
  }
  auto m = started("conversions");
  m.done_with("look:1", gathered_seen{2, usd("5"), eth("0.0016")});
  CHECK(m.request<get_swap_range>("range:1") == get_swap_range{{"eth", "eth"}, {"usdt", "eth"}});
  auto small = m;
  small.done_with("range", swap_range{one_coin / 100, std::nullopt});
  CHECK(small.state.reason == "0.0016 ETH are pending, the exchange takes no less than 0.01");
  auto down = m;
  down.done_with("range", no_way("pair_is_inactive"));
  CHECK(down.state.status == scheduler_status::waiting);
  CHECK(down.state.round == 2);
  m.done_with("range", swap_range{one_coin / 1000, std::nullopt});
  const auto ask = m.question("create");
  CHECK(ask.to == entity_ref{entity_kind::conversion, "c1"});
  CHECK(std::get<open_conversion>(std::get<conversion_message>(ask.message)).threshold == usd("5"));
  // An answer that got lost: the same id is asked for again.
  CHECK(m.question("create").to.id == "c1");
  m.answered("create", ok{});
  CHECK(m.state.status == scheduler_status::waiting);
  CHECK(m.state.created == 1);
  CHECK(m.state.reason.empty());
  CHECK(m.state.round == 2);
  auto blind = started("conversions");
  blind.rules.usdt_contract.clear();
  blind.done_with("look", gathered_seen{2, usd("5"), eth("1")});
  CHECK(blind.state.reason == "ethereum.usdt_contract is not set");
}

TEST_CASE("payouts are created for every channel that is due, under one name a round") {
  auto m = started("payouts");
  m.done_with("look:1", due_payouts_seen{});
  CHECK(m.state.reason == "no channel is due");
  m.done_with("look:2", due_payouts_seen{{due_for(-100), due_for(-100, payout_pot::eth), due_for(-200)}});
  CHECK(m.due_words() == "create create create");
  const auto ask = m.question("create:payout/-100.usdt.2");
  CHECK(std::get<request_batch>(std::get<payout_message>(ask.message)).terms == due_for(-100));
  m.answered("create:payout/-100.usdt.2", ok{});
  CHECK_FALSE(m.owes("create:payout/-100.usdt.2"));
  // A crash here forgets the list: it is read again, and the round is the same.
  auto restarted = m;
  restarted.state.due.reset();
  restarted.done_with("look:2", due_payouts_seen{{due_for(-200)}});
  restarted.answered("create:payout/-200.usdt.2", ok{});
  CHECK(restarted.state.status == scheduler_status::waiting);
  auto emptied = m;
  emptied.state.due.reset();
  emptied.done_with("look:2", due_payouts_seen{});
  CHECK(emptied.state.status == scheduler_status::waiting);

  m.answered("create:payout/-100.eth.2", refused{refusal::invalid, "no address"});
  CHECK(m.rows<failure_listed>().size() == 1);
  m.answered("create:payout/-200.usdt.2", ok{});
  CHECK(m.state.status == scheduler_status::waiting);
  CHECK(m.state.round == 3);
  CHECK(m.state.created == 2);
  CHECK_FALSE(m.state.due);
  m.send(effect_done{"create:payout/-100.usdt.2", entity_reply(ok{})});
  CHECK_FALSE(m.last.changed);
}
