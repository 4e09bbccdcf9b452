#pragma once

#include <cstddef>
#include <memory>

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include "messages/interfaces.hpp"
#include "messages/ports.hpp"

namespace paygate {

/// How the waker scans.
struct waker_limits {
  milliseconds interval{1000};
  std::uint32_t page = 5000;      ///< Rows per scan; a full page is followed by the next one at once.
  seconds horizon{120};           ///< The first scan looks so far ahead: work that was running when the last owner died is there.
  std::size_t residents_max = 300'000; ///< While more entities are in memory nobody is woken: what is due waits in its row, not on the heap.
  seconds overlap{5};             ///< Each later scan begins so far before the end of the last: a commit may have been slow.
};

/// Starts the waker: the timers of all entities that are not in memory. It reads which rows' wake_at has come, of the shards that `router`
/// says live here, and tells `router` (wake, ref).
/// A missed or repeated wake is harmless: the entity itself decides what is due.
///   (moved)   business time was moved: scan again at once
///   (begin)   there are new shards, or a pause ended: once more from the beginning, after a pass that is under way
caf::actor spawn_waker(caf::actor_system& system, reader_actor reader, caf::actor router, std::shared_ptr<const business_clock> clock,
                       std::shared_ptr<metrics_sink> metrics, waker_limits limits);

using begin_atom = caf::atom_constant<caf::atom("begin")>;

} // namespace paygate
