#pragma once

#include <optional>
#include <vector>

#include "messages/envelope.hpp"
#include "messages/step.hpp"

namespace paygate {

/// One log-in: the family of its refresh tokens. Pure.
struct session_kind {
  using state = session;
  using message = session_message;
  static constexpr entity_kind kind = entity_kind::session;

  /// Since the newest token was given out.
  static constexpr std::chrono::hours life{24 * 30};

  /// A token that is not the newest ends the session in a committed step, although it is refused: the reply then is `refused`. So is the
  /// newest when the account's epoch moved on (logged out everywhere, another password).
  static verdict<session> apply(const session& state, bool exists, const session_message& message, const step_context& context);
  /// The end of an open session's life, told to itself.
  static std::vector<effect> effects_due(const session& state, const entity_ref& self, timestamp now, const policy& rules);
  static std::optional<timestamp> wakes_at(const session& state, timestamp now, const policy& rules);
  static std::optional<std::chrono::seconds> stuck_after(const session& state);
};

} // namespace paygate
