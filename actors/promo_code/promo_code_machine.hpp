#pragma once

#include <optional>
#include <vector>

#include "messages/envelope.hpp"
#include "messages/step.hpp"

namespace paygate {

/// A promo code of a channel (spec 4): who may use it, how often, and what it makes of a price. Pure.
struct promo_code_kind {
  using state = promo_code;
  using message = promo_code_message;
  static constexpr entity_kind kind = entity_kind::promo_code;

  /// Refusals in their order: not_found (no such code), out_of_order with the words for the person (disabled, expired, used up, used by
  /// them). A redeem of an order that has its use already answers its price, whatever became of the code meanwhile.
  static verdict<promo_code> apply(const promo_code& state, bool exists, const promo_code_message& message, const step_context& context);

  /// Nothing: it only answers.
  static std::vector<effect> effects_due(const promo_code& state, const entity_ref& self, timestamp now, const policy& rules);
  static std::optional<timestamp> wakes_at(const promo_code& state, timestamp now, const policy& rules);
  static std::optional<std::chrono::seconds> stuck_after(const promo_code& state);
};

/// The price with the code: to the cent, rounded up; nothing, or not below `least` (nor above the price itself).
usd_amount discounted(const promo_code& terms, usd_amount price, usd_amount least);

} // namespace paygate
