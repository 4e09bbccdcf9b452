#include "daemon/bootstrap.hpp"

#include <algorithm>
#include <optional>

#include <caf/all.hpp>

#include "actors/runtime/node.hpp"
#include "messages/log.hpp"

namespace paygate {

namespace {

using create_atom = caf::atom_constant<caf::atom("create")>;

struct first_letter {
  envelope_ptr letter;
  bool told = false;
  std::uint64_t epoch = 0; ///< Under which it was told.
};

struct bootstrap_state {
  std::vector<first_letter> letters;
  cluster_view_ptr view; ///< Null: this node is all there is.
  bool timer_set = false;
  bool asking = false; ///< A letter is under way.
  static inline const char* name = "bootstrap";
};

/// The epoch of the letter's shard, if it is to be told here; nothing when another node holds the shard, or nobody does.
std::optional<std::uint64_t> epoch_here(const bootstrap_state& state, const first_letter& l) {
  if (!state.view) return 0;
  const auto shard = shard_of(l.letter->to);
  const auto* owner = state.view->owner_of(shard);
  if (!owner || owner->identity != state.view->self) return std::nullopt;
  return state.view->epochs[shard];
}

bool is_open(const bootstrap_state& state, const first_letter& l) {
  const auto epoch = epoch_here(state, l);
  return epoch && (!l.told || l.epoch != *epoch);
}

bool is_settled(const bootstrap_state& state, const first_letter& l) {
  const bool elsewhere = state.view && state.view->owner_of(shard_of(l.letter->to)) && !epoch_here(state, l);
  return elsewhere || (epoch_here(state, l) && !is_open(state, l));
}

caf::behavior bootstrap_behavior(caf::stateful_actor<bootstrap_state>* self, router_actor router, std::vector<envelope> letters) {
  for (auto& letter : letters) self->state.letters.push_back({std::make_shared<const envelope>(std::move(letter))});
  self->set_error_handler([](caf::scheduled_actor* a, caf::error& e) {
    log(log_level::warning, "bootstrap_error_message", {{"error", a->system().render(e)}});
  });
  // One at a time, in this order: the poll brings buyers in, and they must find an open wallet. Never twice at once: the entity may be
  // slow.
  const auto look_again = [self] {
    if (!std::exchange(self->state.timer_set, true)) self->delayed_send(self, std::chrono::milliseconds(100), create_atom::value);
  };
  const auto tell_next = [self, router, look_again] {
    auto& all = self->state.letters;
    const auto next = std::find_if(all.begin(), all.end(), [self](const auto& l) { return is_open(self->state, l); });
    if (self->state.asking || next == all.end()) return;
    self->state.asking = true;
    const auto index = static_cast<std::size_t>(next - all.begin());
    self->request(router, std::chrono::seconds(5), deliver_atom::value, next->letter)
        .then(
            [self, index, look_again, epoch = *epoch_here(self->state, *next)](const entity_reply_ptr& reply) {
              self->state.asking = false;
              if (!std::holds_alternative<ok>(*reply)) return look_again();
              self->state.letters[index].told = true;
              self->state.letters[index].epoch = epoch;
              self->send(self, create_atom::value);
            },
            [self, look_again](const caf::error&) {
              self->state.asking = false;
              look_again();
            });
  };
  self->send(self, create_atom::value);
  return {
      [=](create_atom) {
        self->state.timer_set = false;
        tell_next();
      },
      [=](view_atom, const cluster_view_ptr& view) {
        self->state.view = view;
        tell_next();
      },
      [=](ready_atom) {
        const auto& all = self->state.letters;
        return std::all_of(all.begin(), all.end(), [self](const auto& l) { return is_settled(self->state, l); });
      },
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
      {{entity_kind::scheduler, "broadcasts"}, scheduler_message{start_scheduler{}}},
  };
}

caf::actor spawn_bootstrap(caf::actor_system& system, router_actor router, std::vector<envelope> letters) {
  return system.spawn(bootstrap_behavior, std::move(router), std::move(letters));
}

} // namespace paygate
