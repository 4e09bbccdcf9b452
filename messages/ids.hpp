#pragma once

#include <compare>
#include <cstdint>
#include <string>

#include "messages/enums.hpp"
#include "messages/time.hpp"

namespace paygate {

/// Every kind of durable entity. Values are stored as text; append only.
enum class entity_kind : std::uint8_t {
  payment,
  subscription,
  channel,
  conversation,
  payout,
  wallet,
  poller,
  conversion,
  scheduler,
  reconciliation,
  broadcast,
  promo_code,
  account,
  login_name,
  session
};

template <>
struct enum_names<entity_kind> {
  static constexpr std::string_view type = "entity_kind";
  static constexpr std::string_view values[] = {"payment", "subscription", "channel",   "conversation",   "payout",   "wallet",
                                                "poller",  "conversion",   "scheduler", "reconciliation", "broadcast", "promo_code",
                                                "account", "login_name",   "session"};
};

/// The identity of an entity. Ids by kind:
///   payment: its order id (new_order_id); subscription: "<channel id>:<user id>"; channel: the open channel's chat id;
///   conversation: the chat id; payout: "<payment order id>", of a refund "<payment
///   order id>.refund" (the next ".refund2"), of gathered accruals "<channel id>.<eth|usdt>.<scheduler's round>"; wallet: the address,
///   lower case; poller: "main"; conversion: "c<round>"; scheduler: "conversions", "payouts" or "broadcasts"; reconciliation: "main";
///   broadcast: one like an order's, of a scheduled post
///   "<channel id>.<offer|donation>.<when it is due, microseconds>"; promo_code: "<channel id>:<CODE>";
///   account: new_order_id, of a phantom "phantom-<n>"; login_name: "name:<folded>" or "mail:<folded>"; session: new_order_id.
struct entity_ref {
  entity_kind kind = entity_kind::payment;
  std::string id;
  auto operator<=>(const entity_ref&) const = default;
};

/// "payment/01J...": for logs, metrics and effect ids.
std::string to_text(const entity_ref& ref);

inline constexpr std::uint32_t shard_count = 256;

/// The shard an entity lives in: FNV-1a 64 over "kind/id", folded to shard_count. Stored in every row; never change it.
std::uint32_t shard_of(const entity_ref& ref);

/// The login_name of a user name and of an e-mail address: they are the same in whatever case they are written.
std::string name_id(std::string_view user_name);
std::string mail_id(std::string_view email);

/// A unique order id that sorts by time and names no personal data: 26 characters of Crockford base32, like a ULID.
/// The tail is a hash of `seed`, so the same request makes the same id however often it is repeated.
std::string new_order_id(timestamp now, std::string_view seed);

} // namespace paygate
