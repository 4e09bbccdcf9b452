#include <catch2/catch.hpp>

#include <thread>

#include <caf/all.hpp>
#include <pqxx/pqxx>

#include "tests/store/store_support.hpp"

using namespace paygate;
using namespace paygate::test;

namespace {

// The SQLSTATE that a statement ends with; empty when it succeeds.
std::string state_of(const std::string& dsn, const std::string& statement) {
  pqxx::connection connection(dsn);
  pqxx::work transaction(connection);
  try {
    transaction.exec(statement);
    return {};
  } catch (const pqxx::sql_error& error) {
    return error.sqlstate();
  }
}

} // namespace

TEST_CASE("migrations: an empty database, again, a changed one, a newer one") {
  const auto dsn = shared_cluster().create_database("migrations");
  const auto& all = embedded_migrations();
  REQUIRE(all.size() >= 3);
  CHECK(all[0].version == 1);
  CHECK(all[0].name == "0001_entities.sql");
  CHECK(all[0].checksum.size() == 64);

  const auto first = migrate(dsn);
  CHECK(first.error == "");
  CHECK(first.applied == all.size());
  CHECK(first.version == all.back().version);
  const auto again = migrate(dsn);
  CHECK(again.error == "");
  CHECK(again.applied == 0);
  CHECK(again.version == all.back().version);

  auto changed = all;
  changed[1].checksum[0] = changed[1].checksum[0] == '0' ? '1' : '0';
  CHECK(migrate(dsn, changed).error.find("0002_records.sql was applied with another content") != std::string::npos);
  auto older = all;
  older.pop_back();
  const auto refused = migrate(dsn, older);
  CHECK(refused.error.find("newer than this program") != std::string::npos);
  CHECK(refused.error.find(all.back().name) != std::string::npos);

  auto next = all;
  next.push_back({all.back().version + 1, "next.sql", "CREATE TABLE next (a integer); SELECT 1/0", "x"});
  CHECK(migrate(dsn, next).error.find("division by zero") != std::string::npos);
  CHECK(state_of(dsn, "SELECT * FROM next") == "42P01");
  next.back().sql = "CREATE TABLE next (a integer)";
  CHECK(migrate(dsn, next).applied == 1);
}

TEST_CASE("two programs may migrate at once") {
  const auto dsn = shared_cluster().create_database("migrations_twice");
  migrate_result a, b;
  std::thread other([&] { a = migrate(dsn); });
  b = migrate(dsn);
  other.join();
  CHECK(a.error == "");
  CHECK(b.error == "");
  CHECK(a.applied + b.applied == embedded_migrations().size());
}

TEST_CASE("no database: a clear error, no exception") {
  CHECK(migrate("host=127.0.0.1 port=1 user=nobody connect_timeout=2").error.find("refused") != std::string::npos);
}

TEST_CASE("ledger and audit log are append-only and balanced, whoever writes") {
  const auto dsn = new_database();
  const std::string entry =
      "INSERT INTO ledger_entry (key, at, reason, kind, entity_id, version) VALUES ('k', now(), 'r', 'payment', 'o', 1);";
  const auto post = [&](const std::string& lines) {
    return state_of(dsn, entry + "INSERT INTO ledger_posting SELECT currval('ledger_entry_id_seq'), * FROM (VALUES " + lines + ") AS p");
  };
  CHECK(post("(1, 'a', 'eth', 1.5), (2, 'b', 'eth', -1.5), (3, 'a', 'usd', 2), (4, 'c', 'usd', -2)") == "");
  CHECK(post("(1, 'a', 'eth', 1.5)") == "23514");
  CHECK(post("(1, 'a', 'eth', 1.5), (2, 'b', 'usd', -1.5)") == "23514");
  CHECK(post("(1, 'a', 'eth', 0.000000000000000001), (2, 'b', 'eth', -0.000000000000000002)") == "23514");
  CHECK(post("(1, 'a', 'eth', 0), (2, 'b', 'eth', 0)") == "23514");
  shared_cluster(); // The rows to be attacked, committed.
  {
    pqxx::connection connection(dsn);
    pqxx::work transaction(connection);
    transaction.exec(
        entry
        + "INSERT INTO ledger_posting SELECT currval('ledger_entry_id_seq'), * FROM (VALUES (1, 'a', 'eth', 1), (2, 'b', 'eth', -1)) AS p; "
          "INSERT INTO audit_log (operator, verb, reason) VALUES ('me', 'retry', 'why'); "
          "INSERT INTO audit_result (audit, code, text) SELECT max(id), 'done', '' FROM audit_log");
    transaction.commit();
  }
  for (const auto* table : {"ledger_entry", "ledger_posting", "audit_log", "audit_result"}) {
    INFO(table);
    CHECK(state_of(dsn, std::string("DELETE FROM ") + table) == "23514");
    CHECK(state_of(dsn, std::string("TRUNCATE ") + table + " CASCADE") == "23514");
  }
  CHECK(state_of(dsn, "UPDATE ledger_entry SET reason = 'x'") == "23514");
  CHECK(state_of(dsn, "UPDATE ledger_posting SET units = units * 2") == "23514");
  CHECK(state_of(dsn, "UPDATE audit_log SET reason = 'x'") == "23514");
  CHECK(state_of(dsn, "UPDATE audit_result SET code = 'x'") == "23514");
  CHECK(state_of(dsn, "INSERT INTO audit_log (operator, verb, reason) VALUES ('me', 'retry', '')") == "23514");
}

TEST_CASE("history lands in its month's partition, and partitions are made ahead") {
  store db(new_database());
  CHECK(db.value("SELECT count(*) FROM pg_inherits WHERE inhparent = 'transition'::regclass") == "5"); // Four months and the default.
  CHECK(db.value("SELECT make_transition_partitions(3)") == "0");
  CHECK(db.value("SELECT make_transition_partitions(5)") == "2");
  auto step = db.step_for(entity_kind::poller, "main", 1, poller{});
  step.header.updated_at = at_micros(1'000'000); // 1970: the default partition.
  REQUIRE(db.commit(step).error == "");
  CHECK(db.value("SELECT count(*) FROM transition_default") == "1");
}

TEST_CASE("illegal states are not storable") {
  const auto dsn = new_database();
  const auto lease = [&](const std::string& change) { return state_of(dsn, "UPDATE shard_lease SET " + change + " WHERE shard = 3"); };
  CHECK(lease("epoch = epoch - 1") == "23514");
  CHECK(state_of(dsn, "INSERT INTO node VALUES ('n', '', '', 1, 1); UPDATE shard_lease SET node = 'n' WHERE shard = 3") == "23514");
  CHECK(lease("node = 'nobody', epoch = epoch + 1") == "23503");
  CHECK(state_of(dsn, "INSERT INTO poller (id, version, shard, created_at, updated_at, status, next_offset) VALUES ('a', 0, 1, now(), "
                      "now(), 'polling', 0)")
        == "23514");
  CHECK(state_of(dsn, "INSERT INTO poller (id, version, shard, created_at, updated_at, status, next_offset) VALUES ('a', 1, 256, now(), "
                      "now(), 'polling', 0)")
        == "23514");
  CHECK(state_of(dsn, "INSERT INTO poller (id, version, shard, created_at, updated_at, status, next_offset) VALUES ('a', 1, 255, now(), "
                      "now(), 'idle', 0)")
        == "22P02");
}
