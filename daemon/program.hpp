#pragma once

#include <atomic>
#include <memory>
#include <optional>
#include <string>

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include "actors/runtime/ports.hpp"
#include "config/configuration.hpp"
#include "config/secrets.hpp"
#include "daemon/clock.hpp"
#include "daemon/gateway.hpp"
#include "daemon/metrics.hpp"
#include "messages/interfaces.hpp"

namespace paygate {

/// The composition root: makes every part, hands each the handles of those it needs, and ends them in order. One per process.
class program {
public:
  /// @pre both are loaded without faults, the settings by these arguments.
  program(configuration& config, secret_store& secrets, std::vector<std::string> arguments);
  ~program();

  /// Checks what must be right before anything runs (the key, the chain, the schema) and starts all parts. A sentence when it cannot.
  std::optional<std::string> start();

  /// Once a second: secrets and settings that changed, gauges. `reload`: the settings are read again, changed or not.
  void tick(bool reload);

  /// Why this node cannot be a member of the cluster, when it tried for long enough: the process should end.
  std::optional<std::string> refusal() const;

  /// Ends what takes work in, hands the shards over to other nodes or gives them back, and waits until all that was decided is written. False when that took too long.
  /// Afterwards only the end of the process is left: a thread may sit in a long poll for most of a minute more, with nothing of value.
  bool stop();

private:
  struct parts;

  std::optional<std::string> check_outside(const std::string& wallet_address);
  void start_lanes();
  void start_actors(const std::string& wallet_address, crash_point_fn crash_point);
  std::optional<std::string> start_doors();

  configuration& config_;
  secret_store& secrets_;
  std::vector<std::string> arguments_;
  std::shared_ptr<system_clock_port> clock_ = std::make_shared<system_clock_port>();
  std::shared_ptr<prometheus_metrics> metrics_ = std::make_shared<prometheus_metrics>();
  std::atomic<std::shared_ptr<const std::string>> refusal_;
  std::unique_ptr<parts> parts_;
};

} // namespace paygate
