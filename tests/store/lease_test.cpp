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

shard_list held_by(const lease_answer& answer) {
  shard_list held;
  for (std::uint32_t shard = 0; shard < shard_count; ++shard)
    if (answer.epochs[shard] != 0) held.push_back(shard);
  return held;
}

constexpr auto long_ttl = std::chrono::milliseconds(std::chrono::minutes(1));
// Of nodes that are to judge others in a test.
constexpr auto short_ttl = std::chrono::milliseconds(500);

// Another node in the same process: alive, with leases of its own.
struct rival {
  explicit rival(store& home, std::chrono::milliseconds ttl = long_ttl, std::string identity = make_node_identity())
      : rival(home, lease_config{home.dsn, identity_slot(std::move(identity)), ttl}) {}
  rival(store& home, lease_config config)
      : db(home), slot(config.node), keeper(spawn_lease_keeper(home.system, config)), node(*slot.get()) {}
  ~rival() {
    db.self->send_exit(keeper, caf::exit_reason::user_shutdown);
    keeper = nullptr;
  }
  lease_answer take() { return db.lease(take_atom::value, keeper); }
  lease_answer renew() { return db.lease(renew_atom::value, keeper); }
  lease_answer release() { return db.lease(release_atom::value, keeper); }
  lease_answer drain() { return db.lease(drain_atom::value, keeper); }
  lease_answer give(const shard_list& shards) {
    lease_answer answer;
    db.self->request(keeper, std::chrono::seconds(20), give_atom::value, shards)
        .receive([&](const lease_answer_ptr& got) { answer = *got; }, [&](const caf::error& e) { answer.error = db.system.render(e); });
    return answer;
  }
  /// As node.cpp does it: gives what is too much.
  lease_answer beat() {
    auto answer = take();
    if (answer.surplus == 0) return answer;
    auto held = held_by(answer);
    held.resize(std::min<std::size_t>({held.size(), answer.surplus, 8}));
    return give(held);
  }
  /// Heartbeats until the condition holds.
  template <class F>
  lease_answer until(F condition) {
    const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    auto answer = take();
    while (!condition(answer) && std::chrono::steady_clock::now() < deadline) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
      answer = take();
    }
    return answer;
  }
  store& db;
  identity_slot slot;
  lease_actor keeper;
  std::string node;
};

lease_config named(const store& db, std::string name, std::string caf_node = {}) {
  lease_config config{db.dsn, identity_slot(make_node_identity()), long_ttl};
  config.name = std::move(name);
  config.caf_node = std::move(caf_node);
  return config;
}

// A store whose own keeper has left: all shards are free.
struct free_store : store {
  free_store() : store(new_database()) { lease(release_atom::value, leases); }
};

// Lets all of them beat until nothing changes hands any more; how many each holds.
std::vector<std::size_t> settle(const std::vector<rival*>& nodes) {
  std::vector<std::size_t> held(nodes.size());
  for (int round = 0; round < 200; ++round) {
    bool settled = true;
    for (std::size_t i = 0; i < nodes.size(); ++i) {
      const auto answer = nodes[i]->beat();
      held[i] = count(answer);
      settled = settled && answer.settled && answer.available;
    }
    if (settled) break;
  }
  return held;
}

void expire(store& db, const std::string& identity) {
  db.value("UPDATE node SET expires_at = now() - interval '1 second' WHERE identity = '" + identity + "'");
}

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
  REQUIRE(answer.view);
  CHECK(answer.view->self == other.node);
  CHECK(answer.view->members.size() == 2);
  REQUIRE(answer.view->owner_of(17));
  CHECK(answer.view->owner_of(17)->identity == db.node);
  CHECK(answer.view->epochs[17] == 1);
  const auto again = db.take(); // Taking again changes nothing, but half should be given now.
  CHECK(again.epochs == db.epochs);
  CHECK(again.surplus == 128);
  CHECK_FALSE(again.settled);
  CHECK(db.lease(renew_atom::value, db.leases).epochs == db.epochs);
  CHECK(other.take().view == answer.view); // The same object while nothing changes.
}

TEST_CASE("three nodes come to equal shares, and share out what one of them leaves") {
  free_store db;
  rival a(db), b(db), c(db);
  REQUIRE(count(a.take()) == 256);
  const auto of_two = settle({&a, &b});
  CHECK(of_two == std::vector<std::size_t>{128, 128});
  const auto of_three = settle({&a, &b, &c});
  CHECK(of_three[0] + of_three[1] + of_three[2] == 256);
  CHECK(*std::max_element(of_three.begin(), of_three.end()) <= 86);
  std::vector<int> owners(shard_count, 0);
  for (auto* node : {&a, &b, &c})
    for (const auto shard : held_by(node->take())) ++owners[shard];
  CHECK(std::all_of(owners.begin(), owners.end(), [](int n) { return n == 1; }));
  a.release();
  CHECK(settle({&b, &c}) == std::vector<std::size_t>{128, 128});
  c.release();
  CHECK(settle({&b}) == std::vector<std::size_t>{256});
}

TEST_CASE("a given shard is the next one's within a heartbeat, under a higher epoch; a late step of the old one is refused") {
  store db(new_database());
  rival other(db);
  REQUIRE(count(other.take()) == 0);
  const entity_ref ref{entity_kind::poller, "main"};
  const auto shard = shard_of(ref);
  caf::scoped_actor& self = db.self;
  self->request(db.leases, std::chrono::seconds(20), give_atom::value, shard_list{shard})
      .receive([&](const lease_answer_ptr& got) { CHECK(count(*got) == 255); }, [](const caf::error&) { CHECK(false); });
  const auto taken = other.take();
  CHECK(count(taken) == 1);
  CHECK(taken.epochs[shard] > db.epochs[shard]);
  CHECK(db.commit(db.step_for(entity_kind::poller, "main", 1, poller{})).outcome == commit_outcome::lease_lost);
  CHECK(taken.view->owner_of(shard)->identity == other.node);
}

TEST_CASE("released shards go to the next node with a higher epoch; who left comes back as somebody else") {
  store db(new_database());
  rival other(db);
  CHECK(count(db.lease(release_atom::value, db.leases)) == 0);
  const auto taken = other.take();
  CHECK(std::all_of(taken.epochs.begin(), taken.epochs.end(), [](auto epoch) { return epoch > 1; }));
  CHECK(db.commit(db.step_for(entity_kind::poller, "main", 1, poller{})).outcome == commit_outcome::lease_lost);
  const auto back = db.take();
  CHECK(back.available);
  CHECK(count(back) == 0);
  CHECK(*db.identity.get() != db.node);
  CHECK(back.view->self == *db.identity.get());
  CHECK(count(other.renew()) == 256);
}

TEST_CASE("a membership that ran out is judged only by who has reached the database for a ttl; the dead identity never returns") {
  store db(new_database());
  rival judge(db, short_ttl);
  judge.take();
  expire(db, db.node);
  // Its first heartbeats: it may be the outage that has just ended, and the other one is about to renew.
  CHECK(count(judge.take()) == 0);
  const auto taken = judge.until([](const lease_answer& a) { return count(a) == shard_count; });
  REQUIRE(count(taken) == shard_count);
  CHECK(taken.view->members.size() == 1);
  CHECK(db.value("SELECT dead_at IS NOT NULL FROM node WHERE identity = '" + db.node + "'") == "t");
  CHECK(db.commit(db.step_for(entity_kind::poller, "main", 1, poller{})).outcome == commit_outcome::lease_lost);
  // The process lives: it goes on as somebody else, and gets its share. Nothing that the old identity began can be committed.
  const auto back = db.take();
  CHECK(back.available);
  CHECK(count(back) == 0);
  CHECK(*db.identity.get() != db.node);
  CHECK(db.commit(db.step_for(entity_kind::poller, "main", 1, poller{})).outcome == commit_outcome::lease_lost);
  CHECK(judge.take().surplus == 128);
  CHECK_THROWS_WITH(db.value("UPDATE node SET expires_at = now() + interval '1 hour' WHERE identity = '" + db.node + "'"),
                    Catch::Contains("has ended"));
  CHECK_THROWS_WITH(db.value("UPDATE node SET dead_at = NULL WHERE identity = '" + db.node + "'"), Catch::Contains("has ended"));
  CHECK_THROWS_WITH(db.value("UPDATE shard_lease SET node = '" + db.node + "', epoch = epoch + 1 WHERE shard = 3"),
                    Catch::Contains("has ended"));
}

TEST_CASE("what an operator had a node do is closed as interrupted when that node is declared dead") {
  store db(new_database());
  const auto line = [&](const std::string& node) {
    db.query("audit", R"({"operator":"ann","verb":"sweep","target":"payout/*","reason":"x","node":")" + node + "\"}");
    return db.value("SELECT max(id) FROM audit_log");
  };
  const auto result_of = [&](const std::string& id) { return db.value("SELECT code FROM audit_result WHERE audit = " + id); };
  const auto ended = line(db.node), cut = line(db.node), others = line("somebody else");
  db.query("audit_result", R"({"id":)" + ended + R"(,"code":"done","text":"3 done"})");
  rival judge(db, short_ttl);
  judge.take();
  CHECK(result_of(cut) == "");
  expire(db, db.node);
  REQUIRE(count(judge.until([](const lease_answer& a) { return count(a) == shard_count; })) == shard_count);
  CHECK(result_of(ended) == "done");
  CHECK(result_of(cut) == "interrupted");
  CHECK(result_of(others) == "");
}

TEST_CASE("a jump of the database's clock beyond the ttl buries nobody who goes on renewing") {
  store db(new_database());
  rival judge(db, short_ttl);
  judge.take();
  const auto end = std::chrono::steady_clock::now() + 4 * short_ttl; // For the last three quarters it may judge.
  int looks = 0;
  while (std::chrono::steady_clock::now() < end) {
    db.lease(renew_atom::value, db.leases);
    expire(db, db.node); // As if the clock had jumped ahead after its renewal.
    CHECK(count(judge.take()) == 0);
    ++looks;
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  CHECK(looks > 0);
  CHECK(db.value("SELECT dead_at IS NULL FROM node WHERE identity = '" + db.node + "'") == "t");
  // Who really stops is found.
  CHECK(count(judge.until([](const lease_answer& a) { return count(a) == shard_count; })) == shard_count);
}

TEST_CASE("a membership that ran out while nobody came goes on under its epochs") {
  store db(new_database());
  rival other(db);
  other.take();
  expire(db, db.node);
  CHECK(count(other.take()) == 0); // It has not been there for long enough to judge.
  const auto renewed = db.lease(renew_atom::value, db.leases);
  CHECK(renewed.epochs == db.epochs);
  CHECK(*db.identity.get() == db.node);
}

TEST_CASE("after an outage of the database longer than the leases nobody has lost anything") {
  postgres_cluster cluster({.fsync = false, .extra_conf = ""});
  REQUIRE(migrate(cluster.create_database("outage")).error == "");
  store db(cluster.dsn("outage"));
  db.lease(release_atom::value, db.leases);
  constexpr auto ttl = std::chrono::milliseconds(3000);
  rival a(db, ttl), b(db, ttl);
  const std::vector<rival*> both{&a, &b};
  REQUIRE(settle(both) == std::vector<std::size_t>{128, 128});
  const auto beat_for = [&](std::chrono::milliseconds span) {
    const auto end = std::chrono::steady_clock::now() + span;
    std::vector<lease_answer> last(2);
    while (std::chrono::steady_clock::now() < end) {
      for (std::size_t i = 0; i < 2; ++i) last[i] = both[i]->take();
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
    return last;
  };
  const auto before = beat_for(ttl * 3 / 2); // Both may judge by now.
  cluster.stop();
  for (const auto& answer : beat_for(ttl * 3 / 2)) CHECK_FALSE(answer.available);
  cluster.start();
  // One of them is back earlier. It finds the other one's time run out, and must not judge: it could not have heard from it.
  const auto alone = a.until([](const lease_answer& answer) { return answer.available; });
  CHECK(alone.epochs == before[0].epochs);
  const auto early = std::chrono::steady_clock::now() + ttl / 3;
  while (std::chrono::steady_clock::now() < early) {
    CHECK(a.take().epochs == before[0].epochs);
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  const auto after = beat_for(ttl * 3 / 2);
  for (std::size_t i = 0; i < 2; ++i) {
    CHECK(after[i].available);
    CHECK(after[i].epochs == before[i].epochs);
    CHECK(*both[i]->slot.get() == both[i]->node);
  }
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
  CHECK(taken.epochs[17] > 2);
  CHECK(db.value("SELECT dead_at IS NOT NULL FROM node WHERE identity = '" + text + "'") == "t");
}

TEST_CASE("two nodes that take at once share without a double") {
  free_store db;
  rival a(db), b(db);
  lease_answer of_a, of_b;
  std::thread other([&] {
    caf::scoped_actor self{db.system};
    self->request(b.keeper, std::chrono::seconds(10), take_atom::value)
        .receive([&](const lease_answer_ptr& got) { of_b = *got; }, [](const caf::error&) {});
  });
  of_a = a.take();
  other.join();
  CHECK(count(of_a) + count(of_b) == 256);
  for (std::uint32_t shard = 0; shard < shard_count; ++shard) CHECK((of_a.epochs[shard] == 0) != (of_b.epochs[shard] == 0));
}

TEST_CASE("a takeover waits for a commit under way, a heartbeat does not") {
  store db(new_database(), std::chrono::milliseconds(600)); // The keeper's patience: 200 ms.
  rival judge(db, short_ttl);
  judge.take();
  db.lease(renew_atom::value, db.leases);
  pqxx::connection connection(db.dsn);
  auto commit = std::make_unique<pqxx::work>(connection);
  commit->exec("SELECT epoch FROM shard_lease WHERE shard = 5 FOR KEY SHARE");
  CHECK(count(db.lease(renew_atom::value, db.leases)) == 256);
  expire(db, db.node);
  const auto waits = [](const lease_answer& a) { return !a.settled && a.available && count(a) == 0; };
  for (int i = 0; i < 20; ++i) CHECK(waits(judge.take())); // It beats on while it cannot take.
  commit.reset();
  CHECK(count(judge.until([](const lease_answer& a) { return count(a) == 256; })) == 256);
}

TEST_CASE("two nodes of one name, or of one CAF node id: the second is refused as long as the first lives") {
  free_store db;
  rival first(db, named(db, "alpha", "id-1")), other(db, named(db, "beta", "id-2"));
  REQUIRE(count(first.take()) == 256);
  rival second(db, named(db, "alpha", "id-3"));
  const auto refused = second.take();
  CHECK(refused.refused.find("another node is called alpha") != std::string::npos);
  CHECK(count(refused) == 0);
  rival twin(db, named(db, "gamma", "id-1"));
  CHECK(twin.take().refused.find("the node alpha") != std::string::npos);
  CHECK(twin.take().refused.find("CAF node id id-1") != std::string::npos);
  CHECK(other.take().refused.empty());
  CHECK(other.take().view->members.size() == 2);
  first.release();
  CHECK(second.take().refused.empty());
  CHECK(twin.take().refused.empty());
  CHECK(other.take().view->members.size() == 3);
  CHECK_THROWS_WITH(
      db.value("INSERT INTO node (identity, boot_id, pid_namespace, pid, process_start, name) VALUES ('x', 'b', 'n', 1, 1, 'alpha')"),
      Catch::Contains("node_name"));
}

TEST_CASE("a node started again elsewhere waits until its predecessor's time has run out") {
  free_store db;
  auto config = named(db, "alpha");
  rival first(db, config);
  REQUIRE(count(first.take()) == 256);
  config.node = identity_slot(make_node_identity());
  config.ttl = short_ttl;
  rival second(db, config);
  CHECK_FALSE(second.take().refused.empty());
  expire(db, first.node); // It was killed.
  const auto taken = second.until([](const lease_answer& a) { return count(a) == 256; });
  CHECK(count(taken) == 256);
  CHECK(taken.refused.empty());
}

TEST_CASE("a node that understands less than was written goes on with what it has, and takes nothing") {
  free_store db;
  auto old_one = named(db, "old"), older = named(db, "older"), new_one = named(db, "new");
  new_one.state_version = newest_state_version() + 1;
  rival old(db, old_one), fresh(db, new_one);
  REQUIRE(count(old.take()) == 256);
  CHECK(db.value("SELECT state_version FROM cluster_state") == std::to_string(newest_state_version()));
  CHECK(settle({&old, &fresh}) == std::vector<std::size_t>{128, 128});
  CHECK(db.value("SELECT state_version FROM cluster_state") == std::to_string(newest_state_version() + 1));
  // What the new one may have written is not for the old ones, though it is free.
  fresh.release();
  rival late(db, older);
  for (int i = 0; i < 3; ++i) {
    CHECK(count(old.beat()) == 128);
    CHECK(count(late.beat()) == 0);
  }
  rival newer(db, [&] {
    auto config = named(db, "newer");
    config.state_version = newest_state_version() + 1;
    return config;
  }());
  // Nobody else takes anything: the new one has to take more than a third. The old one gives what is above its share.
  const auto held = settle({&old, &late, &newer});
  CHECK(held == std::vector<std::size_t>{86, 0, 170});
  old.drain();
  late.release();
  CHECK(settle({&old, &newer}) == std::vector<std::size_t>{0, 256});
}

TEST_CASE("a node that drains gives everything and takes nothing, and the others share it") {
  free_store db;
  rival a(db), b(db), c(db);
  settle({&a, &b, &c});
  const auto draining = a.drain();
  CHECK(draining.surplus == count(draining));
  CHECK(b.take().view->find(a.node)->draining);
  CHECK(settle({&a, &b, &c}) == std::vector<std::size_t>{0, 128, 128});
  CHECK(count(a.take()) == 0);
  CHECK(a.take().view->members.size() == 3); // It is still there.
  b.drain();
  c.drain();
  CHECK(settle({&a, &b, &c}) == std::vector<std::size_t>{0, 0, 0}); // Nobody is left to take them.
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
