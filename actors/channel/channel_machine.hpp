#pragma once

#include <optional>
#include <vector>

#include "messages/envelope.hpp"
#include "messages/step.hpp"

namespace paygate {

/// A channel: its terms, which posts of it stand and when they are sent anew (spec 3.1, 6), where its owner is paid, and its end (spec 5, 8).
/// Pure.
struct channel_kind {
  using state = channel;
  using message = channel_message;
  static constexpr entity_kind kind = entity_kind::channel;

  /// Decides one message; messages/channel.hpp says what each is refused for. New terms keep the posted offer unless the post itself would
  /// read otherwise; then it is replaced.
  static verdict<channel> apply(const channel& state, bool exists, const channel_message& message, const step_context& context);

  /// While it is `registered`: the broadcast that posts the offer. A post that was replaced is deleted. While claiming, the question for its
  /// place; while draining, for what is left. A message to itself when a change of the payout address has its time, and the notice to the
  /// owner, who need not have a chat with us.
  static std::vector<effect> effects_due(const channel& state, const entity_ref& self, timestamp now, const policy& rules);

  /// Nothing: what has a date is an effect with that date.
  static std::optional<timestamp> wakes_at(const channel& state, timestamp now, const policy& rules);

  /// Ten minutes while the offer or the answer about its place is owed.
  static std::optional<std::chrono::seconds> stuck_after(const channel& state);
};

} // namespace paygate
