#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>

#include "messages/time.hpp"

namespace paygate {

/// A token bucket: `rate` per second, at most `burst` saved up. Rate 0: no limit. Time is any clock's; it is passed in.
class token_bucket {
public:
  token_bucket(std::uint32_t rate, std::uint32_t burst) : rate_(rate), burst_(std::max(burst, 1u)), millitokens_(burst_ * 1000ll) {}

  /// Takes a token, or tells how long until there is one.
  std::optional<milliseconds> take(milliseconds now) {
    if (rate_ == 0) return std::nullopt;
    if (now > last_) millitokens_ = std::min<std::int64_t>(burst_ * 1000ll, millitokens_ + (now - last_).count() * rate_);
    last_ = std::max(last_, now);
    if (millitokens_ >= 1000) {
      millitokens_ -= 1000;
      return std::nullopt;
    }
    return milliseconds((1000 - millitokens_ + rate_ - 1) / rate_);
  }

private:
  std::uint32_t rate_, burst_;
  std::int64_t millitokens_;
  milliseconds last_{0};
};

/// A circuit breaker: after `failures_max` failures in a row it is open for a while (1 s, doubling to 30 s) in which nobody calls; then one
/// call probes. One success closes it.
class circuit {
public:
  explicit circuit(std::uint32_t failures_max) : failures_max_(failures_max) {}

  bool is_open() const { return open_; }

  /// Nothing: a call may go, the probe perhaps; `started` says that it goes. Else how long the circuit stays open.
  std::optional<milliseconds> refuse(milliseconds now) const {
    if (!open_) return std::nullopt;
    if (now < until_) return until_ - now;
    if (probing_) return milliseconds(1000);
    return std::nullopt;
  }

  /// A call goes out. It must end as `succeeded`, `failed` or `put_off`: an open circuit waits for its probe.
  void started() { probing_ = open_; }

  /// The provider is there, but asks for a pause: neither a success nor a failure.
  void put_off() { probing_ = false; }

  void succeeded() {
    failures_ = 0;
    openings_ = 0;
    open_ = probing_ = false;
  }

  /// True when this failure opened it.
  bool failed(milliseconds now) {
    if (++failures_ < failures_max_ && !probing_) return false;
    const bool was_open = open_;
    open_ = true;
    probing_ = false;
    until_ = now + milliseconds(std::min<std::int64_t>(1000ll << std::min(openings_, 10u), 30'000));
    ++openings_;
    return !was_open;
  }

private:
  std::uint32_t failures_max_, failures_ = 0, openings_ = 0;
  bool open_ = false, probing_ = false;
  milliseconds until_{0};
};

} // namespace paygate
