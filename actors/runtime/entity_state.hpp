#pragma once

#include <memory>
#include <vector>

#include <caf/all.hpp>

#include "actors/runtime/effects_running.hpp"
#include "actors/runtime/entity.hpp"

namespace paygate {

using reply_promise = caf::typed_response_promise<entity_reply_ptr>;

/// What waits while a step is being committed: a message with the promise of its answer, or the outcome of an effect (nobody waits for
/// one).
template <class Message>
struct inbox_item {
  Message message;
  reply_promise promise;
  caf::actor_clock::time_point since{};
};

template <class Kind>
struct entity_state {
  using state_type = typename Kind::state;
  using message_type = typename Kind::message;

  activation self_;
  entity_header header;
  state_type data;
  effects_running effects;
  std::vector<inbox_item<message_type>> inbox;
  // The step being committed.
  bool committing = false;
  bool finishing = false; ///< It ends after this step.
  std::unique_ptr<decision<state_type>> open; ///< Null while the header alone is written.
  reply_promise open_promise;
  envelope_ptr open_letter; ///< What it answers: should the step be poison, people want to see it.
  commit_slot slot; ///< Ends before `self_`, which keeps what it counts in.

  std::uint64_t handled = 0; ///< Messages taken from the shard: it only lets us go when this equals what it sent.
  timestamp active_at{};     ///< The last message or outcome.
  std::uint64_t timer = 0;   ///< Generation of the one timer that counts; older ones are ignored when they fire.
  bool timer_set = false;
  timestamp timer_at{};
  bool restarting = false; ///< The operator wants it loaded anew, after the step under way.
  caf::actor_clock::time_point step_began{};
  static inline const char* name = "entity";

  /// Its time has come and nothing is due before long: a setting moved a date, or a migration wrote the time. The row must name the true one
  /// before it can leave memory.
  bool woken_in_vain(const std::optional<timestamp>& next, timestamp now) const {
    return next && *next > now + self_.ports->limits.passivate_after && header.wake_at && *header.wake_at <= now && !effects.any_in_flight();
  }

  entity_state() = default;
  entity_state(const entity_state&) = delete;
  entity_state& operator=(const entity_state&) = delete;
  ~entity_state() {
    if (!inbox.empty() && self_.ports) self_.ports->board->waiting(self_.ref, 0, {});
  }
};

} // namespace paygate
