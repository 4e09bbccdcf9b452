#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <functional>
#include <memory>
#include <utility>
#include <vector>

#include "actors/runtime/alarms.hpp"
#include "actors/runtime/board.hpp"
#include "actors/runtime/pauses.hpp"
#include "messages/interfaces.hpp"
#include "messages/ports.hpp"

namespace paygate {

/// Limits of the runtime; every queue has one (design promise 9).
struct runtime_limits {
  std::size_t inbox_max = 64;           ///< Messages that wait while an entity commits; more are refused as busy.
  std::size_t loading_max = 256;        ///< Messages that wait while an entity is loaded.
  milliseconds passivate_after{20'000}; ///< An entity with nothing due for so long leaves memory.
  milliseconds ask_timeout{10'000};     ///< An entity asked another one; after that it asks again.
  milliseconds call_timeout{120'000};   ///< Above every provider's own time-out.
  std::uint32_t crashes_max = 3;        ///< Crashes in a row before an entity is quarantined.
  seconds wake_horizon{60}; ///< Work that is due at once is written with a wake_at this far away: whoever starts up looks so far ahead.
};

/// Named instants at which a test build of the outside may kill the process: "before_commit", "after_commit", "before_call:sign_tx",
/// "after_call:broadcast_tx", ... Empty in production.
using crash_point_fn = std::function<void(std::string_view window)>;

/// One step under way at a committer: counted from its making to its end. Moves, never copies.
class commit_slot {
public:
  commit_slot() = default;
  explicit commit_slot(std::atomic<int>& steps) : steps_(&steps) { ++steps; }
  commit_slot(commit_slot&& other) noexcept : steps_(std::exchange(other.steps_, nullptr)) {}
  commit_slot& operator=(commit_slot&& other) noexcept {
    std::swap(steps_, other.steps_);
    return *this;
  }
  ~commit_slot() {
    if (steps_) --*steps_;
  }

private:
  std::atomic<int>* steps_ = nullptr;
};

/// Steps under way at each committer.
using commit_load = std::array<std::atomic<int>, 32>;

/// The policy as it is now: settings that reload replace it as a whole, while steps go on with the one that they were given.
class policy_slot {
public:
  policy_slot& operator=(policy rules) {
    now_.store(std::make_shared<const policy>(std::move(rules)));
    return *this;
  }
  std::shared_ptr<const policy> get() const { return now_.load(); }

private:
  std::atomic<std::shared_ptr<const policy>> now_{std::make_shared<const policy>()};
};

/// Everything an entity needs from the rest of the node; one per node, shared by all entities.
struct entity_ports {
  committer_actor committer(std::uint32_t shard) const { return committers[shard % committers.size()]; }

  /// Which committer gets one more step. Few steps share the transactions of the first, because a transaction costs more than the steps in
  /// it; a crowd is spread over all. Any committer may write any step: the row's version guards it.
  std::size_t next_committer() const {
    constexpr int crowd = 64;
    const auto count = std::min(committers.size(), load->size());
    if (count == 1 || load->front() < crowd) return 0;
    return static_cast<std::size_t>(std::min_element(load->begin(), load->begin() + static_cast<std::ptrdiff_t>(count)) - load->begin());
  }

  std::vector<committer_actor> committers;
  std::shared_ptr<commit_load> load = std::make_shared<commit_load>();
  router_actor router;
  std::array<lane_actor, lane_count> lanes;
  std::shared_ptr<const business_clock> clock;
  std::shared_ptr<metrics_sink> metrics;
  policy_slot rules;
  std::shared_ptr<pause_slot> pauses = std::make_shared<pause_slot>();
  std::shared_ptr<activity_board> board = std::make_shared<activity_board>();
  std::shared_ptr<alarms> timers = std::make_shared<alarms>();
  runtime_limits limits;
  crash_point_fn crash_point;

  void pass(std::string_view window) const {
    if (crash_point) crash_point(window);
  }
};
using ports_ptr = std::shared_ptr<const entity_ports>;

} // namespace paygate
