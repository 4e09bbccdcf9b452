// The operator's looks over many entities: what they answer, and that each reads an index and stops at its limit, whatever there is
// besides.
#include <catch2/catch.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>

#include <caf/all.hpp>
#include <pqxx/pqxx>

#include "persistence/queries.hpp"
#include "tests/store/store_support.hpp"

using namespace paygate;
using namespace paygate::test;

namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t n = 0;
  for (auto at = text.find(part); at != text.npos; at = text.find(part, at + 1)) ++n;
  return n;
}

/// Like that of `kind` with id "seed", `count` more, of which each hundredth is in trouble; ids rise with time.
void multiply(pqxx::connection& connection, const std::string& kind, int count) {
  pqxx::work transaction(connection);
  const auto columns = transaction.exec1(
      "SELECT string_agg(CASE column_name WHEN 'id' THEN '''01K'' || lpad(i::text, 8, ''0'')' WHEN 'shard' THEN 'i % 256' WHEN 'attempts' "
      "THEN "
      "'(i % 100 = 0)::int' WHEN 'last_error' THEN 'CASE WHEN i % 100 = 0 THEN ''invoice: http_503: order '' || (1000000 + i) ELSE '''' "
      "END' "
      "ELSE quote_ident(column_name) END, ', ' ORDER BY ordinal_position) FROM information_schema.columns WHERE table_name = '"
      + kind + "' AND table_schema = 'public'");
  transaction.exec("INSERT INTO " + kind + " SELECT " + columns[0].c_str() + " FROM " + kind + ", generate_series(1, "
                   + std::to_string(count) + ") i WHERE id = 'seed'");
  transaction.commit();
}

struct crowd {
  store db{new_database(), std::chrono::hours(1)};
  std::string url = db.dsn;

  crowd(int each) {
    REQUIRE(db.commit(db.step_for(entity_kind::payout, "seed", 1, filled_snapshot(entity_kind::payout, "seed"))).error == "");
    auto payment_ = std::get<payment>(filled_snapshot(entity_kind::payment, "seed"));
    payment_.deposits.clear();
    REQUIRE(db.commit(db.step_for(entity_kind::payment, "seed", 1, payment_)).error == "");
    pqxx::connection connection(db.dsn);
    multiply(connection, "payment", each);
    multiply(connection, "payout", each);
    pqxx::nontransaction(connection).exec("VACUUM ANALYZE");
  }

  std::string plan(const std::string& arguments, const char* name = "actors") {
    pqxx::connection connection(url);
    pqxx::work transaction(connection);
    std::string text;
    for (const auto& row : transaction.exec_params("EXPLAIN (ANALYZE, TIMING OFF) " + queries::sql_of(name), arguments))
      text += std::string(row[0].c_str()) + "\n";
    return text;
  }
};

/// Scans of a table as a whole, that were run.
bool reads_all(const std::string& plan) { return contains(plan, "Seq Scan on payment") || contains(plan, "Seq Scan on payout"); }

} // namespace

TEST_CASE("a look over 100 000 entities reads an index and ends at its limit") {
  crowd world(50'000);
  const auto print = [&](const char* what, const std::string& arguments) {
    const auto started = std::chrono::steady_clock::now();
    const auto answer = world.db.query("actors", arguments);
    const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - started);
    std::printf("actors over 100 000, %-42s %6zu rows, %7.1f ms\n", what, count_of(answer, R"("version")"), took.count() / 1000.0);
    return answer;
  };
  print("the first page", "{}");
  print("a page in the middle", R"({"after":"01K00025000","after_kind":"payment"})");
  print("2000 of a kind", R"({"kind":"payout","limit":2000})");
  print("in trouble", R"({"stuck":true,"limit":10000})");
  print("a status that nobody has", R"({"kind":"payout","status":"awaiting_approval"})");
  print("by failure", R"({"reason_is":"invoice: http_503: order *","limit":10000})");
  print("of this node", R"({"node":")" + world.db.node + R"("})");

  const auto first = world.plan("{}");
  INFO(first);
  CHECK_FALSE(reads_all(first));
  CHECK(contains(first, "Index Scan Backward using payment_pkey"));
  const auto middle = world.plan(R"({"after":"01K00025000","after_kind":"payment"})");
  INFO(middle);
  CHECK_FALSE(reads_all(middle));
  CHECK(contains(middle, "Index Cond: (id <= '01K00025000'::text)"));
  const auto stuck = world.plan(R"({"stuck":true})");
  INFO(stuck);
  CHECK_FALSE(reads_all(stuck));
  CHECK(contains(stuck, "payout_trouble"));
  const auto reasons = world.plan("{}", "reasons");
  INFO(reasons);
  CHECK_FALSE(reads_all(reasons));
  CHECK(contains(reasons, "payment_trouble"));
}

TEST_CASE("pages follow each other without a gap and without a repeat, over kinds that share an id") {
  crowd world(25);
  std::vector<std::string> seen;
  std::string arguments = R"({"limit":7})";
  for (int page = 0; page < 20; ++page) {
    pqxx::connection connection(world.url);
    pqxx::work transaction(connection);
    const auto answer = world.db.query("actors", arguments);
    std::string kind, id;
    for (const auto& row : transaction.exec_params("SELECT e->>'kind', e->>'id' FROM jsonb_array_elements($1::jsonb) e", answer)) {
      kind = row[0].c_str(), id = row[1].c_str();
      seen.push_back(kind + "/" + id);
    }
    if (id.empty()) break;
    arguments = R"({"limit":7,"after":")" + id + R"(","after_kind":")" + kind + R"("})";
  }
  CHECK(seen.size() == 52);
  CHECK(seen.front() == "payment/seed");
  std::sort(seen.begin(), seen.end());
  CHECK(std::adjacent_find(seen.begin(), seen.end()) == seen.end());
}

TEST_CASE("failures are grouped by their cause, and found again by it") {
  crowd world(300);
  auto step = world.db.step_for(entity_kind::payment, "listed", 1, [] {
    auto state = std::get<payment>(filled_snapshot(entity_kind::payment, "listed"));
    state.deposits.clear();
    return state;
  }());
  step.rows = {failure_listed{"underpaid", "paid 12.50 of 30.00"}};
  step.header.quarantine = "ipn_received: boom";
  REQUIRE(world.db.commit(step).error == "");
  const auto groups = world.db.query("reasons");
  INFO(groups);
  CHECK(contains(groups, R"("reason": "invoice: http_503: order *")"));
  CHECK(count_of(groups, R"("count": 3)") == 2); // Of each kind, the hundredth, two hundredth and three hundredth.
  CHECK(contains(groups, R"("state": "quarantine")"));
  CHECK(contains(groups, R"("reason": "underpaid: paid * of *")"));
  CHECK(contains(world.db.query("reasons", R"({"kind":"payout"})"), R"("kind": "payout")"));
  CHECK_FALSE(contains(world.db.query("reasons", R"({"kind":"payout"})"), R"("kind": "payment")"));
  CHECK(count_of(world.db.query("actors", R"({"kind":"payout","reason_is":"invoice: http_503: order *"})"), R"("version")") == 3);
  for (const auto* reason : {"underpaid: paid * of *", "ipn_received: boom"}) {
    const auto found = world.db.query("actors", R"({"reason_is":")" + std::string(reason) + R"("})");
    INFO(found);
    CHECK(count_of(found, R"("version")") == 1);
    CHECK(contains(found, R"("id": "listed")"));
  }
}

TEST_CASE("the newest transitions of a kind, and what follows a number") {
  store db(new_database());
  for (int i = 0; i < 5; ++i) REQUIRE(db.commit(db.step_for(entity_kind::poller, "p" + std::to_string(i), 1, poller{})).error == "");
  REQUIRE(db.commit(db.step_for(entity_kind::scheduler, "s", 1, scheduler{})).error == "");
  CHECK(count_of(db.query("tail", R"({"kind":"poller","limit":3})"), R"("kind": "poller")") == 3);
  CHECK_FALSE(contains(db.query("tail", R"({"kind":"poller"})"), "scheduler"));
  CHECK(contains(db.query("tail", R"({"after_seq":0,"limit":1})"), R"("id": "p0")"));
  CHECK(contains(db.query("tail", R"({"after_seq":0,"limit":1,"newest":true})"), R"("id": "s")"));
  CHECK(db.query("tail", R"({"after_seq":100000,"newest":true})") == "[]");
}

TEST_CASE("nodes, owners and pauses are read from their tables") {
  store db(new_database());
  REQUIRE(db.commit(db.step_for(entity_kind::poller, "main", 1, poller{})).error == "");
  const auto nodes = db.query("nodes");
  INFO(nodes);
  CHECK(contains(nodes, R"("shards": 256)"));
  CHECK(contains(nodes, R"("state": "alive")"));
  CHECK_FALSE(contains(nodes, "boot_id"));
  const auto shown = db.query("show", R"({"kind":"poller","id":"main"})");
  CHECK(contains(shown, R"("epoch": 1)"));
  CHECK(contains(shown, db.node));
  CHECK(contains(db.query("leases", R"({"node":")" + db.node + R"("})"), R"("shard": 255)"));
  CHECK(db.query("leases", R"({"node":"nobody"})") == "null");
  CHECK(contains(db.query("actors", R"({"node":")" + db.node + R"("})"), R"("id": "main")"));
  CHECK(db.query("actors", R"({"node":"nobody"})") == "[]");

  CHECK(db.query("pauses") == "[]");
  CHECK(contains(db.query("pause", R"({"what":"payouts","reason":"audit","operator":"ann"})"), R"("done": true)"));
  CHECK(contains(db.query("pause", R"({"what":"payouts","reason":"again"})"), "already"));
  CHECK(contains(db.query("pauses"), R"("reason": "audit")"));
  CHECK(contains(db.query("pause", R"({"what":"everything","reason":"x"})"), R"("code":"invalid")"));
  CHECK(contains(db.query("resume", R"({"what":"payouts"})"), R"("done": true)"));
  CHECK(contains(db.query("resume", R"({"what":"payouts"})"), "not_found"));
}
