#pragma once

#include <chrono>
#include <cstddef>
#include <functional>

#include "persistence/machine_pressure.hpp"

namespace paygate {

/// When a gatherer of work (committer, loader) writes its next batch. Each transaction costs more than the work in it, so on a machine that is
/// pressed it waits, by the pressure and by how long the last batch took, and what comes meanwhile shares one transaction: on a machine that
/// has had something left to give for a while nobody waits, nor where few come.
class batch_pace {
public:
  using clock = std::chrono::steady_clock;
  explicit batch_pace(std::function<unsigned()> pressure = machine_pressure) : pressure_(std::move(pressure)) {}

  /// A batch of `size` was written.
  void wrote(clock::time_point began, clock::time_point ended, std::size_t size);
  /// How long to wait before `waiting` are written; zero: not at all.
  clock::duration pause(clock::time_point now, std::size_t waiting) const;
  /// Waits that long on the caller's own thread: whoever brings work meanwhile wakes nobody, neither it nor a clock. True when it has waited.
  bool rest(std::size_t waiting) const;

  static constexpr std::size_t enough = 64; ///< More in a batch save little.
  static constexpr std::size_t crowd = 8;   ///< Fewer in the last batch wait for each other only: nobody else would come.
  /// A step of pressure makes a pause longer by half of what the last batch took, and at most by so much.
  static constexpr std::chrono::microseconds step{2'500};
  static constexpr std::chrono::milliseconds recently{50}; ///< Since the last batch, for work to be going on.

private:
  std::function<unsigned()> pressure_;
  clock::time_point ended_{};
  clock::duration took_{};
  std::size_t size_ = 0;
};

} // namespace paygate
