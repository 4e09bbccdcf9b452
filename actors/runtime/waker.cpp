#include "actors/runtime/waker.hpp"

#include <caf/all.hpp>

#include "actors/runtime/entity.hpp"
#include "actors/runtime/router.hpp"
#include "actors/runtime/shard.hpp"
#include "messages/log.hpp"

namespace paygate {

namespace {

using scan_atom = caf::atom_constant<caf::atom("scan")>;

struct waker_state {
  bool starting = true;        ///< The first pass, from the beginning to beyond now, is not through.
  std::int64_t started_at = 0; ///< When that pass began; microseconds since the epoch, as all here.
  std::int64_t scanned_to = 0; ///< Everything up to here was told.
  bool more = false;           ///< The last page was full: go on exactly where it ended.
  bool scanning = false;
  bool crowded = false;   ///< There were too many in memory.
  bool once_more = false; ///< Another pass from the beginning is to follow.
  static inline const char* name = "waker";
};

std::int64_t micros(timestamp at) { return at.time_since_epoch().count(); }

caf::behavior waker_behavior(caf::stateful_actor<waker_state>* self, reader_actor reader, caf::actor router,
                             std::shared_ptr<const business_clock> clock, std::shared_ptr<metrics_sink> metrics, waker_limits limits) {
  self->set_error_handler([](caf::scheduled_actor* a, caf::error& e) {
    log(log_level::warning, "waker_error_message", {{"error", a->system().render(e)}});
  });
  auto scan_over = [=](shard_list shards) {
    auto& s = self->state;
    // The clock went back: what was written since lies before what was scanned.
    if (!s.starting && micros(clock->now()) + std::chrono::microseconds(limits.overlap).count() < s.scanned_to) s.once_more = true;
    if (!s.starting && std::exchange(s.once_more, false)) {
      s.starting = true;
      s.started_at = s.scanned_to = 0;
      s.more = false;
    }
    const auto now = micros(clock->now());
    if (s.starting && s.started_at == 0) s.started_at = now;
    const auto overlap = s.more || s.starting ? 0 : std::chrono::microseconds(limits.overlap).count();
    const auto from = std::max(s.scanned_to - overlap, std::int64_t{0});
    const auto to = s.starting ? s.started_at + std::chrono::microseconds(limits.horizon).count() : now;
    auto again = [=](bool at_once) {
      self->state.scanning = false;
      if (at_once) self->send(self, scan_atom::value);
    };
    self->request(reader, std::chrono::seconds(30), wake_atom::value, from, to, limits.page, std::move(shards))
        .then(
            [=](const wake_list_ptr& list) {
              for (const auto& ref : list->refs) self->send(router, wake_atom::value, std::make_shared<const entity_ref>(ref));
              metrics->count("wakes_total", "", static_cast<std::int64_t>(list->refs.size()));
              if (!list->refs.empty() || list->more)
                metrics->gauge("wake_lag_ms", "", (micros(clock->now()) - micros(list->scanned_to)) / 1000);
              auto& state = self->state;
              // A scan that could not be made says that it got nowhere.
              if (micros(list->scanned_to) > from) {
                state.scanned_to = micros(list->scanned_to);
                state.more = list->more;
                if (state.starting && !state.more) {
                  // It looked ahead; rows written since it began may lie before its end.
                  state.starting = false;
                  state.scanned_to = state.started_at;
                }
              }
              again(list->more || (state.once_more && !state.starting));
            },
            [=](const caf::error& e) {
              log(log_level::warning, "wake_scan_failed", {{"error", self->system().render(e)}});
              again(false);
            });
  };
  // Of the shards that live here alone: N nodes do not read each row N times. Who has come meanwhile is told by `begin`.
  auto scan_now = [=] {
    auto nowhere = [=] { self->state.scanning = false; };
    self->request(router, std::chrono::seconds(5), shards_atom::value)
        .then(
            [=](const shard_table_ptr& table) {
              shard_list here;
              for (std::uint32_t shard = 0; shard < shard_count; ++shard)
                if ((*table)[shard]) here.push_back(shard);
              if (here.empty()) return nowhere();
              scan_over(std::move(here));
            },
            [=](const caf::error& e) {
              log(log_level::warning, "wake_scan_failed", {{"error", self->system().render(e)}});
              nowhere();
            });
  };
  // A crowd is let in page by page, as long as there is room for it.
  auto scan = [=] {
    auto& s = self->state;
    if (std::exchange(s.scanning, true)) return;
    if (!s.more && !s.crowded) return scan_now();
    self->request(router, std::chrono::seconds(5), count_atom::value)
        .then(
            [=](std::uint64_t residents) {
              auto& state = self->state;
              const bool full = residents >= limits.residents_max;
              if (std::exchange(state.crowded, full) != full)
                log(log_level::warning, full ? "wakes_held" : "wakes_go_on", {{"residents", std::to_string(residents)}});
              metrics->gauge("wakes_held", "", full ? 1 : 0);
              if (!full) return scan_now();
              if (state.scanned_to != 0)
                metrics->gauge("wake_lag_ms", "", std::max<std::int64_t>(0, micros(clock->now()) - state.scanned_to) / 1000);
              state.scanning = false;
            },
            [=](const caf::error&) { scan_now(); });
  };
  self->delayed_send(self, limits.interval, timer_atom::value);
  scan();
  return {
      [=](timer_atom) {
        self->delayed_send(self, limits.interval, timer_atom::value);
        scan();
      },
      [=](scan_atom) { scan(); },
      [=](moved_atom) { scan(); },
      [=](begin_atom) {
        self->state.once_more = true;
        scan();
      },
  };
}

} // namespace

caf::actor spawn_waker(caf::actor_system& system, reader_actor reader, caf::actor router, std::shared_ptr<const business_clock> clock,
                       std::shared_ptr<metrics_sink> metrics, waker_limits limits) {
  return system.spawn(waker_behavior, std::move(reader), std::move(router), std::move(clock), std::move(metrics), limits);
}

} // namespace paygate
