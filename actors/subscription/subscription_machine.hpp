#pragma once

#include <optional>
#include <vector>

#include "messages/envelope.hpp"
#include "messages/step.hpp"

namespace paygate {

/// One user's access to one channel (spec 3.7, 4). Pure.
struct subscription_kind {
  using state = subscription;
  using message = subscription_message;
  static constexpr entity_kind kind = entity_kind::subscription;

  /// extend_subscription: from max(now, current end) by `days`, once per order; a repeat answers the same period and changes nothing.
  /// Refused as `invalid` when days are not 1..36600, the order id is empty, or the address is not "<channel>:<user>".
  static verdict<subscription> apply(const subscription& state, bool exists, const subscription_message& message,
                                     const step_context& context);

  /// Nothing yet: reminders and removal come with the phases of spec 4.
  static std::vector<effect> effects_due(const subscription& state, const entity_ref& self, timestamp now, const policy& rules);
  static std::optional<timestamp> wakes_at(const subscription& state, timestamp now, const policy& rules);
  static std::optional<std::chrono::seconds> stuck_after(const subscription& state);
};

/// What the dates say at `now`, whatever the stored status is: a missed tick is harmless.
subscription_status phase(const subscription& state, timestamp now);

} // namespace paygate
