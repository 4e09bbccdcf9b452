// Durable steps through the real router, shards, entity actors, committers, loader and leases, beside what PostgreSQL alone does.
//   bench_steps [--quick] [--committers N] [--profile SECONDS]
// The kind is a toy on the conversation's snapshot: each message moves last_update_id, nothing else is ever due.
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "actors/runtime/entity_actor.hpp"
#include "tests/bench/bench_support.hpp"
#include "tests/bench/raw_limits.hpp"

using namespace paygate;
using namespace paygate::bench;

namespace {

struct toy_kind {
  using state = conversation;
  using message = conversation_message;
  static constexpr entity_kind kind = entity_kind::conversation;
  static verdict<conversation> apply(const conversation& state, bool, const conversation_message& message, const step_context&) {
    decision<conversation> next{state};
    if (const auto* update = std::get_if<update_received>(&message)) next.next.last_update_id = update->update.update_id;
    return next;
  }
  static std::vector<effect> effects_due(const conversation&, const entity_ref&, timestamp, const policy&) { return {}; }
  static std::optional<timestamp> wakes_at(const conversation&, timestamp, const policy&) { return std::nullopt; }
};

} // namespace

spawn_entity_fn paygate::spawner_of(entity_kind) { return spawn_entity<toy_kind>; }

namespace {

constexpr std::int64_t entities = 20'000;
constexpr std::size_t feeders = 4;

envelope message_number(std::int64_t i) {
  chat_update update;
  update.update_id = i + 1;
  return {{entity_kind::conversation, "c" + std::to_string(i % entities)}, conversation_message{update_received{std::move(update)}}};
}

/// Steps per second; exits when the rows do not hold exactly what was answered.
double run_load(bench_node& node, std::size_t window, std::chrono::seconds duration) {
  const auto before = number_of(node.dsn, "SELECT sum(version) FROM conversation");
  const auto result = node.load(message_number, 0, std::int64_t{1} << 40, feeders, window, duration);
  const auto written = number_of(node.dsn, "SELECT sum(version) FROM conversation") - before;
  if (result.refused != 0 || written != result.answered) {
    std::printf("wrong: %ld answered, %ld refused, %ld written\n", result.answered, result.refused, written);
    std::exit(1);
  }
  const auto rate = static_cast<double>(result.committed) / result.seconds;
  std::printf("  %6zu in flight: %8.0f steps/s over %.1f s (%.0f steps a transaction, %.1f ms a message)\n", window, rate, result.seconds,
              static_cast<double>(result.committed) / static_cast<double>(std::max<std::int64_t>(result.batches, 1)),
              1000.0 * static_cast<double>(window) / rate);
  std::fflush(stdout);
  return rate;
}

} // namespace

int main(int argc, char** argv) {
  bool quick = false;
  long profile = 0;
  std::size_t committers = 1;
  for (int i = 1; i < argc; ++i) {
    if (!std::strcmp(argv[i], "--quick")) quick = true;
    if (!std::strcmp(argv[i], "--committers") && i + 1 < argc) committers = static_cast<std::size_t>(std::atol(argv[++i]));
    if (!std::strcmp(argv[i], "--profile") && i + 1 < argc) profile = std::atol(argv[++i]);
  }
  const std::chrono::seconds load_time(quick ? 3 : 12), limit_time(quick ? 2 : 6);
  test::postgres_cluster cluster;
  const auto dsn = cluster.create_database("bench");
  if (const auto result = migrate(dsn); !result.error.empty()) return std::printf("%s\n", result.error.c_str()), 1;
  print_setup(dsn);
  insert_conversations(dsn, entities);

  if (profile > 0) {
    bench_node node(dsn, {}, committers);
    node.start();
    node.load(message_number, 0, entities, feeders, 2000, std::chrono::seconds(60));
    run_load(node, 2000, std::chrono::seconds(profile));
    return 0;
  }

  double best = 0;
  latencies asks;
  std::printf("1. durable steps, %ld entities, %zu feeders, %zu committer(s), batches up to 512\n", entities, feeders, committers);
  {
    bench_node node(dsn, {}, committers);
    node.start();
    const auto loaded = node.load(message_number, 0, entities, feeders, 2000, std::chrono::seconds(60));
    std::printf("  first message to each entity (loads it): %.0f a second\n", static_cast<double>(loaded.answered) / loaded.seconds);
    for (std::size_t window : {std::size_t{256}, std::size_t{1024}, std::size_t{4096}})
      best = std::max(best, run_load(node, window, load_time));
    for (int i = 0; i < (quick ? 300 : 2000); ++i) {
      const auto start = stopwatch::now();
      node.ask({entity_kind::conversation, "c" + std::to_string(i * 7 % entities)}, message_number(i).body);
      asks.add(stopwatch::now() - start);
    }
  }
  const auto by_100 = raw_steps_per_second(dsn, entities, 100, limit_time);
  const auto by_512 = raw_steps_per_second(dsn, entities, 512, limit_time);
  auto commits = raw_one_row_commits(dsn, entities, quick ? 300 : 2000);
  const auto pgbench = pgbench_commits_per_second(cluster.dsn("postgres"), limit_time);
  std::printf(
      "  limits: libpqxx, one connection, same row and history: %.0f steps/s by 100, %.0f by 512; pgbench -c 16 one-row commits %.0f/s\n",
      by_100, by_512, pgbench);
  std::printf("  best: %.0f steps/s = %.0f %% of raw by 100, %.0f %% of raw by 512, %.2f x pgbench\n", best, 100 * best / by_100,
              100 * best / by_512, best / pgbench);
  std::printf("2. one durable step, one at a time: %s\n", asks.text().c_str());
  std::printf("  limit: raw one-row commit:         %s; ratio of p50 %.2f, of p99 %.2f\n", commits.text().c_str(),
              asks.at(0.5) / commits.at(0.5), asks.at(0.99) / commits.at(0.99));
}
