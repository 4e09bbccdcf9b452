#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>

#include <caf/all.hpp>

#include "messages/interfaces.hpp"
#include "tests/support/empty_snapshot.hpp"

namespace paygate::test {

/// The database as the runtime sees it, in memory: guarded row writes, and faults on demand. Committer and loader answer as the real ones do.
/// Several systems may share it; a test that reads it while they run holds `mutex`.
class memory_store {
public:
  std::map<entity_ref, loaded_entity> rows;
  std::vector<step_ptr> history;               ///< Every committed step, in order.
  std::deque<commit_outcome> faults;           ///< Taken one per commit: what to answer instead of `committed`.
  bool commit_despite_fault = false;           ///< An `unknown` that did happen.
  bool available = true;                       ///< For loads.
  int loads = 0;
  std::mutex mutex;

  commit_result commit(const step_ptr& step) {
    const std::lock_guard guard(mutex);
    auto outcome = commit_outcome::committed;
    if (!faults.empty()) {
      outcome = faults.front();
      faults.pop_front();
      if (outcome != commit_outcome::committed && !commit_despite_fault) return {outcome, "planted"};
    }
    if (step->writes_row) {
      auto& row = rows[step->ref];
      if (row.header.version + 1 != step->header.version) return {commit_outcome::version_conflict, "version"};
      row = {step->header, step->state};
    }
    history.push_back(step);
    return {outcome, ""};
  }

  committer_actor spawn_committer(caf::actor_system& system) {
    return caf::actor_cast<committer_actor>(system.spawn([this](caf::event_based_actor* self) -> caf::behavior {
      return {[this, self](commit_atom, const step_ptr& step) { self->send(caf::actor_cast<caf::actor>(self->current_sender()), committed{step, commit(step)}); }};
    }));
  }

  loader_actor spawn_loader(caf::actor_system& system) {
    return caf::actor_cast<loader_actor>(system.spawn([this](caf::event_based_actor* self) -> caf::behavior {
      return {[this, self](load_atom, const std::shared_ptr<const entity_ref>& ref) {
        auto answer = std::make_shared<load_answer>();
        answer->ref = *ref;
        const std::lock_guard guard(mutex);
        answer->available = available;
        ++loads;
        if (auto row = rows.find(*ref); row != rows.end()) answer->entity = row->second;
        else answer->entity.state = empty_snapshot(ref->kind);
        self->send(caf::actor_cast<caf::actor>(self->current_sender()), load_answer_ptr(answer));
      }};
    }));
  }
};

} // namespace paygate::test
