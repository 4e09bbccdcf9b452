#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "messages/effects.hpp"

namespace paygate {

enum class promo_code_status : std::uint8_t { open, disabled };
template <>
struct enum_names<promo_code_status> {
  static constexpr std::string_view type = "promo_code_status";
  static constexpr std::string_view values[] = {"open", "disabled"};
};

/// One order that uses the code. A child row, table `promo_use`; unique by order.
struct promo_use {
  std::string order_id;
  std::string promo_id;
  std::int64_t user_id = 0;
  usd_amount price;                     ///< What the code made of its price.
  timestamp redeemed_at{};
  std::optional<timestamp> released_at; ///< The order came to nothing: this is no use any more.
  bool operator==(const promo_use&) const = default;

  template <class Self, class F>
  static void each_field(Self& self, F&& f) {
    f("order_id", self.order_id);
    f("promo_id", self.promo_id);
    f("user_id", self.user_id);
    f("price_usd", self.price);
    f("redeemed_at", self.redeemed_at);
    f("released_at", self.released_at);
  }
};

/// A code that lowers the price of a channel's tiers: the snapshot. Its name is its id, so no two of a channel are the same.
struct promo_code {
  static constexpr std::int32_t uses_limit = 10'000; ///< All uses are in memory with it.
  promo_code_status status = promo_code_status::open;
  std::int64_t channel_id = 0;
  std::string code;                     ///< 3 to 24 of A-Z, 0-9, '-' and '_'.
  std::int32_t percent = 0;             ///< 1 to 100 off; or
  usd_amount fixed;                     ///< so many dollars off: one of the two.
  std::int32_t uses_max = 0;            ///< 1 to uses_limit.
  std::int32_t uses_per_user = 1;       ///< 1 to uses_max.
  std::optional<timestamp> expires_at;
  std::vector<promo_use> uses;          ///< Child rows.
  bool operator==(const promo_code&) const = default;

  template <class Self, class F>
  static void each_field(Self& self, F&& f) {
    f("status", self.status);
    f("channel_id", self.channel_id);
    f("code", self.code);
    f("percent", self.percent);
    f("fixed_usd", self.fixed);
    f("uses_max", self.uses_max);
    f("uses_per_user", self.uses_per_user);
    f("expires_at", self.expires_at);
  }
};

/// Command of the owner: makes the code, or changes its terms and opens it again. What was redeemed keeps its price. Refused as `invalid`
/// with the term that cannot be.
struct set_promo {
  std::int64_t channel_id = 0;
  std::string code;
  std::int32_t percent = 0;
  usd_amount fixed;
  std::int32_t uses_max = 1, uses_per_user = 1;
  std::optional<timestamp> expires_at;
};
/// Command of the owner: nobody can use it from now on. A repeat changes nothing.
struct disable_promo {};
/// Command: what it would make of that price for that user -> promo_price. Refused as `not_found` or, with the words for the person, as
/// `out_of_order` when it cannot be used.
struct quote_promo {
  std::int64_t user_id = 0;
  usd_amount price;
};
/// Command: this order uses it -> promo_price; refused as quote_promo. Idempotent per order. `anyway`: the order had a use, lost it because
/// it seemed to come to nothing, and was paid all the same: it counts again whatever the limits say.
struct redeem_promo {
  std::string order_id;
  std::int64_t user_id = 0;
  usd_amount price;
  bool anyway = false;
};
/// Command: the order came to nothing. Answers `ok`, also for one that is not known.
struct release_promo { std::string order_id; };

using promo_code_message = std::variant<effect_done, set_promo, disable_promo, quote_promo, redeem_promo, release_promo>;

} // namespace paygate
