#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "config/settings.hpp"

// How single settings are read and written. For this folder alone.
namespace paygate {

/// "15min": the longest unit that says it exactly.
std::string span_text(setting_span span);
/// "0.50" as basis points, exactly; nothing for anything finer, negative or above 1.
std::optional<std::int64_t> share_bps(const std::string& text);
/// An exact decimal in 10^-18 units; nothing below 0.
std::optional<int128> not_negative(const std::string& text);
/// gwei -> wei: 10^9 of 10^-18 units are one wei.
std::optional<int128> gwei_to_wei(const std::string& text);
/// "72h", "30min", "90s"; nothing for anything else.
std::optional<seconds> span_of(std::string_view text);
bool in_node_name(char c);

} // namespace paygate
