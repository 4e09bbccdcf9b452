#pragma once

#include <optional>
#include <string>
#include <vector>

#include "messages/envelope.hpp"
#include "messages/step.hpp"

namespace paygate {

/// A private chat with the bot: from a deep link to an order (spec 3.2). Pure.
struct conversation_kind {
  using state = conversation;
  using message = conversation_message;
  static constexpr entity_kind kind = entity_kind::conversation;

  /// Every update is handled once, in the order of its id; a repeat is answered `ok`. Callback data is what the client says: a press counts
  /// only when it names the order that is open here. A price that changed after it was shown is never charged: it is offered anew.
  static verdict<conversation> apply(const conversation& state, bool exists, const conversation_message& message,
                                     const step_context& context);

  /// The view that is owed, the callback to be answered, and the question to the channel or the payment.
  static std::vector<effect> effects_due(const conversation& state, const entity_ref& self, timestamp now, const policy& rules);

  /// Nothing: a conversation waits for the person.
  static std::optional<timestamp> wakes_at(const conversation& state, timestamp now, const policy& rules);

  /// Two minutes while we work, ten while a view is owed.
  static std::optional<std::chrono::seconds> stuck_after(const conversation& state);
};

/// The callback data of the buttons under an offer (at most 64 bytes): "pay:<order>" and "don:<dollars>:<order>".
std::string pay_data(const std::string& order_id);
std::string donation_data(int dollars, const std::string& order_id);

/// The amounts of the donation buttons, in dollars.
inline constexpr int donation_presets[] = {5, 10, 25, 50, 100};

} // namespace paygate
