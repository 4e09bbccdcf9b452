#pragma once

#include <chrono>
#include <optional>

namespace paygate {

/// Since when the database was reached without interruption. Whoever judges others by their silence must have heard well itself.
class reach {
public:
  using steady = std::chrono::steady_clock;
  explicit reach(std::chrono::milliseconds ttl) : ttl_(ttl) {}
  void lost() { since_.reset(); }
  void heard(steady::time_point asked, steady::time_point answered) {
    // A pause of this process, or an answer that was slow to come, is an interruption as well.
    if (!since_ || asked - last_ > ttl_ / 2 || answered - asked > ttl_ / 2) since_ = answered;
    last_ = answered;
  }
  /// Not after a silence of our own either: then everybody looks late.
  bool may_judge(steady::time_point now) const { return since_ && now - *since_ >= ttl_ && now - last_ <= ttl_ / 2; }

private:
  std::chrono::milliseconds ttl_;
  std::optional<steady::time_point> since_;
  steady::time_point last_{};
};

} // namespace paygate
