#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <caf/all.hpp>

#include "actors/runtime/node.hpp"
#include "actors/runtime/ports.hpp"
#include "persistence/persistence.hpp"
#include "tests/support/postgres_cluster.hpp"

// What the benchmarks share: one real node (router, shards, committers, loader, leases) on a private PostgreSQL, and the feeders.
namespace paygate::bench {

using stopwatch = std::chrono::steady_clock;

/// Seconds since `start`.
double elapsed(stopwatch::time_point start);

/// Counts steps and batches; safe from any thread.
class step_counter : public metrics_sink {
public:
  void count(std::string_view name, std::string_view label, std::int64_t n) override;
  void gauge(std::string_view, std::string_view, std::int64_t) override {}
  void duration(std::string_view name, std::string_view label, std::chrono::microseconds value) override;

  std::atomic<std::int64_t> committed{0}, not_committed{0}, batches{0}, batch_micros{0}, wakes{0};
};

/// A lane that answers nobody: what calls it stays parked. Counts its calls.
struct parking_lane {
  lane_actor spawn(caf::actor_system& system);
  std::shared_ptr<std::atomic<std::int64_t>> calls = std::make_shared<std::atomic<std::int64_t>>(0);
};

/// One node as the daemon composes it, without its doors; every lane parks. Leases, committers and loader are the real ones.
class bench_node {
public:
  explicit bench_node(std::string dsn, runtime_limits limits = {}, std::size_t committers = 1);
  ~bench_node();

  /// Takes the leases; returns when all shards act.
  void start();
  std::uint64_t residents();
  entity_reply ask(const entity_ref& to, any_message message);
  void wake(const entity_ref& ref);

  /// Makes the message number `i` of a load.
  using message_fn = std::function<envelope(std::int64_t i)>;
  struct load_result {
    double seconds = 0;
    std::int64_t answered = 0, refused = 0, committed = 0, batches = 0;
  };
  /// `feeders` actors keep `window` messages under way between them, numbered from `first`, until `count` are answered or `longest` is
  /// over.
  load_result load(const message_fn& make, std::int64_t first, std::int64_t count, std::size_t feeders, std::size_t window,
                   std::chrono::seconds longest);

  std::string dsn;
  std::shared_ptr<step_counter> metrics = std::make_shared<step_counter>();
  parking_lane lane;

private:
  struct config : caf::actor_system_config {
    config();
  };
  config config_;

public:
  caf::actor_system system{config_};
  std::shared_ptr<entity_ports> ports = std::make_shared<entity_ports>();

private:
  std::vector<committer_actor> committers_;
  loader_actor loader_;
  reader_actor reader_;
  lease_actor leases_;
  caf::actor router_, node_;
  lane_actor lane_;
};

/// The id of order number `i`.
std::string order_id(std::int64_t i);
/// The shards of `n` entities as an array's text.
std::string shards_of(entity_kind kind, std::int64_t n, std::string (*id)(std::int64_t) = order_id);
/// Runs a statement whose $1 are such shards, in one transaction.
void insert_rows(const std::string& dsn, const std::string& sql, const std::string& shards);

/// Runs one statement on a connection of its own.
void run_sql(const std::string& dsn, const std::string& statement);
/// The first column of the first row as a number.
std::int64_t number_of(const std::string& dsn, const std::string& statement);

/// Latencies: sorted at the first question.
class latencies {
public:
  void add(std::chrono::nanoseconds value) { micros_.push_back(static_cast<double>(value.count()) / 1000); }
  /// "p50 0.81 ms, p99 1.90 ms, max 4.00 ms (2000)"
  std::string text();
  double at(double quantile);

private:
  std::vector<double> micros_;
};

/// Resident bytes of this process after free memory was given back.
std::int64_t trimmed_rss();

/// Prints cores, load, PostgreSQL's version and settings that matter.
void print_setup(const std::string& dsn);

} // namespace paygate::bench
