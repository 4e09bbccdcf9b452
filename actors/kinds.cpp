#include "actors/kinds.hpp"

#include <cstdlib>

namespace paygate {

spawn_entity_fn spawner_of(entity_kind kind) {
  switch (kind) {
  case entity_kind::payment: return spawn_payment;
  case entity_kind::subscription: return spawn_subscription;
  case entity_kind::channel: return spawn_channel;
  case entity_kind::conversation: return spawn_conversation;
  case entity_kind::payout: return spawn_payout;
  case entity_kind::wallet: return spawn_wallet;
  case entity_kind::poller: return spawn_poller;
  case entity_kind::conversion: return spawn_conversion;
  case entity_kind::scheduler: return spawn_scheduler;
  case entity_kind::reconciliation: return spawn_reconciliation;
  case entity_kind::broadcast: return spawn_broadcast;
  case entity_kind::promo_code: return spawn_promo_code;
  case entity_kind::account: return spawn_account;
  case entity_kind::login_name: return spawn_login_name;
  case entity_kind::session: return spawn_session;
  }
  std::abort(); // No such kind: memory is corrupt.
}

} // namespace paygate
