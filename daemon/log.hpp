#pragma once

#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "messages/log.hpp"
#include "messages/time.hpp"

namespace spdlog::sinks {
class sink;
}

namespace paygate {

class secret_store;
struct settings;

/// Starts logging to stderr through spdlog, by log.level and log.format, with every secret of `secrets` masked. `secrets` must live as long
/// as anything logs. Call it once, before threads start.
void start_log(const settings& s, const secret_store& secrets);

/// Changes the level at run time; safe from any thread. False for a word that is none: debug, info, warning, error.
bool set_log_level(std::string_view level);

/// The word of the level that holds.
std::string_view log_level_now();

/// The same with parts of one's own, for tests: where lines go and how they are cleaned.
void start_log(std::shared_ptr<spdlog::sinks::sink> out, bool json, std::function<std::string(std::string_view)> redact);

/// One line without its end: {"ts":"...","level":"info","event":"started","port":"8080"}. Control characters are escaped, bytes that are no
/// UTF-8 become U+FFFD: one event is one line, whatever is in it.
std::string json_log_line(timestamp at, log_level level, std::string_view event, const std::vector<log_field>& fields);
/// For people: 2026-11-21T07:00:00.000000Z info started port="8080"
std::string text_log_line(timestamp at, log_level level, std::string_view event, const std::vector<log_field>& fields);

} // namespace paygate
