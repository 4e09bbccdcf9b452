#include "io/http/rate_limit.hpp"

#include <arpa/inet.h>

#include <algorithm>
#include <array>

#include "crypto/encoding.hpp"

namespace paygate {

std::string client_network(const std::string& address) {
  std::array<std::uint8_t, 16> given{};
  if (inet_pton(AF_INET6, address.c_str(), given.data()) != 1) return address;
  constexpr std::array<std::uint8_t, 12> mapped{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
  if (std::equal(mapped.begin(), mapped.end(), given.begin())) {
    std::array<char, INET_ADDRSTRLEN> text{};
    inet_ntop(AF_INET, given.data() + 12, text.data(), text.size());
    return text.data();
  }
  return hex_encode(byte_view(given).first(8)) + "/64";
}

std::optional<milliseconds> rate_limits::take(std::string_view key, milliseconds now) {
  if (rule_.most == 0) return std::nullopt;
  std::lock_guard lock(mutex_);
  const auto full = rule_.most * rule_.within.count();
  if (const auto known = by_key_.find(key); known != by_key_.end()) {
    by_use_.splice(by_use_.begin(), by_use_, known->second);
  } else {
    if (by_use_.size() >= keys_max_) {
      by_key_.erase(by_use_.back().key);
      by_use_.pop_back();
    }
    by_use_.push_front({std::string(key), full, now, milliseconds(0)});
    by_key_.emplace(by_use_.front().key, by_use_.begin());
  }
  auto& mine = by_use_.front();
  if (now < mine.banned_until) return mine.banned_until - now;
  const auto gone = std::clamp<std::int64_t>((now - mine.at).count(), 0, rule_.within.count());
  mine.level = std::min(full, mine.level + gone * rule_.most);
  mine.at = std::max(mine.at, now);
  if (mine.level >= rule_.within.count()) {
    mine.level -= rule_.within.count();
    return std::nullopt;
  }
  if (rule_.ban > milliseconds(0)) {
    mine.banned_until = now + rule_.ban;
    return rule_.ban;
  }
  return milliseconds((rule_.within.count() - mine.level + rule_.most - 1) / rule_.most);
}

std::size_t rate_limits::size() const {
  std::lock_guard lock(mutex_);
  return by_use_.size();
}

} // namespace paygate
