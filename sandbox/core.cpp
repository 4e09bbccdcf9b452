#include "sandbox/core.hpp"

#include <cctype>
#include <cstdio>
#include <ctime>

namespace sandbox {

namespace chr = std::chrono;

std::string iso_time(time_point at) {
  const auto ms = chr::duration_cast<chr::milliseconds>(at.time_since_epoch()).count();
  const std::time_t seconds = static_cast<std::time_t>(ms / 1000);
  std::tm parts{};
  gmtime_r(&seconds, &parts);
  char text[40];
  const auto length = std::strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &parts);
  std::snprintf(text + length, sizeof text - length, ".%03dZ", static_cast<int>(ms % 1000));
  return text;
}

std::int64_t unix_seconds(time_point at) { return chr::duration_cast<chr::seconds>(at.time_since_epoch()).count(); }

std::optional<chr::milliseconds> parse_span(const std::string& text) {
  chr::milliseconds sum{0};
  std::size_t at = 0;
  if (text.empty()) return std::nullopt;
  while (at < text.size()) {
    std::int64_t value = 0;
    const auto start = at;
    for (; at < text.size() && std::isdigit(static_cast<unsigned char>(text[at])); ++at) value = value * 10 + (text[at] - '0');
    if (at == start || at - start > 9) return std::nullopt;
    const auto unit_start = at;
    while (at < text.size() && std::isalpha(static_cast<unsigned char>(text[at]))) ++at;
    const std::string unit = text.substr(unit_start, at - unit_start);
    if (unit == "ms")
      sum += chr::milliseconds(value);
    else if (unit == "s")
      sum += chr::seconds(value);
    else if (unit == "m")
      sum += chr::minutes(value);
    else if (unit == "h")
      sum += chr::hours(value);
    else if (unit == "d")
      sum += chr::hours(24 * value);
    else
      return std::nullopt;
  }
  if (sum.count() <= 0 || sum > chr::hours(24 * 3660)) return std::nullopt;
  return sum;
}

core::core(settings from) : set(std::move(from)), random_(std::random_device{}()) {}

std::string core::random_of(const std::string& alphabet, std::size_t length) {
  std::string out;
  while (out.size() < length) out += alphabet[random_() % alphabet.size()];
  return out;
}

std::string core::random_hex(std::size_t digits) { return random_of("0123456789abcdef", digits); }

void core::note(log_line line) {
  constexpr std::size_t lines_max = 20'000;
  constexpr std::size_t text_max = 4'000;
  const std::lock_guard lock(log_mutex_);
  line.number = next_line_++;
  if (line.body.size() > text_max) line.body.resize(text_max);
  if (line.answer.size() > text_max) line.answer.resize(text_max);
  ++counters_[line.provider + ".requests"];
  if (!line.fault.empty()) ++counters_[line.provider + ".faults"];
  lines_.push_back(std::move(line));
  if (lines_.size() > lines_max) lines_.pop_front();
}

json core::log(std::size_t limit, const std::string& provider, const std::string& path) {
  const std::lock_guard lock(log_mutex_);
  json out = json::array();
  for (auto line = lines_.rbegin(); line != lines_.rend() && out.size() < limit; ++line) {
    if (!provider.empty() && line->provider != provider) continue;
    if (line->path.find(path) == std::string::npos) continue;
    out.push(json::object({{"n", line->number},
                           {"at", iso_time(line->at)},
                           {"provider", line->provider},
                           {"method", line->method},
                           {"path", line->path},
                           {"body", line->body},
                           {"status", line->status},
                           {"answer", line->answer},
                           {"ms", line->ms},
                           {"fault", line->fault}}));
  }
  return out;
}

json core::counters() {
  const std::lock_guard lock(log_mutex_);
  json out = json::object();
  for (const auto& [name, value] : counters_) out.set(name, value);
  return out;
}

void core::count(const std::string& name, std::int64_t by) {
  const std::lock_guard lock(log_mutex_);
  counters_[name] += by;
}

void core::clear_log() {
  const std::lock_guard lock(log_mutex_);
  lines_.clear();
  counters_.clear();
}

} // namespace sandbox
