#include "actors/import/legacy_value.hpp"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <limits>

#include "messages/text.hpp"

namespace paygate::importing {

namespace {

constexpr int128 sane_max = one_coin * 1'000'000'000;

bool is_space(char c) { return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v'; }
bool is_digit(char c) { return c >= '0' && c <= '9'; }

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  while (!text.empty() && is_space(text.back())) text.remove_suffix(1);
  return text;
}

/// Reads a number of `digits` digits off the front.
std::optional<int> take_digits(std::string_view& text, std::size_t digits) {
  if (text.size() < digits || !std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(digits), is_digit)) return std::nullopt;
  int value = 0;
  std::from_chars(text.data(), text.data() + digits, value);
  text.remove_prefix(digits);
  return value;
}

bool take(std::string_view& text, char c) {
  if (text.empty() || text.front() != c) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<std::chrono::microseconds> take_time(std::string_view& text) {
  const auto hours = take_digits(text, 2);
  if (!hours || *hours > 23 || !take(text, ':')) return std::nullopt;
  const auto minutes = take_digits(text, 2);
  if (!minutes || *minutes > 59) return std::nullopt;
  std::chrono::microseconds time = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
  if (!take(text, ':')) return time;
  const auto secs = take_digits(text, 2);
  if (!secs || *secs > 59) return std::nullopt;
  time += std::chrono::seconds(*secs);
  if (!take(text, '.')) return time;
  if (text.empty() || !is_digit(text.front())) return std::nullopt;
  for (std::int64_t unit = 100'000; !text.empty() && is_digit(text.front()); unit /= 10, text.remove_prefix(1))
    time += std::chrono::microseconds((text.front() - '0') * unit);
  return time;
}

/// "Z", "+02", "+0200", "+02:00" or nothing.
std::optional<std::chrono::minutes> take_zone(std::string_view& text) {
  if (text.empty() || take(text, 'Z') || take(text, 'z')) return std::chrono::minutes(0);
  const bool west = text.front() == '-';
  if (!west && text.front() != '+') return std::nullopt;
  text.remove_prefix(1);
  const auto hours = take_digits(text, 2);
  if (!hours || *hours > 15) return std::nullopt;
  take(text, ':');
  const auto minutes = text.empty() ? std::optional<int>(0) : take_digits(text, 2);
  if (!minutes || *minutes > 59) return std::nullopt;
  const auto offset = std::chrono::hours(*hours) + std::chrono::minutes(*minutes);
  return west ? -offset : offset;
}

std::optional<moment> in_range(timestamp at, bool day_only) {
  using namespace std::chrono;
  if (at < sys_days(year(2000) / 1 / 1) || at >= sys_days(year(10000) / 1 / 1)) return std::nullopt;
  return moment{at, day_only};
}

std::optional<moment> iso_instant(std::string_view text) {
  const auto y = take_digits(text, 4);
  if (!y || !take(text, '-')) return std::nullopt;
  const auto m = take_digits(text, 2);
  if (!m || !take(text, '-')) return std::nullopt;
  const auto d = take_digits(text, 2);
  if (!d) return std::nullopt;
  const std::chrono::year_month_day date(std::chrono::year(*y), std::chrono::month(static_cast<unsigned>(*m)),
                                         std::chrono::day(static_cast<unsigned>(*d)));
  if (!date.ok()) return std::nullopt;
  const timestamp day{std::chrono::sys_days(date)};
  if (text.empty()) return in_range(day, true);
  if (!take(text, 'T') && !take(text, 't') && !take(text, ' ')) return std::nullopt;
  const auto time = take_time(text);
  if (!time) return std::nullopt;
  const auto zone = take_zone(text);
  if (!zone || !text.empty()) return std::nullopt;
  return in_range(day + *time - *zone, false);
}

std::optional<moment> unix_instant(std::string_view text) {
  const auto read = parse_decimal(text);
  if (!read || read->units <= 0) return std::nullopt;
  // What would be far beyond the year 9999 in seconds was meant in a finer unit.
  constexpr int128 seconds_max = one_coin * 253'402'300'800;
  int128 micros = read->units / (one_coin / 1'000'000);
  if (read->units >= seconds_max) micros = read->units / (one_coin / 1'000);
  if (read->units >= seconds_max * 1'000) micros = read->units / one_coin;
  if (micros > 253'402'300'799'999'999) return std::nullopt;
  return in_range(timestamp(std::chrono::microseconds(static_cast<std::int64_t>(micros))), false);
}

} // namespace

std::optional<std::string> clean_text(std::string_view raw) {
  const auto text = trimmed(raw);
  if (!is_utf8(text)) return std::nullopt;
  for (unsigned char c : text)
    if ((c < 0x20 && c != '\n') || c == 0x7f) return std::nullopt;
  for (std::string_view escape : {"\\u0000", "\\x00", "\\000"})
    if (text.find(escape) != text.npos) return std::nullopt;
  return std::string(text);
}

std::optional<int128> positive_amount(std::string_view raw) {
  const auto read = parse_decimal(trimmed(raw));
  if (!read || read->units <= 0 || read->units >= sane_max) return std::nullopt;
  return read->units;
}

std::optional<int128> price(std::string_view raw) {
  const auto units = positive_amount(raw);
  if (!units) return std::nullopt;
  constexpr int128 cent = one_coin / 100, tolerance = one_coin / 1'000'000;
  const auto nearest = (*units + cent / 2) / cent * cent;
  const auto off = *units > nearest ? *units - nearest : nearest - *units;
  if (nearest == 0 || off > tolerance) return std::nullopt;
  return nearest;
}

std::optional<std::int64_t> whole_number(std::string_view raw) {
  const auto text = trimmed(raw);
  const auto read = parse_decimal(text);
  if (!read || !read->exact || read->units % one_coin != 0) return std::nullopt;
  const auto value = read->units / one_coin;
  constexpr int128 max = std::numeric_limits<std::int64_t>::max();
  if (value > max || value < -max) return std::nullopt;
  return static_cast<std::int64_t>(value);
}

std::optional<bool> truth(std::string_view raw) {
  std::string word(trimmed(raw));
  std::transform(word.begin(), word.end(), word.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; });
  if (word == "t" || word == "true" || word == "1" || word == "yes" || word == "on") return true;
  if (word == "f" || word == "false" || word == "0" || word == "no" || word == "off") return false;
  return std::nullopt;
}

timestamp last_end() { return timestamp{std::chrono::sys_days(std::chrono::year(2999) / 12 / 31)}; }

std::optional<moment> instant(std::string_view raw) {
  const auto text = trimmed(raw);
  if (text == "infinity") return moment{timestamp{std::chrono::sys_days(std::chrono::year(9999) / 12 / 31)}, false};
  if (text.size() > 4 && text[4] == '-') return iso_instant(text);
  return unix_instant(text);
}

std::optional<std::chrono::microseconds> time_of_day(std::string_view raw) {
  auto text = trimmed(raw);
  const auto time = take_time(text);
  if (!time || !text.empty()) return std::nullopt;
  return time;
}

std::optional<end_of_access> access_end(std::string_view expire_time, std::string_view expire_date) {
  using std::chrono::days;
  auto by_time = instant(expire_time);
  auto by_date = instant(expire_date);
  if (by_date && by_date->day_only) {
    // The day itself is still paid for, unless the other column names its hour.
    const auto hour = time_of_day(expire_time);
    by_date->at += hour ? *hour : std::chrono::microseconds(days(1));
  }
  if (by_time && by_time->day_only) by_time->at += days(1);
  if (!by_time && !by_date) return std::nullopt;
  if (!by_time || !by_date) return end_of_access{by_time ? by_time->at : by_date->at, false};
  const auto apart = by_time->at > by_date->at ? by_time->at - by_date->at : by_date->at - by_time->at;
  // A date alone says nothing about the hour: the instant does.
  if (by_date->day_only && apart <= days(1)) return end_of_access{by_time->at, false};
  return end_of_access{std::max(by_time->at, by_date->at), apart > days(1)};
}

bool is_mail_address(std::string_view text) {
  const auto at = text.find('@');
  if (text.size() > 254 || at == text.npos || at == 0 || text.rfind('@') != at) return false;
  const auto domain = text.substr(at + 1);
  const auto dot = domain.find('.');
  if (dot == domain.npos || dot == 0 || domain.back() == '.') return false;
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return c > ' ' && c < 0x7f && std::string_view(",;:<>()[]\\\"").find(c) == std::string_view::npos; });
}

bool is_user_name(std::string_view text) {
  return text.size() >= 3 && text.size() <= 64 && std::all_of(text.begin(), text.end(), [](char c) {
           return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '.' || c == '-';
         });
}

} // namespace paygate::importing
