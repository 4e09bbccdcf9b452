#pragma once

#include <optional>
#include <vector>

#include "messages/envelope.hpp"
#include "messages/step.hpp"

namespace paygate {

/// The Telegram long poll of the cluster, for ever, or the webhook instead (telegram.mode). Pure.
struct poller_kind {
  using state = poller;
  using message = poller_message;
  static constexpr entity_kind kind = entity_kind::poller;

  /// Only an offset that moved forward changes the state: an empty poll costs no commit.
  static verdict<poller> apply(const poller& state, bool exists, const poller_message& message, const step_context& context);

  /// With a webhook: telling Telegram so, now and then again. Without: first taking away one that we had, then one poll_updates from
  /// next_offset: the next one at once when there were updates, after a short pause when there were none (a server
  /// that answers without waiting must not make us spin).
  static std::vector<effect> effects_due(const poller& state, const entity_ref& self, timestamp now, const policy& rules);
  static std::optional<timestamp> wakes_at(const poller& state, timestamp now, const policy& rules);
  static std::optional<std::chrono::seconds> stuck_after(const poller& state);
};

} // namespace paygate
