#include "config/setting_values.hpp"

#include <array>
#include <charconv>

namespace paygate {

std::string span_text(setting_span span) {
  struct unit {
    const char* name;
    std::int64_t nanos;
  };
  static constexpr std::array<unit, 6> units{
      {{"h", 3'600'000'000'000}, {"min", 60'000'000'000}, {"s", 1'000'000'000}, {"ms", 1'000'000}, {"us", 1'000}, {"ns", 1}}};
  if (span.count() == 0) return "0s";
  for (const auto& [name, nanos] : units)
    if (span.count() % nanos == 0) return std::to_string(span.count() / nanos) + name;
  return std::to_string(span.count()) + "ns";
}

std::optional<std::int64_t> share_bps(const std::string& text) {
  const auto value = parse_decimal(text);
  const int128 unit = one_coin / 10'000;
  if (!value || !value->exact || value->units < 0 || value->units > one_coin || value->units % unit != 0) return std::nullopt;
  return static_cast<std::int64_t>(value->units / unit);
}

std::optional<int128> not_negative(const std::string& text) {
  const auto value = parse_decimal(text);
  if (!value || !value->exact || value->units < 0) return std::nullopt;
  return value->units;
}

std::optional<int128> gwei_to_wei(const std::string& text) {
  const auto units = not_negative(text);
  const int128 per_wei = one_coin / 1'000'000'000;
  if (!units || *units % per_wei != 0) return std::nullopt;
  return *units / per_wei;
}

std::optional<seconds> span_of(std::string_view text) {
  std::int64_t count = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), count);
  if (error != std::errc{} || count < 1 || count > 1'000'000) return std::nullopt;
  const std::string_view unit(end, static_cast<std::size_t>(text.data() + text.size() - end));
  if (unit == "h") return std::chrono::hours(count);
  if (unit == "min") return std::chrono::minutes(count);
  if (unit == "s") return seconds(count);
  return std::nullopt;
}

bool in_node_name(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-'; }

} // namespace paygate
