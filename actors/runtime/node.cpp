#include "actors/runtime/node.hpp"

#include <algorithm>
#include <bitset>
#include <optional>

#include <caf/all.hpp>

#include "actors/runtime/entity.hpp"
#include "actors/runtime/router.hpp"
#include "actors/runtime/shard.hpp"
#include "messages/log.hpp"

namespace paygate {

namespace {

using beat_atom = caf::atom_constant<caf::atom("beat")>;
using overdue_atom = caf::atom_constant<caf::atom("overdue")>;
using time_point = caf::actor_clock::time_point;
using epoch_list = std::array<std::uint64_t, shard_count>;
using bool_promise = caf::typed_response_promise<bool>;

struct node_state {
  node_setup setup;
  shard_table shards;
  epoch_list epochs{};                ///< Of the shards that act here.
  epoch_list owned{};                 ///< As the database said last; a fenced node still owns what it does not act on.
  std::bitset<shard_count> finishing; ///< Act no more, but their leases are not given yet.
  std::size_t held = 0;
  time_point fresh_until{}; ///< Until then nobody else can have taken our shards.
  caf::actor waker;
  cluster_view_ptr view;
  std::vector<caf::actor> watchers;
  bool asking = false;        ///< A heartbeat is under way.
  std::uint64_t beats = 0;    ///< Generation of the timer for the next one.
  std::uint64_t handing = 0;  ///< Generation of the handing over under way.
  std::size_t unfinished = 0; ///< Shards of it that have not finished.
  std::bitset<shard_count> giving; ///< Their leases are being given.
  bool draining = false, leaving = false, left = false;
  std::uint64_t drains = 0; ///< Generation of the timer that ends the wait for a drain.
  std::vector<bool_promise> drained, gone; ///< Who waits for the drain, and for the end.
  bool refused = false;
  time_point refused_since{};
  static inline const char* name = "node";
};

class node_shell {
public:
  using pointer = caf::stateful_actor<node_state>*;
  explicit node_shell(pointer self) : self_(self) {}

  /// One heartbeat at a time; the next one follows its answer.
  void beat() {
    if (st().asking || st().left) return;
    st().asking = true;
    const auto asked = self_->clock().now();
    const auto heard = [this_ = *this, asked](const lease_answer_ptr& answer) mutable {
      this_.st().asking = false;
      this_.on_leases(*answer, asked);
    };
    const auto unheard = [this_ = *this](const caf::error& e) mutable {
      this_.st().asking = false;
      this_.on_no_answer(this_.self_->system().render(e));
    };
    if (st().draining)
      self_->request(st().setup.leases, st().setup.lease_ttl, drain_atom::value).then(heard, unheard);
    else
      self_->request(st().setup.leases, st().setup.lease_ttl, take_atom::value).then(heard, unheard);
  }

  void on_beat(std::uint64_t generation) {
    if (generation == st().beats) beat();
  }

  /// Runs more often than the heartbeat: a node that cannot renew stops acting while its leases still hold.
  void check_fresh() {
    if (st().held == 0 || self_->clock().now() < st().fresh_until) return;
    log(log_level::error, "self_fenced", {{"shards", std::to_string(st().held)}});
    metrics().count("self_fenced_total", "");
    bring_in_line({});
  }

  bool_promise drain() {
    auto promise = self_->make_response_promise<bool>();
    st().drained.push_back(promise);
    start_draining();
    return promise;
  }

  bool_promise leave() {
    auto promise = self_->make_response_promise<bool>();
    st().gone.push_back(promise);
    st().leaving = true;
    start_draining();
    return promise;
  }

  /// It took too long: whoever waits is told so. A node that leaves does not wait any longer.
  void on_overdue(std::uint64_t generation) {
    if (generation != st().drains) return;
    answer(st().drained, false);
    if (st().leaving && !st().left) release(false);
  }

  bool ready() const { return self_->state.held > 0 && !self_->state.draining; }

  void watch(const caf::actor& watcher) {
    st().watchers.push_back(watcher);
    if (st().view) self_->send(watcher, view_atom::value, st().view);
  }

  void moved() {
    self_->send(st().setup.router, moved_atom::value);
    if (st().waker) self_->send(st().waker, moved_atom::value);
  }

  /// What was paused may go on: residents look again, and what left memory meanwhile is found by its wake_at, however long ago that was.
  void resumed() {
    self_->send(st().setup.router, moved_atom::value);
    if (st().waker) self_->send(st().waker, begin_atom::value);
  }

private:
  node_state& st() { return self_->state; }
  metrics_sink& metrics() { return *st().setup.ports->metrics; }

  static void answer(std::vector<bool_promise>& waiting, bool result) {
    for (auto& promise : std::exchange(waiting, {}))
      if (promise.pending()) promise.deliver(result);
  }

  /// `asked`: when a heartbeat was sent; nothing when the answer is to something that renewed nothing.
  void on_leases(const lease_answer& answer, std::optional<time_point> asked) {
    if (st().left) return;
    if (!answer.available) return on_no_answer(answer.error);
    if (!answer.refused.empty()) return on_refused(answer.refused);
    st().refused = false;
    // Counted from before the question was asked: the database's clock started the lease later than that.
    if (asked) st().fresh_until = *asked + st().setup.lease_ttl * 3 / 4;
    auto epochs = answer.epochs;
    // A heartbeat that was under way when shards were given does not know it: they do not start again.
    for (std::uint32_t i = 0; i < shard_count; ++i)
      if (st().giving[i]) epochs[i] = 0;
    count_changes(epochs);
    bring_in_line(epochs);
    tell(answer);
    // A few at each heartbeat: the others shall have taken those before more lie free.
    if (asked || st().draining) hand_over(answer.surplus);
    if (st().draining && std::all_of(answer.epochs.begin(), answer.epochs.end(), [](auto epoch) { return epoch == 0; })) on_drained();
    const bool restless = !answer.settled || (st().draining && st().held > 0);
    again(restless ? st().setup.lease_ttl / 15 : st().setup.lease_ttl / 6);
  }

  void on_no_answer(const std::string& why) {
    log(log_level::warning, "leases_not_renewed", {{"error", why}});
    if (st().leaving && st().held == 0 && !st().left) return release(false); // Nothing is left that could be given back.
    again(milliseconds(250));
  }

  /// A predecessor that cannot be proven dead is in the way until its time has run out; who is there after that lives.
  void on_refused(const std::string& why) {
    const auto now = self_->clock().now();
    if (!std::exchange(st().refused, true)) {
      st().refused_since = now;
      log(log_level::warning, "not_a_member_yet", {{"cause", why}});
    }
    bring_in_line({});
    if (st().setup.on_refused && now - st().refused_since > 2 * st().setup.lease_ttl) {
      log(log_level::error, "refused_as_member", {{"cause", why}});
      std::exchange(st().setup.on_refused, nullptr)(why);
    }
    again(milliseconds(500));
  }

  void again(milliseconds pause) { self_->delayed_send(self_, pause, beat_atom::value, ++st().beats); }

  void count_changes(const epoch_list& epochs) {
    std::int64_t taken = 0, lost = 0;
    for (std::uint32_t i = 0; i < shard_count; ++i) {
      if (st().owned[i] == epochs[i]) continue;
      if (st().owned[i] != 0) ++lost;
      if (epochs[i] != 0) ++taken;
    }
    st().owned = epochs;
    if (taken > 0) metrics().count("leases_taken_total", "", taken);
    if (lost > 0) metrics().count("leases_lost_total", "", lost);
    if (taken > 0 || lost > 0) log(log_level::info, "leases_changed", {{"taken", std::to_string(taken)}, {"lost", std::to_string(lost)}});
  }

  void tell(const lease_answer& answer) {
    if (!answer.view || answer.view == st().view) return;
    st().view = answer.view;
    metrics().gauge("members", "", static_cast<std::int64_t>(answer.view->members.size()));
    log(log_level::info, "cluster_changed",
        {{"members", std::to_string(answer.view->members.size())}, {"held", std::to_string(st().held)}, {"others", answer.error}});
    for (const auto& watcher : st().watchers) self_->send(watcher, view_atom::value, st().view);
  }

  /// Starts the shards whose lease is new, ends those whose lease is gone or was lost and taken again in between (another epoch).
  void bring_in_line(const epoch_list& epochs) {
    auto& s = st();
    bool changed = false, fresh = false;
    for (std::uint32_t i = 0; i < shard_count; ++i) {
      if (s.epochs[i] == epochs[i]) continue;
      changed = true;
      end_shard(i);
      if (epochs[i] == 0) continue;
      fresh = true;
      s.shards[i] = spawn_shard(self_->system(), i, epochs[i], s.setup.loader, s.setup.ports);
      s.epochs[i] = epochs[i];
      ++s.held;
    }
    if (changed) on_changed(fresh);
  }

  void end_shard(std::uint32_t shard) {
    auto& s = st();
    if (s.shards[shard]) self_->send_exit(s.shards[shard], caf::exit_reason::user_shutdown);
    s.shards[shard] = nullptr;
    s.finishing.reset(shard);
    if (s.epochs[shard] != 0) --s.held;
    s.epochs[shard] = 0;
  }

  void on_changed(bool fresh) {
    auto& s = st();
    metrics().gauge("shards_held", "", static_cast<std::int64_t>(s.held));
    auto table = s.shards;
    for (std::uint32_t i = 0; i < shard_count; ++i)
      if (s.finishing[i]) table[i] = nullptr;
    self_->send(s.setup.router, route_atom::value, std::make_shared<const shard_table>(std::move(table)));
    if (s.held == 0 && s.waker) {
      self_->send_exit(s.waker, caf::exit_reason::user_shutdown);
      s.waker = nullptr;
    }
    if (!fresh) return;
    // A shard that is new here may owe anything: the waker begins from the beginning.
    if (s.waker)
      self_->send(s.waker, begin_atom::value);
    else
      s.waker = spawn_waker(self_->system(), s.setup.reader, s.setup.router, s.setup.ports->clock, s.setup.ports->metrics, s.setup.waker);
  }

  // --- giving shards to others ---

  /// The newest ones first, a few at a time: they stop taking letters, finish their open steps, and only then their leases are given.
  void hand_over(std::size_t surplus) {
    auto& s = st();
    if (s.unfinished > 0 || s.giving.any() || (surplus == 0 && !s.draining)) return;
    const auto most = s.draining ? std::size_t{64} : std::min(surplus, s.setup.hand_over_max);
    shard_list leaving;
    for (std::uint32_t i = shard_count; i-- > 0 && leaving.size() < most;)
      if (s.shards[i]) leaving.push_back(i);
    if (leaving.empty()) return;
    for (const auto shard : leaving) s.finishing.set(shard);
    on_changed(false);
    s.unfinished = leaving.size();
    const auto generation = ++s.handing;
    auto finished = [this_ = *this, generation, leaving]() mutable {
      if (generation == this_.st().handing && --this_.st().unfinished == 0) this_.give(leaving);
    };
    for (const auto shard : leaving)
      self_->request(s.shards[shard], s.setup.finish_within, finish_atom::value)
          .then([finished](bool) mutable { finished(); },
                [finished, shard](const caf::error&) mutable {
                  log(log_level::warning, "shard_not_finished_in_time", {{"shard", std::to_string(shard)}});
                  finished();
                });
  }

  void give(const shard_list& finished) {
    auto& s = st();
    shard_list given;
    for (const auto shard : finished) {
      if (!s.finishing[shard]) continue; // Fenced, or lost, in between.
      end_shard(shard);
      s.owned[shard] = 0;
      given.push_back(shard);
    }
    if (given.empty()) return;
    on_changed(false);
    metrics().count("leases_given_total", "", static_cast<std::int64_t>(given.size()));
    for (const auto shard : given) s.giving.set(shard);
    // If this fails they are still ours: the next heartbeat says so, and they start again.
    self_->request(s.setup.leases, s.setup.lease_ttl, give_atom::value, given)
        .then(
            [this_ = *this](const lease_answer_ptr& answer) mutable {
              this_.st().giving.reset();
              this_.on_leases(*answer, std::nullopt);
            },
            [this_ = *this](const caf::error& e) mutable {
              this_.st().giving.reset();
              this_.on_no_answer(this_.self_->system().render(e));
            });
  }

  void start_draining() {
    if (!std::exchange(st().draining, true)) log(log_level::info, "draining", {{"shards", std::to_string(st().held)}});
    self_->delayed_send(self_, st().setup.drain_within, overdue_atom::value, ++st().drains);
    beat();
  }

  void on_drained() {
    answer(st().drained, true);
    if (st().leaving) release(true);
  }

  void release(bool clean) {
    st().left = true;
    ++st().handing;
    st().unfinished = 0;
    bring_in_line({});
    self_->request(st().setup.leases, st().setup.lease_ttl, release_atom::value)
        .then([this_ = *this, clean](const lease_answer_ptr& got) mutable { answer(this_.st().gone, clean && got->available); },
              [this_ = *this](const caf::error&) mutable { answer(this_.st().gone, false); });
  }

  pointer self_;
};

caf::behavior node_behavior(node_shell::pointer self, node_setup setup) {
  self->state.setup = std::move(setup);
  node_shell shell(self);
  self->set_error_handler([](caf::scheduled_actor* a, caf::error& e) {
    log(log_level::warning, "node_error_message", {{"error", a->system().render(e)}});
  });
  self->set_exit_handler([self](caf::exit_msg& e) {
    for (auto& shard : self->state.shards)
      if (shard) self->send_exit(shard, caf::exit_reason::user_shutdown);
    if (self->state.waker) self->send_exit(self->state.waker, caf::exit_reason::user_shutdown);
    self->quit(e.reason);
  });
  shell.beat();
  const auto tick = self->state.setup.lease_ttl / 20;
  self->delayed_send(self, tick, timer_atom::value);
  return {
      [shell](beat_atom, std::uint64_t generation) mutable { shell.on_beat(generation); },
      [shell, self, tick](timer_atom) mutable {
        shell.check_fresh();
        self->delayed_send(self, tick, timer_atom::value);
      },
      [shell](ready_atom) { return shell.ready(); },
      [shell](watch_atom, const caf::actor& watcher) mutable { shell.watch(watcher); },
      [shell](refresh_atom) mutable { shell.beat(); },
      [shell](moved_atom) mutable { shell.moved(); },
      [shell](drain_atom) mutable { return shell.drain(); },
      [shell](resumed_atom) mutable { shell.resumed(); },
      [shell](leave_atom) mutable { return shell.leave(); },
      [shell](overdue_atom, std::uint64_t generation) mutable { shell.on_overdue(generation); },
  };
}

} // namespace

caf::actor spawn_node(caf::actor_system& system, node_setup setup) { return system.spawn(node_behavior, std::move(setup)); }

} // namespace paygate
