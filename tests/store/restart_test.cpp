#include <catch2/catch.hpp>

#include <map>
#include <thread>

#include <caf/all.hpp>
#include <pqxx/pqxx>

#include "tests/store/store_support.hpp"

using namespace paygate;
using namespace paygate::test;

namespace {

struct tally {
  std::map<std::string, std::uint64_t> committed; ///< The newest version that was answered `committed`.
  int unknown = 0, others = 0, answers = 0;
};

// Keeps 200 payments under way for `rounds` answers each time one comes, as shells do: after `unknown` the row is read again.
class worker {
public:
  explicit worker(store& home) : db_(home) {}

  void send(const std::string& id, std::uint64_t version) {
    payment state;
    state.polls = static_cast<std::uint32_t>(version);
    db_.self->send(db_.committer, commit_atom::value,
                   std::make_shared<const step_record>(db_.step_for(entity_kind::payment, id, version, state)));
    ++open_;
  }

  // Takes one answer and goes on with that entity unless `stop`.
  void take_one(tally& result, bool stop) {
    db_.self->receive(
        [&](const committed& done) {
          --open_;
          ++result.answers;
          const auto& id = done.step->ref.id;
          auto version = done.step->header.version;
          if (done.result.outcome == commit_outcome::committed) {
            result.committed[id] = version;
            if (!stop) send(id, version + 1);
          } else if (done.result.outcome == commit_outcome::unknown) {
            ++result.unknown;
            if (stop) return;
            db_.self->send(db_.loader, load_atom::value, std::make_shared<const entity_ref>(done.step->ref));
            ++open_;
          } else {
            ++result.others;
          }
        },
        [&](const load_answer_ptr& answer) {
          --open_;
          if (stop) return;
          if (answer->available) return send(answer->ref.id, answer->entity.header.version + 1);
          db_.self->send(db_.loader, load_atom::value, std::make_shared<const entity_ref>(answer->ref));
          ++open_;
        },
        caf::after(std::chrono::seconds(30)) >> [&] { throw std::runtime_error("a step or load was not answered"); });
  }
  int open() const { return open_; }

private:
  store& db_;
  int open_ = 0;
};

void check_all_there(store& db, const tally& result) {
  std::map<std::string, std::uint64_t> stored;
  pqxx::connection connection(db.dsn);
  pqxx::work transaction(connection);
  for (const auto& row : transaction.exec("SELECT id, version, polls FROM payment")) {
    stored[row[0].c_str()] = row[1].as<std::uint64_t>();
    CHECK(row[1].as<std::uint64_t>() == row[2].as<std::uint64_t>());
  }
  for (const auto& [id, version] : result.committed) {
    INFO(id);
    CHECK(stored[id] >= version);
  }
  // Every version has its history row: nothing was written by halves.
  CHECK(transaction.exec("SELECT coalesce(sum(version), 0) FROM payment")[0][0].as<long>()
        == transaction.exec("SELECT count(*) FROM transition")[0][0].as<long>());
}

} // namespace

TEST_CASE("every committed answer is in the database, however PostgreSQL dies") {
  postgres_cluster cluster; // fsync on.
  REQUIRE(migrate(cluster.create_database("restart")).error == "");
  store db(cluster.dsn("restart"));
  worker work(db);
  tally result;
  for (int i = 0; i < 200; ++i) work.send("p" + std::to_string(i), 1);
  for (int round = 0; round < 4; ++round) {
    const auto target = result.answers + 4000 + 777 * round;
    while (result.answers < target) work.take_one(result, false);
    // In the middle of a commit, most likely: the workers go on meanwhile.
    std::thread restart([&] {
      if (round % 2 == 0)
        cluster.kill_hard();
      else
        cluster.stop();
      cluster.start();
    });
    const auto committed_before = result.committed.size();
    for (int i = 0; i < 200; ++i) work.take_one(result, false);
    restart.join();
    CHECK(result.committed.size() >= committed_before);
  }
  const auto target = result.answers + 2000;
  while (result.answers < target) work.take_one(result, false);
  while (work.open() > 0) work.take_one(result, true);
  CHECK(result.others == 0);
  CHECK(result.unknown > 0);
  CHECK(result.committed.size() == 200);
  check_all_there(db, result);
}

TEST_CASE("while PostgreSQL is away every question is answered at once, and it goes on by itself") {
  postgres_cluster cluster({.fsync = false, .extra_conf = ""});
  REQUIRE(migrate(cluster.create_database("away")).error == "");
  store db(cluster.dsn("away"));
  REQUIRE(db.commit(db.step_for(entity_kind::poller, "main", 1, poller{})).outcome == commit_outcome::committed);
  REQUIRE(db.load({entity_kind::poller, "main"}).available);
  CHECK(db.query("counts").find("poller") != std::string::npos);
  cluster.stop();
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < 20; ++i) {
    const auto result = db.commit(db.step_for(entity_kind::poller, "main", 2, poller{}));
    CHECK(result.outcome == commit_outcome::unknown);
    CHECK_FALSE(result.error.empty());
    const auto loaded = db.load({entity_kind::poller, "main"});
    CHECK_FALSE(loaded.available);
    CHECK_FALSE(loaded.error.empty());
    CHECK(db.query("counts").find("unavailable") != std::string::npos);
    const auto list = db.wake(7, 9, 10);
    CHECK(list.scanned_to == at_micros(7));
    CHECK_FALSE(db.lease(renew_atom::value, db.leases).available);
  }
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(5));
  cluster.start();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  auto outcome = commit_outcome::unknown;
  while (outcome == commit_outcome::unknown && std::chrono::steady_clock::now() < deadline) {
    outcome = db.commit(db.step_for(entity_kind::poller, "main", 2, poller{})).outcome;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  CHECK(outcome == commit_outcome::committed);
  while (!db.load({entity_kind::poller, "main"}).available && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(db.load({entity_kind::poller, "main"}).entity.header.version == 2);
  auto held = db.lease(renew_atom::value, db.leases);
  while (!held.available && std::chrono::steady_clock::now() < deadline) {
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
    held = db.lease(renew_atom::value, db.leases);
  }
  CHECK(held.epochs == db.epochs); // A restart of PostgreSQL costs nobody a lease.
}
