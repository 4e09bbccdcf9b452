#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "messages/enums.hpp"
#include "messages/money.hpp"
#include "messages/time.hpp"

namespace paygate {

struct channel;

/// Why a message was refused. `busy`, `unavailable`, `not_owner` and `crashed` say nothing about the message: it may be sent again.
/// `crashed`: the entity's step failed in a way that no message should cause; after some of these it is quarantined.
enum class refusal : std::uint8_t { not_found, invalid, conflict, out_of_order, wrong_kind, quarantined, busy, unavailable, not_owner, crashed };

/// The same message may well be taken later.
constexpr bool is_for_now(refusal code) {
  return code == refusal::busy || code == refusal::unavailable || code == refusal::not_owner || code == refusal::crashed;
}
template <>
struct enum_names<refusal> {
  static constexpr std::string_view type = "refusal";
  static constexpr std::string_view values[]
    = {"not_found", "invalid", "conflict", "out_of_order", "wrong_kind", "quarantined", "busy", "unavailable", "not_owner", "crashed"};
};

struct refused { refusal code = refusal::invalid; std::string text; bool operator==(const refused&) const = default; };
struct ok { bool operator==(const ok&) const = default; };

/// For the status page: what the subscriber may know.
struct payment_view {
  std::string order_id, status, channel_title, invoice_url, invite_link;
  bool inside = false; ///< Paid, and there is no link because they are in already.
  bool operator==(const payment_view&) const = default;
};
/// A registered channel's terms. Shared, because every offer shown passes it on.
struct channel_view { std::shared_ptr<const channel> terms; bool operator==(const channel_view&) const = default; };
struct subscription_extended { timestamp starts_at{}, ends_at{}; bool operator==(const subscription_extended&) const = default; };
struct transfer_view {
  std::string status; ///< transfer_status as text.
  std::string tx_hash;
  std::int64_t nonce = -1, gas_used = 0;
  eth_amount gas_fee;
  std::string alert;  ///< Why it waits, when it does.
  bool operator==(const transfer_view&) const = default;
};

/// What a promo code makes of a price, and its terms in a few words.
struct promo_price { usd_amount price; std::string words; bool operator==(const promo_price&) const = default; };

/// The round of reconciliation that will see everything that happened before the question.
struct round_view { std::int64_t round = 0; bool operator==(const round_view&) const = default; };

/// Whose a name is: empty, nobody's.
struct name_view {
  std::string account_id;
  bool confirmed = false;
  bool operator==(const name_view&) const = default;
};
/// What a log-in needs. `wait` > 0: this network has to wait so long, and the password is not looked at. An empty hash: nobody can log in.
struct login_view {
  milliseconds wait{0};
  std::string password_hash;
  bool operator==(const login_view&) const = default;
};
/// An account as its owner sees it.
struct account_view {
  std::string account_id, status, user_name, email, pending_email;
  std::int64_t telegram_user_id = 0;
  std::string telegram_name;
  std::int64_t login_epoch = 0;
  timestamp opened_at{};
  bool operator==(const account_view&) const = default;
};
struct session_view {
  std::string account_id;
  std::int64_t generation = 0;
  bool operator==(const session_view&) const = default;
};

/// What an entity answers, after its step is committed.
using entity_reply = std::variant<ok, refused, payment_view, channel_view, subscription_extended, transfer_view, round_view, promo_price,
                                  name_view, login_view, account_view, session_view>;

} // namespace paygate
