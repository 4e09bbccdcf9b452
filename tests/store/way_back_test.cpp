// The way back and the daily limits, against a real PostgreSQL: what returns with less is shared out to the last unit, a transaction is
// counted once, a day's limit is not passed by two at once.
#include <catch2/catch.hpp>

#include <caf/all.hpp>
#include <pqxx/pqxx>

#include "tests/store/store_support.hpp"

using namespace paygate;
using namespace paygate::test;

namespace {

constexpr std::int64_t mine = -100, other = -200;

int128 units_of(std::string_view text) { return parse_decimal(text)->units; }

step_record accrual_step(store& db, int n, std::int64_t of, std::string_view net_usd, std::string_view net_eth) {
  const auto order = "order" + std::to_string(n);
  auto step = db.step_for(entity_kind::payment, order, 1, payment{});
  deposit d;
  d.payment_id = "deposit" + std::to_string(n);
  d.order_id = order;
  d.payout_hash = "0xDEP" + std::to_string(n);
  d.arrived_at = at_micros(some_micros);
  accrual_opened a;
  a.payment_id = d.payment_id;
  a.order_id = order;
  a.channel_id = of;
  a.gross_usd = a.net_usd = usd_amount::of_units(units_of(net_usd));
  a.gross_eth = a.net_eth = eth_amount::of_units(units_of(net_eth));
  step.rows = {d, a};
  return step;
}
template <class State>
step_record step_with(const store& db, entity_kind kind, const std::string& id, int version, side_row row) {
  auto step = db.step_for(kind, id, version, State{});
  step.rows = {std::move(row)};
  return step;
}
step_record convert(const store& db, const std::string& id, int128 most = 0) {
  return step_with<conversion>(db, entity_kind::conversion, id, 1, claim_accruals{claim_scope::pending, 0, accounts::converting(id), most});
}
step_record converted(const store& db, const std::string& id, std::string_view received, std::string_view left) {
  return step_with<conversion>(db, entity_kind::conversion, id, 2,
                               conversion_closed{usdt_amount::of_units(units_of(received)), eth_amount::of_units(units_of(left))});
}
step_record batch(const store& db, const std::string& id, payout_pot pot) {
  const auto scope = pot == payout_pot::usdt ? claim_scope::converted_of_channel : claim_scope::pending_of_channel;
  return step_with<payout>(db, entity_kind::payout, id, 1, claim_accruals{scope, mine, accounts::owner_held("-100")});
}
step_record returned(const store& db, const std::string& id, accrual_status to, std::string_view left, bool resold = false) {
  return step_with<payout>(db, entity_kind::payout, id, 2, accrual_closed{id, to, units_of(left), resold});
}
void must(const commit_result& result) {
  INFO(result.error);
  REQUIRE(result.outcome == commit_outcome::committed);
}
std::string shares(store& db, const std::string& column) {
  return db.value("SELECT string_agg(trim_scale(" + column + ")::text, ' ' ORDER BY id) FROM accrual");
}

} // namespace

TEST_CASE("accruals return with what is left of their pot, by what each brought in, to the last unit") {
  store db(new_database());
  must(db.commit(accrual_step(db, 1, mine, "10", "0.001")));
  must(db.commit(accrual_step(db, 2, mine, "30", "0.001")));
  must(db.commit(accrual_step(db, 3, mine, "20", "0.001000000000000001")));
  must(db.commit(batch(db, "p1", payout_pot::eth)));
  must(db.commit(returned(db, "p1", accrual_status::pending, "0.002999999999999999")));
  // By the ETH that each brought in, not by its value: nobody gets more than they had.
  CHECK(shares(db, "net_eth") == "0.001 0.000999999999999999 0.001");
  CHECK(shares(db, "lost_eth") == "0 0.000000000000000001 0.000000000000000001");
  CHECK(db.value("SELECT bool_and(gross_eth = fee_eth + net_eth + lost_eth AND status = 'pending' AND payout_id = '') FROM accrual")
        == "t");

  // What came back less is what the next one claims.
  must(db.commit(convert(db, "c1")));
  const auto books = make_books_client(db.dsn);
  CHECK(to_decimal(std::get<claim_seen>(books(get_claim{"conversion/c1"})).eth) == "0.002999999999999999");
  must(db.commit(converted(db, "c1", "0", "0.002")));
  CHECK(shares(db, "net_eth") == "0.000666666666666667 0.000666666666666666 0.000666666666666667");
  CHECK(db.value("SELECT sum(units) FROM ledger_posting WHERE account = 'liability:conversion:c1'") == "-0.000999999999999999");
  must(db.commit(convert(db, "c2")));
  must(db.commit(converted(db, "c2", "60", "0.002")));
  CHECK(shares(db, "net_usdt") == "10 30 20");
  must(db.commit(batch(db, "p2", payout_pot::usdt)));
  must(db.commit(returned(db, "p2", accrual_status::converted, "59.999998")));
  CHECK(shares(db, "net_usdt") == "10 29.999999 19.999999");
  CHECK(db.value("SELECT bool_and(status = 'converted' AND conversion_id = 'c2') FROM accrual") == "t");
}

TEST_CASE("accruals whose USDT was sold for ETH return in ETH, and their conversion's shares still sum to what came") {
  store db(new_database());
  must(db.commit(accrual_step(db, 1, mine, "10", "0.004")));
  must(db.commit(accrual_step(db, 2, mine, "30", "0.01")));
  must(db.commit(convert(db, "c1")));
  must(db.commit(converted(db, "c1", "40", "0.014")));
  must(db.commit(batch(db, "p1", payout_pot::usdt)));
  must(db.commit(returned(db, "p1", accrual_status::pending, "0.016000000000000001", true)));
  CHECK(shares(db, "net_eth") == "0.004 0.012000000000000001");
  CHECK(shares(db, "lost_eth") == "0 -0.002000000000000001"); // The price had moved in the owner's favour.
  CHECK(shares(db, "net_usdt") == "0 0");
  CHECK(db.value("SELECT bool_and(status = 'pending' AND conversion_id = '') FROM accrual") == "t");
  CHECK(db.value("SELECT sum(net_usdt) = 40 AND sum(net_eth) = 0.016000000000000001 FROM accrual_resold WHERE conversion_id = 'c1'")
        == "t");
  // They gather again like any other.
  must(db.commit(convert(db, "c2")));
  must(db.commit(converted(db, "c2", "39", "0.016000000000000001")));
  CHECK(db.value("SELECT sum(net_usdt) = 39 FROM accrual WHERE conversion_id = 'c2'") == "t");
}

TEST_CASE("a conversion claims no more than the pair takes, the oldest first") {
  store db(new_database());
  int n = 0;
  for (const auto* eth : {"0.4", "0.5", "2", "0.3"}) ++n, must(db.commit(accrual_step(db, n, n % 2 ? mine : other, "10", eth)));
  must(db.commit(convert(db, "c1", one_coin)));
  CHECK(db.value("SELECT string_agg(id::text, ' ' ORDER BY id) FROM accrual WHERE status = 'converting'") == "1 2");
  must(db.commit(convert(db, "c2", one_coin)));
  CHECK(db.value("SELECT string_agg(id::text, ' ' ORDER BY id) FROM accrual WHERE conversion_id = 'c2'") == "4");
  must(db.commit(convert(db, "c3")));
  CHECK(db.value("SELECT count(*) FROM accrual WHERE status = 'pending'") == "0");
}

TEST_CASE("a transaction on the chain is counted once: for one swap, or as a payment") {
  store db(new_database());
  const auto books = make_books_client(db.dsn);
  const auto owner_of = [&](const std::string& hash, const std::string& currency) {
    return std::get<arrival_seen>(books(find_arrival{hash, currency})).owner;
  };
  const auto claim = [&](const std::string& id, const std::string& hash, const std::string& currency) {
    return db.commit(step_with<payout>(db, entity_kind::payout, id, 1, arrival_claimed{hash, currency, one_coin})).outcome;
  };
  must(db.commit(accrual_step(db, 1, mine, "10", "0.1")));
  CHECK(owner_of("0xdep1", "eth") == "payment/order1");
  CHECK(owner_of("0xback", "eth").empty());
  CHECK(claim("p1", "0xBack", "eth") == commit_outcome::committed);
  CHECK(owner_of("0xback", "eth") == "payout/p1");
  CHECK(owner_of("0xBACK", "usdt").empty());
  CHECK(claim("p2", "0xback", "eth") == commit_outcome::poison);
  CHECK(claim("p2", "0xdep1", "eth") == commit_outcome::poison);
  CHECK(claim("p2", "0xback", "usdt") == commit_outcome::committed);
  // In the other order as well.
  auto late = accrual_step(db, 2, mine, "10", "0.1");
  std::get<deposit>(late.rows[0]).payout_hash = "0xBACK";
  CHECK(db.commit(late).outcome == commit_outcome::poison);
}

TEST_CASE("a day's limit: of the channel and of all, given back, passed by approval, over after a day") {
  store db(new_database());
  const auto books = make_books_client(db.dsn);
  const auto usd = [](std::string_view text) { return usd_amount::of_units(units_of(text)); };
  const auto ask = [&](const std::string& id, std::int64_t of, std::string_view net, std::int64_t hours = 0, bool approved = false) {
    auto step =
        step_with<payout>(db, entity_kind::payout, id, approved ? 2 : 1, allowance_claimed{of, usd(net), usd("100"), usd("150"), approved});
    step.header.updated_at = at_micros(some_micros + hours * 3'600'000'000);
    must(db.commit(step));
    return std::get<allowance_seen>(books(get_allowance{id}));
  };
  CHECK(std::get<io_failure>(books(get_allowance{"p1"})).code == "not_found");
  CHECK(ask("p1", mine, "60").granted);
  CHECK(ask("p2", mine, "40").granted); // To the cent.
  const auto third = ask("p3", mine, "0.01");
  CHECK_FALSE(third.granted);
  CHECK(third.channel == usd("100"));
  CHECK(ask("p4", other, "50").granted);
  const auto fifth = ask("p5", other, "1"); // The channel has room, all together have not.
  CHECK_FALSE(fifth.granted);
  CHECK(fifth.channel == usd("50"));
  CHECK(fifth.total == usd("150"));
  must(db.commit(step_with<payout>(db, entity_kind::payout, "p4", 2, allowance_returned{})));
  CHECK(ask("p6", other, "50").granted);
  CHECK(ask("p5", other, "1", 0, true).granted); // What the operator lets through counts all the same.
  CHECK(ask("p7", other, "1", 1).total == usd("151"));
  CHECK(ask("p8", mine, "100", 25).granted);
}

TEST_CASE("payouts that ask at once do not fit into the same rest of a day's limit") {
  store db(new_database());
  auto second = spawn_committer(db.system, {db.dsn, db.node}, db.metrics);
  const auto usd = [](std::string_view text) { return usd_amount::of_units(units_of(text)); };
  constexpr int asking = 60;
  for (int n = 1; n <= asking; ++n) {
    auto step = step_with<payout>(db, entity_kind::payout, "p" + std::to_string(n), 1,
                                  allowance_claimed{n % 3 ? mine : other, usd("10"), usd("100"), usd("170"), false});
    db.self->send(n % 2 ? db.committer : second, commit_atom::value, std::make_shared<const step_record>(std::move(step)));
  }
  for (int answered = 0; answered < asking; ++answered)
    db.self->receive([&](const committed& done) { must(done.result); }, caf::after(std::chrono::seconds(60)) >> [&] { FAIL("no answer"); });
  db.self->send_exit(second, caf::exit_reason::user_shutdown);
  second = nullptr;
  CHECK(db.value("SELECT sum(net_usd) = 170 FROM payout_allowance WHERE granted") == "t");
  CHECK(db.value("SELECT max(sum) <= 100 FROM (SELECT sum(net_usd) FROM payout_allowance WHERE granted GROUP BY channel_id) q") == "t");
  CHECK(db.value("SELECT count(*) FROM payout_allowance") == std::to_string(asking));
}
