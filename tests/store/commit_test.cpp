#include <catch2/catch.hpp>

#include <caf/all.hpp>
#include <pqxx/pqxx>

#include "persistence/batch_writer.hpp"
#include "tests/store/store_support.hpp"

using namespace paygate;
using namespace paygate::test;

namespace {

step_ptr share(step_record step) { return std::make_shared<step_record>(std::move(step)); }

ledger_entry entry(const std::string& key, int128 debit, int128 credit) {
  return {key, "why", {{accounts::wallet, "eth", debit}, {accounts::incoming, "eth", -credit}}};
}

step_record payment_step(const store& db, const std::string& id, std::uint64_t version) {
  payment state;
  state.channel_title = "v" + std::to_string(version);
  return db.step_for(entity_kind::payment, id, version, state);
}

deposit some_deposit(const std::string& id, const std::string& order) {
  deposit row;
  row.payment_id = id;
  row.order_id = order;
  return row;
}

accrual_opened some_accrual(const std::string& id, const std::string& order, const std::string& payout) {
  accrual_opened row;
  row.payment_id = id;
  row.order_id = order;
  row.channel_id = -100;
  row.status = payout.empty() ? accrual_status::pending : accrual_status::paying;
  row.payout_id = payout;
  row.gross_usd = usd_amount::of_units(10);
  row.fee_usd = usd_amount::of_units(3);
  row.net_usd = usd_amount::of_units(7);
  return row;
}

} // namespace

TEST_CASE("a step writes its row, its history and its ledger entry together") {
  store db(new_database());
  auto step = payment_step(db, "o1", 1);
  step.note = "a note";
  step.entries = {entry("payment/o1/settled", 5, 5)};
  REQUIRE(db.commit(step).error == "");
  CHECK(db.value("SELECT concat_ws('|', kind, id, version, message, from_status, to_status, note, extract(epoch FROM at)) FROM transition")
        == "payment|o1|1|test|a|b|a note|1795244400.123457");
  CHECK(db.value("SELECT concat_ws('|', key, reason, kind, entity_id, version) FROM ledger_entry")
        == "payment/o1/settled|why|payment|o1|1");
  CHECK(db.value("SELECT string_agg(concat_ws('|', line, account, currency, trim_scale(units)), ' ' ORDER BY line) FROM ledger_posting")
        == "1|assets:wallet|eth|0.000000000000000005 2|assets:incoming|eth|-0.000000000000000005");
  CHECK(db.value("SELECT trim_scale(units) FROM ledger_balance WHERE account = 'assets:wallet'") == "0.000000000000000005");
  CHECK(db.value("SELECT shard FROM payment") == std::to_string(shard_of({entity_kind::payment, "o1"})));
}

TEST_CASE("a transaction on the chain arrives for one deposit only") {
  store db(new_database());
  REQUIRE(db.commit(payment_step(db, "o1", 1)).outcome == commit_outcome::committed);
  auto row = some_deposit("d1", "o1"), twin = some_deposit("d2", "o1");
  row.payout_hash = "0xAB";
  twin.payout_hash = "0xab";
  row.arrived_at = timestamp(std::chrono::seconds(1'795'244'400));
  auto step = payment_step(db, "o1", 2);
  step.rows = {row, twin};
  REQUIRE(db.commit(step).error == "");
  twin.arrived_at = row.arrived_at;
  step = payment_step(db, "o1", 3);
  step.rows = {twin};
  step.entries = {entry("payment/o1/arrived/d2", 5, 5)};
  CHECK(db.commit(step).outcome == commit_outcome::poison);
  CHECK(db.value("SELECT count(*) FROM ledger_entry") == "0");
}

TEST_CASE("a stale version writes nothing and spoils nobody") {
  store db(new_database());
  REQUIRE(db.commit(payment_step(db, "a", 1)).outcome == commit_outcome::committed);
  REQUIRE(db.commit(payment_step(db, "b", 1)).outcome == commit_outcome::committed);
  auto stale = payment_step(db, "a", 3);
  stale.entries = {entry("never", 1, 1)};
  stale.rows = {failure_listed{"code", "never"}};
  const auto results =
      db.commit({share(stale), share(payment_step(db, "b", 2)), share(payment_step(db, "missing", 2)), share(payment_step(db, "c", 1))});
  CHECK(results[0].outcome == commit_outcome::version_conflict);
  CHECK(results[1].outcome == commit_outcome::committed);
  CHECK(results[2].outcome == commit_outcome::version_conflict);
  CHECK(results[3].outcome == commit_outcome::committed);
  CHECK(db.commit(payment_step(db, "a", 1)).outcome == commit_outcome::version_conflict);
  CHECK(db.value("SELECT string_agg(id || version, ' ' ORDER BY id) FROM payment") == "a1 b2 c1");
  CHECK(db.value("SELECT count(*) FROM transition") == "4");
  CHECK(db.value("SELECT (SELECT count(*) FROM ledger_entry) + (SELECT count(*) FROM failed_transaction)") == "0");
}

TEST_CASE("a stale step that would break a constraint as well is stale, not poison") {
  store db(new_database());
  auto first = payment_step(db, "a", 1);
  first.entries = {entry("payment/a/settled", 5, 5)};
  REQUIRE(db.commit(first).outcome == commit_outcome::committed);
  // Another activation decided the same: its posting is there already.
  const auto results = db.commit({share(first), share(payment_step(db, "b", 1))});
  CHECK(results[0].outcome == commit_outcome::version_conflict);
  CHECK(results[1].outcome == commit_outcome::committed);
  CHECK(db.value("SELECT count(*) FROM ledger_entry") == "1");
}

TEST_CASE("a stale epoch, a foreign node and no lease at all are refused") {
  store db(new_database());
  auto step = payment_step(db, "a", 1);
  step.epoch += 1;
  CHECK(db.commit(step).outcome == commit_outcome::lease_lost);
  step.epoch -= 2;
  CHECK(db.commit(step).outcome == commit_outcome::lease_lost);
  auto no_row = payment_step(db, "a", 1);
  no_row.writes_row = false;
  no_row.epoch = 0;
  no_row.rows = {webhook_event{"nowpayments", "1", "a", false, "{}"}};
  CHECK(db.commit(no_row).outcome == commit_outcome::lease_lost);
  db.value("INSERT INTO node (identity, boot_id, pid_namespace, pid, process_start) VALUES ('other', 'b', 'n', 1, 1)");
  db.value("UPDATE shard_lease SET node = 'other', epoch = epoch + 1");
  const auto good = payment_step(db, "a", 1);
  CHECK(db.commit(good).outcome == commit_outcome::lease_lost);
  CHECK(db.value("SELECT (SELECT count(*) FROM payment) + (SELECT count(*) FROM transition) + (SELECT count(*) FROM webhook_event)")
        == "0");
}

TEST_CASE("poison in a batch of a hundred leaves the ninety-nine committed") {
  store db(new_database());
  std::vector<step_ptr> steps;
  for (int i = 0; i < 100; ++i) {
    auto step = payment_step(db, "p" + std::to_string(i), 1);
    if (i == 61) std::get<payment>(step.state).status = payment_status::paid; // Without a verdict's time: a constraint.
    if (i == 62) step.entries = {entry("unbalanced", 2, 1)};
    if (i == 63) std::get<payment>(step.state).channel_title = std::string("zero \0 byte", 11);
    if (i == 64) std::get<payment>(step.state).channel_title = "no utf-8 \xff";
    if (i == 65) std::get<payment>(step.state).price = usd_amount::of_units(-1);
    if (i == 66) step.rows = {some_deposit("d", "no such payment")};
    if (i == 67) step.state = poller{};
    if (i == 68) step.entries = {{"empty", "no postings", {}}};
    steps.push_back(share(step));
  }
  const auto results = db.commit(steps);
  for (int i = 0; i < 100; ++i) {
    INFO(i << ": " << results[static_cast<std::size_t>(i)].error);
    CHECK(results[static_cast<std::size_t>(i)].outcome == (i >= 61 && i <= 68 ? commit_outcome::poison : commit_outcome::committed));
    CHECK(results[static_cast<std::size_t>(i)].error.empty() == !(i >= 61 && i <= 68));
  }
  CHECK(db.value("SELECT count(*) FROM payment") == "92");
  CHECK(db.value("SELECT count(*) FROM transition") == "92");
  CHECK(db.value("SELECT count(*) FROM ledger_entry") == "0");
  CHECK(results[62].error.find("does not balance") != std::string::npos);
}

TEST_CASE("a ledger key is posted once") {
  store db(new_database());
  auto first = payment_step(db, "a", 1);
  first.entries = {entry("k", 1, 1)};
  REQUIRE(db.commit(first).outcome == commit_outcome::committed);
  auto again = payment_step(db, "b", 1);
  again.entries = {entry("k", 1, 1)};
  CHECK(db.commit(again).outcome == commit_outcome::poison);
  CHECK(db.value("SELECT count(*) FROM ledger_posting") == "2");
  CHECK(db.value("SELECT count(*) FROM payment") == "1");
}

TEST_CASE("the second step of an entity waits for the next batch") {
  store db(new_database());
  std::vector<step_ptr> steps;
  for (std::uint64_t version = 1; version <= 5; ++version)
    for (const auto* id : {"a", "b"}) steps.push_back(share(payment_step(db, id, version)));
  for (const auto& result : db.commit(steps)) CHECK(result.outcome == commit_outcome::committed);
  CHECK(db.value("SELECT string_agg(id || version, ' ' ORDER BY id) FROM payment") == "a5 b5");
}

TEST_CASE("more steps than a batch holds are all written") {
  store db(new_database());
  std::vector<step_ptr> steps;
  for (int i = 0; i < 2000; ++i) steps.push_back(share(payment_step(db, "p" + std::to_string(i), 1)));
  for (const auto& result : db.commit(steps)) REQUIRE(result.outcome == commit_outcome::committed);
  CHECK(db.value("SELECT count(*) FROM payment") == "2000");
  CHECK(db.metrics->counted == 2000);
}

TEST_CASE("webhook events count repeats, without a row of the entity") {
  store db(new_database());
  const std::string body = std::string("{\"a\":\"\\u0041\"} \0\xff'", 18);
  const auto event = [&](const std::string& id, bool known) {
    auto step = payment_step(db, id, 1);
    step.writes_row = false;
    step.header = {};
    step.rows = {webhook_event{"nowpayments", "77", id, known, body}};
    return share(step);
  };
  CHECK(db.commit({event("x", false), event("y", false)})[0].outcome == commit_outcome::committed);
  CHECK(db.commit(*event("x", true)).outcome == commit_outcome::committed);
  CHECK(db.value("SELECT concat_ws('|', count(*), sum(received), bool_and(order_known), bool_and(first_at > '2020-01-01'), "
                 "bool_and(body_sha256 = sha256(raw)), max(length(raw))) "
                 "FROM webhook_event")
        == "1|3|t|t|t|18");
  CHECK(db.value("SELECT (SELECT count(*) FROM payment) + (SELECT count(*) FROM transition)") == "0");
}

TEST_CASE("accruals open once, close with their payout and come back free") {
  store db(new_database());
  auto step = payment_step(db, "o", 1);
  step.rows = {some_deposit("d1", "o"), some_deposit("d2", "o"), some_accrual("d1", "o", "pay1"), some_accrual("d2", "o", "pay2")};
  REQUIRE(db.commit(step).error == "");
  auto closes = db.step_for(entity_kind::payout, "pay1", 1, payout{});
  closes.rows = {accrual_closed{"pay1", accrual_status::paid}, accrual_closed{"pay2", accrual_status::pending}};
  REQUIRE(db.commit(closes).error == "");
  CHECK(db.value("SELECT string_agg(concat_ws('|', payment_id, status, payout_id, trim_scale(net_usd * 1e18)), ' ' ORDER BY payment_id) "
                 "FROM accrual")
        == "d1|paid|pay1|7 d2|pending||7");
  auto twice = payment_step(db, "o", 2);
  twice.rows = {some_accrual("d1", "o", "")};
  CHECK(db.commit(twice).outcome == commit_outcome::poison);
}

TEST_CASE("one failure is open per entity") {
  store db(new_database());
  auto step = payment_step(db, "o", 1);
  step.rows = {failure_listed{"one", "first"}};
  REQUIRE(db.commit(step).outcome == commit_outcome::committed);
  auto next = payment_step(db, "o", 2);
  next.rows = {failure_listed{"two", "second"}, failure_listed{"three", "third"}};
  REQUIRE(db.commit(next).outcome == commit_outcome::committed);
  CHECK(db.value("SELECT string_agg(concat_ws('|', kind, entity_id, code, text, times), ' ') FROM failed_transaction")
        == "payment|o|three|third|2");
  db.value("UPDATE failed_transaction SET resolved_at = now(), resolution = 'done'");
  REQUIRE(db.commit([&] {
              auto again = payment_step(db, "o", 3);
              again.rows = {failure_listed{"four", "fourth"}};
              return again;
            }())
              .outcome
          == commit_outcome::committed);
  CHECK(db.value("SELECT count(*) FROM failed_transaction") == "2");
}

TEST_CASE("a failure that mended itself leaves the list; one that comes later is another") {
  store db(new_database());
  const auto open = [&] { return db.value("SELECT count(*) FROM failed_transaction WHERE resolved_at IS NULL"); };
  auto step = payment_step(db, "o", 1);
  step.rows = {failure_listed{"no_rights", "ban: no"}};
  REQUIRE(db.commit(step).outcome == commit_outcome::committed);
  auto other = payment_step(db, "p", 1);
  other.rows = {failure_listed{"no_rights", "ban: no"}};
  REQUIRE(db.commit(other).outcome == commit_outcome::committed);
  auto mended = payment_step(db, "o", 2);
  mended.rows = {failure_mended{"put out"}};
  REQUIRE(db.commit(mended).outcome == commit_outcome::committed);
  CHECK(db.value("SELECT concat_ws('|', resolved_by, resolution) FROM failed_transaction WHERE entity_id = 'o'") == "itself|put out");
  CHECK(open() == "1"); // The other's.
  // When nothing is listed there is nothing to take back.
  auto again = payment_step(db, "o", 3);
  again.rows = {failure_mended{"again"}};
  REQUIRE(db.commit(again).outcome == commit_outcome::committed);
  // Of one batch the newest word holds, whichever it is.
  auto lists = payment_step(db, "p", 2), mends = payment_step(db, "p", 3), relists = payment_step(db, "q", 2), first = payment_step(db, "q", 1);
  lists.rows = {failure_listed{"x", "x"}};
  mends.rows = {failure_mended{"well"}};
  first.rows = {failure_listed{"y", "first"}, failure_mended{"well"}};
  relists.rows = {failure_listed{"y", "later"}};
  for (const auto& result : db.commit({share(lists), share(mends), share(first), share(relists)})) {
    INFO(result.error);
    CHECK(result.outcome == commit_outcome::committed);
  }
  CHECK(db.value("SELECT string_agg(entity_id || text, ' ') FROM failed_transaction WHERE resolved_at IS NULL") == "qlater");
  auto both = payment_step(db, "r", 1);
  both.rows = {failure_listed{"z", "z"}, failure_mended{"at once"}};
  REQUIRE(db.commit(both).outcome == commit_outcome::committed);
  CHECK(db.value("SELECT count(*) FROM failed_transaction WHERE entity_id = 'r'") == "0");
}

TEST_CASE("a child row never moves to another parent") {
  store db(new_database());
  auto first = payment_step(db, "o1", 1);
  first.rows = {some_deposit("d", "o1")};
  REQUIRE(db.commit(first).outcome == commit_outcome::committed);
  auto thief = payment_step(db, "o2", 1);
  thief.rows = {some_deposit("d", "o2")};
  CHECK(db.commit(thief).outcome == commit_outcome::poison);
}

TEST_CASE("the database guards transfers against paying twice") {
  store db(new_database());
  const auto full = std::get<wallet>(filled_snapshot(entity_kind::wallet, "0xw"));
  auto step = db.step_for(entity_kind::wallet, "0xw", 1, full);
  step.rows = children_of(step.state);
  REQUIRE(db.commit(step).error == "");
  const auto refused = [&](wallet_transfer row) {
    auto next = db.step_for(entity_kind::wallet, "0xw", 2, full);
    next.rows = {row};
    return db.commit(next);
  };
  auto confirmed = full.transfers[0], sent = full.transfers[1], queued = full.transfers[2];
  auto row = confirmed;
  row.status = transfer_status::queued; // A forgotten intent asked for again.
  CHECK(refused(row).outcome == commit_outcome::poison);
  row = sent;
  row.nonce = 12;
  CHECK(refused(row).outcome == commit_outcome::poison);
  row = sent;
  row.to = "0xelsewhere";
  CHECK(refused(row).outcome == commit_outcome::poison);
  row = sent;
  row.raw = "";
  CHECK(refused(row).outcome == commit_outcome::poison);
  row = queued;
  row.nonce = 11; // Taken.
  CHECK(refused(row).outcome == commit_outcome::poison);
  row = queued;
  row.status = transfer_status::prepared; // Without a nonce.
  CHECK(refused(row).outcome == commit_outcome::poison);
  row = sent;
  row.status = transfer_status::confirmed;
  CHECK(refused(row).error == "");
}

TEST_CASE("a correction is booked once and never changes") {
  store db(new_database());
  const auto full = std::get<wallet>(filled_snapshot(entity_kind::wallet, "0xw"));
  auto step = db.step_for(entity_kind::wallet, "0xw", 1, full);
  step.rows = children_of(step.state);
  REQUIRE(db.commit(step).error == "");
  auto again = full.corrections[0];
  again.units += 1;
  auto next = db.step_for(entity_kind::wallet, "0xw", 2, full);
  next.rows = {again};
  CHECK(db.commit(next).outcome == commit_outcome::poison);
}

TEST_CASE("a transfer with a nonce is dropped only when that nonce is explained as somebody else's") {
  store db(new_database());
  const auto full = std::get<wallet>(filled_snapshot(entity_kind::wallet, "0xw"));
  auto step = db.step_for(entity_kind::wallet, "0xw", 1, full);
  step.rows = {full.transfers[1]}; // In flight with nonce 11.
  REQUIRE(db.commit(step).error == "");
  auto dropped = full.transfers[1];
  dropped.status = transfer_status::dropped;
  foreign_nonce f;
  f.key = "0xw/11";
  f.wallet = "0xw";
  f.nonce = 11;
  std::uint64_t version = 1;
  const auto with = [&](std::vector<side_row> rows) {
    auto next = db.step_for(entity_kind::wallet, "0xw", version + 1, full);
    next.rows = std::move(rows);
    const auto outcome = db.commit(next).outcome;
    if (outcome == commit_outcome::committed) ++version;
    return outcome;
  };
  CHECK(with({dropped}) == commit_outcome::poison);
  CHECK(with({f, dropped}) == commit_outcome::poison); // Listed, but not explained.
  auto ours = f;
  ours.hash = "0xh";
  ours.intent = dropped.intent;
  ours.explained_at = at_micros(some_micros);
  CHECK(with({ours, dropped}) == commit_outcome::poison); // It was this very transfer.
  auto theirs = ours;
  theirs.intent.clear();
  CHECK(with({dropped, theirs}) == commit_outcome::committed);
  CHECK(with({ours}) == commit_outcome::poison); // Explained once.
  auto again = theirs;
  again.explained_at.reset();
  CHECK(with({again}) == commit_outcome::poison);
}

TEST_CASE("a transfer whose bytes are lost may be confirmed by its hash, but never as signed or sent") {
  store db(new_database());
  const auto full = std::get<wallet>(filled_snapshot(entity_kind::wallet, "0xw"));
  auto row = full.transfers[2];
  row.nonce = 12;
  row.raw.clear();
  const auto with = [&](transfer_status status, const std::string& hash) {
    auto step = db.step_for(entity_kind::wallet, "0xw", 1, full);
    row.status = status;
    row.hash = hash;
    step.rows = {row};
    return db.commit(step).outcome;
  };
  CHECK(with(transfer_status::broadcast, "0xh") == commit_outcome::poison);
  CHECK(with(transfer_status::confirmed, "") == commit_outcome::poison);
  CHECK(with(transfer_status::confirmed, "0xh") == commit_outcome::committed);
}

TEST_CASE("who stands still in the middle of a transaction does not keep its shards from being taken") {
  store db(new_database());
  auto frozen = connect_for_batches(db.dsn);
  const auto read = frozen->run({{"lease", {db.node, "{7}"}}});
  REQUIRE_FALSE(read.failure);
  // A takeover waits for whoever has read the lease, but not for ever: the server ends what does nothing.
  pqxx::connection other(db.dsn);
  pqxx::work taking(other);
  taking.exec("SET LOCAL lock_timeout = '60s'");
  CHECK(taking.exec("UPDATE shard_lease SET epoch = epoch + 1, node = NULL WHERE shard = 7").affected_rows() == 1);
  taking.commit();
  CHECK_THROWS_AS(frozen->commit(), statement_failed);
}
