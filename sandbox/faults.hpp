#pragma once
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "sandbox/json.hpp"

namespace sandbox {

enum class fault_mode { none, error, timeout, timeout_after_success, slow, duplicate, nonsense };

std::optional<fault_mode> parse_fault_mode(const std::string& text);
const char* name_of(fault_mode mode);

/// One fault to inject. `path` is a substring of the request's path; empty fits all.
struct fault_rule {
  std::string provider; ///< "all" fits every one.
  fault_mode mode = fault_mode::none;
  std::string path;
  std::uint64_t rate_ppm = 1'000'000; ///< How many of a million requests.
  std::uint64_t seed = 1;
  int status = 500;       ///< Of mode error.
  int hold_ms = 20'000;   ///< Of slow and the two timeouts.
  std::int64_t left = -1; ///< How often it still strikes; below 0: for ever.
  std::int64_t struck = 0;
  std::mt19937_64 dice{1};
};

/// What shall happen to one request.
struct fault {
  fault_mode mode = fault_mode::none;
  int status = 500;
  int hold_ms = 0;
};

/// The rules in force. Thread-safe; the same seed gives the same strikes for the same order of requests.
class fault_board {
public:
  /// Replaces the rule with the same provider and path; mode none only removes. Ends all holds.
  void put(fault_rule rule);
  void clear();
  /// With `only`, rules of other modes are passed over (and not used up).
  fault draw(const std::string& provider, const std::string& path, std::optional<fault_mode> only = std::nullopt);
  /// Waits so long, or until the rules change or the server stops.
  void hold(int ms);
  void stop();
  json list();

private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::vector<fault_rule> rules_;
  std::uint64_t generation_ = 0;
  bool stopped_ = false;
};

} // namespace sandbox
