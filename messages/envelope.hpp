#pragma once

#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "messages/account.hpp"
#include "messages/broadcast.hpp"
#include "messages/channel.hpp"
#include "messages/conversation.hpp"
#include "messages/conversion.hpp"
#include "messages/login_name.hpp"
#include "messages/payment.hpp"
#include "messages/payout.hpp"
#include "messages/poller.hpp"
#include "messages/promo_code.hpp"
#include "messages/reconciliation.hpp"
#include "messages/scheduler.hpp"
#include "messages/session.hpp"
#include "messages/subscription.hpp"
#include "messages/wallet.hpp"

namespace paygate {

/// What any entity can be told. One alternative per kind: adding a kind adds a line here and one in `snapshot`.
using any_message =
    std::variant<payment_message, subscription_message, channel_message, conversation_message, payout_message, wallet_message,
                 poller_message, conversion_message, scheduler_message, reconciliation_message, broadcast_message, promo_code_message,
                 account_message, login_name_message, session_message>;

/// What any entity is, between two steps.
using snapshot =
    std::variant<payment, subscription, channel, conversation, payout, wallet, poller, conversion, scheduler, reconciliation, broadcast,
                 promo_code, account, login_name, session>;

/// A message with its address. Answered with entity_reply once its step is committed.
struct envelope {
  entity_ref to;
  any_message body;
};

/// "create_payment", "ipn_received": the word for history rows, logs and metrics. An effect_done is named after its outcome:
/// "invoice_created", "message_sent", "io_failure".
std::string_view name_of(const payment_message& message);
std::string_view name_of(const subscription_message& message);
std::string_view name_of(const channel_message& message);
std::string_view name_of(const conversation_message& message);
std::string_view name_of(const payout_message& message);
std::string_view name_of(const wallet_message& message);
std::string_view name_of(const poller_message& message);
std::string_view name_of(const conversion_message& message);
std::string_view name_of(const scheduler_message& message);
std::string_view name_of(const reconciliation_message& message);
std::string_view name_of(const broadcast_message& message);
std::string_view name_of(const promo_code_message& message);
std::string_view name_of(const account_message& message);
std::string_view name_of(const login_name_message& message);
std::string_view name_of(const session_message& message);

/// An effect that asks another entity. Its answer comes back as entity_reply; the receiver treats a repeat as the first.
struct ask_entity {
  entity_ref to;
  any_message message;
};

/// Something that a state says is due.
struct effect {
  std::string key; ///< Unique among the effects due in one state, stable while it is due: "invoice", "transfer:payout/01J/1".
  std::variant<io_request, ask_entity> request;
  timestamp not_before{}; ///< Not started earlier.
  milliseconds again_after{
      1000}; ///< Pause before it runs again when its outcome changed nothing (a poll); doubled with each such run up to
  milliseconds again_max{60'000}; ///< this.
};

} // namespace paygate
