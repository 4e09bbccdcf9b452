#include "actors/runtime/bulk.hpp"

#include <deque>

#include <caf/all.hpp>

#include "actors/runtime/pauses.hpp"
#include "actors/runtime/stats.hpp"
#include "messages/log.hpp"

namespace paygate {

using bulk_promise = caf::typed_response_promise<call_answer_ptr>;

/// One batch on its way.
struct bulk_batch {
  io_request_ptr request;
  bulk_promise promise;
  batch_sent result;
  std::size_t next = 0, in_flight = 0, failed_in_a_row = 0;
  caf::actor_clock::time_point until{};
  bool closed = false; ///< Begins nothing more.
  const send_batch& wanted() const { return std::get<send_batch>(*request); }
};

} // namespace paygate

namespace paygate {

namespace {

using batch_ptr = std::shared_ptr<bulk_batch>;

/// So many that fail one after the other are no matter of single chats.
constexpr std::size_t failures_max = 4;

struct bulk_state {
  lane_actor telegram;
  std::shared_ptr<metrics_sink> metrics;
  bulk_limits limits;
  std::deque<batch_ptr> batches; ///< In the order of their turns.
  std::size_t in_flight = 0;
  static inline const char* name = "bulk";
};

class bulk_shell {
public:
  using pointer = caf::stateful_actor<bulk_state>*;
  explicit bulk_shell(pointer self) : self_(self) {}

  bulk_promise call(const io_request_ptr& request) {
    auto promise = self_->make_response_promise<call_answer_ptr>();
    const auto* wanted = std::get_if<send_batch>(request.get());
    if (!wanted) {
      promise.deliver(answer(io_failure{fault::permanent, "wrong_lane", "only batches are sent here", std::nullopt}));
      return promise;
    }
    auto b = std::make_shared<bulk_batch>();
    b->request = request;
    b->promise = promise;
    b->result.each.assign(wanted->chats.size(), delivery::pending);
    b->until = self_->clock().now() + st().limits.batch_time;
    st().batches.push_back(std::move(b));
    pump();
    return promise;
  }

  lane_stats_ptr stats() const {
    const auto& s = self_->state;
    return std::make_shared<const lane_stats>(
        lane_stats{lane::telegram_bulk, s.batches.size(), s.limits.credit, s.limits.credit - s.in_flight, false, milliseconds(0)});
  }

private:
  bulk_state& st() { return self_->state; }
  static call_answer_ptr answer(io_outcome outcome) { return std::make_shared<const call_answer>(call_answer{std::move(outcome)}); }

  bool begins(bulk_batch& b) {
    if (self_->clock().now() >= b.until) b.closed = true;
    return !b.closed && b.next < b.wanted().chats.size();
  }

  void pump() {
    auto& s = st();
    for (std::size_t idle = 0; idle < s.batches.size() && s.in_flight < s.limits.credit;) {
      auto b = s.batches.front();
      s.batches.pop_front();
      s.batches.push_back(b);
      if (!begins(*b)) {
        ++idle;
        continue;
      }
      idle = 0;
      start(b);
    }
    finish();
    s.metrics->gauge("lane_queue", to_text(lane::telegram_bulk), static_cast<std::int64_t>(s.batches.size()));
  }

  void finish() {
    std::erase_if(st().batches, [this](const batch_ptr& b) {
      if (b->in_flight > 0 || begins(*b)) return false;
      b->promise.deliver(answer(b->result));
      return true;
    });
  }

  void start(const batch_ptr& b) {
    const auto at = b->next++;
    ++b->in_flight;
    ++st().in_flight;
    const auto& w = b->wanted();
    auto request = std::make_shared<const io_request>(send_message{w.chats[at], w.html, w.buttons, urgency::broadcast});
    self_->request(st().telegram, std::chrono::seconds(90), call_atom::value, std::move(request))
        .then([this_ = *this, b, at](const call_answer_ptr& got) mutable { this_.ended(b, at, got->outcome); },
              [this_ = *this, b, at](const caf::error& e) mutable {
                this_.ended(b, at, io_failure{fault::unknown, "lane", this_.self_->system().render(e), std::nullopt});
              });
  }

  void ended(const batch_ptr& b, std::size_t at, const io_outcome& outcome) {
    --b->in_flight;
    --st().in_flight;
    auto& d = b->result.each[at];
    if (const auto* failure = std::get_if<io_failure>(&outcome)) {
      d = judge(*b, *failure);
      b->result.words = failure->text.empty() ? failure->code : failure->text;
    } else {
      d = delivery::sent;
      b->failed_in_a_row = 0;
    }
    st().metrics->count("broadcast_messages_total", to_text(d));
    pump();
  }

  static delivery judge(bulk_batch& b, const io_failure& failure) {
    if (failure.kind != fault::permanent) {
      const bool shut = failure.code == lane_paused || failure.code == "circuit_open" || failure.code == "busy";
      if (shut || ++b.failed_in_a_row >= failures_max) b.closed = true;
      return delivery::pending;
    }
    b.failed_in_a_row = 0;
    if (failure.code != "markup" && failure.code != "button") return delivery::refused;
    b.closed = true;
    return delivery::wrong;
  }

  pointer self_;
};

} // namespace

lane_actor spawn_bulk(caf::actor_system& system, lane_actor telegram, std::shared_ptr<metrics_sink> metrics, bulk_limits limits) {
  auto bulk = system.spawn([=](bulk_shell::pointer self) -> caf::behavior {
    self->state.telegram = telegram;
    self->state.metrics = metrics;
    self->state.limits = limits;
    self->set_error_handler([](caf::scheduled_actor* a, caf::error& e) {
      log(log_level::warning, "bulk_error_message", {{"error", a->system().render(e)}});
    });
    bulk_shell shell(self);
    return {
        [shell](call_atom, const io_request_ptr& request) mutable { return shell.call(request); },
        [shell](stats_atom) { return shell.stats(); },
    };
  });
  return caf::actor_cast<lane_actor>(bulk);
}

} // namespace paygate
