#pragma once

#include <cstdint>
#include <string>

#include "io/link/connection.hpp"

namespace paygate {

/// Logs who was turned away, a few a minute: anybody can knock, and must not be able to fill the disk.
class refusal_log {
public:
  void note(const std::string& address, const std::string& peer, const std::string& why);

private:
  static constexpr int lines_max = 20;
  static constexpr auto window = std::chrono::seconds(60);

  link_time window_began_{};
  int lines_ = 0;
  std::uint64_t unsaid_ = 0;
};

} // namespace paygate
