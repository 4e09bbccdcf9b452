#include "daemon/clock.hpp"

namespace paygate {

timestamp system_clock_port::now() const {
  return std::chrono::floor<std::chrono::microseconds>(std::chrono::system_clock::now()) + milliseconds(offset_ms_.load());
}

} // namespace paygate
