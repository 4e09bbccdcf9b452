#pragma once

#include <optional>
#include <string>
#include <vector>

#include "messages/envelope.hpp"
#include "messages/step.hpp"

namespace paygate {

/// A payment, from the order to access, the owner's message and the hand-over of its value (spec 3). Pure.
struct payment_kind {
  using state = payment;
  using message = payment_message;
  static constexpr entity_kind kind = entity_kind::payment;

  /// Decides one message. Refuses get_payment_view and payment_poked as `not_found` while there is no such order, create_payment as
  /// `invalid` when the channel does not sell what is asked. An IPN is never refused. Every ledger entry has a key of its own.
  static verdict<payment> apply(const payment& state, bool exists, const payment_message& message, const step_context& context);

  /// What the payment owes: invoice, pay link, polls of the provider, price, subscription, invite, messages, arrival, payout.
  static std::vector<effect> effects_due(const payment& state, const entity_ref& self, timestamp now, const policy& rules);

  /// Nothing: every date of a payment is the not_before of a poll.
  static std::optional<timestamp> wakes_at(const payment& state, timestamp now, const policy& rules);

  /// How long a payment may stay as it is before somebody should look; nothing where it waits for a person, or is done.
  static std::optional<std::chrono::seconds> stuck_after(const payment& state);
};

/// The payout that takes a credited deposit: "<order>" for the first one that was settled, "<order>.2" for the second. Stable, because
/// settled_at only ever grows along the deposits of an order.
std::string payout_id_of(const payment& state, const deposit& of, const std::string& order_id);

} // namespace paygate
