#include "io/link/links.hpp"

#include <caf/all.hpp>
#include <caf/io/all.hpp>

#include "io/link/doors.hpp"
#include "io/link/hand_over.hpp"
#include "io/link/links_state.hpp"
#include "messages/log.hpp"

namespace paygate {

namespace {

using redial_atom = caf::atom_constant<caf::atom("redial")>;
using closed_atom = caf::atom_constant<caf::atom("closed")>;
using silent_atom = caf::atom_constant<caf::atom("silent")>;
using admitted_atom = caf::atom_constant<caf::atom("admitted")>;

constexpr auto hello_patience = std::chrono::seconds(5);
/// From the end of a connection until BASP has forgotten it: a new one of the same node must not meet it.
constexpr auto forget_time = std::chrono::milliseconds(200);

class links_shell {
public:
  using pointer = caf::stateful_actor<links_state>*;
  explicit links_shell(pointer self) : self_(self) {}

  // --- who there is ---

  void on_view(const cluster_view& view) {
    auto& s = st();
    if (s.self != view.self) {
      // Under another identity this node is another member: the others will have it so, too.
      while (!s.peers.empty()) forget(s.peers.begin()->first, "this node has a new identity");
      s.self = view.self;
    }
    std::set<std::string> known, there;
    for (const auto& [identity, peer] : s.peers) known.insert(identity);
    const auto refused = same_nodes(view, known);
    complain(view, refused);
    s.members->take(view, refused);
    for (const auto& member : view.members)
      if (member.identity != view.self && !refused.contains(member.identity)) there.insert(member.identity);
    for (const auto& identity : known)
      if (!there.contains(identity)) forget(identity, "it left the cluster");
    for (const auto& member : view.members) {
      if (!there.contains(member.identity)) continue;
      auto& peer = s.peers[member.identity];
      const bool moved = peer.member.address != member.address;
      peer.member = member;
      if (peer.phase == link_phase::idle && moved) dial(member.identity);
    }
    close_others();
  }

  /// Who came in as a member and is none any more.
  void close_others() {
    for (const auto& [id, info] : std::map(st().connections))
      if (const auto why = st().members->admit(info.peer)) close(id, *why);
  }

  void close(std::uint64_t id, const std::string& why) {
    st().pump->close(id, why);
    on_closed(id, why);
  }

  void complain(const cluster_view& view, const std::set<std::string>& refused) {
    for (const auto& identity : refused) {
      if (!st().told_twins.insert(identity).second) continue;
      const auto* twin = view.find(identity);
      log(log_level::error, "same_caf_node",
          {{"node", twin->name},
           {"identity", identity},
           {"caf_node", twin->caf_node},
           {"text", "another member has this CAF node id (made of MAC addresses and process id): it is not linked. "
                    "Give each node a network interface of its own, or another process id"}});
    }
  }

  // --- going out ---

  bool dials(const std::string& identity) const { return self_->state.self < identity; }

  void dial(const std::string& identity) {
    auto& s = st();
    const auto found = s.peers.find(identity);
    if (found == s.peers.end() || found->second.phase != link_phase::idle || !dials(identity)) return;
    auto& peer = found->second;
    if (peer.member.address.empty()) return;
    peer.phase = link_phase::dialing;
    const auto generation = ++peer.generation;
    caf::actor self = self_;
    s.pump->dial({peer.member.address, peer.member.name, s.setup.dial_patience},
                 [self, identity, generation](std::variant<link_opened_ptr, std::string> outcome) {
                   caf::anon_send(self, std::make_shared<dial_answer>(dial_answer{identity, generation, std::move(outcome)}));
                 });
  }

  peer_link* current(const std::string& identity, std::uint64_t generation) {
    const auto found = st().peers.find(identity);
    return found != st().peers.end() && found->second.generation == generation ? &found->second : nullptr;
  }

  void on_dialed(const dial_answer& answer) {
    auto* peer = current(answer.identity, answer.generation);
    if (const auto* why = std::get_if<std::string>(&answer.outcome)) {
      if (peer) fail(answer.identity, *why);
      return;
    }
    auto& opened = *std::get<link_opened_ptr>(answer.outcome);
    if (!peer) return st().pump->close(opened.id, "nobody wants it any more");
    peer->phase = link_phase::greeting;
    peer->connection = opened.id;
    st().connections[opened.id] = {opened.peer, nullptr, answer.identity};
    st().pump->start(opened.id, rules_for(opened.peer, nullptr));
    self_
        ->request(basp_of(self_->system()), hello_patience, caf::connect_atom_v, scribe_of(self_->system(), std::move(opened.plain)),
                  no_port)
        .then(
            [this_ = *this, answer](caf::node_id&, caf::strong_actor_ptr& door, std::set<std::string>&) mutable {
              if (!this_.current(answer.identity, answer.generation)) return;
              if (!door) return this_.fail(answer.identity, "nothing stands behind its door");
              this_.say_hello(answer.identity, answer.generation, caf::actor_cast<caf::actor>(door), this_.st().setup.hello);
            },
            [this_ = *this, answer](caf::error& e) mutable {
              if (this_.current(answer.identity, answer.generation)) this_.fail(answer.identity, this_.self_->system().render(e));
            });
  }

  void say_hello(const std::string& identity, std::uint64_t generation, const caf::actor& door, std::uint32_t version) {
    self_->request(door, hello_patience, hello_atom::value, version, st().self, st().setup.exchange)
        .then(
            [this_ = *this, identity, generation, version](hello_atom, const std::string& theirs, const caf::actor& exchange) mutable {
              auto* peer = this_.current(identity, generation);
              if (!peer) return;
              if (theirs != identity || !is_of(*peer, exchange)) return this_.fail(identity, "it has another identity by now");
              this_.up(*peer, exchange, version);
            },
            [this_ = *this, identity, generation, door, version](caf::error& e) mutable {
              if (!this_.current(identity, generation)) return;
              // Perhaps it is of the program before this one.
              if (e == caf::sec::invalid_argument && version > hello_first) return this_.say_hello(identity, generation, door, version - 1);
              this_.fail(identity, this_.self_->system().render(e));
            });
  }

  static bool is_of(const peer_link& peer, const caf::actor& exchange) {
    return exchange && caf::to_string(exchange.node()) == peer.member.caf_node;
  }

  guard_rules rules_for(const peer_name& peer, const caf::actor& door) {
    guard_rules rules;
    if (peer.role == peer_role::node) {
      rules.node_actors = {st().setup.exchange.id()};
      if (door) rules.node_actors.push_back(door.id());
    } else {
      rules.only_actor = door.id();
      rules.frame_max = frame_guard::question_max;
    }
    rules.check_handshake = [check = roster::checks_of(st().members, peer),
                             system = &self_->system()](std::string_view payload) -> std::optional<std::string> {
      const auto node = node_in_handshake(*system, payload);
      return node ? check(*node) : std::optional<std::string>("a handshake without a node id");
    };
    return rules;
  }

  // --- coming in ---

  void on_admitted(const link_opened_ptr& opened) {
    auto& s = st();
    if (opened->peer.role == peer_role::node && end_older(opened->peer)) {
      self_->delayed_send(self_, forget_time, admitted_atom::value, opened);
      return;
    }
    auto& info = s.connections[opened->id];
    info.peer = opened->peer;
    auto& system = self_->system();
    if (opened->peer.role == peer_role::node) {
      info.door = spawn_node_door(system, opened->id, self_);
      self_->delayed_send(self_, hello_patience, silent_atom::value, opened->id);
    } else {
      info.door = spawn_operator_door(system, opened->peer.name, s.setup.inspector);
      log(log_level::info, "operator_came", {{"operator", opened->peer.name}, {"from", opened->address}});
    }
    caf::anon_send(basp_of(system), caf::publish_atom_v, scribe_of(system, std::move(opened->plain)), no_port,
                   caf::actor_cast<caf::strong_actor_ptr>(info.door), std::set<std::string>{});
    s.pump->start(opened->id, rules_for(opened->peer, info.door));
  }

  /// A node has one connection to us: when it dials anew, it has lost the one before.
  bool end_older(const peer_name& peer) {
    std::vector<std::uint64_t> older;
    for (const auto& [id, info] : st().connections)
      if (info.door && info.peer == peer) older.push_back(id);
    for (const auto id : older) close(id, "the node has dialed anew");
    return !older.empty();
  }

  caf::result<hello_atom, std::string, caf::actor> on_hello(std::uint64_t connection, std::uint32_t version, const std::string& identity,
                                                            const caf::actor& exchange) {
    auto& s = st();
    const auto found = s.connections.find(connection);
    const auto peer = s.peers.find(identity);
    if (found == s.connections.end() || version < hello_first || version > s.setup.hello) return caf::sec::invalid_argument;
    // The certificate says who it is; the view, who has which identity.
    if (peer == s.peers.end() || peer->second.member.name != found->second.peer.name || dials(identity) || !is_of(peer->second, exchange))
      return caf::sec::invalid_argument;
    if (peer->second.phase == link_phase::up) down(peer->second, "the node has dialed anew");
    found->second.identity = identity;
    peer->second.connection = connection;
    up(peer->second, exchange, version);
    return {hello_atom::value, s.self, s.setup.exchange};
  }

  void on_silent(std::uint64_t id) {
    const auto found = st().connections.find(id);
    if (found != st().connections.end() && found->second.identity.empty()) close(id, "no hello in time");
  }

  // --- up and down ---

  void up(peer_link& peer, const caf::actor& exchange, std::uint32_t version) {
    peer.phase = link_phase::up;
    peer.exchange = exchange;
    peer.failures = 0;
    peer.last_failure.clear();
    self_->monitor(exchange);
    log(log_level::info, "link_up", {{"node", peer.member.name}, {"identity", peer.member.identity}});
    if (st().setup.listener)
      self_->send(st().setup.listener, link_up_atom::value, peer.member.identity, exchange, version >= hello_with_packs);
    gauge_up();
  }

  /// Ends whatever there is with a peer. It may be tried again at once.
  void down(peer_link& peer, const std::string& why) {
    const bool was_up = peer.phase == link_phase::up;
    if (was_up) self_->demonitor(peer.exchange);
    peer.exchange = nullptr;
    peer.phase = link_phase::idle;
    ++peer.generation;
    if (const auto id = std::exchange(peer.connection, 0); id != 0) {
      st().pump->close(id, why);
      drop_door(id);
    }
    if (!was_up) return;
    log(log_level::warning, "link_down", {{"node", peer.member.name}, {"identity", peer.member.identity}, {"why", why}});
    if (st().setup.listener) self_->send(st().setup.listener, link_down_atom::value, peer.member.identity);
    gauge_up();
  }

  void fail(const std::string& identity, const std::string& why) {
    auto& peer = st().peers.at(identity);
    down(peer, why);
    if (!dials(identity)) return;
    if (peer.last_failure != why)
      log(log_level::warning, "link_not_up", {{"node", peer.member.name}, {"address", peer.member.address}, {"why", why}});
    peer.last_failure = why;
    const auto& setup = st().setup;
    const auto pause = std::min(setup.retry_max, setup.retry_first * (1 << std::min(peer.failures++, 10u)));
    const auto jitter = std::chrono::milliseconds(std::uniform_int_distribution<std::int64_t>(0, pause.count() / 2)(st().chance));
    self_->delayed_send(self_, pause / 2 + jitter + forget_time, redial_atom::value, identity, peer.generation);
  }

  void forget(const std::string& identity, const std::string& why) {
    down(st().peers.at(identity), why);
    st().peers.erase(identity);
  }

  void on_closed(std::uint64_t id, const std::string& why) {
    const auto found = st().connections.find(id);
    if (found == st().connections.end()) return;
    const auto [who, door, identity] = found->second;
    drop_door(id);
    // What came in and never said a good hello has no other place to be told of.
    if (door && identity.empty()) log(log_level::info, "visitor_left", {{"peer", to_text(who)}, {"why", why}});
    const auto peer = st().peers.find(identity);
    if (peer != st().peers.end() && peer->second.connection == id) {
      peer->second.connection = 0;
      fail(identity, why);
    }
  }

  void drop_door(std::uint64_t id) {
    const auto found = st().connections.find(id);
    if (found == st().connections.end()) return;
    if (found->second.door) self_->send_exit(found->second.door, caf::exit_reason::user_shutdown);
    st().connections.erase(found);
  }

  void on_down(const caf::down_msg& message) {
    for (auto& [identity, peer] : st().peers)
      if (peer.phase == link_phase::up && peer.exchange == message.source) return fail(identity, self_->system().render(message.reason));
  }

  void gauge_up() {
    std::int64_t n = 0;
    for (const auto& [identity, peer] : st().peers) n += peer.phase == link_phase::up;
    if (st().setup.metrics) st().setup.metrics->gauge("links_up", "", n);
  }

private:
  links_state& st() { return self_->state; }

  pointer self_;
};

caf::behavior links_behavior(links_shell::pointer self, cluster_door_setup setup, std::shared_ptr<link_pump> pump,
                             std::shared_ptr<roster> members) {
  auto& s = self->state;
  s.setup = std::move(setup);
  s.pump = std::move(pump);
  s.members = std::move(members);
  links_shell shell(self);
  self->set_error_handler([](caf::scheduled_actor* a, caf::error& e) {
    log(log_level::warning, "links_error_message", {{"error", a->system().render(e)}});
  });
  self->set_default_handler(
      [](caf::scheduled_actor*, caf::message_view&) -> caf::result<caf::message> { return caf::sec::unexpected_message; });
  self->set_down_handler([self](caf::down_msg& message) { links_shell(self).on_down(message); });
  self->set_exit_handler([self](caf::exit_msg& e) {
    for (auto& [id, info] : self->state.connections)
      if (info.door) self->send_exit(info.door, e.reason);
    self->quit(e.reason);
  });
  return {
      [shell](view_atom, const cluster_view_ptr& view) mutable { shell.on_view(*view); },
      [shell](const dial_answer_ptr& answer) mutable { shell.on_dialed(*answer); },
      [shell](redial_atom, const std::string& identity, std::uint64_t generation) mutable {
        if (shell.current(identity, generation)) shell.dial(identity);
      },
      [shell](admitted_atom, const link_opened_ptr& opened) mutable { shell.on_admitted(opened); },
      [shell](silent_atom, std::uint64_t id) mutable { shell.on_silent(id); },
      [shell](closed_atom, std::uint64_t id, const std::string& why) mutable { shell.on_closed(id, why); },
      [shell](hello_atom, std::uint64_t connection, std::uint32_t version, const std::string& identity,
              const caf::actor& exchange) mutable { return shell.on_hello(connection, version, identity, exchange); },
  };
}

} // namespace

caf::actor open_cluster_door(caf::actor_system& system, unique_fd socket, cluster_door_setup setup) {
  auto pump = std::make_shared<link_pump>(setup.own, setup.limits, setup.metrics, setup.busy);
  auto members = std::make_shared<roster>();
  auto links = system.spawn(links_behavior, std::move(setup), pump, members);
  link_hooks hooks;
  hooks.admit = [members](const peer_name& peer) { return members->admit(peer); };
  hooks.opened = [links](link_opened_ptr opened) { caf::anon_send(links, admitted_atom::value, std::move(opened)); };
  hooks.closed = [links](std::uint64_t id, std::string why) { caf::anon_send(links, closed_atom::value, id, std::move(why)); };
  pump->listen(std::move(socket), std::move(hooks));
  return links;
}

} // namespace paygate
