#include "persistence/batch_pace.hpp"

#include <algorithm>
#include <cstdint>
#include <fstream>
#include <mutex>
#include <string>
#include <thread>

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

bool machine_is_busy() {
  constexpr std::chrono::milliseconds pause{200};
  constexpr std::uint64_t busy_below = 10; // Idle for less than one part in so many.
  static std::mutex mutex;
  static processor_time before;
  static std::chrono::steady_clock::time_point next{};
  static bool busy = false;
  const std::lock_guard guard(mutex);
  const auto now = std::chrono::steady_clock::now();
  if (now < next) return busy;
  next = now + pause;
  const auto time = read_processor_time();
  // The first look has nothing to compare with: since the machine was started says nothing.
  if (before.all != 0 && time.all > before.all)
    busy = time.idle < before.idle + (time.all - before.all) / busy_below;
  before = time;
  return busy;
}

void batch_pace::wrote(clock::time_point began, clock::time_point ended, std::size_t size) {
  if (size == 0) return;
  took_ = ended - began;
  ended_ = ended;
}

batch_pace::clock::duration batch_pace::pause(clock::time_point now, std::size_t waiting) const {
  if (waiting >= enough || ended_ == clock::time_point{} || now - ended_ > recently || !busy_()) return {};
  // Should it turn out to be too long, the machine is no longer busy.
  const auto until = ended_ + std::min<clock::duration>(2 * took_, most);
  return std::max<clock::duration>(until - now, clock::duration{});
}

bool batch_pace::rest(std::size_t waiting) const {
  const auto so_long = pause(clock::now(), waiting);
  if (so_long.count() == 0) return false;
  std::this_thread::sleep_for(so_long);
  return true;
}

} // namespace paygate
