#include "daemon/bootstrap.hpp"

#include <caf/all.hpp>

#include "actors/runtime/node.hpp"
#include "messages/log.hpp"

namespace paygate {

namespace {

using create_atom = caf::atom_constant<caf::atom("create")>;

struct bootstrap_state {
  std::vector<envelope_ptr> open;
  static inline const char* name = "bootstrap";
};

caf::behavior bootstrap_behavior(caf::stateful_actor<bootstrap_state>* self, router_actor router, std::vector<envelope> letters) {
  for (auto& letter : letters) self->state.open.push_back(std::make_shared<const envelope>(std::move(letter)));
  self->set_error_handler([](caf::scheduled_actor* a, caf::error& e) {
    log(log_level::warning, "bootstrap_error_message", {{"error", a->system().render(e)}});
  });
  auto settled = [self](const envelope_ptr& letter) {
    auto& open = self->state.open;
    open.erase(std::remove(open.begin(), open.end(), letter), open.end());
  };
  // One at a time, in this order: the poll brings buyers in, and they must find an open wallet. Never twice at once: the entity may live on
  // a node that is frozen.
  auto again = [self] { self->delayed_send(self, std::chrono::milliseconds(100), create_atom::value); };
  self->send(self, create_atom::value);
  return {
    [=](create_atom) {
      if (self->state.open.empty()) return;
      const auto letter = self->state.open.front();
      self->request(router, std::chrono::seconds(5), deliver_atom::value, letter)
        .then(
          [=](const entity_reply_ptr& reply) {
            if (!std::holds_alternative<ok>(*reply)) return again();
            settled(letter);
            self->send(self, create_atom::value);
          },
          [=](const caf::error&) { again(); });
    },
    [=](ready_atom) { return self->state.open.empty(); },
  };
}

} // namespace

std::vector<envelope> first_letters(const std::string& wallet_address) {
  return {
      {{entity_kind::wallet, wallet_address}, wallet_message{open_wallet{wallet_address}}},
      {{entity_kind::reconciliation, "main"}, reconciliation_message{start_reconciliation{}}},
      {{entity_kind::poller, "main"}, poller_message{start_polling{}}},
      {{entity_kind::scheduler, "conversions"}, scheduler_message{start_scheduler{}}},
      {{entity_kind::scheduler, "payouts"}, scheduler_message{start_scheduler{}}},
  };
}

caf::actor spawn_bootstrap(caf::actor_system& system, router_actor router, std::vector<envelope> letters) {
  return system.spawn(bootstrap_behavior, std::move(router), std::move(letters));
}

} // namespace paygate
