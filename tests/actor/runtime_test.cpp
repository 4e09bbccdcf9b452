// The shell, the shard and the router on virtual time with an in-memory store: decide, commit, act in this order, whatever fails when.
// The kind under test is a toy on the channel's snapshot, so that the runtime is proven apart from any real machine.
#include <catch2/catch.hpp>

#include "actors/runtime/entity_actor.hpp"
#include "actors/runtime/router.hpp"
#include "actors/runtime/shard.hpp"
#include "actors/runtime/stats.hpp"
#include "tests/support/memory_store.hpp"
#include "tests/support/virtual_system.hpp"

using namespace paygate;
using namespace paygate::test;
using namespace std::chrono_literals;

namespace {

/// Registered by register_channel; then owes one post, unless its title says otherwise: "poll" owes it for ever, "late" in an hour.
struct toy_kind {
  using state = channel;
  using message = channel_message;
  static constexpr entity_kind kind = entity_kind::channel;

  static verdict<channel> apply(const channel& state, bool exists, const channel_message& message, const step_context&) {
    decision<channel> d{state};
    if (const auto* r = std::get_if<register_channel>(&message)) {
      if (r->terms.open_title == "boom") throw std::runtime_error("boom");
      if (r->terms.open_title == "bad") return refused{refusal::invalid, "bad"};
      d.next = r->terms;
      return d;
    }
    if (std::holds_alternative<get_channel>(message)) {
      if (!exists) return refused{refusal::not_found, "none"};
      d.changed = false;
      d.reply = channel_view{std::make_shared<const channel>(state)};
      return d;
    }
    const auto& done_ = std::get<effect_done>(message);
    const auto* io = std::get_if<io_outcome>(&done_.outcome);
    if (io && std::holds_alternative<message_sent>(*io) && state.open_title != "poll") {
      d.next.offer_message_id = std::get<message_sent>(*io).message_id;
      d.next.status = channel_status::offered;
    } else if (io && std::holds_alternative<io_failure>(*io) && state.open_title != "quick poll") d.next.status = channel_status::closed;
    else d.changed = false;
    return d;
  }
  static std::vector<effect> effects_due(const channel& state, const entity_ref&, timestamp, const policy&) {
    if (state.status != channel_status::registered) return {};
    effect e;
    e.key = "post";
    e.request = io_request{send_message{state.open_channel_id, state.open_title, {}}};
    if (state.open_title == "quick poll") e.again_after = e.again_max = 20ms;
    if (state.open_title == "late") e.not_before = timestamp(std::chrono::microseconds(state.owner_chat_id));
    return {e};
  }
  static std::optional<timestamp> wakes_at(const channel&, timestamp, const policy&) { return std::nullopt; }
  static std::optional<std::chrono::seconds> stuck_after(const channel&) { return std::nullopt; }
};

} // namespace

spawn_entity_fn paygate::spawner_of(entity_kind) { return spawn_entity<toy_kind>; }

namespace {

/// One node: every shard, one store, one lane that answers what the test scripted.
struct node_fixture {
  virtual_system world;
  memory_store store;
  std::deque<io_outcome> answers;   ///< Taken one per call; then message_sent{77}.
  std::vector<std::string> called;  ///< Texts sent, in order.
  bool lane_silent = false;
  std::vector<std::string> order;   ///< Windows passed.
  caf::actor router;
  std::shared_ptr<entity_ports> ports = std::make_shared<entity_ports>();

  explicit node_fixture(std::uint64_t seed = 1) : world(seed) {
    ports->committers = {world.own(store.spawn_committer(world.system()))};
    auto lane = world.own(caf::actor_cast<lane_actor>(world.system().spawn([this](caf::event_based_actor* self) -> caf::behavior {
      return {[this, self](call_atom, const io_request_ptr& request) -> caf::result<call_answer_ptr> {
        called.push_back(std::get<send_message>(*request).html);
        if (lane_silent) return self->make_response_promise<call_answer_ptr>();
        io_outcome answer = message_sent{77};
        if (!answers.empty()) answer = answers.front(), answers.pop_front();
        return std::make_shared<const call_answer>(call_answer{answer});
      }};
    })));
    ports->lanes.fill(lane);
    ports->clock = world.business();
    ports->metrics = std::make_shared<no_metrics>();
    ports->crash_point = [this](std::string_view window) { order.emplace_back(window); };
    router = world.own(spawn_router(world.system()));
    ports->router = caf::actor_cast<router_actor>(router);
    start_shards(1);
  }

  ~node_fixture() { stop_shards(); }

  void start_shards(std::uint64_t epoch) {
    auto loader = world.own(store.spawn_loader(world.system()));
    auto table = std::make_shared<shard_table>();
    for (std::uint32_t i = 0; i < shard_count; ++i) (*table)[i] = spawn_shard(world.system(), i, epoch, loader, ports);
    shards = *table;
    caf::anon_send(router, route_atom::value, shard_table_ptr(table));
    world.settle();
  }

  /// As a crash of the process: whatever is in memory is gone.
  void stop_shards() {
    for (auto& s : shards) {
      if (s) caf::anon_send_exit(s, caf::exit_reason::user_shutdown);
      s = nullptr;
    }
    world.settle();
  }

  entity_reply tell(const std::string& id, channel_message message) {
    auto letter = std::make_shared<const envelope>(envelope{{entity_kind::channel, id}, std::move(message)});
    auto answer = world.ask<entity_reply_ptr>(router, 30s, deliver_atom::value, letter);
    if (!answer) return refused{refusal::unavailable, "no answer"};
    return **answer;
  }

  entity_reply create(const std::string& id, const std::string& title, std::int64_t at = 0) {
    channel terms;
    terms.open_title = title;
    terms.owner_chat_id = at;
    return tell(id, register_channel{terms});
  }

  std::uint64_t residents() { return *world.ask<std::uint64_t>(router, 10s, count_atom::value); }
  const channel& row(const std::string& id) { return std::get<channel>(store.rows.at({entity_kind::channel, id}).state); }
  const entity_header& header(const std::string& id) { return store.rows.at({entity_kind::channel, id}).header; }

  shard_table shards;
};

refusal code_of(const entity_reply& reply) { return std::get<refused>(reply).code; }

} // namespace

TEST_CASE("a step is committed before its reply goes out and before its effect runs") {
  node_fixture node;
  CHECK(std::holds_alternative<ok>(node.create("1", "hello")));
  node.world.run_for(1s);
  CHECK(node.called == std::vector<std::string>{"hello"});
  CHECK(node.row("1").offer_message_id == 77);
  CHECK(node.header("1").version == 2);
  CHECK(node.order
        == std::vector<std::string>{"before_commit", "after_commit", "before_call:send_message", "after_call:send_message", "before_commit", "after_commit"});
}

TEST_CASE("a refusal writes nothing, and an entity that was never created is not found") {
  node_fixture node;
  CHECK(code_of(node.create("1", "bad")) == refusal::invalid);
  CHECK(code_of(node.tell("1", get_channel{})) == refusal::not_found);
  CHECK(node.store.history.empty());
}

TEST_CASE("a commit that failed lets nothing out") {
  for (auto outcome : {commit_outcome::version_conflict, commit_outcome::lease_lost, commit_outcome::unknown}) {
    node_fixture node;
    node.store.faults = {outcome};
    CHECK(code_of(node.create("1", "hello")) == refusal::unavailable);
    CHECK(node.called.empty());
    CHECK(std::holds_alternative<ok>(node.create("1", "hello")));
    node.world.run_for(1s);
    CHECK(node.called.size() == 1);
  }
}

TEST_CASE("a commit whose answer was lost is found when the row is loaded again, and its effect runs") {
  node_fixture node;
  node.store.faults = {commit_outcome::unknown};
  node.store.commit_despite_fault = true;
  CHECK(code_of(node.create("1", "hello")) == refusal::unavailable);
  node.world.run_for(2s);
  CHECK(node.row("1").offer_message_id == 77);
  CHECK(node.called.size() == 1);
}

TEST_CASE("a transient failure is tried again with growing pauses, shown in the row, and forgotten when it is over") {
  node_fixture node;
  for (int i = 0; i < 4; ++i) node.answers.push_back(io_failure{fault::transient, "http_503", "down", std::nullopt});
  node.create("1", "hello");
  node.world.run_for(1ms);
  CHECK(node.header("1").attempts == 1);
  CHECK(node.header("1").last_error == "post: http_503: down");
  node.world.run_for(8s);
  CHECK(node.header("1").attempts == 2); // The third failure is not worth a row; the fourth is.
  node.world.run_for(30s);
  CHECK(node.called.size() == 5);
  CHECK(node.header("1").attempts == 0);
  CHECK(node.header("1").last_error.empty());
  CHECK(node.row("1").status == channel_status::offered);
}

TEST_CASE("a call for which there is no room comes again when it is told to, and writes nothing until that has lasted") {
  node_fixture node;
  for (int i = 0; i < 3; ++i) node.answers.push_back(io_failure{fault::transient, "busy", "too many calls wait", 15s});
  node.create("1", "hello");
  node.world.run_for(14s);
  CHECK(node.called.size() == 1);
  node.world.run_for(2s);
  CHECK(node.called.size() == 2);
  node.world.run_for(1min);
  CHECK(node.row("1").offer_message_id == 77);
  CHECK(node.store.history.size() == 2); // Created and posted: no commit for having been sent away.

  for (int i = 0; i < 8; ++i) node.answers.push_back(io_failure{fault::transient, "busy", "too many calls wait", std::nullopt});
  node.create("2", "hello again");
  node.world.run_for(125s);
  CHECK(node.header("2").attempts == 0); // Not yet seven times.
  node.world.run_for(60s);
  CHECK(node.header("2").attempts == 8);
  CHECK(node.header("2").last_error == "post: busy: too many calls wait");
}

TEST_CASE("a provider's retry_after is obeyed") {
  node_fixture node;
  node.answers.push_back(io_failure{fault::transient, "http_429", "slow down", 20s});
  node.create("1", "hello");
  node.world.run_for(19s);
  CHECK(node.called.size() == 1);
  node.world.run_for(2s);
  CHECK(node.called.size() == 2);
}

TEST_CASE("a permanent failure is the machine's to judge") {
  node_fixture node;
  node.answers.push_back(io_failure{fault::permanent, "blocked", "no", std::nullopt});
  node.create("1", "hello");
  node.world.run_for(1s);
  CHECK(node.row("1").status == channel_status::closed);
  CHECK(node.called.size() == 1);
}

TEST_CASE("an effect that is refused and stays due is tried again in growing distance, however short its poll is") {
  node_fixture node;
  for (int i = 0; i < 100; ++i) node.answers.push_back(io_failure{fault::permanent, "revoked", "no", std::nullopt});
  node.create("1", "quick poll");
  node.world.run_for(1min);
  CHECK(node.called.size() >= 5);
  CHECK(node.called.size() <= 7);
}

TEST_CASE("an entity whose commits keep failing does not act over and over") {
  node_fixture node;
  node.store.faults.assign(1000, commit_outcome::lease_lost);
  node.store.faults.front() = commit_outcome::committed;
  CHECK(std::holds_alternative<ok>(node.create("1", "hello")));
  node.world.run_for(10s);
  CHECK(node.called.size() >= 3);
  CHECK(node.called.size() <= 6);
  node.store.faults.clear();
  node.world.run_for(30s);
  CHECK(node.row("1").offer_message_id == 77);
}

TEST_CASE("an entity that left memory leaves no timer behind") {
  node_fixture node;
  node.create("1", "late", (node.ports->clock->now() + 24h).time_since_epoch().count());
  node.world.run_for(2min);
  CHECK(node.residents() == 0);
  node.world.run_for(1min);
  CHECK_FALSE(node.world.next_timer());
}

TEST_CASE("a poll whose answer changes nothing runs again without a commit, in growing distance") {
  node_fixture node;
  node.create("1", "poll");
  node.world.run_for(10min);
  CHECK(node.store.history.size() == 1);
  CHECK(node.called.size() > 10);
  CHECK(node.called.size() < 25);
}

TEST_CASE("after a crash the row alone says what is due") {
  node_fixture node;
  node.lane_silent = true;
  node.create("1", "hello");
  node.world.run_for(1s);
  CHECK(node.called.size() == 1);
  node.stop_shards();
  node.lane_silent = false;
  node.start_shards(2);
  CHECK(node.header("1").wake_at);
  caf::anon_send(node.router, wake_atom::value, std::make_shared<const entity_ref>(entity_ref{entity_kind::channel, "1"}));
  node.world.run_for(1s);
  CHECK(node.called.size() == 2);
  CHECK(node.row("1").offer_message_id == 77);
  CHECK_FALSE(node.header("1").wake_at);
}

TEST_CASE("an entity with nothing to do leaves memory; one with work does not; a message brings it back") {
  node_fixture node;
  node.create("1", "hello");
  node.create("2", "poll");
  node.world.run_for(2min);
  CHECK(node.residents() == 1);
  const auto loads = node.store.loads;
  CHECK(std::holds_alternative<channel_view>(node.tell("1", get_channel{})));
  CHECK(node.store.loads == loads + 1);
}

TEST_CASE("an entity whose work is far away sleeps as a row that names the time") {
  node_fixture node;
  const auto due = node.ports->clock->now() + 1h;
  node.create("1", "late", due.time_since_epoch().count());
  node.world.run_for(2min);
  CHECK(node.residents() == 0);
  CHECK(node.header("1").wake_at == due);
  CHECK(node.called.empty());
}

TEST_CASE("work in some seconds keeps the entity in memory and is done in time") {
  node_fixture node;
  node.create("1", "late", (node.ports->clock->now() + 10s).time_since_epoch().count());
  node.world.run_for(9s);
  CHECK(node.called.empty());
  node.world.run_for(2s);
  CHECK(node.called.size() == 1);
}

TEST_CASE("an entity that keeps throwing is quarantined with the offending message; its neighbour notices nothing") {
  node_fixture node;
  node.create("1", "poll");
  node.create("2", "poll");
  for (int i = 0; i < 3; ++i) {
    CHECK(std::holds_alternative<refused>(node.create("1", "boom")));
    node.world.run_for(5s);
  }
  CHECK(node.header("1").quarantine == "register_channel: boom");
  INFO(node.store.history.back()->note);
  CHECK(node.store.history.back()->message == "quarantined");
  CHECK(node.store.history.back()->note.starts_with(R"({"message":"register_channel","content":)"));
  CHECK(node.store.history.back()->note.find(R"("open_title":"boom")") != std::string::npos);
  CHECK(code_of(node.tell("1", get_channel{})) == refusal::quarantined);
  CHECK(std::holds_alternative<channel_view>(node.tell("2", get_channel{})));
  SECTION("also after a restart") {
    node.stop_shards();
    node.start_shards(2);
    CHECK(code_of(node.tell("1", get_channel{})) == refusal::quarantined);
  }
  SECTION("until the operator lifts it") {
    node.world.ask<std::string>(node.router, 10s, retry_atom::value, std::make_shared<const entity_ref>(entity_ref{entity_kind::channel, "1"}),
                                std::string("mended"));
    node.world.run_for(1s);
    CHECK(node.header("1").quarantine.empty());
    CHECK(std::holds_alternative<channel_view>(node.tell("1", get_channel{})));
  }
}

TEST_CASE("crashes far apart are forgiven") {
  node_fixture node;
  node.create("1", "poll");
  for (int i = 0; i < 6; ++i) {
    node.create("1", "boom");
    node.world.run_for(11min);
  }
  CHECK(std::holds_alternative<channel_view>(node.tell("1", get_channel{})));
}

TEST_CASE("a step that the database refuses counts as a crash") {
  node_fixture node;
  node.create("1", "poll");
  node.store.faults = {commit_outcome::poison};
  CHECK(code_of(node.create("1", "poll")) == refusal::crashed);
  node.world.run_for(5s);
  CHECK(std::holds_alternative<channel_view>(node.tell("1", get_channel{})));
}

TEST_CASE("while the database cannot be asked, callers are told so at once and work goes on afterwards") {
  node_fixture node;
  node.store.available = false;
  CHECK(code_of(node.create("1", "hello")) == refusal::unavailable);
  node.store.available = true;
  node.world.run_for(5s);
  CHECK(std::holds_alternative<ok>(node.create("1", "hello")));
}

TEST_CASE("a message for a shard that is elsewhere is refused as not ours") {
  node_fixture node;
  node.stop_shards();
  caf::anon_send(node.router, route_atom::value, shard_table_ptr(std::make_shared<shard_table>()));
  node.world.settle();
  CHECK(code_of(node.tell("1", get_channel{})) == refusal::not_owner);
}

TEST_CASE("messages that arrive together are handled one step at a time, in every order of the actors") {
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    node_fixture node(seed);
    for (int i = 0; i < 20; ++i)
      caf::anon_send(node.router, deliver_atom::value,
                     std::make_shared<const envelope>(envelope{{entity_kind::channel, "1"}, channel_message{register_channel{}}}));
    node.world.run_for(5s);
    REQUIRE(node.header("1").version >= 20);
    std::uint64_t expected = 1;
    for (const auto& step : node.store.history) REQUIRE(step->header.version == expected++);
  }
}

namespace {

pause_set pausing(std::initializer_list<const char*> names) {
  pause_set set;
  for (const auto* name : names) REQUIRE(set.add(name));
  return set;
}

std::string shown(node_fixture& node, const std::string& id) {
  return *node.world.ask<std::string>(node.router, 10s, inspect_atom::value, std::make_shared<const entity_ref>(entity_ref{entity_kind::channel, id}));
}

} // namespace

TEST_CASE("what is paused takes messages and starts nothing, leaves memory, and goes on when it is told") {
  for (const auto* what : {"kind/channel", "lane/telegram"})
    for (const bool in_memory : {true, false}) {
      node_fixture node;
      node.ports->pauses->set(pausing({what}));
      CHECK(std::holds_alternative<ok>(node.create("1", "hello")));
      node.world.run_for(10s);
      CHECK(node.called.empty());
      CHECK(node.header("1").wake_at);
      CHECK(shown(node, "1").find(R"("state":"paused")") != std::string::npos);
      if (!in_memory) node.world.run_for(60s);
      CHECK(node.residents() == (in_memory ? 1 : 0));
      node.ports->pauses->set({});
      if (in_memory)
        caf::anon_send(node.router, moved_atom::value);
      else
        caf::anon_send(node.router, wake_atom::value, std::make_shared<const entity_ref>(entity_ref{entity_kind::channel, "1"}));
      node.world.run_for(1s);
      CHECK(node.called.size() == 1);
      CHECK(node.row("1").status == channel_status::offered);
    }
}

TEST_CASE("a pause of another kind or lane holds nobody back") {
  node_fixture node;
  node.ports->pauses->set(pausing({"payouts", "kind/payment", "lane/changenow"}));
  node.create("1", "hello");
  node.world.run_for(1s);
  CHECK(node.called.size() == 1);
}

TEST_CASE("nothing is started before the pauses were read") {
  node_fixture node;
  node.ports->pauses->set(pause_set::everything());
  node.create("1", "hello");
  node.world.run_for(5s);
  CHECK(node.called.empty());
}

TEST_CASE("a call that a paused lane gives back unmade is no failure") {
  node_fixture node;
  node.answers.push_back(io_failure{fault::transient, std::string(lane_paused), "calls are paused", std::nullopt});
  node.create("1", "hello");
  node.world.run_for(1s);
  CHECK(node.called.size() == 2);
  CHECK(node.store.history.size() == 2); // Created and sent: the attempt is written nowhere.
}

TEST_CASE("an entity is ended after its step and loaded anew") {
  node_fixture node;
  node.lane_silent = true;
  node.create("1", "hello");
  const auto ref = std::make_shared<const entity_ref>(entity_ref{entity_kind::channel, "1"});
  CHECK(shown(node, "1").find(R"("handled":1)") != std::string::npos);
  const auto loads = node.store.loads;
  CHECK(*node.world.ask<std::string>(node.router, 10s, restart_atom::value, ref, std::string("test")) == R"({"done":true})");
  node.world.run_for(1s);
  CHECK(node.store.loads == loads + 1);
  CHECK(shown(node, "1").find(R"("handled":0)") != std::string::npos);
  CHECK(node.called.size() == 2);
  const auto seen = node.ports->board->look(std::chrono::steady_clock::time_point::max(), 10);
  REQUIRE(seen.restarts.size() == 1);
  CHECK(seen.restarts[0].entity == *ref);
}

TEST_CASE("a shard counts its residents by kind and whereabouts") {
  node_fixture node;
  node.lane_silent = true;
  node.create("1", "hello");
  const auto shard = node.shards[shard_of({entity_kind::channel, "1"})];
  const auto stats = *node.world.ask<shard_stats_ptr>(shard, 10s, stats_atom::value);
  CHECK(stats->residents == 1);
  CHECK(stats->epoch == 1);
  REQUIRE(stats->groups.size() == 1);
  CHECK(stats->groups[0].kind == entity_kind::channel);
  CHECK(std::string(stats->groups[0].where) == "live");
}
