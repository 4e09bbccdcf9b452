#pragma once

#include <optional>
#include <string>
#include <vector>

#include "messages/envelope.hpp"
#include "messages/step.hpp"

namespace paygate {

/// A private chat with the bot (spec 3, 7): from a deep link to an order, donations, one's subscriptions, the owner's channels. Pure.
struct conversation_kind {
  using state = conversation;
  using message = conversation_message;
  static constexpr entity_kind kind = entity_kind::conversation;

  /// Every update is handled once, in the order of its id; a repeat is answered `ok`. After any update something is owed to the person: a
  /// view, an answer to the button, or work of ours that ends in a view. Callback data is what the client says: what it is about is looked
  /// at anew, and belongs to the person or is refused. A price that changed after it was shown is never charged: it is offered anew.
  static verdict<conversation> apply(const conversation& state, bool exists, const conversation_message& message,
                                     const step_context& context);

  /// The view that is owed, the callbacks to be answered, and the questions to other entities, our tables and Telegram.
  static std::vector<effect> effects_due(const conversation& state, const entity_ref& self, timestamp now, const policy& rules);

  /// Nothing: a conversation waits for the person.
  static std::optional<timestamp> wakes_at(const conversation& state, timestamp now, const policy& rules);

  /// Two minutes while we work, ten while a view is owed.
  static std::optional<std::chrono::seconds> stuck_after(const conversation& state);
};

/// The callback data of the buttons under an offer (at most 64 bytes): "pay:<order>", "don:<dollars>:<order>", and of the keypad
/// "key:<key>:<order>", where a key is a digit, ".", b(ackspace), c(lear), "ok" or "x" (cancel).
std::string pay_data(const std::string& order_id);
std::string donation_data(int dollars, const std::string& order_id);
std::string key_data(std::string_view key, const std::string& order_id);

/// The amounts of the donation buttons, in dollars.
inline constexpr int donation_presets[] = {5, 10, 25, 50, 100};

} // namespace paygate
