#pragma once

#include <atomic>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "messages/ids.hpp"
#include "messages/io.hpp"

namespace paygate {

/// What must not be started now: effects of a kind, calls through a lane. A value.
class pause_set {
public:
  pause_set() = default;
  /// Before the table was read for the first time nobody knows: nothing is started.
  static pause_set everything() { return pause_set(~std::uint64_t{0}); }

  bool any() const { return bits_ != 0; }
  bool stops(entity_kind kind) const { return (bits_ & bit(kind)) != 0; }
  bool stops(lane which) const { return (bits_ & bit(which)) != 0; }

  /// Adds what a row of the table `pause` names: "kind/payout", "lane/changenow", or "payouts": no payout takes its next step and nothing
  /// is signed, whoever wants it. False for a name that is none.
  bool add(std::string_view what);

  bool operator==(const pause_set&) const = default;

private:
  friend class pause_slot;
  explicit pause_set(std::uint64_t bits) : bits_(bits) {}
  static constexpr std::uint64_t bit(entity_kind kind) { return std::uint64_t{1} << static_cast<unsigned>(kind); }
  static constexpr std::uint64_t bit(lane which) { return std::uint64_t{1} << (32 + static_cast<unsigned>(which)); }

  std::uint64_t bits_ = 0;
};

/// The code of the io_failure by which a lane that is paused gives a call back unmade: no try, and no error.
inline constexpr std::string_view lane_paused = "paused";

/// Every name that can be paused.
std::vector<std::string> pausable();

/// The pauses as they are now; one per node, read before each start of an effect. Safe from any thread.
class pause_slot {
public:
  pause_set get() const { return pause_set(bits_.load(std::memory_order_acquire)); }
  /// True when something changed.
  bool set(pause_set now) { return bits_.exchange(now.bits_, std::memory_order_acq_rel) != now.bits_; }

private:
  std::atomic<std::uint64_t> bits_{0};
};

} // namespace paygate
