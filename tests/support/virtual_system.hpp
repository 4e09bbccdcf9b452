#pragma once

#include <memory>
#include <optional>
#include <random>
#include <stdexcept>
#include <vector>

#include <caf/all.hpp>
#include <caf/detail/test_actor_clock.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include "messages/ports.hpp"

namespace paygate::test {

/// A CAF system on one thread with virtual time and a seeded order of work: one message of one random ready actor at a time.
class virtual_system {
public:
  explicit virtual_system(std::uint64_t seed = 0) : random(seed) { clock().current_time += std::chrono::hours(1); }

  ~virtual_system() {
    for (auto& a : owned_) caf::anon_send_exit(a, caf::exit_reason::kill);
    owned_.clear();
    settle();
    clock().cancel_all(); // Else a periodic timer keeps the system alive for ever.
    self_.reset();
    settle();
  }

  caf::actor_system& system() { return system_; }
  caf::scoped_actor& self() { return *self_; }

  template <class Handle>
  Handle own(Handle handle) {
    owned_.push_back(caf::actor_cast<caf::actor>(handle));
    return handle;
  }

  bool step() {
    auto& jobs = coordinator().jobs;
    if (jobs.empty()) return false;
    if (jobs.size() > 1) std::swap(jobs[0], jobs[random() % jobs.size()]);
    coordinator().run_once();
    return true;
  }

  void settle() {
    for (std::size_t n = 0; step(); ++n)
      if (n > 5'000'000) throw std::runtime_error("the actors never come to rest");
  }

  /// Lets virtual time pass, stopping at every timer.
  void run_for(caf::timespan span) {
    const auto end = clock().now() + span;
    settle();
    for (auto& schedule = clock().schedule(); !schedule.empty() && schedule.begin()->first <= end;) {
      const auto due = schedule.begin()->first;
      clock().advance_time(due > clock().now() ? due - clock().now() : caf::actor_clock::duration_type{0});
      settle();
    }
    if (end > clock().now()) clock().advance_time(end - clock().now());
    settle();
  }

  /// How long until the next timer; nothing when there is none.
  std::optional<caf::timespan> next_timer() {
    if (clock().schedule().empty()) return std::nullopt;
    const auto due = clock().schedule().begin()->first;
    return due > clock().now() ? due - clock().now() : caf::timespan{0};
  }

  /// How many timers CAF's clock holds.
  std::size_t timers() { return clock().schedule().size(); }

  /// Moves virtual time and sends what is due; nobody works yet.
  void advance(caf::timespan span) { clock().advance_time(span); }

  /// Forgets every timer, as the end of a process does.
  void cancel_timers() { clock().cancel_all(); }

  /// Asks and lets virtual time pass until the answer is there, at most `patience`.
  template <class Answer, class Handle, class... Ts>
  caf::expected<Answer> ask(const Handle& to, caf::timespan patience, Ts... xs) {
    caf::expected<Answer> result{caf::sec::request_timeout};
    auto handle = self()->request(to, caf::infinite, std::move(xs)...);
    settle();
    // Receiving before the message is there would block this thread for ever.
    for (auto waited = caf::timespan{0}; waited < patience && !self()->has_next_message(); waited += std::chrono::milliseconds(50))
      run_for(std::chrono::milliseconds(50));
    if (!self()->has_next_message()) return result;
    handle.receive([&](Answer& answer) { result = std::move(answer); }, [&](caf::error& e) { result = std::move(e); });
    return result;
  }

  /// Business time that follows virtual time.
  std::shared_ptr<const business_clock> business() {
    struct follower : business_clock {
      explicit follower(caf::detail::test_actor_clock& c) : clock(c) {}
      timestamp now() const override {
        return timestamp(std::chrono::duration_cast<std::chrono::microseconds>(clock.now().time_since_epoch())) + std::chrono::hours(24 * 365 * 50);
      }
      caf::detail::test_actor_clock& clock;
    };
    return std::make_shared<follower>(clock());
  }

  std::mt19937_64 random;

private:
  struct config : caf::actor_system_config {
    config() {
      set("scheduler.policy", caf::atom("testing"));
      set("logger.inline-output", true);
    }
  };

  caf::scheduler::test_coordinator& coordinator() { return coordinator_; }
  caf::detail::test_actor_clock& clock() { return coordinator_.clock(); }

  config config_;
  caf::actor_system system_{config_};
  caf::scheduler::test_coordinator& coordinator_ = dynamic_cast<caf::scheduler::test_coordinator&>(system_.scheduler());
  std::unique_ptr<caf::scoped_actor> self_{new caf::scoped_actor(system_, true)};
  std::vector<caf::actor> owned_;
};

/// Forgets everything it is told.
class no_metrics : public metrics_sink {
public:
  void count(std::string_view, std::string_view, std::int64_t) override {}
  void gauge(std::string_view, std::string_view, std::int64_t) override {}
  void duration(std::string_view, std::string_view, std::chrono::microseconds) override {}
};

} // namespace paygate::test
