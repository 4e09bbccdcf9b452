#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "messages/effects.hpp"

namespace paygate {

enum class payout_strategy : std::uint8_t { instant, threshold };
template <>
struct enum_names<payout_strategy> {
  static constexpr std::string_view type = "payout_strategy";
  static constexpr std::string_view values[] = {"instant", "threshold"};
};

enum class channel_status : std::uint8_t { registered, offered, closed };
template <>
struct enum_names<channel_status> {
  static constexpr std::string_view type = "channel_status";
  static constexpr std::string_view values[] = {"registered", "offered", "closed"};
};

/// A price for a time of access. days == 0: there is no such tier.
struct tier {
  usd_amount price;
  std::int32_t days = 0;
  bool operator==(const tier&) const = default;
};

/// A registered channel: the snapshot. It owes an offer post in the open channel while `offer_message_id` is 0.
struct channel {
  channel_status status = channel_status::registered;
  std::int64_t open_channel_id = 0;   ///< Where the offer is posted; the entity's id.
  std::int64_t closed_channel_id = 0; ///< What people pay for.
  std::string open_title, closed_title, description;
  std::int64_t owner_chat_id = 0;     ///< Where the owner is told; 0 when the owner has no chat with the bot.
  std::array<tier, 3> tiers;
  bool donations = true;
  payout_strategy strategy = payout_strategy::instant;
  usd_amount threshold;
  asset payout_asset;                 ///< What the owner wants.
  std::string payout_address, payout_extra_id;
  std::int64_t offer_message_id = 0;
  bool operator==(const channel&) const = default;

  template <class Self, class F>
  static void each_field(Self& self, F&& f) {
    f("status", self.status);
    f("open_channel_id", self.open_channel_id);
    f("closed_channel_id", self.closed_channel_id);
    f("open_title", self.open_title);
    f("closed_title", self.closed_title);
    f("description", self.description);
    f("owner_chat_id", self.owner_chat_id);
    f("tier_1_price_usd", self.tiers[0].price);
    f("tier_1_days", self.tiers[0].days);
    f("tier_2_price_usd", self.tiers[1].price);
    f("tier_2_days", self.tiers[1].days);
    f("tier_3_price_usd", self.tiers[2].price);
    f("tier_3_days", self.tiers[2].days);
    f("donations", self.donations);
    f("strategy", self.strategy);
    f("threshold_usd", self.threshold);
    f("payout_ticker", self.payout_asset.ticker);
    f("payout_network", self.payout_asset.network);
    f("payout_address", self.payout_address);
    f("payout_extra_id", self.payout_extra_id);
    f("offer_message_id", self.offer_message_id);
  }
};

/// Command: registers the channel, or changes a registered one to these terms. status and offer_message_id of `terms` are ignored.
/// Refused as `invalid` when a term cannot be (no tier, days without price, a mistyped payout address, ...); the text says which. A
/// payout_extra_id of "none" says that this wallet needs no memo where its network has them; it is stored as empty.
struct register_channel { channel terms; };
/// Command: answers the terms (`channel`), refused as `not_found` when it was never registered or is closed to new sales.
struct get_channel {};

using channel_message = std::variant<effect_done, register_channel, get_channel>;

} // namespace paygate
