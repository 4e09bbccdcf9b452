#include <catch2/catch.hpp>

#include <algorithm>
#include <csignal>
#include <sys/wait.h>
#include <thread>
#include <unistd.h>

#include <caf/all.hpp>
#include <pqxx/pqxx>

#include "persistence/node_identity.hpp"
#include "tests/store/store_support.hpp"

using namespace paygate;
using namespace paygate::test;

namespace {

std::size_t count(const lease_answer& answer) {
  return static_cast<std::size_t>(std::count_if(answer.epochs.begin(), answer.epochs.end(), [](auto epoch) { return epoch != 0; }));
}

// A second node in the same process: alive, with leases of its own.
struct rival {
  explicit rival(store& home, std::chrono::milliseconds ttl = std::chrono::minutes(1), std::string identity = make_node_identity())
      : db(home), keeper(spawn_lease_keeper(home.system, {home.dsn, identity, ttl})), node(std::move(identity)) {}
  ~rival() { db.self->send_exit(keeper, caf::exit_reason::user_shutdown); }
  lease_answer take() { return db.lease(take_atom::value, keeper); }
  lease_answer renew() { return db.lease(renew_atom::value, keeper); }
  lease_answer release() { return db.lease(release_atom::value, keeper); }
  store& db;
  lease_actor keeper;
  std::string node;
};

} // namespace

TEST_CASE("an identity is new each time and names a living process") {
  const auto text = make_node_identity();
  CHECK(text != make_node_identity());
  const auto self = parse_node_identity(text);
  REQUIRE(self);
  CHECK(self->pid == ::getpid());
  CHECK(self->boot_id.size() == 36);
  CHECK_FALSE(is_dead(*self, *self));
  CHECK_FALSE(parse_node_identity("a/b/c/d/e"));
  CHECK_FALSE(parse_node_identity(""));

  auto reused = *self; // Another process under the same pid.
  reused.process_start -= 1;
  CHECK(is_dead(reused, *self));
  auto elsewhere = reused;
  elsewhere.boot_id = "other";
  CHECK_FALSE(is_dead(elsewhere, *self));
  elsewhere = reused;
  elsewhere.pid_namespace += "1";
  CHECK_FALSE(is_dead(elsewhere, *self));

  const auto child = ::fork();
  if (child == 0) {
    ::pause();
    ::_exit(0);
  }
  auto other = *self;
  other.pid = child;
  other.process_start = 0;
  CHECK(is_dead(other, *self)); // Not the start time that was written down.
  ::kill(child, SIGKILL);
  ::waitpid(child, nullptr, 0);
  CHECK(is_dead(other, *self));
}

TEST_CASE("the first node takes every shard, the second none, and is told who has them") {
  store db(new_database());
  CHECK(std::all_of(db.epochs.begin(), db.epochs.end(), [](auto epoch) { return epoch == 1; }));
  rival other(db);
  const auto answer = other.take();
  CHECK(answer.available);
  CHECK(count(answer) == 0);
  CHECK(answer.error.find("256 shards are held by " + db.node) != std::string::npos);
  CHECK(db.take().epochs == db.epochs); // Taking again changes nothing.
  CHECK(db.lease(renew_atom::value, db.leases).epochs == db.epochs);
}

TEST_CASE("released shards go to the next node with a higher epoch, and the old one's commits are refused") {
  store db(new_database());
  rival other(db);
  CHECK(count(db.lease(release_atom::value, db.leases)) == 0);
  const auto taken = other.take();
  CHECK(std::all_of(taken.epochs.begin(), taken.epochs.end(), [](auto epoch) { return epoch == 2; }));
  CHECK(db.commit(db.step_for(entity_kind::poller, "main", 1, poller{})).outcome == commit_outcome::lease_lost);
  const auto lost = db.lease(renew_atom::value, db.leases);
  CHECK(lost.available);
  CHECK(count(lost) == 0);
  CHECK(count(other.renew()) == 256);
}

TEST_CASE("expired leases are taken, renewed ones are not") {
  store db(new_database(), std::chrono::milliseconds(1));
  rival other(db), third(db);
  db.value("SELECT pg_sleep(0.01)");
  CHECK(count(other.take()) == 256);
  CHECK(count(third.take()) == 0);
  CHECK(count(db.lease(renew_atom::value, db.leases)) == 0);
  // Expired, but nobody came: the holder may go on under its epoch.
  db.value("UPDATE shard_lease SET expires_at = now() - interval '1 hour'");
  const auto renewed = other.renew();
  CHECK(count(renewed) == 256);
  CHECK(renewed.epochs[0] == 2);
  CHECK(count(third.take()) == 0);
}

TEST_CASE("a node that still waits for shards keeps those that it has") {
  store db(new_database());
  db.value("UPDATE shard_lease SET expires_at = now() - interval '1 second'");
  rival one(db, std::chrono::seconds(20)), two(db, std::chrono::minutes(1));
  REQUIRE(count(one.take()) == shard_count);
  // Half of them go to another node, which lives.
  db.value("UPDATE shard_lease SET expires_at = now() - interval '1 second' WHERE shard >= 128");
  REQUIRE(count(two.take()) == shard_count / 2);
  db.value("UPDATE shard_lease SET expires_at = now() + interval '1 second' WHERE shard < 128");
  const auto epochs = one.take().epochs;
  CHECK(db.value("SELECT bool_and(expires_at > now() + interval '10 seconds') FROM shard_lease WHERE shard < 128") == "t");
  CHECK(std::count_if(epochs.begin(), epochs.end(), [](auto epoch) { return epoch != 0; }) == shard_count / 2);
  CHECK(one.take().epochs == epochs);
}

TEST_CASE("leases of a dead process of this machine are taken before they expire") {
  store db(new_database());
  auto dead = *parse_node_identity(make_node_identity());
  const auto text = dead.boot_id + "/" + dead.pid_namespace + "/" + std::to_string(dead.pid) + "/" + std::to_string(dead.process_start - 5)
                    + "/0123456789abcdef";
  db.lease(release_atom::value, db.leases);
  {
    rival ghost(db, std::chrono::hours(1), text);
    CHECK(count(ghost.take()) == 256);
  }
  const auto taken = db.take();
  CHECK(count(taken) == 256);
  CHECK(taken.epochs[17] == 3);
}

TEST_CASE("two nodes that take at once share without a double") {
  store db(new_database());
  db.lease(release_atom::value, db.leases);
  rival a(db), b(db);
  lease_answer of_a, of_b;
  for (const auto* keeper : {&a.keeper, &b.keeper}) {
    auto handle = db.self->request(*keeper, std::chrono::seconds(10), take_atom::value);
    if (keeper == &a.keeper) {
      std::thread other([&] {
        caf::scoped_actor self{db.system};
        self->request(b.keeper, std::chrono::seconds(10), take_atom::value)
            .receive([&](const lease_answer_ptr& got) { of_b = *got; }, [](const caf::error&) {});
      });
      handle.receive([&](const lease_answer_ptr& got) { of_a = *got; }, [](const caf::error&) {});
      other.join();
      break;
    }
  }
  CHECK(count(of_a) + count(of_b) == 256);
  for (std::uint32_t shard = 0; shard < shard_count; ++shard) CHECK((of_a.epochs[shard] == 0) != (of_b.epochs[shard] == 0));
}

TEST_CASE("a takeover waits for a commit under way, a renewal does not") {
  store db(new_database(), std::chrono::milliseconds(600)); // The keeper's patience: 200 ms.
  {
    pqxx::connection connection(db.dsn);
    pqxx::work commit(connection);
    commit.exec("SELECT epoch FROM shard_lease WHERE shard = 5 FOR KEY SHARE");
    CHECK(count(db.lease(renew_atom::value, db.leases)) == 256);
    db.value("UPDATE shard_lease SET expires_at = now() - interval '1 second'");
    rival other(db, std::chrono::milliseconds(600));
    CHECK_FALSE(other.take().available);
  }
  rival other(db);
  CHECK(count(other.take()) == 256);
}

TEST_CASE("without a database nothing is said to be held") {
  store db(new_database());
  auto keeper = spawn_lease_keeper(db.system, {"host=127.0.0.1 port=1", db.node, std::chrono::seconds(5)});
  const auto answer = db.lease(take_atom::value, keeper);
  CHECK_FALSE(answer.available);
  CHECK(answer.error.find("refused") != std::string::npos);
  CHECK(count(answer) == 0);
  db.self->send_exit(keeper, caf::exit_reason::user_shutdown);
}
