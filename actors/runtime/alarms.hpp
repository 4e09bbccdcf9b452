#pragma once

#include <cstdint>
#include <memory>

#include <caf/actor.hpp>
#include <caf/actor_clock.hpp>
#include <caf/timespan.hpp>

namespace paygate {

/// The timers of all entities of a node behind few of CAF's own, each of which wakes the thread of its clock once when it is set and once
/// when it goes off. Safe from any thread.
class alarms {
public:
  using moment = caf::actor_clock::time_point;

  alarms();
  /// Whoever still waits is not told any more.
  ~alarms();
  alarms(const alarms&) = delete;
  alarms& operator=(const alarms&) = delete;

  /// Sends `who` (timer_atom, number) at `when` or less than `slack` later: those of one slack share an instant. Keeps `who` until then.
  void set(caf::actor_system& system, caf::actor who, std::uint64_t number, moment when, caf::timespan slack = caf::timespan{0});

private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

} // namespace paygate
