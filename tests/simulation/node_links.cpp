// What stands for io/link between simulated nodes: tells the router who can be reached, and carries bytes between the exchanges.
#include "tests/simulation/node.hpp"

namespace paygate::sim {
/// The way back of an answer.
struct return_way {
  std::function<void(const std::string& bytes)> send;
};
} // namespace paygate::sim

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::shared_ptr<paygate::sim::return_way>)

namespace paygate::sim {

namespace {

using answer_atom = caf::atom_constant<caf::atom("answer")>;
using bytes_promise = caf::typed_response_promise<std::string>;
using send_fn = std::function<void(const caf::actor& link, std::uint64_t id, const std::string& bytes)>;

struct far_state {
  std::map<std::uint64_t, bytes_promise> open;
  std::uint64_t last = 0;
};

/// Their exchange, as our router sees it.
caf::behavior far_exchange(caf::stateful_actor<far_state>* self, send_fn send) {
  return {[=](forward_atom, const std::string& bytes) {
            auto promise = self->make_response_promise<std::string>();
            const auto id = ++self->state.last;
            self->state.open.emplace(id, promise);
            send(caf::actor_cast<caf::actor>(self), id, bytes);
            return promise;
          },
          // An answer may come twice, too.
          [=](answer_atom, std::uint64_t id, const std::string& bytes) {
            if (auto open = self->state.open.extract(id)) open.mapped().deliver(bytes);
          }};
}

/// Whoever sends to our exchange from there.
caf::behavior far_sender(caf::event_based_actor* self, caf::actor exchange) {
  return {[=](forward_atom, const std::string& bytes, const std::shared_ptr<return_way>& back) {
    self->request(exchange, 30s, forward_atom::value, bytes)
        .then([=](const std::string& answer) { back->send(answer); }, [](const caf::error&) {});
  }};
}

} // namespace

/// Every now and then the links are as they can be: one to each member that we know of and that is there.
void node::open_links() {
  const auto& view = leases_of_.known().view;
  for (auto at = links_.begin(); at != links_.end();) {
    const auto* member = view ? view->find(at->first) : nullptr;
    auto* peer = member ? o_.process_of(member->name) : nullptr;
    if (peer && peer->identity() == at->first && o_.net_between.connected(name_, member->name)) {
      ++at;
      continue;
    }
    caf::anon_send(router_, link_down_atom::value, at->first);
    for (const auto& a : {at->second.here, at->second.there}) caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
    at = links_.erase(at);
  }
  for (const auto& member : view ? view->members : std::vector<cluster_member>{}) {
    auto* peer = member.identity == identity() ? nullptr : o_.process_of(member.name);
    if (!peer || peer->identity() != member.identity || links_.count(member.identity)) continue;
    if (!o_.net_between.connected(name_, member.name)) continue;
    auto& l = links_[member.identity];
    l.there =
        system_.system().spawn(far_exchange, [this, to = member.identity](const caf::actor& asker, std::uint64_t id,
                                                                          const std::string& bytes) { forward(asker, id, to, bytes); });
    l.here = system_.system().spawn(far_sender, exchange_);
    caf::anon_send(router_, link_up_atom::value, member.identity, l.there);
  }
  later(milliseconds(o_.w.between(500, 1'500)), [this] { open_links(); });
}

void node::close_links() {
  for (auto& [identity, l] : links_)
    for (const auto& a : {l.here, l.there}) caf::anon_send_exit(a, caf::exit_reason::user_shutdown);
  links_.clear();
}

void node::forward(const caf::actor& asker, std::uint64_t id, const std::string& to, const std::string& bytes) {
  const auto& view = leases_of_.known().view;
  const auto* member = view ? view->find(to) : nullptr;
  if (!alive_ || !member) return;
  const auto answered = [=, &o = o_, from = name_, there = member->name, still = self_](const std::string& answer) {
    o.net_between.carry(there, from, [=] {
      if (*still && (*still)->alive_) caf::anon_send(asker, answer_atom::value, id, answer);
    });
  };
  o_.net_between.carry(name_, member->name, [=, &o = o_, there = member->name, from = identity(), still = self_] {
    // It arrives at the process that it was sent to, or nowhere.
    auto* peer = o.process_of(there);
    if (!peer || peer->identity() != to) return;
    const auto at = peer->links_.find(from);
    if (at != peer->links_.end())
      caf::anon_send(at->second.here, forward_atom::value, bytes, std::make_shared<return_way>(return_way{answered}));
  });
}

} // namespace paygate::sim
