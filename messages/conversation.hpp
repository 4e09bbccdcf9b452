#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "messages/effects.hpp"

namespace paygate {

struct channel;

/// What the chat is waiting for. The two middle ones are work of ours, the others wait for the person.
enum class conversation_status : std::uint8_t {
  idle,        ///< Nothing is going on.
  looking_up,  ///< A deep link was followed: the channel's terms are being fetched.
  offered,     ///< The tier with its Pay button is (to be) shown.
  ordering     ///< Pay was pressed: the payment is being created; it sends the pay link itself.
};
template <>
struct enum_names<conversation_status> {
  static constexpr std::string_view type = "conversation_status";
  static constexpr std::string_view values[] = {"idle", "looking_up", "offered", "ordering"};
};

/// What is still to be sent to the chat. A newer view replaces one that was not sent yet: the person sees the answer to their last word.
enum class conversation_view : std::uint8_t { none, help, offer, unknown_link, not_for_sale, use_buttons };
template <>
struct enum_names<conversation_view> {
  static constexpr std::string_view type = "conversation_view";
  static constexpr std::string_view values[] = {"none", "help", "offer", "unknown_link", "not_for_sale", "use_buttons"};
};

/// A private chat with the bot: the snapshot.
struct conversation {
  conversation_status status = conversation_status::idle;
  std::int64_t chat_id = 0, user_id = 0;
  std::string user_name;
  std::int64_t last_update_id = 0;  ///< Updates up to here are handled: a repeat changes nothing.
  conversation_view owed_view = conversation_view::none;
  std::int64_t view_seq = 0;        ///< Counts views, so that a late answer to an older one is told apart.
  std::string open_callback;        ///< A callback query to be answered; a leading '!' marks a press on an offer that is no longer valid.
  std::int64_t channel_id = 0;
  std::int32_t tier = 0;
  std::string channel_title;
  usd_amount price;
  std::int32_t days = 0;
  std::string order_id;             ///< The order that Pay makes; made when the offer is, so that a second press is the same order.
  std::shared_ptr<const channel> terms; ///< While ordering: the channel's terms of this moment. Not stored: fetched again after a restart.
  bool operator==(const conversation&) const = default;

  template <class Self, class F>
  static void each_field(Self& self, F&& f) {
    f("status", self.status);
    f("chat_id", self.chat_id);
    f("user_id", self.user_id);
    f("user_name", self.user_name);
    f("last_update_id", self.last_update_id);
    f("owed_view", self.owed_view);
    f("view_seq", self.view_seq);
    f("open_callback", self.open_callback);
    f("channel_id", self.channel_id);
    f("tier", self.tier);
    f("channel_title", self.channel_title);
    f("price_usd", self.price);
    f("days", self.days);
    f("order_id", self.order_id);
  }
};

/// Event: Telegram handed us an update of this chat. Answers `ok` once it is committed, also for a repeat.
struct update_received { chat_update update; };

using conversation_message = std::variant<effect_done, update_received>;

} // namespace paygate
