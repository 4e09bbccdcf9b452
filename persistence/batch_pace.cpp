#include "persistence/batch_pace.hpp"

#include <algorithm>
#include <thread>

namespace paygate {

void batch_pace::wrote(clock::time_point began, clock::time_point ended, std::size_t size) {
  if (size == 0) return;
  took_ = ended - began;
  ended_ = ended;
  size_ = size;
}

batch_pace::clock::duration batch_pace::pause(clock::time_point now, std::size_t waiting) const {
  if (waiting >= enough || size_ < crowd || ended_ == clock::time_point{} || now - ended_ > recently) return {};
  const auto pressure = pressure_();
  const auto until = ended_ + std::min<clock::duration>(took_ * pressure / 2, step * pressure);
  return std::max<clock::duration>(until - now, clock::duration{});
}

bool batch_pace::rest(std::size_t waiting) const {
  const auto so_long = pause(clock::now(), waiting);
  if (so_long.count() == 0) return false;
  std::this_thread::sleep_for(so_long);
  return true;
}

} // namespace paygate
