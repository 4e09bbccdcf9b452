#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>

namespace paygate {

enum class log_level : unsigned char { debug, info, warning, error };

/// One key and value of a structured log line.
struct log_field {
  std::string_view key;
  std::string value;
};

/// Where log lines go; set once by the main before threads start. `event` is a stable id ("payout_funded"), never a sentence.
using log_sink = std::function<void(log_level, std::string_view event, std::initializer_list<log_field>)>;
void set_log_sink(log_sink sink);

/// Writes a line through the sink; nothing happens without one. Safe from any thread. The sink redacts secrets, but do not hand it any.
void log(log_level level, std::string_view event, std::initializer_list<log_field> fields = {});

} // namespace paygate
