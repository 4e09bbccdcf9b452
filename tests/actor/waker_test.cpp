// The waker against a table of wake times in memory, on virtual time: nobody is forgotten, whatever is written while it scans.
#include <catch2/catch.hpp>

#include <map>
#include <set>

#include "actors/runtime/entity.hpp"
#include "actors/runtime/router.hpp"
#include "actors/runtime/shard.hpp"
#include "actors/runtime/waker.hpp"
#include "tests/support/virtual_system.hpp"

using namespace paygate;
using namespace paygate::test;
using namespace std::chrono_literals;

spawn_entity_fn paygate::spawner_of(entity_kind) { return nullptr; }

namespace {

/// The reader's wake scan over a map, and a router that notes who was woken.
struct waker_fixture {
  virtual_system world;
  std::shared_ptr<const business_clock> clock = world.business();
  std::multimap<std::int64_t, std::string> table;
  std::multiset<std::string> woken;
  std::set<std::uint32_t> elsewhere; ///< Shards of other nodes.
  shard_table here;
  std::size_t left = 0; ///< How many of the woken have left memory again.
  bool broken = false;
  int scans = 0;
  std::set<std::uint32_t> asked; ///< Shards.
  caf::actor waker;

  std::uint64_t residents() const { return woken.size() - left; }

  void start(std::uint32_t page = 10, std::size_t residents_max = 1'000'000) {
    auto shard = world.own(world.system().spawn([](caf::event_based_actor*) -> caf::behavior { return {[](moved_atom) {}}; }));
    for (std::uint32_t i = 0; i < shard_count; ++i)
      if (!elsewhere.contains(i)) here[i] = shard;
    auto reader = world.own(world.system().spawn([this](caf::event_based_actor*) -> caf::behavior {
      return {[this](wake_atom, std::int64_t from, std::int64_t to, std::uint32_t limit, const shard_list& shards) {
        return scan(from, to, limit, shards);
      }};
    }));
    auto router = world.own(world.system().spawn([this](caf::event_based_actor*) -> caf::behavior {
      return {[this](wake_atom, const ref_ptr& ref) { woken.insert(ref->id); }, [this](count_atom) { return residents(); },
              [this](shards_atom) { return std::make_shared<const shard_table>(here); }};
    }));
    waker_limits limits;
    limits.page = page;
    limits.residents_max = residents_max;
    waker = world.own(
        spawn_waker(world.system(), caf::actor_cast<reader_actor>(reader), router, clock, std::make_shared<no_metrics>(), limits));
    world.settle();
  }

  static std::uint32_t shard_of_row(const std::string& id) { return shard_of({entity_kind::channel, id}); }

  wake_list_ptr scan(std::int64_t from, std::int64_t to, std::uint32_t limit, const shard_list& shards) {
    ++scans;
    asked.insert(shards.begin(), shards.end());
    auto list = std::make_shared<wake_list>();
    list->scanned_to = timestamp(std::chrono::microseconds(broken ? from : to));
    if (broken) return list;
    for (auto row = table.upper_bound(from); row != table.end() && row->first <= to; ++row) {
      if (std::find(shards.begin(), shards.end(), shard_of_row(row->second)) == shards.end()) continue;
      if (list->refs.size() >= limit && timestamp(std::chrono::microseconds(row->first)) != list->scanned_to) {
        list->more = true;
        break;
      }
      list->refs.push_back({entity_kind::channel, row->second});
      if (list->refs.size() >= limit) list->scanned_to = timestamp(std::chrono::microseconds(row->first));
    }
    if (!list->more) list->scanned_to = timestamp(std::chrono::microseconds(to));
    return list;
  }

  std::int64_t in(std::chrono::seconds from_now) { return (clock->now() + from_now).time_since_epoch().count(); }
};

} // namespace

TEST_CASE("at the start everything that was due, and all that is due soon, is woken, over many pages") {
  waker_fixture f;
  for (int i = 0; i < 95; ++i) f.table.emplace(f.in(seconds(-i * 1000)), "past" + std::to_string(i));
  f.table.emplace(f.in(100s), "soon");
  f.table.emplace(f.in(1000s), "far");
  f.start();
  CHECK(f.woken.size() == 96);
  CHECK(f.woken.count("soon") == 1);
  CHECK(f.woken.count("far") == 0);
}

TEST_CASE("a row written after the first look ahead, for a time within it, is woken when its time comes") {
  waker_fixture f;
  f.start();
  f.table.emplace(f.in(60s), "new");
  f.world.run_for(59s);
  CHECK(f.woken.empty());
  f.world.run_for(3s);
  CHECK(f.woken.count("new") >= 1);
}

TEST_CASE("a commit that was some seconds slow is still seen") {
  waker_fixture f;
  f.start();
  f.world.run_for(10s);
  f.table.emplace(f.in(-3s), "slow");
  f.world.run_for(2s);
  CHECK(f.woken.count("slow") >= 1);
}

TEST_CASE("while the database is away nothing is skipped") {
  waker_fixture f;
  f.broken = true;
  f.start();
  f.table.emplace(f.in(5s), "a");
  f.world.run_for(60s);
  CHECK(f.woken.empty());
  f.broken = false;
  f.world.run_for(2s);
  CHECK(f.woken.count("a") >= 1);
  f.broken = true;
  f.table.emplace(f.in(5s), "b");
  f.world.run_for(60s);
  f.broken = false;
  f.world.run_for(2s);
  CHECK(f.woken.count("b") >= 1);
}

TEST_CASE("more rows in a few seconds than a page holds do not hold the scan up") {
  waker_fixture f;
  f.start();
  for (int i = 0; i < 500; ++i) f.table.emplace(f.in(2s) + i, "x" + std::to_string(i));
  f.world.run_for(5s);
  std::set<std::string> distinct(f.woken.begin(), f.woken.end());
  CHECK(distinct.size() == 500);
}

TEST_CASE("every row is woken within two seconds of its time, whenever it was written") {
  for (std::uint64_t seed = 0; seed < 50; ++seed) {
    waker_fixture f;
    f.world.random.seed(seed);
    f.start();
    std::map<std::string, std::int64_t> due;
    for (int i = 0; i < 200; ++i) {
      const auto id = std::to_string(i);
      const auto at = f.in(std::chrono::seconds(20 + f.world.random() % 300));
      f.table.emplace(at, id);
      due[id] = at;
      f.world.run_for(std::chrono::milliseconds(f.world.random() % 1500));
      for (const auto& [name, when] : due)
        if (when < f.in(-2s)) REQUIRE(f.woken.count(name) >= 1);
    }
  }
}

TEST_CASE("a crowd that is due at once is let in as memory allows, the oldest first, and nobody is forgotten") {
  waker_fixture f;
  for (int i = 0; i < 95; ++i) f.table.emplace(f.in(seconds(-1000 + i)), (i < 40 ? "old" : "young") + std::to_string(i));
  f.start(10, 40);
  CHECK(f.residents() == 40);
  CHECK(f.woken.count("young40") == 0);
  f.world.run_for(1min);
  CHECK(f.residents() == 40);
  f.left = 25;
  f.world.run_for(2s);
  CHECK(f.residents() == 45); // A page that was begun is woken as a whole.
  for (int i = 0; i < 20; ++i) {
    f.left = f.woken.size();
    f.world.run_for(1s);
  }
  CHECK(std::set<std::string>(f.woken.begin(), f.woken.end()).size() == 95);
}

TEST_CASE("told to begin anew it finds what was woken long ago, also when a scan is under way") {
  waker_fixture f;
  f.table.emplace(f.in(-5000s), "long ago");
  f.start();
  f.world.run_for(300s);
  CHECK(f.woken.count("long ago") == 1);
  for (int i = 0; i < 20; ++i) {
    f.world.random.seed(static_cast<std::uint64_t>(i));
    caf::anon_send(f.waker, moved_atom::value);
    caf::anon_send(f.waker, begin_atom::value);
    f.world.run_for(3s);
    CHECK(f.woken.count("long ago") == static_cast<std::size_t>(i) + 2);
  }
}

TEST_CASE("only rows of the shards that live here are asked for, and those of a shard that comes are found however old they are") {
  waker_fixture f;
  for (int i = 0; i < 40; ++i) f.table.emplace(f.in(seconds(-i * 10)), "row" + std::to_string(i));
  for (std::uint32_t shard = 0; shard < shard_count; shard += 2) f.elsewhere.insert(shard);
  f.start();
  for (const auto shard : f.asked) CHECK(shard % 2 == 1);
  CHECK(f.asked.size() == shard_count / 2);
  std::set<std::string> expected;
  for (const auto& [at, id] : f.table)
    if (waker_fixture::shard_of_row(id) % 2 == 1) expected.insert(id);
  CHECK(std::set<std::string>(f.woken.begin(), f.woken.end()) == expected);
  // The node was given the others: what they owe was due long ago.
  f.here[0] = f.here[1];
  for (std::uint32_t shard = 2; shard < shard_count; shard += 2) f.here[shard] = f.here[1];
  caf::anon_send(f.waker, begin_atom::value);
  f.world.run_for(2s);
  CHECK(std::set<std::string>(f.woken.begin(), f.woken.end()).size() == 40);
}

TEST_CASE("a node that holds no shard asks the database for nothing") {
  waker_fixture f;
  for (std::uint32_t shard = 0; shard < shard_count; ++shard) f.elsewhere.insert(shard);
  f.table.emplace(f.in(-5s), "due");
  f.start();
  f.world.run_for(5s);
  CHECK(f.scans == 0);
  f.here.fill(f.waker);
  f.world.run_for(2s);
  CHECK(f.woken.count("due") >= 1);
}
