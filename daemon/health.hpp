#pragma once

#include <mutex>

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include "io/http/server.hpp"
#include "messages/interfaces.hpp"

namespace paygate {

/// Answers /health and /ready by asking the parts; an answer is good for a quarter of a second, so that a flood of probes costs nothing.
/// A node is ready when what it holds acts, however many nodes there are; "links" says whether it reaches the others, and decides nothing:
/// no answer depends on it but those of entities that live there. Safe from any thread that is no actor.
class health_probe {
public:
  health_probe(caf::actor_system& system, reader_actor reader, caf::actor node, caf::actor bootstrap, caf::actor router);
  health_report look();

private:
  health_report ask_all();

  caf::actor_system& system_;
  reader_actor reader_;
  caf::actor node_, bootstrap_, router_;
  std::mutex mutex_;
  std::chrono::steady_clock::time_point asked_at_{};
  health_report last_;
};


} // namespace paygate
