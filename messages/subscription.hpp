#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "messages/effects.hpp"

namespace paygate {

enum class subscription_status : std::uint8_t { active, expired };
template <>
struct enum_names<subscription_status> {
  static constexpr std::string_view type = "subscription_status";
  static constexpr std::string_view values[] = {"active", "expired"};
};

/// A stretch of access bought by one order. A child row, table `subscription_period`; unique by order: an order extends once.
struct subscription_period {
  std::string order_id;
  std::string subscription_id;
  timestamp starts_at{}, ends_at{};
  bool operator==(const subscription_period&) const = default;

  template <class Self, class F>
  static void each_field(Self& self, F&& f) {
    f("order_id", self.order_id);
    f("subscription_id", self.subscription_id);
    f("starts_at", self.starts_at);
    f("ends_at", self.ends_at);
  }
};

/// One user's access to one channel: the snapshot.
struct subscription {
  subscription_status status = subscription_status::active;
  std::int64_t channel_id = 0, closed_channel_id = 0, user_id = 0, chat_id = 0;
  std::string user_name, channel_title;
  timestamp starts_at{}, ends_at{};
  std::vector<subscription_period> periods; ///< Child rows.
  bool operator==(const subscription&) const = default;

  template <class Self, class F>
  static void each_field(Self& self, F&& f) {
    f("status", self.status);
    f("channel_id", self.channel_id);
    f("closed_channel_id", self.closed_channel_id);
    f("user_id", self.user_id);
    f("chat_id", self.chat_id);
    f("user_name", self.user_name);
    f("channel_title", self.channel_title);
    f("starts_at", self.starts_at);
    f("ends_at", self.ends_at);
  }
};

/// Command: one paid order extends the subscription by `days`, from its current end or from now, whichever is later. Once per order:
/// a repeat answers the same subscription_extended again.
struct extend_subscription {
  std::string order_id;
  std::int64_t channel_id = 0, closed_channel_id = 0, user_id = 0, chat_id = 0;
  std::string user_name, channel_title;
  std::int32_t days = 0;
  bool operator==(const extend_subscription&) const = default;
};

/// Command of an import: access that was bought from a predecessor, until `ends_at`. Once per order id; where there is access already, the later
/// end holds. Nothing is said to anybody about it.
struct import_subscription {
  std::string order_id;
  std::int64_t channel_id = 0, closed_channel_id = 0, user_id = 0, chat_id = 0;
  std::string user_name, channel_title;
  timestamp starts_at{}, ends_at{};
  bool operator==(const import_subscription&) const = default;
};

using subscription_message = std::variant<effect_done, extend_subscription, import_subscription>;

} // namespace paygate
