#pragma once

#include <cstdint>

namespace paygate {

/// How hard a machine is pressed, from its processors' time: 0 while it has something left to give. A look at a time in which it had next to
/// nothing left is a step up; another one is a step down for each span of that time. Who gathers work waits by it, which leaves the machine
/// more: so the pauses settle where it is just busy, whatever the load.
class pressure_gauge {
public:
  static constexpr unsigned most = 8;

  /// Ticks since the machine was started: idle ones, and all; `spans` have passed since the last look. Nothing is known from the first one.
  unsigned look(std::uint64_t idle, std::uint64_t all, std::uint64_t spans = 1);

private:
  std::uint64_t idle_ = 0, all_ = 0;
  unsigned level_ = 0;
};

/// Of this machine, as its kernel counts (/proc/stat); looked up a few times a second at most. Safe from any thread. 0 where that cannot be
/// known.
unsigned machine_pressure();

} // namespace paygate
