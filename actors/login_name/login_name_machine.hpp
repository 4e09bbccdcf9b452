#pragma once

#include <optional>
#include <vector>

#include "messages/envelope.hpp"
#include "messages/step.hpp"

namespace paygate {

/// A user name or an e-mail address: free, reserved by an account that is being made, or an account's. Pure.
struct login_name_kind {
  using state = login_name;
  using message = login_name_message;
  static constexpr entity_kind kind = entity_kind::login_name;

  /// A reservation holds for a week: as long as an account may stay unverified. One that came to nothing, because the address of the same
  /// sign-up was taken, holds as long, so that nobody learns from a name whether an address is known.
  static constexpr std::chrono::hours reservation{24 * 7};

  static verdict<login_name> apply(const login_name& state, bool exists, const login_name_message& message, const step_context& context);
  /// Nothing: a lapsed reservation is seen when somebody asks.
  static std::vector<effect> effects_due(const login_name& state, const entity_ref& self, timestamp now, const policy& rules);
  static std::optional<timestamp> wakes_at(const login_name& state, timestamp now, const policy& rules);
  static std::optional<std::chrono::seconds> stuck_after(const login_name& state);
};

} // namespace paygate
