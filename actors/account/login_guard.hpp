#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "messages/time.hpp"

namespace paygate {

/// Slows down those who guess a password, without a way to lock its owner out:
///   - Each network that tries (203.0.113.0/24, 2001:db8::/48) has 5 tries, then it waits 1 s, 2 s, 4 s ... up to 15 minutes between two.
///   - All networks together that nobody ever logged in from have 30, then they wait 1 s ... up to a minute between two.
///   - A network that a log-in came from is held back by its own failures alone, whatever strangers do elsewhere.
///   - Setting another password by a mail makes its network a known one.
/// A try counts as failed when it begins. Pure; kept in the account's row, so it holds for the whole cluster.
struct login_guard {
  static constexpr std::int64_t own_free = 5, all_free = 30;
  static constexpr milliseconds own_max{15 * 60'000}, all_max{60'000};
  static constexpr milliseconds own_memory{24 * 3'600'000}, all_memory{3'600'000}; ///< Without a try for so long, failures are forgotten.
  static constexpr std::size_t known_max = 16, strangers_max = 16;                 ///< Networks that are remembered; the oldest go first.

  struct place {
    std::string network;
    bool known = false;
    std::int64_t failures = 0;
    timestamp last{}, next{};
    bool operator==(const place&) const = default;
  };
  std::vector<place> places;
  std::int64_t failures = 0; ///< Of all that are not known.
  timestamp last{}, next{};
  bool operator==(const login_guard&) const = default;

  /// 0: the try is counted and may go on. Else how long this network has to wait; nothing is counted.
  milliseconds begin(std::string_view network, timestamp now);
  /// The try was the owner's.
  void succeed(std::string_view network, timestamp now);

private:
  place& at(std::string_view network);
};

/// One line of text; what is no such text reads as an empty guard.
std::string to_text(const login_guard& guard);
login_guard read_guard(std::string_view text);

} // namespace paygate
