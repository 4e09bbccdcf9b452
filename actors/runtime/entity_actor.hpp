#pragma once

#include <exception>
#include <utility>

#include <caf/all.hpp>

#include "actors/runtime/entity_state.hpp"
#include "actors/runtime/inspect.hpp"
#include "messages/log.hpp"
#include "messages/message_json.hpp"

// The shell of every entity: decide, commit, act. Written once for all kinds; a kind brings `apply`, `effects_due`, `wakes_at`.
namespace paygate {

/// The behaviour of one activation. All methods run in the actor; the class only groups them around `self`.
template <class Kind>
class entity_shell {
public:
  using pointer = caf::stateful_actor<entity_state<Kind>>*;
  using state_type = typename Kind::state;
  using message_type = typename Kind::message;

  explicit entity_shell(pointer self) : self_(self) {}

  // --- messages in ---

  reply_promise deliver(const envelope_ptr& letter) {
    ++st().handled;
    st().active_at = now();
    auto promise = self_->template make_response_promise<entity_reply_ptr>();
    const auto* message = std::get_if<message_type>(&letter->body);
    if (!message)
      answer(promise, refused{refusal::wrong_kind, "no message for a " + std::string(to_text(Kind::kind))});
    else if (!st().committing)
      decide(*message, promise, letter);
    else if (st().inbox.size() < ports().limits.inbox_max)
      queue({*message, promise, self_->clock().now()});
    else
      answer(promise, refused{refusal::busy, "too many messages wait for this entity"});
    return promise;
  }

  void on_committed(const committed& answer) {
    auto& s = st();
    if (!s.committing) return;
    s.committing = false;
    s.slot = {};
    const auto ended = self_->clock().now();
    ports().board->stepped(s.self_.ref, answer.step->message, std::chrono::duration_cast<std::chrono::microseconds>(ended - s.step_began), ended);
    if (answer.result.outcome == commit_outcome::committed) {
      ports().pass("after_commit");
      s.open_letter.reset();
      if (answer.step->writes_row) s.header = answer.step->header;
      if (s.open) s.data = std::move(s.open->next);
      answer_open(s.open ? s.open->reply : entity_reply{ok{}});
      if (s.finishing) return end_here();
      if (s.restarting) return reload("restarted by the operator");
      reconcile();
      drain_inbox();
      if (!s.committing) start_effects();
      return;
    }
    const auto text = std::string(to_text(answer.result.outcome)) + ": " + answer.result.error;
    if (answer.result.outcome == commit_outcome::poison) {
      answer_open(refused{refusal::crashed, "the database refuses this step"});
      log(log_level::error, "step_poisoned", {{"entity", to_text(ref())}, {"message", answer.step->message}, {"error", answer.result.error}});
      return poison(answer.step->message, answer.result.error, s.open_letter ? message_json(s.open_letter->body) : std::string());
    }
    // Stale, fenced or unknown: this activation no longer knows the truth. Whoever asked asks again; the shard loads the row anew.
    answer_open(refused{refusal::unavailable, text});
    reload(text);
  }

  /// The row's time has come. An activation that expects nothing now knows another row: a commit whose outcome was unknown has landed after
  /// it was loaded.
  void wake() {
    const auto& known = st().header.wake_at;
    // Whoever starts up looks two horizons ahead, and a scan begins some seconds back: what was written meanwhile is no other row.
    constexpr seconds fresh{5};
    if (st().committing || (known && *known <= now() + 2 * ports().limits.wake_horizon + fresh)) return;
    if (now() - st().header.updated_at < fresh) return;
    reload("woken, but nothing is due by what it knows");
  }

  void retry_now() {
    if (st().committing) return; // What is due may be other things by then; an outcome may wait in the inbox.
    st().effects.retry_now(now());
    start_effects();
  }

  /// The operator wants this activation to end and the row to be loaded anew; a step under way is seen through.
  void restart() {
    st().restarting = true;
    if (!st().committing) reload("restarted by the operator");
  }

  /// Business time was moved, or a pause began or ended: what waited for an instant may be due, and the timer measures the wrong distance.
  void moved() {
    st().timer_set = false;
    act();
  }

  void passivate() {
    auto& s = st();
    if (!s.committing && may_leave(next_instant())) return self_->quit();
    self_->send(s.self_.parent, stays_atom::value, s.self_.ref);
    schedule();
  }

  /// The shard goes to another node: an open step is finished, nothing new is begun. What is due is due there.
  void finish() {
    st().finishing = true;
    if (!st().committing) end_here();
  }

  void on_timer(std::uint64_t generation) {
    if (generation != st().timer) return;
    st().timer_set = false;
    act();
  }

  std::string inspect() const {
    const auto& s = st();
    const auto age = [&](auto since) { return std::chrono::duration_cast<milliseconds>(self_->clock().now() - since); };
    live_view live{to_text(s.data.status), s.inbox.size(), {}, s.committing, {}, s.handled, {}};
    if (!s.inbox.empty()) live.oldest = age(s.inbox.front().since);
    if (s.committing) live.step_age = age(s.step_began);
    for (const auto& r : s.effects.all()) live.paused.push_back(r.call == 0 && held_back(r.what, ports().pauses->get(), Kind::kind));
    return inspect_json(ref(), st().header, st().effects.all(), live, now());
  }

  /// First start, next step and recovery are this one path.
  void act() {
    if (st().committing) return;
    reconcile();
    start_effects();
  }

private:
  entity_state<Kind>& st() { return self_->state; }
  const entity_state<Kind>& st() const { return self_->state; }
  const entity_ports& ports() const { return *st().self_.ports; }
  const entity_ref& ref() const { return *st().self_.ref; }
  timestamp now() const { return ports().clock->now(); }
  bool exists() const { return st().header.version != 0; }

  static void answer(reply_promise& promise, entity_reply r) {
    if (promise.pending()) promise.deliver(std::make_shared<const entity_reply>(std::move(r)));
  }

  // --- decide ---

  void decide(const message_type& message, reply_promise promise, const envelope_ptr& letter = {}) {
    const auto word = name_of(message);
    verdict<state_type> result;
    try {
      result = Kind::apply(st().data, exists(), message, step_context{ref(), now(), *ports().rules.get()});
    } catch (const std::exception& e) {
      log(log_level::error, "step_threw", {{"entity", to_text(ref())}, {"message", std::string(word)}, {"error", e.what()}});
      answer(promise, refused{refusal::crashed, "the step failed"});
      return poison(word, e.what(), message_json(any_message{message}));
    }
    if (auto* no = std::get_if<refused>(&result)) {
      answer(promise, std::move(*no));
      return schedule();
    }
    auto& yes = std::get<decision<state_type>>(result);
    if (!yes.changed && yes.rows.empty() && yes.entries.empty()) {
      answer(promise, std::move(yes.reply));
      return schedule();
    }
    st().open = std::make_unique<decision<state_type>>(std::move(yes));
    st().open_promise = promise;
    st().open_letter = letter ? letter : std::make_shared<const envelope>(envelope{ref(), any_message{message}});
    commit(word, st().open->changed, st().open->note);
  }

  void answer_open(entity_reply r) {
    auto promise = std::move(st().open_promise);
    st().open_promise = {};
    st().open.reset();
    answer(promise, std::move(r));
  }

  // --- commit ---

  /// `state_changes` false with an open decision: side rows only. Without an open decision: the header alone (a failure worth showing).
  void commit(std::string_view word, bool state_changes, std::string note) {
    auto& s = st();
    const auto at = now();
    auto step = std::make_shared<step_record>();
    step->ref = ref();
    step->shard = s.self_.shard;
    step->epoch = s.self_.epoch;
    step->header = s.header;
    step->header.updated_at = at; // Also of side rows that come without a row.
    step->message = word;
    step->note = std::move(note);
    const state_type& next = s.open ? s.open->next : s.data;
    step->from_status = exists() ? std::string(to_text(s.data.status)) : std::string();
    step->to_status = to_text(next.status);
    step->writes_row = !s.open || state_changes;
    if (step->writes_row) {
      ++step->header.version;
      if (step->header.version == 1) step->header.created_at = at;
      step->header.wake_at = wake_at(next, at);
      if (s.open) step->header.attempts = 0, step->header.last_error.clear();
      step->state = next;
    }
    if (s.open) {
      step->entries = std::move(s.open->entries);
      step->rows = std::move(s.open->rows);
    } else {
      const auto worst = s.effects.worst_failure();
      step->header.attempts = worst.first;
      step->header.last_error = worst.second;
    }
    s.committing = true;
    s.step_began = self_->clock().now();
    ports().pass("before_commit");
    const auto index = ports().next_committer();
    s.slot = commit_slot((*ports().load)[index]);
    self_->send(ports().committers[index], commit_atom::value, step_ptr(std::move(step)));
  }

  /// When the row must be looked at again though nobody sends a message. What is due soon runs in memory; its row names an instant a little
  /// later, rounded up so that consecutive steps leave the index alone, for whoever starts after a crash.
  std::optional<timestamp> wake_at(const state_type& next, timestamp at) const {
    std::optional<timestamp> earliest = Kind::wakes_at(next, at, *ports().rules.get());
    for (const auto& due : Kind::effects_due(next, ref(), at, *ports().rules.get()))
      if (!earliest || due.not_before < *earliest) earliest = due.not_before;
    if (!earliest || *earliest > at + ports().limits.passivate_after) return earliest;
    const auto horizon = ports().limits.wake_horizon;
    return std::max(*earliest, timestamp(std::chrono::ceil<seconds>(at.time_since_epoch()) / horizon * horizon + horizon));
  }

  // --- act ---

  /// A row that does not exist owes nothing.
  void reconcile() {
    st().effects.reconcile(exists() ? Kind::effects_due(st().data, ref(), now(), *ports().rules.get()) : std::vector<effect>{});
  }

  void start_effects() {
    for (auto* r : st().effects.start(now(), ports().pauses->get(), Kind::kind)) {
      if (const auto* request = std::get_if<io_request_ptr>(&r->what.request))
        call(*request, r->call);
      else
        ask(std::get<envelope_ptr>(r->what.request), r->call);
    }
    schedule();
  }

  void call(const io_request_ptr& request, std::uint64_t number) {
    if (ports().crash_point) ports().pass("before_call:" + std::string(name_of(*request)));
    const auto lane_index = static_cast<std::size_t>(lane_of(*request));
    self_->request(ports().lanes[lane_index], ports().limits.call_timeout, call_atom::value, request)
        .then(
            [this_ = *this, number, word = name_of(*request)](const call_answer_ptr& answer) mutable {
              if (this_.ports().crash_point) this_.ports().pass("after_call:" + std::string(word));
              this_.on_outcome(number, answer->outcome);
            },
            [this_ = *this, number](const caf::error& e) mutable {
              this_.on_outcome(number, io_failure{fault::unknown, "lane", this_.self_->system().render(e), std::nullopt});
            });
  }

  void ask(const envelope_ptr& letter, std::uint64_t number) {
    self_->request(ports().router, ports().limits.ask_timeout, deliver_atom::value, letter)
        .then(
            [this_ = *this, number](const entity_reply_ptr& answer) mutable {
              const auto* no = std::get_if<refused>(answer.get());
              if (no && (is_for_now(no->code) || no->code == refusal::quarantined))
                return this_.on_outcome(number, io_failure{fault::transient, std::string(to_text(no->code)), no->text, std::nullopt});
              this_.on_outcome(number, *answer);
            },
            [this_ = *this, number](const caf::error& e) mutable {
              this_.on_outcome(number, io_failure{fault::unknown, "ask", this_.self_->system().render(e), std::nullopt});
            });
  }

  void on_outcome(std::uint64_t number, std::variant<io_outcome, entity_reply> outcome) {
    auto* r = st().effects.answered(number);
    if (!r) return schedule(); // No longer due: too late.
    const auto* io = std::get_if<io_outcome>(&outcome);
    const auto* failure = io ? std::get_if<io_failure>(io) : nullptr;
    if (failure && failure->code == lane_paused) {
      st().effects.put_off(*r, now());
      return schedule();
    }
    if (failure && failure->kind != fault::permanent) return on_failure(*r, *failure);
    if (failure)
      st().effects.refused(*r, now(), ref().id);
    else
      st().effects.succeeded(*r, now());
    message_type message = effect_done{r->what.key, std::move(outcome)};
    if (st().committing)
      queue({std::move(message), {}, self_->clock().now()});
    else
      decide(message, {});
  }

  /// The entity asked cannot be reached: its node died, or its shard is changing hands. That is over in seconds, and asking costs nobody
  /// anything, so the pause does not grow with the outage.
  static bool is_elsewhere(const running_effect& r, const io_failure& failure) {
    return std::holds_alternative<envelope_ptr>(r.what.request)
           && (failure.code == to_text(refusal::unavailable) || failure.code == to_text(refusal::not_owner));
  }

  void on_failure(running_effect& r, const io_failure& failure) {
    const bool tell = st().effects.note_failure(r, failure, now(), ref().id);
    if (is_elsewhere(r, failure)) r.next_at = std::min(r.next_at, now() + retry_pause(2, ref().id));
    ports().metrics->count(is_no_room(failure) ? "effects_put_off_total" : "effect_failures_total", to_text(Kind::kind));
    if (tell)
      log(log_level::warning, "effect_failed",
          {{"entity", to_text(ref())}, {"effect", r.what.key}, {"attempts", std::to_string(std::max(r.attempts, r.put_offs))}, {"error", r.error}});
    if (tell && !st().committing) return commit("effect_failed", false, r.what.key + ": " + r.error);
    schedule();
  }

  void queue(inbox_item<message_type> item) {
    auto& s = st();
    s.inbox.push_back(std::move(item));
    ports().board->waiting(s.self_.ref, s.inbox.size(), s.inbox.front().since);
  }

  void drain_inbox() {
    auto& s = st();
    if (s.inbox.empty()) return;
    // Each item may open a commit, which stops the draining until that one is through.
    while (!s.committing && !s.inbox.empty()) {
      auto item = std::move(s.inbox.front());
      s.inbox.erase(s.inbox.begin());
      decide(item.message, item.promise);
    }
    ports().board->waiting(s.self_.ref, s.inbox.size(), s.inbox.empty() ? caf::actor_clock::time_point{} : s.inbox.front().since);
  }

  /// Sets the timer for the next thing to come, or offers to leave memory when nothing comes soon.
  void schedule() {
    auto& s = st();
    if (s.committing) return;
    auto next = next_instant();
    if (exists() && s.woken_in_vain(next, now())) return commit("wake_set", false, "");
    const auto leave_at = s.active_at + (exists() ? ports().limits.passivate_after : milliseconds(1000));
    if (may_leave(next)) {
      if (now() >= leave_at) {
        // The shard says no only when a message is on its way to us. No timer: a far one would keep our memory for as long.
        s.active_at = now();
        self_->send(s.self_.parent, idle_atom::value, s.self_.ref, s.handled);
        return;
      }
      next = next ? std::min(*next, leave_at) : leave_at;
    }
    const milliseconds slack{next == leave_at ? 50 : 0}; // Nobody waits for it to leave memory: such timers share their instants.
    if (!next || (s.timer_set && s.timer_at <= *next + slack)) return;
    s.timer_set = true;
    s.timer_at = *next + slack;
    ports().timers->set(self_->system(), self_, ++s.timer, self_->clock().now() + (*next - now()), slack);
  }

  /// When something is to be done next though no message comes.
  std::optional<timestamp> next_instant() const {
    auto next = st().effects.next_start(ports().pauses->get(), Kind::kind);
    if (exists())
      if (auto wake = Kind::wakes_at(st().data, now(), *ports().rules.get()); wake && (!next || *wake < *next)) next = wake;
    return next;
  }

  /// Nothing in flight, nothing waiting out a back-off, and what comes later stands in the row in time: then memory holds nothing of value.
  bool may_leave(const std::optional<timestamp>& next) const {
    const auto& s = st();
    for (const auto& r : s.effects.all())
      if (r.call != 0 || r.next_at != r.what.not_before) return false;
    if (!next) return true;
    return *next > now() + ports().limits.passivate_after && s.header.wake_at && *s.header.wake_at <= *next && *s.header.wake_at > now();
  }

  // --- the end of an activation ---

  void poison(std::string_view word, const std::string& error, const std::string& message) {
    self_->send(st().self_.parent, poisoned_atom::value, st().self_.ref, std::string(word) + ": " + error, message);
    leave(error);
  }

  void reload(const std::string& why) {
    log(log_level::warning, "entity_reloads", {{"entity", to_text(ref())}, {"cause", why}});
    self_->send(st().self_.parent, reload_atom::value, st().self_.ref);
    leave(why);
  }

  void refuse_inbox(const refused& why) {
    auto& s = st();
    for (auto& item : s.inbox) answer(item.promise, why);
    if (!s.inbox.empty()) ports().board->waiting(s.self_.ref, 0, {});
    s.inbox.clear();
  }

  void end_here() {
    refuse_inbox({refusal::not_owner, "the shard goes to another node"});
    self_->quit();
  }

  void leave(const std::string& why) {
    refuse_inbox({refusal::unavailable, "the entity is being loaded anew"});
    self_->quit(caf::make_error(caf::sec::runtime_error, why));
  }

  pointer self_;
};

/// Starts an activation of a kind; `spawn_entity_fn` of that kind.
template <class Kind>
caf::actor spawn_entity(caf::actor_system& system, activation self) {
  return system.spawn([self = std::move(self)](caf::stateful_actor<entity_state<Kind>>* actor) -> caf::behavior {
    auto& s = actor->state;
    s.self_ = self;
    s.header = self.loaded->header;
    s.data = std::get<typename Kind::state>(self.loaded->state);
    s.self_.loaded.reset();
    s.active_at = self.ports->clock->now();
    // Handlers without captures: a capture is an allocation per entity.
    actor->set_error_handler([](caf::scheduled_actor* a, caf::error& e) {
      const auto& ref = static_cast<typename entity_shell<Kind>::pointer>(a)->state.self_.ref;
      log(log_level::warning, "entity_error_message", {{"entity", to_text(*ref)}, {"error", a->system().render(e)}});
    });
    actor->set_default_handler([](caf::scheduled_actor* a, caf::message_view& view) -> caf::result<caf::message> {
      const auto& ref = static_cast<typename entity_shell<Kind>::pointer>(a)->state.self_.ref;
      log(log_level::warning, "entity_unexpected_message", {{"entity", to_text(*ref)}, {"message", caf::to_string(view.content())}});
      return caf::sec::unexpected_message;
    });
    entity_shell<Kind> shell(actor);
    shell.act();
    return {
        [shell](deliver_atom, const envelope_ptr& letter) mutable { return shell.deliver(letter); },
        [shell](const committed& answer) mutable { shell.on_committed(answer); },
        [shell](timer_atom, std::uint64_t generation) mutable { shell.on_timer(generation); },
        [shell](retry_atom) mutable { shell.retry_now(); },
        [shell](wake_atom) mutable { shell.wake(); },
        [shell](moved_atom) mutable { shell.moved(); },
        [shell](restart_atom) mutable { shell.restart(); },
        [shell](inspect_atom) { return shell.inspect(); },
        [shell](passivate_atom) mutable { shell.passivate(); },
        [shell](finish_atom) mutable { shell.finish(); },
    };
  });
}

} // namespace paygate
