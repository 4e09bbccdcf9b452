#pragma once

#include <cstdlib>

#include "messages/envelope.hpp"

namespace paygate::test {

/// What a store answers for an entity that it has no row of.
inline snapshot empty_snapshot(entity_kind kind) {
  switch (kind) {
  case entity_kind::payment: return payment{};
  case entity_kind::subscription: return subscription{};
  case entity_kind::channel: return channel{};
  case entity_kind::conversation: return conversation{};
  case entity_kind::payout: return payout{};
  case entity_kind::wallet: return wallet{};
  case entity_kind::poller: return poller{};
  case entity_kind::conversion: return conversion{};
  case entity_kind::scheduler: return scheduler{};
  case entity_kind::reconciliation: return reconciliation{};
  case entity_kind::broadcast: return broadcast{};
  case entity_kind::promo_code: return promo_code{};
  case entity_kind::account: return account{};
  case entity_kind::login_name: return login_name{};
  case entity_kind::session: return session{};
  }
  std::abort(); // No such kind.
}

} // namespace paygate::test
