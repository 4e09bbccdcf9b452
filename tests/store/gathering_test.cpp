// Claims of accruals and the distribution of what a conversion brought, against a real PostgreSQL: each accrual in exactly one claim, every
// unit shared out, the books balanced.
#include <catch2/catch.hpp>

#include <algorithm>
#include <numeric>
#include <random>

#include <caf/all.hpp>
#include <pqxx/pqxx>

#include "tests/store/store_support.hpp"

using namespace paygate;
using namespace paygate::test;

namespace {

constexpr std::int64_t mine = -100, other = -200;

int128 units_of(std::string_view text) { return parse_decimal(text)->units; }

/// A payment whose only deposit is judged good, its accrual pending and posted.
step_record accrual_step(store& db, int n, std::int64_t of, std::string_view net_usd, std::string_view net_eth, bool arrived = true) {
  const auto order = "order" + std::to_string(n);
  auto step = db.step_for(entity_kind::payment, order, 1, payment{});
  deposit d;
  d.payment_id = "deposit" + std::to_string(n);
  d.order_id = order;
  if (arrived) d.arrived_at = at_micros(some_micros);
  accrual_opened a;
  a.payment_id = d.payment_id;
  a.order_id = order;
  a.channel_id = of;
  a.gross_usd = a.net_usd = usd_amount::of_units(units_of(net_usd));
  a.gross_eth = a.net_eth = eth_amount::of_units(units_of(net_eth));
  step.rows = {d, a};
  step.entries = {
      {"payment/" + order + "/settled",
       "test",
       {{accounts::wallet, "eth", units_of(net_eth)}, {accounts::owner_available(std::to_string(of)), "eth", -units_of(net_eth)}}}};
  return step;
}

step_record open_step(const store& db, const std::string& id) {
  auto step = db.step_for(entity_kind::conversion, id, 1, conversion{});
  step.rows = {claim_accruals{claim_scope::pending, 0, accounts::converting(id)}};
  return step;
}
step_record close_step(const store& db, const std::string& id, std::string_view received, std::string_view left = "0") {
  auto step = db.step_for(entity_kind::conversion, id, 2, conversion{});
  step.rows = {conversion_closed{usdt_amount::of_units(units_of(received)), eth_amount::of_units(units_of(left))}};
  return step;
}
step_record batch_step(const store& db, const std::string& id, std::int64_t of, payout_pot pot) {
  auto step = db.step_for(entity_kind::payout, id, 1, payout{});
  step.rows = {claim_accruals{pot == payout_pot::usdt ? claim_scope::converted_of_channel : claim_scope::pending_of_channel, of,
                              accounts::owner_held(std::to_string(of))}};
  return step;
}
void must(const commit_result& result) {
  INFO(result.error);
  REQUIRE(result.outcome == commit_outcome::committed);
}
claim_seen claim_of(const io_client& books, const std::string& claimant) {
  const auto answer = books(get_claim{claimant});
  REQUIRE(std::holds_alternative<claim_seen>(answer));
  return std::get<claim_seen>(answer);
}
std::string balance(store& db, const std::string& account, const std::string& currency) {
  return db.value("SELECT coalesce(trim_scale(sum(units)), 0)::text FROM ledger_posting WHERE account = '" + account + "' AND currency = '"
                  + currency + "'");
}
std::string statuses(store& db) {
  return db.value(
      "SELECT coalesce(string_agg(s, ' ' ORDER BY s), '') FROM (SELECT status || ':' || count(*) AS s FROM accrual GROUP BY status) q");
}

/// What the rule of spec 2 says, in the plainest way: shares of `received` USDT units (10^-6) by weight.
std::vector<int128> fair_shares(const std::vector<int128>& weights, int128 received) {
  const auto total = std::accumulate(weights.begin(), weights.end(), int128(0));
  std::vector<int128> shares, rests;
  int128 left = received;
  for (const auto w : weights) {
    shares.push_back(mul_div_floor(received, w, total));
    left -= shares.back();
    // received * w - share * total, which fits for the sizes of these tests.
    rests.push_back(received * w - shares.back() * total);
  }
  std::vector<std::size_t> order(weights.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return rests[a] > rests[b]; });
  for (std::size_t i = 0; left > 0; ++i, --left) ++shares[order[i]];
  return shares;
}

} // namespace

TEST_CASE("a conversion claims what is pending and has arrived, a batch its channel's pot, and each knows how much") {
  store db(new_database());
  const auto books = make_books_client(db.dsn);
  CHECK(std::get<gathered_seen>(books(get_gathered{})) == gathered_seen{});
  CHECK(std::get<io_failure>(books(get_claim{"conversion/c1"})).code == "not_found");
  must(db.commit(accrual_step(db, 1, mine, "9.7", "0.003")));
  must(db.commit(accrual_step(db, 2, other, "19.4", "0.006000000000000001")));
  must(db.commit(accrual_step(db, 3, mine, "5", "0.002", false)));
  const gathered_seen wanted{2, usd_amount::of_units(units_of("29.1")), eth_amount::of_units(units_of("0.009000000000000001"))};
  CHECK(std::get<gathered_seen>(books(get_gathered{})) == wanted);

  must(db.commit(open_step(db, "c1")));
  const auto first = claim_of(books, "conversion/c1");
  CHECK(first.accruals == 2);
  CHECK(to_decimal(first.net) == "29.1");
  CHECK(to_decimal(first.eth) == "0.009000000000000001");
  CHECK(statuses(db) == "converting:2 pending:1");
  CHECK(balance(db, "liability:conversion:c1", "eth") == "-0.009000000000000001");
  CHECK(balance(db, "owner:-100:available", "eth") == "-0.002");
  CHECK(balance(db, "owner:-200:available", "eth") == "0");
  // The next one finds nothing; what arrives meanwhile is the next one's.
  must(db.commit(open_step(db, "c2")));
  CHECK(claim_of(books, "conversion/c2") == claim_seen{});
  must(db.commit(accrual_step(db, 4, mine, "1", "0.001")));
  must(db.commit(open_step(db, "c3")));
  CHECK(claim_of(books, "conversion/c3").accruals == 1);

  // It ends without a transfer: all is as it was.
  must(db.commit(close_step(db, "c3", "0", "0.001")));
  CHECK(statuses(db) == "converting:2 pending:2");
  CHECK(balance(db, "liability:conversion:c3", "eth") == "0");
  // It ends well: the owners have USDT, to the last unit.
  must(db.commit(close_step(db, "c1", "28.000001")));
  CHECK(statuses(db) == "converted:2 pending:2");
  CHECK(db.value("SELECT string_agg(trim_scale(net_usdt)::text, ' ' ORDER BY id) FROM accrual WHERE status = 'converted'")
        == "9.333334 18.666667");
  CHECK(balance(db, "assets:wallet", "usdt") == "28.000001");
  CHECK(balance(db, "owner:-100:available", "usdt") == "-9.333334");
  CHECK(balance(db, "owner:-200:available", "usdt") == "-18.666667");

  must(db.commit(batch_step(db, "b1", mine, payout_pot::usdt)));
  const auto batch = claim_of(books, "payout/b1");
  CHECK(batch.accruals == 1);
  CHECK(to_decimal(batch.usdt) == "9.333334");
  CHECK(balance(db, "owner:-100:held", "usdt") == "-9.333334");
  must(db.commit(batch_step(db, "b2", mine, payout_pot::eth)));
  CHECK(to_decimal(claim_of(books, "payout/b2").eth) == "0.001");
  CHECK(statuses(db) == "converted:1 paying:2 pending:1");
  // The money of a batch goes back to the pot that it came from.
  auto back = db.step_for(entity_kind::payout, "b1", 2, payout{});
  back.rows = {accrual_closed{"b1", accrual_status::converted}};
  must(db.commit(back));
  CHECK(statuses(db) == "converted:2 paying:1 pending:1");
  CHECK(db.value("SELECT count(*) FROM accrual WHERE status = 'converted' AND payout_id <> ''") == "0");
  CHECK(db.query("ledger_check").find("\"balanced\": true") != std::string::npos);
}

TEST_CASE("shares are floors, the units left go to the largest fractions, ties to the lowest id, and nothing is lost") {
  struct row {
    std::vector<std::string> weights;
    std::string received, shares;
  };
  for (const auto& r : {
           row{{"1", "1", "1"}, "10", "3.333334 3.333333 3.333333"},
           row{{"1", "1", "1"}, "0.000002", "0.000001 0.000001 0"},
           row{{"1", "2", "3"}, "0.000001", "0 0 0.000001"},
           row{{"9.7", "0", "19.4"}, "28", "9.333333 0 18.666667"},
           row{{"0.00000001", "99999.99999999"}, "100000.5", "0 100000.5"},
           row{{"14848580.123456789012345678", "1"}, "14000000.123457", "13999999.180606 0.942851"},
       }) {
    INFO(r.received << " by " << r.weights.size());
    store db(new_database());
    int n = 0;
    for (const auto& w : r.weights) ++n, must(db.commit(accrual_step(db, n, n % 2 ? mine : other, w, "0.001")));
    must(db.commit(open_step(db, "c1")));
    must(db.commit(close_step(db, "c1", r.received)));
    CHECK(db.value("SELECT string_agg(trim_scale(net_usdt)::text, ' ' ORDER BY id) FROM accrual") == r.shares);
    CHECK(db.value("SELECT sum(net_usdt) = " + r.received + " FROM accrual") == "t");
  }
}

TEST_CASE("many shares are what the rule says, in SQL as in C++") {
  store db(new_database());
  std::mt19937_64 random(7);
  std::vector<int128> weights;
  std::vector<step_ptr> steps;
  for (int n = 1; n <= 300; ++n) {
    const auto cents = static_cast<int128>(random() % 1'000'000);
    weights.push_back(cents * (one_coin / 100));
    steps.push_back(std::make_shared<step_record>(accrual_step(db, n, -(1 + n % 7), to_decimal(weights.back()), "0.001")));
  }
  for (const auto& step : steps) must(db.commit({step}).front()); // One by one: the ids follow the order.
  must(db.commit(open_step(db, "c1")));
  const int128 received = 1'234'567'890'123;
  must(db.commit(close_step(db, "c1", "1234567.890123")));
  for (auto& w : weights) w /= one_coin / 100;
  std::string wanted;
  for (const auto units : fair_shares(weights, received))
    wanted += (wanted.empty() ? "" : " ") + to_decimal(mul_div_floor(units, one_coin / 1'000'000, 1));
  CHECK(db.value("SELECT string_agg(trim_scale(net_usdt)::text, ' ' ORDER BY id) FROM accrual") == wanted);
  CHECK(balance(db, "assets:wallet", "usdt") == "1234567.890123");
}

TEST_CASE("claimers at once claim nothing twice, and leave nothing that was there") {
  store db(new_database());
  auto second = spawn_committer(db.system, {db.dsn, db.node}, db.metrics);
  constexpr int accruals = 200, claimers = 20;
  std::vector<step_ptr> steps;
  for (int n = 1; n <= accruals; ++n)
    steps.push_back(std::make_shared<step_record>(accrual_step(db, n, n % 3 ? mine : other, "1", "0.001")));
  for (int n = 1; n <= claimers; ++n) {
    steps.push_back(std::make_shared<step_record>(open_step(db, "c" + std::to_string(n))));
    steps.push_back(std::make_shared<step_record>(batch_step(db, "b" + std::to_string(n), n % 2 ? mine : other, payout_pot::eth)));
  }
  std::shuffle(steps.begin(), steps.end(), std::mt19937(3));
  int at = 0, answered = 0;
  for (const auto& step : steps) db.self->send(++at % 2 ? db.committer : second, commit_atom::value, step);
  while (answered < at)
    db.self->receive([&](const committed& done) { ++answered, must(done.result); },
                     caf::after(std::chrono::seconds(60)) >> [&] { FAIL("no answer"); });
  must(db.commit(open_step(db, "last")));
  db.self->send_exit(second, caf::exit_reason::user_shutdown);
  second = nullptr;
  CHECK(db.value("SELECT count(*) FROM accrual WHERE status = 'pending'") == "0");
  CHECK(db.value("SELECT sum(accruals) FROM accrual_claim") == std::to_string(accruals));
  CHECK(db.value("SELECT count(*) FROM accrual_claim c WHERE c.accruals <> (SELECT count(*) FROM accrual a WHERE "
                 "'conversion/' || a.conversion_id = c.claimant OR 'payout/' || a.payout_id = c.claimant)")
        == "0");
  CHECK(db.value("SELECT count(*) FROM accrual WHERE (conversion_id = '') = (payout_id = '')") == "0");
  CHECK(balance(db, "owner:-100:available", "eth") == "0");
}

TEST_CASE("an open claim of another transaction is skipped, not waited for") {
  store db(new_database());
  const auto books = make_books_client(db.dsn);
  must(db.commit(accrual_step(db, 1, mine, "1", "0.001")));
  pqxx::connection slow(db.dsn);
  {
    pqxx::work open(slow);
    open.exec("SELECT claim_accruals('conversion', 'slow', 1, now(), 'pending', 0, 'x')");
    must(db.commit(open_step(db, "c1")));
    CHECK(claim_of(books, "conversion/c1").accruals == 0);
  } // Rolled back: it was never claimed.
  must(db.commit(open_step(db, "c2")));
  CHECK(claim_of(books, "conversion/c2").accruals == 1);
  // A stale step claims nothing.
  must(db.commit(accrual_step(db, 2, mine, "1", "0.001")));
  CHECK(db.commit(open_step(db, "c2")).outcome == commit_outcome::version_conflict);
  CHECK(db.value("SELECT count(*) FROM accrual WHERE status = 'pending'") == "1");
}

TEST_CASE("channels are due by threshold, or by what their pair is known to take") {
  store db(new_database());
  const auto books = make_books_client(db.dsn);
  const auto due = [&] { return std::get<due_payouts_seen>(books(get_due_payouts{})).due; };
  const auto enter = [&](std::int64_t id, payout_strategy strategy) {
    class channel c;
    c.open_channel_id = id;
    c.owner_chat_id = 7;
    c.strategy = strategy;
    c.threshold = usd_amount::of_units(units_of("10"));
    c.payout_asset = {"btc", "btc"};
    c.payout_address = "bc1owner";
    must(db.commit(db.step_for(entity_kind::channel, std::to_string(id), 1, c)));
  };
  enter(mine, payout_strategy::threshold);
  enter(other, payout_strategy::instant);
  CHECK(due().empty());
  must(db.commit(accrual_step(db, 1, mine, "9.7", "0.003")));
  must(db.commit(accrual_step(db, 2, other, "9.7", "0.003")));
  must(db.commit(accrual_step(db, 3, other, "100", "0.1", false))); // Not here yet: spends nothing.
  REQUIRE(due().size() == 1);                                       // No minimum is known: the instant channel tries.
  const due_payout wanted{other, 7, {"btc", "btc"}, "bc1owner", "", payout_pot::eth};
  CHECK(due()[0] == wanted);
  payout small;
  small.target = {"btc", "btc"};
  small.channel_id = other;
  small.pair_minimum = units_of("0.004");
  must(db.commit(db.step_for(entity_kind::payout, "p1", 1, small)));
  db.value("UPDATE payout SET updated_at = now() RETURNING 1"); // Told today.
  CHECK(due().empty());
  must(db.commit(accrual_step(db, 4, other, "4", "0.001")));
  CHECK(due().size() == 1);

  must(db.commit(open_step(db, "c1")));
  CHECK(due().empty());
  must(db.commit(close_step(db, "c1", "20")));
  REQUIRE(due().size() == 1); // The threshold channel has 8.29 USDT, the instant one what is left.
  CHECK(due()[0].pot == payout_pot::usdt);
  CHECK(due()[0].channel_id == other);
  must(db.commit(accrual_step(db, 5, mine, "9.7", "0.003")));
  must(db.commit(open_step(db, "c2")));
  must(db.commit(close_step(db, "c2", "9")));
  REQUIRE(due().size() == 2);
  CHECK(due()[0].channel_id + due()[1].channel_id == mine + other);
  // A failed payout of the channel waits for a person first.
  payout failed;
  failed.status = payout_status::failed;
  failed.channel_id = mine;
  auto fails = db.step_for(entity_kind::payout, "p2", 1, failed);
  fails.rows = {failure_listed{"not_valid_address", "no"}};
  must(db.commit(fails));
  CHECK(due().size() == 1);
  db.value("UPDATE failed_transaction SET resolved_at = now(), resolution = 'mended', resolved_by = 'test' RETURNING 1");
  CHECK(due().size() == 2);
}

TEST_CASE("one transfer of the provider ends one conversion") {
  store db(new_database());
  conversion done;
  done.status = conversion_status::completed;
  done.tx_hash = "0xtx";
  done.payout_hash = "0xout";
  done.received = usdt_amount::of_units(1);
  must(db.commit(db.step_for(entity_kind::conversion, "c1", 1, done)));
  CHECK(db.commit(db.step_for(entity_kind::conversion, "c2", 1, done)).outcome == commit_outcome::poison);
}
