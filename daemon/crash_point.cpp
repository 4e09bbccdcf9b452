#include "daemon/crash_point.hpp"

#include <atomic>
#include <charconv>
#include <csignal>
#include <memory>

#include <unistd.h>

namespace paygate {

std::variant<crash_point_fn, std::string> make_crash_point(const std::string& text) {
  if (text.empty()) return crash_point_fn{};
  const auto colon = text.rfind(':');
  int count = 0;
  if (colon == text.npos || std::from_chars(text.data() + colon + 1, text.data() + text.size(), count).ec != std::errc() || count < 1)
    return "crash_at is \"" + text + "\": expected WINDOW:COUNT, such as after_commit:3 or before_call:sign_tx:1.";
  auto left = std::make_shared<std::atomic<int>>(count);
  return crash_point_fn{[window = text.substr(0, colon), left](std::string_view passed) {
    if (passed == window && --*left == 0) ::kill(::getpid(), SIGKILL);
  }};
}

} // namespace paygate
