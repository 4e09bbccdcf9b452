#include <algorithm>
#include <deque>
#include <span>
#include <unordered_set>

#include <caf/all.hpp>

#include "messages/log.hpp"
#include "persistence/batch_pace.hpp"
#include "persistence/batch_writer.hpp"
#include "persistence/database.hpp"
#include "persistence/persistence.hpp"

namespace paygate {

namespace {

using flush_atom = caf::atom_constant<caf::atom("flush")>;

// The committer's own messages besides its public interface.
using committer_impl = committer_actor::extend<caf::reacts_to<flush_atom>>;

// Tries of a batch that was rolled back for no fault of its own, before its steps are answered `unknown`.
constexpr int tries_max = 20;

struct waiting_step {
  caf::strong_actor_ptr sender;
  step_ptr step;
};

struct committer_state {
  static inline const char* name = "committer";
  committer_config config;
  std::shared_ptr<metrics_sink> metrics;
  std::unique_ptr<basic_link<pipeline>> link;
  std::deque<waiting_step> waiting;
  batch_pace pace;
  bool flush_sent = false;
  bool gathering = false; ///< The flush was put off.
};

using committer_ptr = committer_impl::stateful_pointer<committer_state>;

void answer(committer_ptr self, waiting_step& step, commit_result result) {
  auto& state = self->state;
  if (state.metrics) {
    state.metrics->count("commit_steps_total", to_text(result.outcome));
    if (result.outcome != commit_outcome::committed && result.outcome != commit_outcome::unknown)
      state.metrics->count("steps_refused_total", to_text(result.outcome));
  }
  if (step.sender) caf::anon_send(caf::actor_cast<caf::actor>(step.sender), committed{std::move(step.step), std::move(result)});
}

void answer_all(committer_ptr self, std::span<waiting_step> steps, commit_outcome outcome, const std::string& error) {
  for (auto& step : steps) answer(self, step, {outcome, error});
}

// Writes the steps, in halves when the database refuses one of them, and answers each exactly once.
void commit(committer_ptr self, std::span<waiting_step> steps) {
  auto& state = self->state;
  std::vector<step_ptr> records;
  records.reserve(steps.size());
  for (const auto& step : steps) records.push_back(step.step);
  for (int tries = 1;; ++tries) {
    auto* connection = state.link->open();
    if (!connection) return answer_all(self, steps, commit_outcome::unknown, state.link->error());
    std::vector<commit_result> results;
    try {
      results = write_batch(*connection, *state.config.node.get(), records);
    } catch (const std::exception& failure) {
      const auto words = words_of(failure);
      const auto fault = classify(connection->is_open(), failure);
      if (fault == database_fault::broken) {
        state.link->drop(words);
        return answer_all(self, steps, commit_outcome::unknown, words);
      }
      if (fault == database_fault::again && tries < tries_max) continue;
      if (fault != database_fault::poison) {
        log(log_level::error, "commit_refused", {{"error", words}});
        return answer_all(self, steps, commit_outcome::unknown, words);
      }
      if (steps.size() == 1) {
        log(log_level::error, "poison_step", {{"entity", to_text(records[0]->ref)}, {"message", records[0]->message}, {"error", words}});
        return answer_all(self, steps, commit_outcome::poison, words);
      }
    }
    if (!results.empty()) {
      for (std::size_t i = 0; i < steps.size(); ++i) answer(self, steps[i], std::move(results[i]));
      return;
    }
    const auto half = steps.size() / 2;
    commit(self, steps.first(half));
    return commit(self, steps.subspan(half));
  }
}

// The next batch: in order of arrival, but the second step of an entity waits for the batch after.
std::vector<waiting_step> take_batch(committer_state& state) {
  std::vector<waiting_step> batch;
  batch.reserve(std::min(state.config.batch_max, state.waiting.size()));
  std::unordered_set<std::string> entities;
  std::deque<waiting_step> left;
  while (!state.waiting.empty() && batch.size() < state.config.batch_max) {
    auto step = std::move(state.waiting.front());
    state.waiting.pop_front();
    if (entities.insert(to_text(step.step->ref)).second)
      batch.push_back(std::move(step));
    else
      left.push_back(std::move(step));
  }
  for (; !left.empty(); left.pop_back()) state.waiting.push_front(std::move(left.back()));
  return batch;
}

void flush(committer_ptr self) {
  auto& state = self->state;
  auto batch = take_batch(state);
  if (batch.empty()) return;
  const auto start = std::chrono::steady_clock::now();
  commit(self, batch);
  const auto ended = std::chrono::steady_clock::now();
  state.pace.wrote(start, ended, batch.size());
  if (!state.metrics) return;
  state.metrics->gauge("commit_batch_steps", "", static_cast<std::int64_t>(batch.size()));
  state.metrics->duration("commit_duration", "", std::chrono::duration_cast<std::chrono::microseconds>(ended - start));
}

void ask_flush(committer_ptr self) {
  if (self->state.flush_sent || self->state.waiting.empty()) return;
  self->state.flush_sent = true;
  self->send(self, flush_atom::value); // Behind everything that is in the mailbox now: that is the batch.
}

committer_impl::behavior_type committer_behavior(committer_ptr self, committer_config config, std::shared_ptr<metrics_sink> metrics) {
  auto& state = self->state;
  state.link = std::make_unique<basic_link<pipeline>>([dsn = config.dsn] { return connect_for_batches(dsn); });
  state.config = std::move(config);
  state.metrics = std::move(metrics);
  self->set_exit_handler([self](caf::exit_msg& exit) {
    while (!self->state.waiting.empty()) flush(self);
    self->quit(std::move(exit.reason));
  });
  self->set_error_handler([](caf::scheduled_actor*, caf::error&) {});
  self->set_default_handler(caf::drop);
  return {
      [=](commit_atom, const step_ptr& step) {
        self->state.waiting.push_back({self->current_sender(), step});
        // A crowd does not wait for the mailbox to run dry.
        if (self->state.waiting.size() >= self->state.config.batch_max)
          flush(self);
        else
          ask_flush(self);
      },
      [=](flush_atom) {
        auto& s = self->state;
        // Once for each batch: the pause is not begun anew by those who come meanwhile.
        if (!std::exchange(s.gathering, true) && s.pace.rest(s.waiting.size())) return self->send(self, flush_atom::value);
        s.gathering = s.flush_sent = false;
        flush(self);
        ask_flush(self);
      },
  };
}

} // namespace

committer_actor spawn_committer(caf::actor_system& system, committer_config config, std::shared_ptr<metrics_sink> metrics) {
  return system.spawn<caf::detached>(committer_behavior, std::move(config), std::move(metrics));
}

} // namespace paygate
