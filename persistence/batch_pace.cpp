#include "persistence/batch_pace.hpp"

#include <algorithm>

namespace paygate {

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

} // namespace paygate
