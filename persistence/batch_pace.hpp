#pragma once

#include <chrono>
#include <cstddef>
#include <functional>

namespace paygate {

/// Whether the processors of this machine have had next to nothing left to give lately; looked up a few times a second at most. Safe from
/// any thread. False where that cannot be known.
bool machine_is_busy();

/// When a gatherer of work (committer, loader) writes its next batch. Each transaction costs more than the work in it, so while the machine
/// is busy it waits for twice as long as the last batch took, and what comes meanwhile shares one transaction: on a machine with something
/// left to give nobody ever waits.
class batch_pace {
public:
  using clock = std::chrono::steady_clock;
  explicit batch_pace(std::function<bool()> busy = machine_is_busy) : busy_(std::move(busy)) {}

  /// A batch of `size` was written.
  void wrote(clock::time_point began, clock::time_point ended, std::size_t size);
  /// How long to wait before `waiting` are written; zero: not at all.
  clock::duration pause(clock::time_point now, std::size_t waiting) const;
  /// Waits that long on the caller's own thread: whoever brings work meanwhile wakes nobody, neither it nor a clock. True when it has waited.
  bool rest(std::size_t waiting) const;

  static constexpr std::size_t enough = 64;                          ///< More in a batch save little.
  static constexpr std::chrono::milliseconds most{10}, recently{50}; ///< Of a pause; since the last batch, for work to be going on.

private:
  std::function<bool()> busy_;
  clock::time_point ended_{};
  clock::duration took_{};
};

} // namespace paygate
