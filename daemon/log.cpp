#include "daemon/log.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <optional>

#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include "config/secrets.hpp"
#include "config/settings.hpp"

namespace paygate {

namespace {

constexpr std::array<std::string_view, 4> level_words{"debug", "info", "warning", "error"};
std::atomic<log_level> least_level{log_level::info};

std::optional<log_level> parse_level(std::string_view word) {
  for (std::size_t i = 0; i < level_words.size(); ++i)
    if (level_words[i] == word) return static_cast<log_level>(i);
  return std::nullopt;
}

/// Length of the UTF-8 character at the front, 0 when it is none (overlong, surrogate, cut off).
std::size_t utf8_length(std::string_view text) {
  const auto at = [&](std::size_t i) { return i < text.size() ? static_cast<unsigned char>(text[i]) : 0u; };
  const unsigned first = at(0);
  const auto follows = [&](std::size_t i) { return (at(i) & 0xc0u) == 0x80u; };
  if (first < 0x80) return 1;
  if (first >= 0xc2 && first <= 0xdf) return follows(1) ? 2 : 0;
  if (first >= 0xe0 && first <= 0xef) {
    const bool good = follows(1) && follows(2) && !(first == 0xe0 && at(1) < 0xa0) && !(first == 0xed && at(1) > 0x9f);
    return good ? 3 : 0;
  }
  if (first >= 0xf0 && first <= 0xf4) {
    const bool good = follows(1) && follows(2) && follows(3) && !(first == 0xf0 && at(1) < 0x90) && !(first == 0xf4 && at(1) > 0x8f);
    return good ? 4 : 0;
  }
  return 0;
}

void append_quoted(std::string& line, std::string_view text) {
  line += '"';
  while (!text.empty()) {
    const auto length = utf8_length(text);
    const char c = text.front();
    if (length == 0) {
      line += "\xef\xbf\xbd";
      text.remove_prefix(1);
      continue;
    }
    if (c == '"' || c == '\\')
      (line += '\\') += c;
    else if (c == '\n')
      line += "\\n";
    else if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) {
      char escape[8];
      std::snprintf(escape, sizeof escape, "\\u%04x", static_cast<unsigned>(c));
      line += escape;
    } else {
      line += text.substr(0, length);
    }
    text.remove_prefix(length);
  }
  line += '"';
}

} // namespace

std::string json_log_line(timestamp at, log_level level, std::string_view event, const std::vector<log_field>& fields) {
  std::string line = "{\"ts\":\"" + to_text(at) + "\",\"level\":\"";
  line += level_words[static_cast<std::size_t>(level)];
  line += "\",\"event\":";
  append_quoted(line, event);
  for (const auto& [key, value] : fields) {
    line += ',';
    append_quoted(line, key);
    line += ':';
    append_quoted(line, value);
  }
  return line + '}';
}

std::string text_log_line(timestamp at, log_level level, std::string_view event, const std::vector<log_field>& fields) {
  std::string line = to_text(at) + ' ';
  line += level_words[static_cast<std::size_t>(level)];
  line += ' ';
  line += event;
  for (const auto& [key, value] : fields) {
    line += ' ';
    line += key;
    line += '=';
    append_quoted(line, value);
  }
  return line;
}

bool set_log_level(std::string_view level) {
  const auto parsed = parse_level(level);
  if (parsed) least_level = *parsed;
  return parsed.has_value();
}

std::string_view log_level_now() { return level_words[static_cast<std::size_t>(least_level.load())]; }

void start_log(std::shared_ptr<spdlog::sinks::sink> out, bool json, std::function<std::string(std::string_view)> redact) {
  auto logger = std::make_shared<spdlog::logger>("paygated", std::move(out));
  logger->set_pattern("%v");
  logger->set_level(spdlog::level::trace);
  logger->flush_on(spdlog::level::trace);
  set_log_sink(
      [logger, json, redact = std::move(redact)](log_level level, std::string_view event, std::initializer_list<log_field> fields) {
        if (level < least_level.load(std::memory_order_relaxed)) return;
        const auto now = std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now());
        // Values are cleaned one by one, before they are escaped: a secret with a quote in it would look different afterwards.
        std::vector<log_field> clean;
        clean.reserve(fields.size());
        for (const auto& [key, value] : fields) clean.push_back({key, redact(value)});
        const auto line = json ? json_log_line(now, level, event, clean) : text_log_line(now, level, event, clean);
        logger->log(spdlog::level::info, spdlog::string_view_t(line));
      });
}

void start_log(const settings& s, const secret_store& secrets) {
  set_log_level(s.log.level);
  start_log(std::make_shared<spdlog::sinks::stderr_sink_mt>(), s.log.format == "json",
            [&secrets](std::string_view text) { return secrets.redact(text); });
}

} // namespace paygate
