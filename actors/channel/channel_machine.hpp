#pragma once

#include <optional>
#include <vector>

#include "messages/envelope.hpp"
#include "messages/step.hpp"

namespace paygate {

/// A channel: its terms, which posts of it stand, and when they are sent anew (spec 3.1, 6). Pure.
struct channel_kind {
  using state = channel;
  using message = channel_message;
  static constexpr entity_kind kind = entity_kind::channel;

  /// Decides one message. register_channel is refused as `invalid`, with the term that cannot be; get_channel as `not_found` when there is
  /// no such channel or it is closed. New terms keep the posted offer unless the post itself would read otherwise; then it is replaced.
  static verdict<channel> apply(const channel& state, bool exists, const channel_message& message, const step_context& context);

  /// While it is `registered`: the broadcast that posts the offer. A post that was replaced is deleted.
  static std::vector<effect> effects_due(const channel& state, const entity_ref& self, timestamp now, const policy& rules);

  /// Nothing: no date decides anything about a channel.
  static std::optional<timestamp> wakes_at(const channel& state, timestamp now, const policy& rules);

  /// Ten minutes while the offer is owed.
  static std::optional<std::chrono::seconds> stuck_after(const channel& state);
};

} // namespace paygate
