#include "io/link/refusal_log.hpp"

#include "messages/log.hpp"

namespace paygate {

void refusal_log::note(const std::string& address, const std::string& peer, const std::string& why) {
  const auto now = link_clock::now();
  if (now - window_began_ >= window) {
    if (unsaid_ > 0) log(log_level::warning, "link_refused_more", {{"times", std::to_string(unsaid_)}});
    window_began_ = now;
    lines_ = 0;
    unsaid_ = 0;
  }
  if (++lines_ > lines_max) {
    ++unsaid_;
    return;
  }
  log(log_level::warning, "link_refused", {{"from", address}, {"peer", peer}, {"why", why}});
}

} // namespace paygate
