#pragma once

#include <cstdint>
#include <list>
#include <mutex>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>

#include "messages/time.hpp"

namespace paygate {

/// So many within that time; then, when `ban` is not 0, none for that long. most 0: no limit.
struct rate_rule {
  std::int64_t most = 0;
  milliseconds within{60'000};
  milliseconds ban{0};
};

/// Whose requests are counted together: an IPv4 address, or the /64 of an IPv6 address, which is what one customer gets.
std::string client_network(const std::string& address);

/// A token bucket per key. Holds at most `keys_max` of them: the one not asked about for longest is forgotten first, so that nobody can
/// make it grow, and whoever is banned and keeps asking stays banned. Safe from any thread; time is passed in.
class rate_limits {
public:
  explicit rate_limits(rate_rule rule, std::size_t keys_max = 65'536) : rule_(rule), keys_max_(keys_max) {}

  /// Takes a token, or tells how long until there is one, or the ban is over.
  std::optional<milliseconds> take(std::string_view key, milliseconds now);
  std::size_t size() const;

private:
  struct bucket {
    std::string key;
    std::int64_t level = 0; ///< Tokens times `within`: whole numbers only.
    milliseconds at{0}, banned_until{0};
  };
  const rate_rule rule_;
  const std::size_t keys_max_;
  mutable std::mutex mutex_;
  std::list<bucket> by_use_; ///< The newest first.
  std::unordered_map<std::string_view, std::list<bucket>::iterator> by_key_;
};

} // namespace paygate
