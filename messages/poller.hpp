#pragma once

#include <cstdint>
#include <string>
#include <variant>

#include "messages/effects.hpp"

namespace paygate {

enum class poller_status : std::uint8_t { polling, webhook };
template <>
struct enum_names<poller_status> {
  static constexpr std::string_view type = "poller_status";
  static constexpr std::string_view values[] = {"polling", "webhook"};
};

/// How updates come from Telegram to the whole cluster: an entity, so that its one long poll lives on exactly one node, and one tells
/// Telegram where to send them instead. The snapshot.
struct poller {
  poller_status status = poller_status::polling;
  std::int64_t next_offset = 0;
  std::string webhook_url; ///< As Telegram was last told; empty: none, updates are polled.
  bool operator==(const poller&) const = default;

  template <class Self, class F>
  static void each_field(Self& self, F&& f) {
    f("status", self.status);
    f("next_offset", self.next_offset);
    f("webhook_url", self.webhook_url);
  }
};

/// Command: starts polling at the first start of the system; a repeat changes nothing.
struct start_polling {};

using poller_message = std::variant<effect_done, start_polling>;

} // namespace paygate
