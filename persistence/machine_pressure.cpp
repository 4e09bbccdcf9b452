#include "persistence/machine_pressure.hpp"

#include <algorithm>
#include <chrono>
#include <fstream>
#include <mutex>
#include <string>

namespace paygate {

namespace {

struct processor_time {
  std::uint64_t idle = 0, all = 0;
};

/// The first line of /proc/stat: user, nice, system, idle, iowait, irq, softirq, steal, ...
processor_time read_processor_time() {
  std::ifstream file("/proc/stat");
  std::string word;
  processor_time time;
  if (!(file >> word) || word != "cpu") return {};
  std::uint64_t value = 0;
  for (int column = 0; column < 8 && file >> value; ++column) {
    time.all += value;
    if (column == 3 || column == 4) time.idle += value;
  }
  return time;
}

} // namespace

unsigned pressure_gauge::look(std::uint64_t idle, std::uint64_t all, std::uint64_t spans) {
  constexpr std::uint64_t busy_below = 10; // Idle for less than one part in so many.
  if (all <= all_) return level_;
  const bool busy = idle < idle_ + (all - all_) / busy_below;
  if (all_ == 0)
    level_ = 0;
  else if (!busy)
    level_ -= static_cast<unsigned>(std::min<std::uint64_t>(level_, spans));
  else
    level_ += level_ < most;
  idle_ = idle;
  all_ = all;
  return level_;
}

unsigned machine_pressure() {
  constexpr std::chrono::milliseconds span{200};
  static std::mutex mutex;
  static pressure_gauge gauge;
  static std::chrono::steady_clock::time_point looked{};
  static unsigned pressure = 0;
  const std::lock_guard guard(mutex);
  const auto now = std::chrono::steady_clock::now();
  const auto spans = (now - looked) / span;
  if (spans == 0) return pressure;
  looked = now;
  const auto time = read_processor_time();
  return pressure = gauge.look(time.idle, time.all, static_cast<std::uint64_t>(spans));
}

} // namespace paygate
