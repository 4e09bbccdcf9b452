#pragma once

#include <string>
#include <string_view>

#include "messages/channel.hpp"

// What a channel's terms may be: asked by the channel itself, and by the owner's form before it saves.
namespace paygate {

inline constexpr std::size_t title_max = 255, description_max = 2000; ///< Bytes.
inline constexpr std::int32_t days_max = 3660, trial_days_max = 365;
inline const usd_amount price_max = usd_amount::of_units(one_coin * 1'000'000);

/// A text that every store and every messenger takes: no control characters but line breaks, valid UTF-8 in form.
bool is_clean(std::string_view text);

/// The value has two decimals at most.
bool has_cents_only(usd_amount value);

/// What of these terms cannot be; empty when all can.
std::string objection_to_terms(const channel& terms);

/// What cannot be a place to be paid to; empty when it can.
std::string objection_to_payout(const asset& target, const std::string& address, const std::string& extra_id);

} // namespace paygate
