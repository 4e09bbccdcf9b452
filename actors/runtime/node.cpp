#include "actors/runtime/node.hpp"

#include <caf/all.hpp>

#include "actors/runtime/entity.hpp"
#include "actors/runtime/router.hpp"
#include "actors/runtime/shard.hpp"
#include "messages/log.hpp"

namespace paygate {

namespace {

using renew_again_atom = caf::atom_constant<caf::atom("renewagain")>;

struct node_state {
  node_setup setup;
  shard_table shards;
  std::array<std::uint64_t, shard_count> epochs{};
  std::size_t held = 0;
  caf::actor_clock::time_point fresh_until{}; ///< Until then nobody else can have taken our shards.
  caf::actor waker;
  bool draining = false;
  static inline const char* name = "node";
};

class node_shell {
public:
  using pointer = caf::stateful_actor<node_state>*;
  explicit node_shell(pointer self) : self_(self) {}

  void take() {
    if (st().draining) return;
    const auto asked = self_->clock().now();
    self_->request(st().setup.leases, st().setup.lease_ttl, take_atom::value)
      .then([this_ = *this, asked](const lease_answer_ptr& answer) mutable { this_.on_leases(*answer, asked); },
            [this_ = *this](const caf::error& e) mutable { this_.on_no_answer(this_.self_->system().render(e)); });
  }

  void renew() {
    if (st().draining) return;
    if (st().held != shard_count) take(); // Something is still held elsewhere, or was lost.
    else {
      const auto asked = self_->clock().now();
      self_->request(st().setup.leases, st().setup.lease_ttl / 3, renew_atom::value)
        .then([this_ = *this, asked](const lease_answer_ptr& answer) mutable { this_.on_leases(*answer, asked); },
              [this_ = *this](const caf::error& e) mutable { this_.on_no_answer(this_.self_->system().render(e)); });
    }
  }

  /// Runs more often than the renewal: a node that cannot renew stops acting while its leases still hold.
  void check_fresh() {
    if (st().held == 0 || self_->clock().now() < st().fresh_until) return;
    log(log_level::error, "self_fenced", {{"shards", std::to_string(st().held)}});
    bring_in_line({});
  }

  caf::typed_response_promise<bool> drain() {
    auto promise = self_->make_response_promise<bool>();
    st().draining = true;
    if (st().waker) self_->send_exit(st().waker, caf::exit_reason::user_shutdown);
    st().waker = nullptr;
    bring_in_line({});
    self_->request(st().setup.leases, st().setup.lease_ttl, release_atom::value)
      .then([promise](const lease_answer_ptr& answer) mutable { promise.deliver(answer->available); },
            [promise](const caf::error&) mutable { promise.deliver(false); });
    return promise;
  }

  bool ready() const { return self_->state.held == shard_count; }

  void moved() {
    self_->send(st().setup.router, moved_atom::value);
    if (st().waker) self_->send(st().waker, moved_atom::value);
  }

  /// What was paused may go on: residents look again, and what left memory meanwhile is found by its wake_at, however long ago that was.
  void resumed() {
    self_->send(st().setup.router, moved_atom::value);
    if (st().waker) self_->send(st().waker, rescan_atom::value);
  }

private:
  node_state& st() { return self_->state; }

  void on_leases(const lease_answer& answer, caf::actor_clock::time_point asked) {
    if (!answer.available) return on_no_answer(answer.error);
    // Counted from before the question was asked: the database's clock started the lease later than that.
    st().fresh_until = asked + st().setup.lease_ttl * 2 / 3;
    const bool was_ready = ready();
    bring_in_line(answer.epochs);
    if (ready() && !was_ready) log(log_level::info, "node_ready", {{"shards", std::to_string(st().held)}});
    if (!ready()) log(log_level::info, "waiting_for_shards", {{"held", std::to_string(st().held)}, {"others", answer.error}});
    again();
  }

  void on_no_answer(const std::string& why) {
    log(log_level::warning, "leases_not_renewed", {{"error", why}});
    again();
  }

  void again() {
    const auto pause = ready() ? st().setup.lease_ttl / 4 : milliseconds(500);
    self_->delayed_send(self_, pause, renew_again_atom::value);
  }

  /// Starts the shards whose lease is new, ends those whose lease is gone or was lost and taken again in between (another epoch).
  void bring_in_line(const std::array<std::uint64_t, shard_count>& epochs) {
    auto& s = st();
    bool changed = false;
    for (std::uint32_t i = 0; i < shard_count; ++i) {
      if (s.epochs[i] == epochs[i]) continue;
      changed = true;
      if (s.shards[i]) self_->send_exit(s.shards[i], caf::exit_reason::user_shutdown);
      s.shards[i] = nullptr;
      if (s.epochs[i] != 0) --s.held;
      if (epochs[i] != 0) {
        s.shards[i] = spawn_shard(self_->system(), i, epochs[i], s.setup.loader, s.setup.ports);
        ++s.held;
      }
      s.epochs[i] = epochs[i];
    }
    if (!changed) return;
    s.setup.ports->metrics->gauge("shards_held", "", static_cast<std::int64_t>(s.held));
    self_->send(s.setup.router, route_atom::value, std::make_shared<const shard_table>(s.shards));
    // A shard that is new here may owe anything: the waker begins from the beginning.
    if (s.waker) self_->send_exit(s.waker, caf::exit_reason::user_shutdown);
    s.waker = nullptr;
    if (s.held != 0 && !s.draining)
      s.waker = spawn_waker(self_->system(), s.setup.reader, s.setup.router, s.setup.ports->clock, s.setup.ports->metrics, s.setup.waker);
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
  shell.take();
  const auto tick = self->state.setup.lease_ttl / 20;
  self->delayed_send(self, tick, timer_atom::value);
  return {
    [shell](renew_again_atom) mutable { shell.renew(); },
    [shell, self, tick](timer_atom) mutable {
      shell.check_fresh();
      self->delayed_send(self, tick, timer_atom::value);
    },
    [shell](ready_atom) { return shell.ready(); },
    [shell](moved_atom) mutable { shell.moved(); },
    [shell](drain_atom) mutable { return shell.drain(); },
    [shell](resumed_atom) mutable { shell.resumed(); },
  };
}

} // namespace

caf::actor spawn_node(caf::actor_system& system, node_setup setup) { return system.spawn(node_behavior, std::move(setup)); }

} // namespace paygate
