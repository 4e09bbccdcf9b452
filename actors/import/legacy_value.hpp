#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "messages/money.hpp"
#include "messages/time.hpp"

// What a predecessor wrote into its columns, read without trust: texts with stray line ends, floats in text, dates in several forms. Each
// answers nothing for what cannot be meant. Pure.
namespace paygate::importing {

/// Without the white space around it. Nothing when it is no UTF-8, or holds control characters (line breaks inside are let through), also
/// when these are written as escapes ("\u0000", "\x00").
std::optional<std::string> clean_text(std::string_view raw);

/// An amount above zero and below 10^9. "1e-7" and "0.30000000000000004" are numbers; NaN and infinities are none. More than 18 decimals
/// are cut off.
std::optional<int128> positive_amount(std::string_view raw);
/// A price in cents: what a float made of it ("29.990000000000002") is taken for what was meant.
std::optional<int128> price(std::string_view raw);

/// A whole number, also "-1001234567890.0" and "1.5e9".
std::optional<std::int64_t> whole_number(std::string_view raw);

/// "t", "true", "1", "yes" and their opposites.
std::optional<bool> truth(std::string_view raw);

/// The end of a subscription. Nothing later is stored: whoever pays again extends from there.
timestamp last_end();

struct moment {
  timestamp at{};
  bool day_only = false; ///< Only a date was given: `at` is its first instant.
};
/// Unix seconds, milliseconds or microseconds ("1767225600", "1767225600.5", "1.7672256e9"), ISO 8601 and PostgreSQL's forms
/// ("2026-01-01", "2026-01-01T00:00:00Z", "2026-01-01 02:00:00.5+02"); without a zone it is UTC. From 2000 to 9999.
std::optional<moment> instant(std::string_view raw);
/// "12:30", "12:30:00": a time of day.
std::optional<std::chrono::microseconds> time_of_day(std::string_view raw);

/// When access ends by a row's expire_time and expire_date, which may both be instants, or a time of day and a date. Two that differ by
/// more than a day disagree: the later one is taken.
struct end_of_access {
  timestamp at{};
  bool disagree = false;
};
std::optional<end_of_access> access_end(std::string_view expire_time, std::string_view expire_date);

/// Can be written to: one "@", no white space, a dot in the domain. ASCII.
bool is_mail_address(std::string_view text);
/// 3 to 64 letters, digits, "_", "." and "-".
bool is_user_name(std::string_view text);

} // namespace paygate::importing
