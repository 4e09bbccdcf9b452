#pragma once

#include <string>
#include <unordered_set>

#include "messages/policy.hpp"
#include "tests/simulation/database.hpp"

namespace paygate::sim {

/// What must hold at every moment. Watches each committed step and each call to the outside; what is broken goes into world::broken.
class checks {
public:
  checks(world& w, database& db, const policy& rules);

  /// A request reached the edge of the node: some committed state must have owed it.
  void called(const io_request& request);
  /// A block was mined: at most one transfer per intent so far, with its value.
  void mined(const chain& net);
  /// An IPN was answered 200.
  void acknowledged(const std::string& raw);

private:
  void before(const step_record& step, const loaded_entity* old);
  void after(const step_record& step, const loaded_entity* old);
  void owes(const step_record& step, const loaded_entity& now);
  bool released(const wallet_transfer& t) const;
  void asked_for(const step_record& step, const loaded_entity* old);

  world& w_;
  database& db_;
  const policy& rules_;
  std::unordered_set<std::string> owed_;    ///< Every request that a committed state ever owed.
  std::unordered_set<std::string> ordered_; ///< Orders that a committed conversation placed.
};

/// What makes a request the same one; the time-dependent end of an invite link is left out.
std::string fingerprint(const io_request& request);
/// How a committed state took a step back that it must never take; empty when it did not.
std::string step_back(const snapshot& old, const snapshot& next, const database& db, const entity_ref& ref);
/// What a state owes by the kind's own rules.
std::vector<effect> effects_of(const snapshot& state, const entity_ref& ref, timestamp now, const policy& rules);

} // namespace paygate::sim
