#pragma once

#include <array>
#include <memory>
#include <utility>
#include <vector>

#include "tests/actor/route_rig.hpp"
#include "tests/support/virtual_system.hpp"

// Routers, exchanges, shards and entities of several nodes on one thread of virtual time, one memory store for all, and links that do to
// letters what networks do.
namespace paygate::test {

using namespace std::chrono_literals;

/// How letters travel: each as a request, as to a node of the program before this one, or in packs.
struct by_requests {
  static constexpr bool packs = false;
};
struct in_packs {
  static constexpr bool packs = true;
};

using inspect_question = std::pair<std::string, std::string>; // Who, what.

struct node {
  std::string name;
  caf::actor router, exchange;
  shard_table shards;
  std::shared_ptr<entity_ports> ports = std::make_shared<entity_ports>();
  std::shared_ptr<counted_metrics> metrics = std::make_shared<counted_metrics>();
  std::vector<inspect_question> questions;
};

/// Nodes "a", "b", ...; the shards are theirs in turn: shard 0 is a's, shard 1 is b's. Everybody is linked with everybody.
struct cluster {
  bool packs;
  virtual_system world;
  memory_store store;
  std::vector<std::unique_ptr<node>> nodes;
  std::map<std::pair<std::size_t, std::size_t>, link_ptr> links;
  std::map<std::pair<std::size_t, std::size_t>, caf::actor> fars; ///< A node's exchange, as another one sees it.
  std::array<std::size_t, shard_count> holder{};
  int refreshes = 0;
  bool keeper_answers = true; ///< A refresh brings the view as it is.
  caf::actor keeper;

  cluster(bool in_packs, std::size_t count, std::uint64_t seed = 1, route_limits limits = {}, std::size_t exchange_max = 1'024)
      : packs(in_packs), world(seed) {
    for (std::uint32_t s = 0; s < shard_count; ++s) holder[s] = s % count;
    keeper = world.own(world.system().spawn([this](caf::event_based_actor* self) -> caf::behavior {
      return {[this, self](refresh_atom) {
        ++refreshes;
        if (keeper_answers) self->send(caf::actor_cast<caf::actor>(self->current_sender()), view_atom::value, view_of(asker_of(self)));
      }};
    }));
    for (std::size_t i = 0; i < count; ++i) nodes.push_back(make_node(i, limits, exchange_max));
    for (std::size_t i = 0; i < count; ++i)
      for (std::size_t j = 0; j < count; ++j)
        if (i != j) link(i, j);
    for (std::size_t i = 0; i < count; ++i) tell_view(i);
    world.settle();
  }

  ~cluster() {
    for (auto& n : nodes)
      for (auto& s : n->shards)
        if (s) caf::anon_send_exit(s, caf::exit_reason::user_shutdown);
    world.settle();
  }

  std::size_t asker_of(caf::event_based_actor* self) {
    for (std::size_t i = 0; i < nodes.size(); ++i)
      if (self->current_sender() == nodes[i]->router) return i;
    return 0;
  }

  std::unique_ptr<node> make_node(std::size_t index, route_limits limits, std::size_t exchange_max) {
    auto n = std::make_unique<node>();
    n->name = std::string(1, static_cast<char>('a' + index));
    n->router = world.own(spawn_router(world.system(), n->metrics, limits));
    auto inspector = world.own(world.system().spawn([at = n.get()](caf::event_based_actor*) -> caf::behavior {
      return {[at](ctl_atom, const std::string& who, const std::string& what) {
        at->questions.emplace_back(who, what);
        return "\"" + at->name + "\"";
      }};
    }));
    n->exchange = world.own(spawn_exchange(world.system(), {n->router, inspector, n->metrics, exchange_max, 10s, limits.pause}));
    n->ports->committers = {world.own(store.spawn_committer(world.system()))};
    n->ports->router = caf::actor_cast<router_actor>(n->router);
    n->ports->clock = world.business();
    n->ports->metrics = n->metrics;
    auto loader = world.own(store.spawn_loader(world.system()));
    for (std::uint32_t s = 0; s < shard_count; ++s)
      if (holder[s] == index) n->shards[s] = spawn_shard(world.system(), s, 1, loader, n->ports);
    caf::anon_send(n->router, route_atom::value, std::make_shared<const shard_table>(n->shards));
    return n;
  }

  void link(std::size_t from, std::size_t to) {
    auto& l = links[{from, to}] = std::make_shared<link_state>();
    l->to = nodes[to]->exchange;
    auto proxy = world.own(world.system().spawn(link_behavior, l));
    fars[{from, to}] = proxy;
    caf::anon_send(nodes[from]->router, link_up_atom::value, nodes[to]->name, proxy, packs);
  }
  void cut(std::size_t from, std::size_t to) {
    caf::anon_send(nodes[from]->router, link_down_atom::value, nodes[to]->name);
    world.settle();
  }

  cluster_view_ptr view_of(std::size_t reader) {
    auto view = std::make_shared<cluster_view>();
    view->self = nodes[reader]->name;
    for (const auto& n : nodes) view->members.push_back({n->name, "node-" + n->name, "", n->name, 1, false});
    for (std::uint32_t s = 0; s < shard_count; ++s) view->owner[s] = static_cast<std::int16_t>(holder[s]);
    return view;
  }
  void tell_view(std::size_t to) {
    caf::send_as(keeper, nodes[to]->router, view_atom::value, view_of(to));
    world.settle();
  }

  /// The shard acts elsewhere from now on; nobody but the two is told.
  void move(std::uint32_t shard, std::size_t to) {
    auto& old = *nodes[holder[shard]];
    if (old.shards[shard]) caf::anon_send_exit(old.shards[shard], caf::exit_reason::user_shutdown);
    old.shards[shard] = nullptr;
    holder[shard] = to;
    auto loader = world.own(store.spawn_loader(world.system()));
    nodes[to]->shards[shard] = spawn_shard(world.system(), shard, 2, loader, nodes[to]->ports);
    for (auto* n : {&old, nodes[to].get()}) caf::anon_send(n->router, route_atom::value, std::make_shared<const shard_table>(n->shards));
    world.settle();
  }

  entity_reply tell(std::size_t at, const std::string& id, channel_message message, caf::timespan patience = 10s) {
    auto letter = std::make_shared<const envelope>(envelope{{entity_kind::channel, id}, std::move(message)});
    auto answer = world.ask<entity_reply_ptr>(nodes[at]->router, patience, deliver_atom::value, letter);
    return answer ? **answer : entity_reply{refused{refusal::invalid, "no answer"}};
  }
  entity_reply create(std::size_t at, const std::string& id, const std::string& title = "x", caf::timespan patience = 10s) {
    return tell(at, id, register_channel{asking_kind::terms(title)}, patience);
  }
  const channel& row(const std::string& id) { return std::get<channel>(store.rows.at({entity_kind::channel, id}).state); }
  std::uint64_t version(const std::string& id) {
    auto row = store.rows.find({entity_kind::channel, id});
    return row == store.rows.end() ? 0 : row->second.header.version;
  }
  std::int64_t sum(std::size_t at, const std::string& name) { return nodes[at]->metrics->sums[name]; }
};

inline bool is_ok(const entity_reply& reply) { return std::holds_alternative<ok>(reply); }
inline std::string code_of(const entity_reply& reply) {
  const auto* no = std::get_if<refused>(&reply);
  return no ? std::string(to_text(no->code)) : "none";
}
inline bool contains(const std::string& text, std::string_view part) { return text.find(part) != text.npos; }

} // namespace paygate::test
