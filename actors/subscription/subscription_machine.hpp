#pragma once

#include <optional>
#include <vector>

#include "messages/envelope.hpp"
#include "messages/step.hpp"

namespace paygate {

/// One user's access to one channel (spec 3.7, 4): its phases, the way in and the way out. Pure.
struct subscription_kind {
  using state = subscription;
  using message = subscription_message;
  static constexpr entity_kind kind = entity_kind::subscription;

  /// extend_subscription: from the current end, or from now once it has expired, by `days`, once per order; a repeat answers the same period
  /// and changes nothing. Refused as `invalid` when days are not 1..36600, the order id is empty, or the address is not "<channel>:<user>".
  /// Whatever the message: what the dates have turned meanwhile is turned first.
  static verdict<subscription> apply(const subscription& state, bool exists, const subscription_message& message,
                                     const step_context& context);

  /// The call that the access owes, links to revoke, the word to the chat, the next reminder, payments and the channel to be told, and the
  /// turn of the phase when its date has come. All that comes later says so by not_before: the row alone knows it.
  static std::vector<effect> effects_due(const subscription& state, const entity_ref& self, timestamp now, const policy& rules);
  /// Nothing: every date is the not_before of an effect.
  static std::optional<timestamp> wakes_at(const subscription& state, timestamp now, const policy& rules);
  /// Ten minutes while a call for the access is owed.
  static std::optional<std::chrono::seconds> stuck_after(const subscription& state);
};

/// What the dates say at `now`, whatever the stored status is: a missed tick is harmless.
subscription_status phase(const subscription& state, timestamp now, const policy& rules);

} // namespace paygate
