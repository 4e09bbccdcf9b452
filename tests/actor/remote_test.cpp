// Letters over CAF's real network layer: three systems of one process, each with router, exchange and shards, joined as the cluster link
// joins nodes. What links may do to letters is played through on virtual time in route_test.cpp; this shows that it holds on sockets.
#include <catch2/catch.hpp>

#include <atomic>
#include <future>

#include "daemon/gateway.hpp"
#include "tests/actor/route_rig.hpp"
#include "tests/support/basp_wire.hpp"

using namespace paygate;
using namespace paygate::test;
using namespace std::chrono_literals;

spawn_entity_fn paygate::spawner_of(entity_kind) { return spawn_entity<asking_kind>; }

namespace {

class real_clock : public business_clock {
public:
  timestamp now() const override {
    return std::chrono::floor<std::chrono::microseconds>(std::chrono::steady_clock::now() - start_) + epoch_;
  }

private:
  std::chrono::steady_clock::time_point start_ = std::chrono::steady_clock::now();
  timestamp epoch_{std::chrono::hours(24 * 365 * 56)};
};

/// Safe from any thread.
class safe_metrics : public metrics_sink {
public:
  void count(std::string_view name, std::string_view label, std::int64_t n) override {
    const std::lock_guard guard(mutex_);
    sums_.count(name, label, n);
  }
  void gauge(std::string_view, std::string_view, std::int64_t) override {}
  void duration(std::string_view, std::string_view, std::chrono::microseconds) override {}
  std::int64_t sum(const std::string& name) {
    const std::lock_guard guard(mutex_);
    return sums_.sums[name];
  }

private:
  std::mutex mutex_;
  counted_metrics sums_;
};

/// What io/link does about a connection: tells the router that it is there, and when it is lost.
caf::behavior watcher(caf::event_based_actor* self, caf::actor router, std::string identity, caf::actor exchange) {
  self->monitor(exchange);
  self->send(router, link_up_atom::value, identity, exchange, true);
  self->set_down_handler([=](caf::down_msg&) {
    self->send(router, link_down_atom::value, identity);
    self->quit();
  });
  return {[](int) {}};
}

struct node {
  std::string name;
  basp_config config;
  caf::actor_system system{config};
  std::shared_ptr<safe_metrics> metrics = std::make_shared<safe_metrics>();
  std::shared_ptr<entity_ports> ports = std::make_shared<entity_ports>();
  shard_table shards;
  caf::actor router, exchange;
  std::vector<caf::actor> others;

  node(std::string of, memory_store& store, std::size_t index, std::size_t count, const cluster_view_ptr& view, route_limits limits)
      : name(std::move(of)) {
    router = spawn_router(system, metrics, limits);
    exchange = spawn_exchange(system, {router, {}, metrics});
    ports->committers = {store.spawn_committer(system)};
    ports->router = caf::actor_cast<router_actor>(router);
    ports->clock = std::make_shared<real_clock>();
    ports->metrics = metrics;
    auto loader = store.spawn_loader(system);
    others = {caf::actor_cast<caf::actor>(ports->committers[0]), caf::actor_cast<caf::actor>(loader)};
    for (std::uint32_t s = 0; s < shard_count; ++s)
      if (s % count == index) shards[s] = spawn_shard(system, s, 1, loader, ports);
    caf::anon_send(router, route_atom::value, std::make_shared<const shard_table>(shards));
    caf::anon_send(router, view_atom::value, view);
  }
  ~node() {
    for (auto& shard : shards)
      if (shard) caf::anon_send_exit(shard, caf::exit_reason::user_shutdown);
    for (auto& other : others) caf::anon_send_exit(other, caf::exit_reason::user_shutdown);
    for (auto* a : {&exchange, &router}) caf::anon_send_exit(*a, caf::exit_reason::user_shutdown);
  }

  entity_reply tell(const std::string& id, channel_message message) {
    caf::scoped_actor self{system};
    entity_reply result = refused{refusal::invalid, "no answer"};
    self->request(router, 60s, deliver_atom::value,
                  std::make_shared<const envelope>(envelope{{entity_kind::channel, id}, std::move(message)}))
        .receive([&](const entity_reply_ptr& reply) { result = *reply; }, [](caf::error&) {});
    return result;
  }
  entity_reply create(const std::string& id, const std::string& title = "x") {
    return tell(id, register_channel{asking_kind::terms(title)});
  }
};

struct cluster {
  memory_store store;
  std::vector<std::unique_ptr<node>> nodes;
  std::map<std::pair<std::size_t, std::size_t>, std::unique_ptr<basp_wire>> wires;

  explicit cluster(std::size_t count, route_limits limits = {}) {
    for (std::size_t i = 0; i < count; ++i) {
      auto view = std::make_shared<cluster_view>();
      for (std::size_t j = 0; j < count; ++j) view->members.push_back({name_of(j), name_of(j), "", "", 1, false});
      view->self = name_of(i);
      for (std::uint32_t s = 0; s < shard_count; ++s) view->owner[s] = static_cast<std::int16_t>(s % count);
      nodes.push_back(std::make_unique<node>(name_of(i), store, i, count, view, limits));
    }
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t j = i + 1; j < count; ++j) connect(i, j);
  }
  ~cluster() {
    for (auto& [ends, wire] : wires) wire->frozen = false;
    for (auto& [ends, wire] : wires) wire->cut();
    nodes.clear();
  }

  static std::string name_of(std::size_t index) { return std::string(1, static_cast<char>('a' + index)); }

  /// One connection per pair carries both directions: the host is handed the dialer's exchange over it.
  void connect(std::size_t dialer, std::size_t host) {
    auto& wire = wires[{dialer, host}] = std::make_unique<basp_wire>();
    auto& a = *nodes[dialer];
    auto& b = *nodes[host];
    std::promise<caf::actor> dialed;
    auto door = b.system.spawn([&](caf::event_based_actor* self) -> caf::behavior {
      return {[self, &b, &dialed](link_up_atom, const caf::actor& theirs) {
        dialed.set_value(theirs);
        self->quit();
        return b.exchange;
      }};
    });
    auto far = join(a.system, wire->take_end(0), b.system, wire->take_end(1), door);
    caf::scoped_actor self{a.system};
    // Somebody must hold an actor that only waits.
    self->request(far, 60s, link_up_atom::value, a.exchange)
        .receive([&](const caf::actor& theirs) { a.others.push_back(a.system.spawn(watcher, a.router, b.name, theirs)); },
                 [&](caf::error& e) { throw std::runtime_error("no exchange: " + a.system.render(e)); });
    b.others.push_back(b.system.spawn(watcher, b.router, a.name, dialed.get_future().get()));
    REQUIRE(eventually([&] { return linked(dialer, host) && linked(host, dialer); }));
  }

  bool linked(std::size_t from, std::size_t to) {
    caf::scoped_actor self{nodes[from]->system};
    std::string text;
    self->request(nodes[from]->router, 60s, peers_atom::value).receive([&](const std::string& t) { text = t; }, [](caf::error&) {});
    return text.find("\"" + nodes[to]->name + "\",\"linked\":true") != text.npos;
  }

  std::uint64_t version(const std::string& id) {
    const std::lock_guard guard(store.mutex);
    auto row = store.rows.find({entity_kind::channel, id});
    return row == store.rows.end() ? 0 : row->second.header.version;
  }
  channel_status status(const std::string& id) {
    const std::lock_guard guard(store.mutex);
    return std::get<channel>(store.rows.at({entity_kind::channel, id}).state).status;
  }
};

bool is_ok(const entity_reply& reply) { return std::holds_alternative<ok>(reply); }
std::string code_of(const entity_reply& reply) {
  const auto* no = std::get_if<refused>(&reply);
  return no ? std::string(to_text(no->code)) : "none";
}

} // namespace

TEST_CASE("over sockets, a message is answered after its step is committed on the other node") {
  cluster c(3);
  for (std::uint32_t shard = 0; shard < 30; ++shard) {
    const auto id = id_in(shard);
    CHECK(is_ok(c.nodes[0]->create(id, "hello")));
    CHECK(c.version(id) == 1);
    const auto view = c.nodes[shard % 2 + 1]->tell(id, get_channel{});
    CHECK(std::get<channel_view>(view).terms->open_title == "hello");
  }
  CHECK(c.nodes[0]->metrics->sum("letters_forwarded_total") == 20);
  const auto large = c.nodes[0]->create(id_in(1), std::string(wire_max - 1'000, 'x'));
  CHECK(is_ok(large));
  CHECK(code_of(c.nodes[2]->tell(id_in(1, "none"), get_channel{})) == "not_found");
}

TEST_CASE("over sockets, entities of three nodes ask each other, many at once") {
  cluster c(3);
  constexpr int count = 300;
  for (int i = 0; i < count; ++i)
    CHECK(is_ok(c.nodes[static_cast<std::size_t>(i % 3)]->create("from" + std::to_string(i), "ask:to" + std::to_string(i))));
  CHECK(eventually([&] {
    for (int i = 0; i < count; ++i)
      if (c.status("from" + std::to_string(i)) != channel_status::offered) return false;
    return true;
  }));
  for (int i = 0; i < count; ++i) CHECK(c.version("to" + std::to_string(i)) == 1);
}

TEST_CASE("a thread that is no actor gets its answer from another node, and not before the commit there") {
  cluster c(2);
  const auto ask = ask_through(c.nodes[0]->system, c.nodes[0]->ports->router);
  const auto id = id_in(1);
  const auto letter = [&] { return envelope{{entity_kind::channel, id}, channel_message{register_channel{asking_kind::terms("x")}}}; };
  std::future<entity_reply> answer;
  {
    const std::lock_guard held(c.store.mutex); // The commit cannot happen.
    answer = std::async(std::launch::async, [&] { return ask(letter(), 60s); });
    CHECK(answer.wait_for(300ms) == std::future_status::timeout);
  }
  CHECK(is_ok(answer.get()));
  CHECK(c.version(id) == 1);
  c.wires[{0, 1}]->frozen = true;
  CHECK(code_of(ask(letter(), 200ms)) == "unavailable");
  c.wires[{0, 1}]->frozen = false;
  c.wires[{0, 1}]->cut();
  REQUIRE(eventually([&] { return !c.linked(0, 1); }));
  CHECK(code_of(ask(letter(), 60s)) == "unavailable");
  CHECK(c.nodes[0]->metrics->sum("letters_forward_failed_total{no_link}") == 1); // At once, not by a time-out.
}

TEST_CASE("a connection that breaks with letters under way: the asker is told, asks again over the next one, and is treated as the first") {
  route_limits limits;
  limits.patience = 50s; // Only the broken connection can answer in time.
  cluster c(2, limits);
  const auto id = id_in(1);
  CHECK(is_ok(c.nodes[0]->create(id_in(3))));
  std::future<entity_reply> answer;
  {
    const std::lock_guard held(c.store.mutex);
    const auto before = c.wires[{0, 1}]->carried[0].load();
    answer = std::async(std::launch::async, [&] { return c.nodes[0]->create(id); });
    REQUIRE(eventually([&] { return c.wires[{0, 1}]->carried[0].load() > before; }));
    c.wires[{0, 1}]->cut();
    CHECK(code_of(answer.get()) == "unavailable");
  }
  REQUIRE(eventually([&] { return !c.linked(0, 1) && !c.linked(1, 0); }));
  CHECK(c.nodes[0]->metrics->sum("letters_forward_failed_total{link_cut}") == 1);
  c.connect(0, 1);
  CHECK(is_ok(c.nodes[0]->create(id)));
  CHECK(c.version(id) == 1);
  // And in the other direction, over the same connection.
  CHECK(is_ok(c.nodes[1]->create(id_in(0))));
}

TEST_CASE("a frozen connection delays nobody else, and its letters end by their own deadline") {
  route_limits limits;
  limits.patience = 3s;
  limits.in_flight_max = 8;
  cluster c(3, limits);
  c.wires[{0, 1}]->frozen = true;
  std::vector<std::future<entity_reply>> stuck;
  for (int i = 0; i < 12; ++i) stuck.push_back(std::async(std::launch::async, [&] { return c.nodes[0]->create(id_in(1)); }));
  REQUIRE(eventually([&] { return c.nodes[0]->metrics->sum("letters_forward_failed_total{busy}") >= 4; }));
  for (int i = 0; i < 50; ++i) CHECK(is_ok(c.nodes[0]->create(id_in(2, "x" + std::to_string(i) + "."))));
  std::map<std::string, int> codes;
  for (auto& s : stuck) ++codes[code_of(s.get())];
  CHECK(codes == std::map<std::string, int>{{"busy", 4}, {"unavailable", 8}});
  // An entity that asks over it is through soon after it moves again.
  const auto asker = id_in(0);
  CHECK(is_ok(c.nodes[0]->create(asker, "ask:" + id_in(1, "asked"))));
  c.wires[{0, 1}]->frozen = false;
  CHECK(eventually([&] { return c.status(asker) == channel_status::offered; }));
  CHECK(c.version(id_in(1, "asked")) == 1);
}
