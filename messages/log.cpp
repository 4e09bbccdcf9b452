#include "messages/log.hpp"

namespace paygate {

namespace {
log_sink& sink() {
  static log_sink instance;
  return instance;
}
} // namespace

void set_log_sink(log_sink new_sink) { sink() = std::move(new_sink); }

void log(log_level level, std::string_view event, std::initializer_list<log_field> fields) {
  if (const auto& write = sink()) write(level, event, fields);
}

} // namespace paygate
