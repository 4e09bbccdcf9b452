#include "actors/runtime/alarms.hpp"

#include <mutex>
#include <queue>
#include <set>
#include <tuple>
#include <vector>

#include <caf/all.hpp>

#include "actors/runtime/entity.hpp"

namespace paygate {

namespace {

using ring_atom = caf::atom_constant<caf::atom("ring")>;

struct alarm {
  alarms::moment when;
  std::uint64_t order; ///< Those of one instant go off in the order in which they were set.
  caf::actor who;
  std::uint64_t number;

  bool operator>(const alarm& other) const { return std::tie(when, order) > std::tie(other.when, other.order); }
};

alarms::moment rounded_up(alarms::moment when, caf::timespan slack) {
  if (slack.count() <= 0) return when;
  const auto over = when.time_since_epoch() % slack;
  return over.count() == 0 ? when : when - over + slack;
}

} // namespace

struct alarms::impl : std::enable_shared_from_this<alarms::impl> {
  std::mutex mutex;
  std::priority_queue<alarm, std::vector<alarm>, std::greater<>> waiting;
  std::set<moment> asked_for; ///< When CAF's clock will call.
  std::uint64_t last_order = 0;
  caf::actor ringer; ///< Whom it calls.

  /// @pre locked, and there is a ringer.
  void ask_for(moment when, moment now) {
    if (!asked_for.empty() && *asked_for.begin() <= when) return;
    asked_for.insert(when);
    caf::delayed_anon_send(ringer, std::max(std::chrono::duration_cast<caf::timespan>(when - now), caf::timespan{0}), ring_atom::value);
  }

  void set(caf::actor_system& system, alarm one) {
    const std::lock_guard guard(mutex);
    if (!ringer) ringer = spawn_ringer(system);
    one.order = ++last_order;
    const auto when = one.when;
    waiting.push(std::move(one));
    ask_for(when, system.clock().now());
  }

  caf::actor spawn_ringer(caf::actor_system& system) {
    return system.spawn<caf::hidden>([of = weak_from_this()](caf::event_based_actor* self) -> caf::behavior {
      return {[of, self](ring_atom) {
        if (const auto alive = of.lock()) alive->ring(self->clock().now());
      }};
    });
  }

  void ring(moment now) {
    std::vector<alarm> due;
    {
      const std::lock_guard guard(mutex);
      asked_for.erase(asked_for.begin(), asked_for.upper_bound(now));
      for (; !waiting.empty() && waiting.top().when <= now; waiting.pop()) due.push_back(waiting.top());
      if (!waiting.empty()) ask_for(waiting.top().when, now);
    }
    for (const auto& each : due) caf::anon_send(each.who, timer_atom::value, each.number);
  }
};

alarms::alarms() : impl_(std::make_shared<impl>()) {}

alarms::~alarms() {
  const std::lock_guard guard(impl_->mutex);
  if (impl_->ringer) caf::anon_send_exit(impl_->ringer, caf::exit_reason::user_shutdown);
}

void alarms::set(caf::actor_system& system, caf::actor who, std::uint64_t number, moment when, caf::timespan slack) {
  impl_->set(system, {rounded_up(when, slack), 0, std::move(who), number});
}

} // namespace paygate
