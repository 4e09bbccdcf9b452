#include "actors/runtime/backoff.hpp"

#include <algorithm>
#include <functional>

namespace paygate {

milliseconds retry_pause(std::uint32_t attempts, std::string_view seed) {
  const auto doublings = std::min(attempts == 0 ? 0u : attempts - 1, 6u);
  const auto base = std::min<std::int64_t>(1000ll << doublings, 60'000);
  const auto hash = std::hash<std::string_view>{}(seed) ^ (attempts * 0x9E3779B97F4A7C15ull);
  return milliseconds(base + static_cast<std::int64_t>((hash >> 7) % static_cast<std::uint64_t>(base / 4 + 1)));
}

milliseconds poll_pause(std::uint32_t quiet, milliseconds first, milliseconds most) {
  const auto doublings = std::min(quiet == 0 ? 0u : quiet - 1, 20u);
  return std::min<milliseconds>(first * (1l << doublings), std::max(first, most));
}

} // namespace paygate
