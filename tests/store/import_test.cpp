// A predecessor's database as it is read: every value as its text, whatever it is; one import at a time; nothing is written there.
#include <catch2/catch.hpp>

#include <caf/all.hpp>
#include <pqxx/pqxx>

#include "tests/store/store_support.hpp"

using namespace paygate;
using namespace paygate::test;

namespace {

struct import_rig {
  store db{new_database()};
  importer_actor importer = spawn_importer(db.system, db.dsn);

  legacy_database read(const std::string& from, importer_actor with) {
    legacy_database found;
    db.self->request(with, std::chrono::seconds(60), import_atom::value, from)
        .receive([&](const legacy_database_ptr& got) { found = *got; },
                 [&](const caf::error& error) { found.error = db.system.render(error); });
    return found;
  }
  void end(const importer_actor& of) { db.self->send(of, import_end_atom::value); }
};

const legacy_table& table(const legacy_database& db, const std::string& name) {
  for (const auto& t : db.tables)
    if (t.name == name) return t;
  FAIL("no table " << name);
  return db.tables[0];
}

} // namespace

TEST_CASE("a predecessor's tables are read as text, in the order of their keys, and those that are not there are named") {
  import_rig rig;
  const auto from = new_database();
  {
    pqxx::connection there(from);
    pqxx::nontransaction work(there);
    work.exec("CREATE SCHEMA old; CREATE TABLE old.payout_accumulation (id bigint, client_id text, accumulated_eth double precision, at "
              "timestamptz)");
    work.exec("INSERT INTO old.payout_accumulation VALUES (10, E'-1\\n', 'NaN', '2027-01-01 00:00:00+02'), (9, NULL, -0.1, 'infinity'), "
              "(2, 'Robert''); DROP TABLE payment; --', 0.30000000000000004, NULL)");
  }
  const auto found = rig.read(from + " options='-c search_path=old'", rig.importer);
  REQUIRE(found.error.empty());
  CHECK(found.missing.size() == std::size(legacy_tables) - 1);
  const auto& t = table(found, "payout_accumulation");
  CHECK(t.columns == std::vector<std::string>{"id", "client_id", "accumulated_eth", "at"});
  using row = std::vector<std::optional<std::string>>;
  REQUIRE(t.rows.size() == 3);
  CHECK(t.rows[0] == row{"2", "Robert'); DROP TABLE payment; --", "0.30000000000000004", std::nullopt});
  CHECK(t.rows[1] == row{"9", std::nullopt, "-0.1", "infinity"});
  CHECK(t.rows[2] == row{"10", "-1\n", "NaN", "2026-12-31 22:00:00+00"});
}

TEST_CASE("one import runs at a time, and the next one once it has ended") {
  import_rig rig;
  const auto other = spawn_importer(rig.db.system, rig.db.dsn);
  const auto from = new_database();
  CHECK(rig.read(from, rig.importer).error.empty());
  CHECK(rig.read(from, other).error == "another import is under way");
  rig.end(rig.importer);
  // The same importer answers in the order it was asked: once it has read again and ended, the lock is free.
  CHECK(rig.read(from, rig.importer).error.empty());
  rig.end(rig.importer);
  CHECK(rig.read(from + " connect_timeout=1 port=1", rig.importer).error.find("the predecessor's database: ") == 0);
  CHECK(rig.read(from, other).error.empty());
  rig.end(other);
}

TEST_CASE("our own views by the predecessor's names are not taken over") {
  import_rig rig;
  const auto found = rig.read(rig.db.dsn + " options='-c search_path=legacy'", rig.importer);
  CHECK(found.error.find("is a view of a PayGatePrime") != std::string::npos);
  CHECK(found.tables.empty());
  CHECK(rig.read(new_database(), rig.importer).error.empty()); // The lock is free again.
}

TEST_CASE("what is no connection string is not repeated") {
  import_rig rig;
  const auto found = rig.read("password=s3cret and more", rig.importer);
  CHECK(found.error == "--from is no connection string of PostgreSQL");
  CHECK(rig.read("postgresql://u:s3cret@[/", rig.importer).error.find("s3cret") == std::string::npos);
}

TEST_CASE("the platform's own value is what assets are more than what is owed") {
  import_rig rig;
  auto step = rig.db.step_for(entity_kind::poller, "main", 1, poller{});
  step.entries.push_back({"wallet/w/opening", "found", {{"assets:wallet", "eth", 5 * one_coin}, {"equity:float", "eth", -5 * one_coin}}});
  step.entries.push_back(
      {"payment/p/opening", "taken over", {{"equity:opening:-1", "eth", 2 * one_coin}, {"owner:-1:available", "eth", -2 * one_coin}}});
  step.entries.push_back(
      {"payment/q/opening", "to come", {{"assets:opening:-1", "eth", 9 * one_coin}, {"owner:-1:available", "eth", -9 * one_coin}}});
  step.entries.push_back({"wallet/w/gas", "gas", {{"expense:gas", "eth", one_coin / 10}, {"assets:wallet", "eth", -one_coin / 10}}});
  REQUIRE(rig.db.commit(step).error == "");
  CHECK(rig.db.query("free_value") == R"({"eth": "2.9", "usdt": "0"})");
}
