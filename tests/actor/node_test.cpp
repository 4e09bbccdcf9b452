// The node keeper on virtual time, with a scripted lease keeper and real shards and entities: it acts only while nobody else can, and gives
// a shard away only when no step in it is open.
#include <catch2/catch.hpp>

#include <optional>

#include "actors/runtime/entity_actor.hpp"
#include "actors/runtime/node.hpp"
#include "actors/runtime/router.hpp"
#include "tests/support/memory_store.hpp"
#include "tests/support/virtual_system.hpp"

using namespace paygate;
using namespace paygate::test;
using namespace std::chrono_literals;

namespace {

/// Takes what it is told, and owes nothing.
struct toy_kind {
  using state = channel;
  using message = channel_message;
  static constexpr entity_kind kind = entity_kind::channel;

  static verdict<channel> apply(const channel& state, bool, const channel_message& message, const step_context&) {
    decision<channel> d{state};
    if (const auto* r = std::get_if<register_channel>(&message))
      d.next = r->terms;
    else
      d.changed = false;
    return d;
  }
  static std::vector<effect> effects_due(const channel&, const entity_ref&, timestamp, const policy&) { return {}; }
  static std::optional<timestamp> wakes_at(const channel&, timestamp, const policy&) { return std::nullopt; }
  static std::optional<std::chrono::seconds> stuck_after(const channel&) { return std::nullopt; }
};

} // namespace

spawn_entity_fn paygate::spawner_of(entity_kind) { return spawn_entity<toy_kind>; }

namespace {

struct keeper_fixture {
  virtual_system world;
  memory_store store;
  lease_answer leases;                   ///< What the keeper answers.
  std::vector<shard_list> given;
  std::vector<std::string> asked;        ///< The duties it was asked for.
  bool hold_commits = false;
  std::vector<std::function<void()>> held_commits;
  std::vector<std::string> refusals;
  std::vector<cluster_view_ptr> views;
  caf::actor router, node;
  std::shared_ptr<entity_ports> ports = std::make_shared<entity_ports>();
  node_setup setup;

  keeper_fixture() {
    ports->committers = {world.own(caf::actor_cast<committer_actor>(world.system().spawn([this](caf::event_based_actor* self) -> caf::behavior {
      return {[this, self](commit_atom, const step_ptr& step) {
        const auto write = [this, step, to = caf::actor_cast<caf::actor>(self->current_sender())] {
          caf::anon_send(to, committed{step, store.commit(step)});
        };
        if (hold_commits)
          held_commits.push_back(write);
        else
          write();
      }};
    })))};
    ports->clock = world.business();
    ports->metrics = std::make_shared<no_metrics>();
    router = world.own(spawn_router(world.system()));
    ports->router = caf::actor_cast<router_actor>(router);
    setup.leases = world.own(caf::actor_cast<lease_actor>(world.system().spawn([this](caf::event_based_actor*) -> caf::behavior {
      return {[this](take_atom) { return answer("take"); }, [this](renew_atom) { return answer("renew"); },
              [this](drain_atom) { return answer("drain"); }, [this](release_atom) { return answer("release"); },
              [this](give_atom, const shard_list& shards) {
                if (leases.available) {
                  given.push_back(shards);
                  for (const auto shard : shards) leases.epochs.at(shard) = 0;
                  leases.surplus -= std::min<std::uint32_t>(leases.surplus, static_cast<std::uint32_t>(shards.size()));
                }
                return answer("give");
              }};
    })));
    setup.loader = world.own(store.spawn_loader(world.system()));
    setup.reader = world.own(caf::actor_cast<reader_actor>(world.system().spawn([](caf::event_based_actor*) -> caf::behavior {
      return {[](wake_atom, std::int64_t, std::int64_t to, std::uint32_t, const shard_list&) {
        auto list = std::make_shared<wake_list>();
        list->scanned_to = timestamp(std::chrono::microseconds(to));
        return wake_list_ptr(list);
      }};
    })));
    setup.router = router;
    setup.ports = ports;
    setup.on_refused = [this](const std::string& why) { refusals.push_back(why); };
  }

  void start() {
    node = world.own(spawn_node(world.system(), setup));
    auto watcher = world.own(world.system().spawn([this](caf::event_based_actor*) -> caf::behavior {
      return {[this](view_atom, const cluster_view_ptr& view) { views.push_back(view); }};
    }));
    caf::anon_send(node, watch_atom::value, watcher);
    world.settle();
  }
  ~keeper_fixture() {
    if (node) caf::anon_send_exit(node, caf::exit_reason::user_shutdown);
    world.settle();
  }

  lease_answer_ptr answer(const char* duty) {
    asked.emplace_back(duty);
    auto now = std::make_shared<lease_answer>(leases);
    if (!now->available) *now = lease_answer{.available = false, .view = {}, .refused = {}, .error = "away"};
    return now;
  }

  bool ready() { return *world.ask<bool>(node, 1s, ready_atom::value); }

  /// Sends a letter without waiting; the reply is there when it came.
  std::shared_ptr<std::optional<entity_reply>> tell(const std::string& id) {
    auto reply = std::make_shared<std::optional<entity_reply>>();
    auto letter = std::make_shared<const envelope>(envelope{{entity_kind::channel, id}, register_channel{}});
    world.own(world.system().spawn([this, reply, letter](caf::event_based_actor* self) {
      self->request(router, 60s, deliver_atom::value, letter)
        .then([reply](const entity_reply_ptr& got) { *reply = *got; }, [reply](const caf::error&) { *reply = refused{}; });
    }));
    world.settle();
    return reply;
  }
  bool is_taken(const std::string& id) {
    const auto reply = tell(id);
    world.run_for(5s); // A router may look for the owner that long.
    return *reply && std::holds_alternative<ok>(**reply);
  }
  static std::uint32_t shard(const std::string& id) { return shard_of({entity_kind::channel, id}); }
  void flush() {
    hold_commits = false;
    for (auto& write : std::exchange(held_commits, {})) write();
    world.settle();
  }
};

} // namespace

TEST_CASE("a shard acts while its lease is here, and not without one") {
  keeper_fixture f;
  f.leases.epochs[f.shard("a")] = 7;
  f.start();
  CHECK(f.ready());
  CHECK(f.is_taken("a"));
  CHECK(f.store.history.at(0)->epoch == 7);
  std::string other = "b";
  while (f.shard(other) == f.shard("a")) other += "b";
  CHECK_FALSE(f.is_taken(other));
}

TEST_CASE("a node that cannot renew stops acting before anybody can take its shards, and goes on under the same epochs") {
  keeper_fixture f;
  f.leases.epochs.fill(3);
  f.start();
  f.world.run_for(10s);
  CHECK(f.ready());
  f.leases.available = false;
  f.world.run_for(f.setup.lease_ttl / 2);
  CHECK(f.ready()); // The lease holds on.
  f.world.run_for(f.setup.lease_ttl / 2);
  CHECK_FALSE(f.ready());
  CHECK_FALSE(f.is_taken("a"));
  CHECK(f.store.history.empty());
  f.leases.available = true;
  f.world.run_for(1s);
  CHECK(f.ready());
  CHECK(f.is_taken("a"));
  CHECK(f.store.history.at(0)->epoch == 3);
}

TEST_CASE("a shard whose epoch has changed starts anew") {
  keeper_fixture f;
  f.leases.epochs.fill(3);
  f.start();
  CHECK(f.is_taken("a"));
  CHECK(f.store.loads == 1);
  f.leases.epochs.fill(5);
  f.world.run_for(1s);
  CHECK(f.is_taken("a"));
  CHECK(f.store.loads == 2);
  CHECK(f.store.history.back()->epoch == 5);
}

TEST_CASE("a shard is given only when its open steps are committed, and takes nothing meanwhile") {
  keeper_fixture f;
  f.leases.epochs[f.shard("a")] = 3;
  f.start();
  f.hold_commits = true;
  const auto open = f.tell("a"), waits = f.tell("a");
  CHECK(f.held_commits.size() == 1);
  f.leases.surplus = 1;
  f.world.run_for(1500ms);
  CHECK(f.given.empty());
  const auto late = f.tell("a");
  CHECK(f.held_commits.size() == 1);
  CHECK_FALSE(*open);
  f.flush();
  REQUIRE(f.given.size() == 1);
  CHECK(f.given[0] == shard_list{f.shard("a")});
  REQUIRE(*open);
  CHECK(std::holds_alternative<ok>(**open)); // It was promised and is committed.
  CHECK(f.store.history.size() == 1);
  f.world.run_for(10s);
  REQUIRE(*waits);
  CHECK(std::get<refused>(**waits).code == refusal::not_owner);
  REQUIRE(*late);
  CHECK(std::holds_alternative<refused>(**late));
  CHECK(f.store.history.size() == 1);
}

TEST_CASE("a step that never ends holds a shard up only for a while") {
  keeper_fixture f;
  f.leases.epochs[f.shard("a")] = 3;
  f.start();
  f.hold_commits = true;
  const auto open = f.tell("a");
  f.leases.surplus = 1;
  f.world.run_for(1s);
  CHECK(f.given.empty());
  f.world.run_for(f.setup.finish_within + 1s);
  CHECK(f.given.size() == 1);
}

TEST_CASE("a few shards at each heartbeat") {
  keeper_fixture f;
  f.leases.epochs.fill(3);
  f.leases.surplus = 20;
  f.leases.settled = false;
  f.start();
  CHECK(f.given.size() == 1);
  f.world.run_for(3s);
  REQUIRE(f.given.size() == 3);
  CHECK(f.given[0].size() == 8);
  CHECK(f.given[1].size() == 8);
  CHECK(f.given[2].size() == 4);
}

TEST_CASE("a drain gives everything and is answered then; the node stays a member without shards") {
  keeper_fixture f;
  f.leases.epochs.fill(3);
  f.start();
  CHECK(*f.world.ask<bool>(f.node, 20s, drain_atom::value));
  CHECK(std::all_of(f.leases.epochs.begin(), f.leases.epochs.end(), [](auto epoch) { return epoch == 0; }));
  CHECK_FALSE(f.ready());
  f.asked.clear();
  f.world.run_for(3s);
  CHECK(f.asked.size() >= 4);
  CHECK(std::count(f.asked.begin(), f.asked.end(), "drain") == static_cast<std::ptrdiff_t>(f.asked.size()));
}

TEST_CASE("whoever leaves gives everything first, then leaves") {
  keeper_fixture f;
  f.leases.epochs.fill(3);
  f.start();
  CHECK(*f.world.ask<bool>(f.node, 20s, leave_atom::value));
  CHECK(f.asked.back() == "release");
  std::size_t shards = 0;
  for (const auto& list : f.given) shards += list.size();
  CHECK(shards == shard_count);
  f.asked.clear();
  f.world.run_for(5s);
  CHECK(f.asked.empty());
}

TEST_CASE("a drain that cannot be finished is answered false in bounded time") {
  keeper_fixture f;
  f.leases.epochs.fill(3);
  f.start();
  f.leases.available = false;
  CHECK_FALSE(*f.world.ask<bool>(f.node, f.setup.drain_within + 2s, drain_atom::value));
  CHECK_FALSE(*f.world.ask<bool>(f.node, f.setup.drain_within + 2s, leave_atom::value));
}

TEST_CASE("a node that is refused acts on nothing, and says so once when who is in its way lives") {
  keeper_fixture f;
  f.leases.refused = "another node is called so";
  f.start();
  f.world.run_for(f.setup.lease_ttl);
  CHECK(f.refusals.empty()); // It may be its own predecessor, whose time runs out.
  CHECK_FALSE(f.ready());
  f.world.run_for(10 * f.setup.lease_ttl);
  CHECK(f.refusals == std::vector<std::string>{"another node is called so"});
}

TEST_CASE("watchers are told each change of the cluster once") {
  keeper_fixture f;
  auto view = std::make_shared<cluster_view>();
  f.leases.view = view;
  f.start();
  f.world.run_for(5s);
  CHECK(f.views.size() == 1);
  f.leases.view = std::make_shared<cluster_view>(*view);
  f.world.run_for(5s);
  CHECK(f.views.size() == 2);
  CHECK(f.views.back() == f.leases.view);
}
