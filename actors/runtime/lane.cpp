#include "actors/runtime/lane.hpp"

#include <exception>
#include <map>

#include <caf/all.hpp>

#include "actors/runtime/flow.hpp"
#include "messages/html.hpp"
#include "messages/log.hpp"

namespace paygate {

namespace {

using std::chrono::nanoseconds;
using pump_atom = caf::atom_constant<caf::atom("pump")>;
using call_promise = caf::typed_response_promise<call_answer_ptr>;

call_answer_ptr failure(fault kind, const char* code, std::string text, std::optional<milliseconds> retry_after = std::nullopt) {
  return std::make_shared<const call_answer>(call_answer{io_failure{kind, code, std::move(text), retry_after}});
}

/// Runs calls on its own thread. It never fails: whatever the client throws becomes an outcome.
caf::behavior worker_behavior(caf::event_based_actor* self, io_client client, lane which, std::shared_ptr<metrics_sink> metrics) {
  return {
      [=](call_atom, const io_request_ptr& request) -> call_answer_ptr {
        const auto started = std::chrono::steady_clock::now();
        io_outcome outcome;
        try {
          outcome = client(*request);
        } catch (const std::exception& e) {
          outcome = io_failure{fault::unknown, "exception", e.what(), std::nullopt};
        }
        const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - started);
        metrics->duration("provider_call_seconds", to_text(which), took);
        return std::make_shared<const call_answer>(call_answer{std::move(outcome)});
      },
  };
}

struct queued_call {
  io_request_ptr request;
  call_promise promise;
  milliseconds since{0};
  urgency importance = urgency::answer;
  bool alone = false; ///< Not to be joined with others: together they were refused.
};

/// What is under way: one call, or several notices as one message.
struct started_call {
  io_request_ptr request;
  std::vector<queued_call> asked;
  urgency importance = urgency::answer;
  std::int64_t chat = 0;
};

struct lane_state {
  lane which = lane::nowpayments;
  io_client client;
  lane_limits limits;
  std::shared_ptr<metrics_sink> metrics;
  std::shared_ptr<const pause_slot> pauses;
  std::map<std::uint64_t, queued_call> queue; ///< By ticket, so the oldest first.
  message_pace order{{}};                     ///< Which of them is next.
  std::uint64_t tickets = 0;
  std::uint32_t broadcasting = 0; ///< Broadcasts under way.
  std::vector<caf::actor> workers, idle;
  token_bucket bucket{0, 1};
  circuit breaker{0};
  milliseconds ended_at{0};            ///< When a call last ended.
  nanoseconds pace{0};                 ///< From the end of one call to that of the next, while calls wait: a running mean.
  std::array<nanoseconds, 4> turns{};  ///< By urgency: when the last one that was sent away is to come again.
  std::optional<milliseconds> pump_at; ///< When the earliest timer goes off.
  static inline const char* name = "lane";
};

class lane_shell {
public:
  using pointer = caf::stateful_actor<lane_state>*;
  explicit lane_shell(pointer self) : self_(self) {}

  call_promise call(const io_request_ptr& request) {
    auto promise = self_->make_response_promise<call_answer_ptr>();
    auto& s = st();
    const auto& sender = self_->current_sender();
    const auto importance = claim_of(*request, 0, sender).importance;
    if (!has_room(importance)) {
      promise.deliver(failure(fault::transient, "busy", "too many calls wait for " + std::string(to_text(s.which)), next_turn(importance)));
      s.metrics->count("lane_put_off_total", to_text(s.which));
      return promise;
    }
    enqueue({request, promise, now(), importance, false}, sender);
    pump();
    return promise;
  }

  void pump() {
    auto& s = st();
    refuse_stale();
    if (s.pauses->get().stops(s.which))
      refuse_queue(failure(fault::transient, lane_paused.data(), "calls of " + std::string(to_text(s.which)) + " are paused"));
    while (!s.queue.empty() && !s.idle.empty()) {
      if (s.limits.failures_max != 0)
        if (auto closed_in = s.breaker.refuse(now())) {
          refuse_queue(
              failure(fault::transient, "circuit_open", std::string(to_text(s.which)) + " keeps failing; calls are paused", *closed_in));
          break;
        }
      if (!next_call()) break;
    }
    s.metrics->gauge("lane_queue", to_text(s.which), static_cast<std::int64_t>(s.queue.size()));
  }

  void shared_by(std::size_t nodes) {
    st().order.shared_by(nodes);
    pump();
  }

  void on_pump() {
    st().pump_at.reset();
    pump();
  }

  lane_stats_ptr stats() const {
    const auto& s = self_->state;
    const auto held = std::chrono::ceil<milliseconds>(std::max(s.order.held_until() - moment(), message_pace::moment(0)));
    return std::make_shared<const lane_stats>(
        lane_stats{s.which, s.queue.size(), s.workers.size(), s.idle.size(), s.breaker.is_open(), held});
  }

  void add_worker() {
    // Detached: a client may block for as long as its time-out. Monitored: a dead one is replaced.
    auto worker = self_->spawn<caf::detached + caf::monitored>(worker_behavior, st().client, st().which, st().metrics);
    st().workers.push_back(worker);
    st().idle.push_back(worker);
  }

  void on_worker_down(const caf::down_msg& down) {
    for (auto* list : {&st().workers, &st().idle}) std::erase_if(*list, [&](const caf::actor& a) { return a.address() == down.source; });
    log(log_level::error, "lane_worker_died", {{"lane", std::string(to_text(st().which))}});
    add_worker();
    pump();
  }

private:
  lane_state& st() { return self_->state; }
  milliseconds now() const { return std::chrono::duration_cast<milliseconds>(self_->clock().now().time_since_epoch()); }

  message_pace::moment moment() const { return std::chrono::duration_cast<message_pace::moment>(self_->clock().now().time_since_epoch()); }

  /// Without a pace everybody is served in the order of coming.
  paced_call claim_of(const io_request& request, std::uint64_t ticket, const caf::strong_actor_ptr& sender) const {
    if (self_->state.limits.pace.per_second == 0) return paced_call{ticket};
    return paced(request, ticket, sender ? sender->id() : 0);
  }

  void enqueue(queued_call call, const caf::strong_actor_ptr& sender) {
    auto& s = st();
    const auto ticket = ++s.tickets;
    s.order.add(claim_of(*call.request, ticket, sender));
    s.queue.emplace(ticket, std::move(call));
  }

  /// Starts the next call that may go now; false when none may.
  bool next_call() {
    auto& s = st();
    const auto kept_free = std::max(s.limits.workers / 4, 1u);
    const bool crowded = s.limits.workers > 1 && s.broadcasting + kept_free >= s.limits.workers;
    const auto up_to = crowded ? urgency::notice : urgency::broadcast;
    if (s.order.held_until() > moment()) return put_off(std::chrono::ceil<milliseconds>(s.order.held_until() - moment()));
    if (const auto pause = s.bucket.take(now())) return put_off(*pause); // Of a lane without a pace.
    const auto next = s.order.take(moment(), up_to);
    if (!next) {
      const auto pause = s.order.again_in(moment(), up_to);
      return pause ? put_off(std::chrono::ceil<milliseconds>(*pause)) : false;
    }
    s.breaker.started();
    start(joined(*next));
    return true;
  }

  queued_call out_of_queue(std::uint64_t ticket) {
    auto at = st().queue.find(ticket);
    auto call = std::move(at->second);
    st().queue.erase(at);
    return call;
  }

  static const send_message* plain_notice(const queued_call& call) {
    const auto* m = std::get_if<send_message>(call.request.get());
    return m && m->importance == urgency::notice && m->buttons.empty() && !call.alone ? m : nullptr;
  }

  /// A notice takes with it what else waits for its chat.
  started_call joined(const paced_call& next) {
    auto& s = st();
    started_call out{nullptr, {out_of_queue(next.ticket)}, next.importance, next.chat};
    out.request = out.asked.front().request;
    const auto* first = plain_notice(out.asked.front());
    if (!first) return out;
    std::vector<std::string_view> texts{first->html};
    std::vector<std::uint64_t> tickets;
    for (const auto ticket : s.order.waiting_for(next.chat, urgency::notice))
      if (const auto* more = plain_notice(s.queue.at(ticket))) {
        texts.push_back(more->html);
        tickets.push_back(ticket);
      }
    auto together = join_html(texts);
    if (together.count == 1 && together.html == first->html) return out;
    out.request = std::make_shared<const io_request>(send_message{first->chat_id, std::move(together.html), {}, urgency::notice});
    for (std::size_t i = 0; i + 1 < together.count; ++i) {
      s.order.remove(tickets[i]);
      out.asked.push_back(out_of_queue(tickets[i]));
    }
    s.metrics->count("messages_joined_total", to_text(s.which), static_cast<std::int64_t>(together.count - 1));
    return out;
  }

  void start(started_call next) {
    auto worker = st().idle.back();
    st().idle.pop_back();
    if (next.importance == urgency::broadcast) ++st().broadcasting;
    auto request = next.request;
    auto call = std::make_shared<started_call>(std::move(next));
    self_->request(worker, std::chrono::minutes(5), call_atom::value, request)
        .then(
            [this_ = *this, worker, call](const call_answer_ptr& answer) mutable {
              this_.st().idle.push_back(worker);
              this_.ended(*call, answer);
              this_.pump();
            },
            [this_ = *this, call](const caf::error& e) mutable {
              this_.ended(*call, failure(fault::unknown, "worker", this_.self_->system().render(e)));
            });
  }

  void ended(started_call& call, const call_answer_ptr& answer) {
    if (call.importance == urgency::broadcast) --st().broadcasting;
    judge(answer->outcome, call.chat);
    const auto* bad = std::get_if<io_failure>(&answer->outcome);
    const bool refused = bad && bad->kind == fault::permanent && (bad->code == "markup" || bad->code == "bad_request");
    for (auto& one : call.asked)
      if (refused && call.asked.size() > 1) {
        one.alone = true; // One of them spoils the others.
        enqueue(std::move(one), nullptr);
      } else
        one.promise.deliver(answer);
  }

  /// A call that is let in is started in time, as far as the lane's pace tells: one that waits for nothing loses its place. Each urgency
  /// has its own room: a crowd of broadcasts, or of answers, leaves that of the invites alone.
  bool has_room(urgency importance) const {
    const auto& s = self_->state;
    const auto before = s.order.size(importance);
    if (before >= s.limits.queue_max) return false;
    return before < std::size_t{8} * s.limits.workers || static_cast<std::int64_t>(before) * s.pace < s.limits.wait_max / 2;
  }

  /// When a call that is sent away comes again: each of its class a little later than the one before, at the pace at which calls end, so
  /// that a crowd neither storms the lane nor leaves it idle. Nobody is sent away for longer than wait_max; the turns begin anew then.
  milliseconds next_turn(urgency importance) {
    constexpr milliseconds soonest{1000};
    constexpr nanoseconds pace_least{50'000};
    auto& s = st();
    auto& turn = s.turns[static_cast<std::size_t>(importance)];
    const nanoseconds present = now();
    turn = std::max(turn + std::max(s.pace, pace_least), present + soonest);
    if (turn > present + std::max(soonest, s.limits.wait_max)) turn = present + soonest;
    return std::chrono::duration_cast<milliseconds>(turn - present);
  }

  void measure_pace() {
    constexpr nanoseconds longest = std::chrono::seconds(5);
    auto& s = st();
    const auto took = std::min<nanoseconds>(now() - std::exchange(s.ended_at, now()), longest);
    if (!s.queue.empty()) s.pace = s.pace.count() == 0 ? took : s.pace + (took - s.pace) / 50;
  }

  void judge(const io_outcome& outcome, std::int64_t chat) {
    measure_pace();
    auto& s = st();
    const auto* bad = std::get_if<io_failure>(&outcome);
    s.metrics->count("provider_calls_total", to_text(s.which));
    if (!bad || bad->kind == fault::permanent) return s.breaker.succeeded();
    s.metrics->count("provider_errors_total", to_text(s.which));
    // The provider is well: it is a channel's owner who has to mend something.
    if (bad->code == "no_rights") return s.breaker.succeeded();
    if (bad->retry_after) {
      s.order.put_off(chat, *bad->retry_after, moment());
      s.breaker.put_off();
    } else if (s.limits.failures_max != 0 && s.breaker.failed(now()))
      log(log_level::error, "circuit_opened", {{"lane", std::string(to_text(s.which))}, {"error", bad->code + ": " + bad->text}});
    s.metrics->gauge("circuit_open", to_text(s.which), s.breaker.is_open() ? 1 : 0);
  }

  void refuse_queue(const call_answer_ptr& why) {
    for (auto& [ticket, waiting] : std::exchange(st().queue, {})) {
      st().order.remove(ticket);
      waiting.promise.deliver(why);
    }
  }

  /// Whoever asked gives up some time and asks again: a call that waited too long must not be made for nobody.
  void refuse_stale() {
    auto& s = st();
    while (!s.queue.empty() && now() - s.queue.begin()->second.since >= s.limits.wait_max) {
      s.order.remove(s.queue.begin()->first);
      auto stale = std::move(s.queue.begin()->second);
      s.queue.erase(s.queue.begin());
      stale.promise.deliver(
          failure(fault::transient, "busy", "the call waited too long for " + std::string(to_text(s.which)), next_turn(stale.importance)));
    }
  }

  bool put_off(milliseconds pause) {
    const auto at = now() + pause;
    if (st().pump_at && *st().pump_at <= at) return false;
    st().pump_at = at;
    self_->delayed_send(self_, pause, pump_atom::value);
    return false;
  }

  pointer self_;
};

caf::behavior lane_behavior(lane_shell::pointer self, lane which, io_client client, lane_limits limits,
                            std::shared_ptr<metrics_sink> metrics, std::shared_ptr<const pause_slot> pauses) {
  auto& s = self->state;
  s.which = which;
  s.client = std::move(client);
  s.limits = limits;
  s.metrics = std::move(metrics);
  s.pauses = std::move(pauses);
  s.bucket = token_bucket(limits.rate, limits.burst);
  s.order = message_pace(limits.pace);
  s.breaker = circuit(limits.failures_max);
  lane_shell shell(self);
  for (std::uint32_t i = 0; i < limits.workers; ++i) shell.add_worker();
  self->set_down_handler([self](caf::down_msg& down) { lane_shell(self).on_worker_down(down); });
  self->set_exit_handler([self](caf::exit_msg& e) {
    for (auto& worker : self->state.workers) self->send_exit(worker, caf::exit_reason::user_shutdown);
    self->quit(e.reason);
  });
  self->set_error_handler([which](caf::scheduled_actor* a, caf::error& e) {
    log(log_level::warning, "lane_error_message", {{"lane", std::string(to_text(which))}, {"error", a->system().render(e)}});
  });
  return {
      [shell](call_atom, const io_request_ptr& request) mutable { return shell.call(request); },
      [shell](pump_atom) mutable { shell.on_pump(); },
      [shell](stats_atom) { return shell.stats(); },
      [shell](view_atom, const cluster_view_ptr& view) mutable { shell.shared_by(view->members.size()); },
  };
}

} // namespace

lane_actor spawn_lane(caf::actor_system& system, lane which, io_client client, lane_limits limits, std::shared_ptr<metrics_sink> metrics,
                      std::shared_ptr<const pause_slot> pauses) {
  return caf::actor_cast<lane_actor>(system.spawn(lane_behavior, which, std::move(client), limits, std::move(metrics), std::move(pauses)));
}

} // namespace paygate
