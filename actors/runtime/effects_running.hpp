#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "actors/runtime/backoff.hpp"
#include "actors/runtime/pauses.hpp"
#include "messages/interfaces.hpp"

namespace paygate {

/// An effect as memory keeps it: `effect` has room for any message there is, this only for its own. What is called is shared, not copied.
struct kept_effect {
  std::string key;
  std::variant<io_request_ptr, envelope_ptr> request;
  timestamp not_before{};
  milliseconds again_after{}, again_max{};

  kept_effect() = default;
  explicit kept_effect(effect due)
      : key(std::move(due.key)), not_before(due.not_before), again_after(due.again_after), again_max(due.again_max) {
    if (auto* io = std::get_if<io_request>(&due.request))
      request = std::make_shared<const io_request>(std::move(*io));
    else {
      auto& asked = std::get<ask_entity>(due.request);
      request = std::make_shared<const envelope>(envelope{std::move(asked.to), std::move(asked.message)});
    }
  }
  /// As it was due.
  operator effect() const {
    effect due{key, ask_entity{}, not_before, again_after, again_max};
    if (const auto* io = std::get_if<io_request_ptr>(&request))
      due.request = **io;
    else
      due.request = ask_entity{std::get<envelope_ptr>(request)->to, std::get<envelope_ptr>(request)->body};
    return due;
  }
};

/// One effect that a state owes, from the moment it is due until the state no longer owes it.
struct running_effect {
  kept_effect what;
  std::uint64_t call = 0;     ///< Number of the call in flight; 0: none. A late answer carries another number.
  std::uint32_t attempts = 0; ///< Failed calls in a row.
  std::uint32_t quiet = 0;    ///< Calls in a row that changed nothing.
  std::uint32_t put_offs = 0; ///< In a row: there was no room for the call.
  timestamp next_at{};        ///< Not called earlier.
  std::string error;          ///< Of the last failure.
};

/// An operator's pause holds it back: of its kind, or of the lane that it goes through.
inline bool held_back(const kept_effect& what, pause_set pauses, entity_kind kind) {
  if (!pauses.any()) return false;
  const auto* request = std::get_if<io_request_ptr>(&what.request);
  return pauses.stops(kind) || (request && pauses.stops(lane_of(**request)));
}

/// Whoever was to do it had no room for it: a lane whose queue is full, an entity with too many messages.
inline bool is_no_room(const io_failure& failure) { return failure.kind == fault::transient && failure.code == "busy"; }

/// The effects of one entity: a pure table. The shell asks what to start, and tells what came of it.
class effects_running {
public:
  /// Brings the table in line with what is due now: forgets what is not (a late answer finds nothing), keeps what still is, adds the new.
  void reconcile(std::vector<effect> due) {
    std::vector<running_effect> next;
    next.reserve(due.size());
    for (auto& wanted : due) {
      auto known = std::find_if(table_.begin(), table_.end(), [&](const auto& r) { return same(r.what, wanted); });
      if (known == table_.end()) {
        running_effect fresh;
        fresh.next_at = wanted.not_before;
        fresh.what = kept_effect(std::move(wanted));
        next.push_back(std::move(fresh));
      } else {
        known->what.again_after = wanted.again_after;
        known->what.again_max = wanted.again_max;
        // The state may have moved the time, in either direction, unless a back-off is being waited out.
        if (known->what.not_before != wanted.not_before) {
          known->what.not_before = wanted.not_before;
          if (known->attempts == 0 && known->put_offs == 0) known->next_at = wanted.not_before;
        }
        next.push_back(std::move(*known));
      }
    }
    table_ = std::move(next);
  }

  /// The effects to call now, of those that no pause holds back; marks each as in flight under a fresh number.
  std::vector<running_effect*> start(timestamp now, pause_set pauses = {}, entity_kind kind = {}) {
    std::vector<running_effect*> ready;
    for (auto& r : table_)
      if (r.call == 0 && r.next_at <= now && !held_back(r.what, pauses, kind)) {
        r.call = ++last_call_;
        ready.push_back(&r);
      }
    return ready;
  }

  /// Whether any was ever called since the row was loaded.
  bool any_started() const { return last_call_ != 0; }

  /// The effect that this answer belongs to, no longer in flight; null when nobody waits for it any more.
  running_effect* answered(std::uint64_t call) {
    for (auto& r : table_)
      if (r.call == call) {
        r.call = 0;
        return &r;
      }
    return nullptr;
  }

  /// It failed, and is to be tried again. True when that is worth a row.
  bool note_failure(running_effect& r, const io_failure& failure, timestamp now, std::string_view seed) {
    auto words = failure.code + (failure.text.empty() ? "" : ": " + failure.text);
    if (is_no_room(failure)) {
      found_no_room(r, std::move(words), failure.retry_after, now, seed);
      return is_put_off_reported(r.put_offs);
    }
    failed(r, std::move(words), failure.retry_after, now, seed);
    return is_reported(r.attempts);
  }

  /// There was no room for it where it was to go: nobody's failure, and nothing was tried. It comes again when it was told to, else in
  /// growing distance.
  void found_no_room(running_effect& r, std::string why, std::optional<milliseconds> come_again, timestamp now, std::string_view seed) {
    ++r.put_offs;
    r.error = std::move(why);
    r.next_at = now + (come_again ? *come_again : retry_pause(r.put_offs, seed));
  }

  void failed(running_effect& r, std::string error, std::optional<milliseconds> retry_after, timestamp now, std::string_view seed) {
    ++r.attempts;
    r.quiet = r.put_offs = 0;
    r.error = std::move(error);
    const auto pause = retry_pause(r.attempts, seed);
    r.next_at = now + (retry_after ? std::max(*retry_after, pause) : pause);
  }

  /// An answer came: should the effect still be due with the same request after it, then no sooner than after its pause.
  void succeeded(running_effect& r, timestamp now) {
    ++r.quiet;
    r.attempts = r.put_offs = 0;
    r.error.clear();
    r.next_at = now + poll_pause(r.quiet, r.what.again_after, r.what.again_max);
  }

  /// The other side refuses, and the machine has heard it: should the effect still be due, it is a person who has to mend something.
  void refused(running_effect& r, timestamp now, std::string_view seed) {
    succeeded(r, now);
    r.next_at = std::max(r.next_at, now + retry_pause(r.quiet, seed));
  }

  /// It was not called after all, for no fault of anybody's.
  void put_off(running_effect& r, timestamp now) { r.next_at = now; }

  /// The operator or a moved clock: whatever waits, waits no longer.
  void retry_now(timestamp now) {
    for (auto& r : table_)
      if (r.call == 0 && (r.attempts != 0 || r.quiet != 0 || r.put_offs != 0)) r.next_at = std::min(r.next_at, now);
  }

  /// The next instant at which `start` will return something; nothing while all is in flight or nothing is due.
  std::optional<timestamp> next_start(pause_set pauses = {}, entity_kind kind = {}) const {
    std::optional<timestamp> next;
    for (const auto& r : table_)
      if (r.call == 0 && (!next || r.next_at < *next) && !held_back(r.what, pauses, kind)) next = r.next_at;
    return next;
  }

  /// The most failed tries of one effect, and what it fails by.
  std::pair<std::uint32_t, std::string> worst_failure() const {
    std::pair<std::uint32_t, std::string> worst{0, {}};
    for (const auto& r : table_)
      if (const auto times = std::max(r.attempts, r.put_offs); times > worst.first) worst = {times, r.what.key + ": " + r.error};
    return worst;
  }

  bool any_in_flight() const {
    return std::any_of(table_.begin(), table_.end(), [](const auto& r) { return r.call != 0; });
  }
  const std::vector<running_effect>& all() const { return table_; }

private:
  static bool same(const kept_effect& a, const effect& b) {
    if (a.key != b.key || a.request.index() != b.request.index()) return false;
    const auto* left = std::get_if<io_request_ptr>(&a.request);
    // Asking an entity is identified by the key alone: the receiver treats a repeat as the first.
    return left ? **left == std::get<io_request>(b.request) : true;
  }

  std::vector<running_effect> table_;
  std::uint64_t last_call_ = 0;
};

} // namespace paygate
