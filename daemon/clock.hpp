#pragma once

#include <atomic>

#include "messages/ports.hpp"

namespace paygate {

/// The machine's clock, moved ahead by what the sandbox asked for. Nothing else in the program reads the machine's clock for business.
class system_clock_port : public business_clock {
public:
  timestamp now() const override;
  /// Moves business time; only ever ahead. @pre by >= 0.
  void advance(milliseconds by) { offset_ms_ += by.count(); }

private:
  std::atomic<std::int64_t> offset_ms_{0};
};

} // namespace paygate
