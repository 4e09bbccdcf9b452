#pragma once

#include <memory>

#include "messages/step.hpp"
#include "tests/simulation/lease_table.hpp"

namespace paygate::sim {

/// What is true of a process, whatever the database believes.
struct process_truth {
  std::string name;
  bool dead = false;   ///< Its process has ended.
  bool asleep = false; ///< Stopped, or without a processor; it will go on.
  timestamp woke_at{}; ///< The last time that it did.
  timestamp reaches{}; ///< Since when it has reached the database without interruption; only while it does.
};

/// What must hold at every moment between nodes: who may take a lease from whom, and who may still write.
class cluster_watch {
public:
  cluster_watch(world& w, lease_table& table);

  /// A process goes under a new identity.
  void born(const std::string& identity, std::shared_ptr<process_truth> process);
  /// A node sends a step to the database.
  void writes(const std::string& identity, const step_record& step);
  const process_truth* truth(const std::string& identity) const;

  std::map<std::string, int> seen; ///< Leases taken from the dead, from the silent; steps refused after a pause.

private:
  void buried(const lease_table::member& victim, const std::string& by);
  void taken(std::uint32_t shard, const lease_table::member& holder, const std::string& taker);

  world& w_;
  lease_table& table_;
  std::map<std::string, std::shared_ptr<process_truth>> processes_; ///< By identity.
  std::map<std::string, timestamp> declared_dead_;
};

} // namespace paygate::sim
