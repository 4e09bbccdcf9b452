// What a start costs while much is under way, and what sleeping costs: the real machines, runtime and PostgreSQL.
//   recovery_bench [--quick] [--payouts N] [--sleepers N] [payouts|provider|sleepers]
// Prints figures beside a plain read of the same rows in the same run; ends with 1 when somebody was forgotten.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <mutex>
#include <thread>

#include <pqxx/pqxx>
#include <unistd.h>

#include "actors/kinds.hpp"
#include "actors/runtime/lane.hpp"
#include "tests/bench/bench_support.hpp"

using namespace paygate;
using namespace paygate::bench;

namespace {

/// When entities came to memory. Shards start them on several threads.
struct birth_book {
  std::mutex mutex;
  std::vector<stopwatch::time_point> at;
  std::size_t size() {
    const std::lock_guard guard(mutex);
    return at.size();
  }
  void clear() {
    const std::lock_guard guard(mutex);
    at.clear();
  }
} births;

caf::actor born_subscription(caf::actor_system& system, activation self) {
  const std::lock_guard guard(births.mutex);
  births.at.push_back(stopwatch::now());
  return spawn_subscription(system, std::move(self));
}

} // namespace

spawn_entity_fn paygate::spawner_of(entity_kind kind) {
  if (kind == entity_kind::payout) return spawn_payout;
  if (kind == entity_kind::subscription) return born_subscription;
  std::abort(); // The bench has no others.
}

namespace {

int forgotten = 0;

/// Payouts whose swap is under way, as a crash leaves them: due again within the horizon.
void insert_payouts(const std::string& dsn, std::int64_t n) {
  insert_rows(
      dsn,
      "INSERT INTO payout (id, version, shard, created_at, updated_at, wake_at, status, channel_id, owner_chat_id, order_id, "
      "target_ticker, target_network, "
      "address, extra_id, source_eth, net_usd, approved, swap_tries, rate_id, quoted_at, valid_until, quoted_amount, deposit_fee, "
      "withdrawal_fee, swap_id, "
      "payin_address, payin_extra_id, funded_eth, funding_released, wallet_address, settled_intent, tx_hash, nonce, gas_used, gas_fee_eth, "
      "provider_status, payout_hash, amount_out, reason, sent_told_at) SELECT '01BENCH' || lpad((i - 1)::text, 19, '0'), 7, shard, now(), "
      "now(), "
      "now() + interval '60 s', 'exchanging', -1001234567890, 100001, '01BENCH' || lpad((i - 1)::text, 19, '0'), 'usdt', 'eth', "
      "'0x742d35cc6634c0532925a3b844bc454e4438f44e', '', 0.01, 30, false, 1, 'r' || i, now(), now() + interval '20 min', 30, 0, 1, 'swap' "
      "|| i, "
      "'0x00000000000000000000000000000000000000bb', '', 0.0099, true, '0x00000000000000000000000000000000000000aa', '', '0x' || i, i, "
      "21000, 0.0001, "
      "'exchanging', '', 0, '', now() FROM unnest($1::smallint[]) WITH ORDINALITY AS u (shard, i)",
      shards_of(entity_kind::payout, n));
  run_sql(dsn, "VACUUM ANALYZE payout");
}

std::string subscription_id(std::int64_t i) { return "-1009876543210:" + std::to_string(i); }

/// Subscriptions that sleep for a month.
void insert_sleepers(const std::string& dsn, std::int64_t n) {
  insert_rows(
      dsn,
      "INSERT INTO subscription (id, version, shard, created_at, updated_at, wake_at, status, channel_id, closed_channel_id, user_id, "
      "chat_id, user_name, channel_title, starts_at, ends_at) SELECT '-1009876543210:' || (i - 1), 1, shard, now(), now(), now() + "
      "interval '30 days' + i * interval '1 ms', 'active', -1001234567890, -1009876543210, i, i, '@user' || i, 'A channel with a "
      "title', now(), now() + interval '30 days' FROM unnest($1::smallint[]) WITH ORDINALITY AS u (shard, i)",
      shards_of(entity_kind::subscription, n, subscription_id));
  run_sql(dsn, "VACUUM ANALYZE subscription");
}

/// Seconds of one connection that reads every column of every row of a table; of two reads the second.
double plain_read(const std::string& dsn, const std::string& table) {
  pqxx::connection connection(dsn);
  double took = 0;
  for (int pass = 0; pass < 2; ++pass) {
    pqxx::work transaction(connection);
    std::size_t bytes = 0;
    const auto start = stopwatch::now();
    for (const auto& row : transaction.exec("SELECT * FROM " + table))
      for (const auto& field : row) bytes += field.size();
    took = elapsed(start);
    if (bytes == 0) std::printf("wrong: %s is empty\n", table.c_str()), std::exit(1);
  }
  return took;
}

/// The most that this process had in memory since the last call; bytes.
std::int64_t take_peak_rss() {
  std::int64_t kib = 0;
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind("VmHWM:", 0) == 0) kib = std::atol(line.c_str() + 6);
  std::ofstream("/proc/self/clear_refs") << "5";
  return kib * 1024;
}

double cpu_seconds() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + static_cast<double>(used.tv_nsec) / 1e9;
}

double mib(std::int64_t bytes) { return static_cast<double>(bytes) / 1048576; }

template <class F>
bool wait_until(F&& reached, double limit) {
  const auto start = stopwatch::now();
  while (!reached()) {
    if (elapsed(start) > limit) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

/// (a) Every lane takes each call and never answers: only the way from the row to the started effect is measured.
void bench_payouts(const std::string& dsn, std::int64_t n) {
  insert_payouts(dsn, n);
  const auto limit = plain_read(dsn, "payout");
  bench_node node(dsn);
  const auto idle = trimmed_rss();
  take_peak_rss();
  const auto start = stopwatch::now();
  const auto cpu = cpu_seconds();
  node.start();
  const auto ready = elapsed(start);
  double half = 0;
  const bool all = wait_until(
      [&] {
        const auto calls = node.lane.calls->load();
        if (half == 0 && calls >= n / 2) half = elapsed(start);
        return calls >= n;
      },
      300);
  const auto took = elapsed(start);
  const auto peak = take_peak_rss() - idle, stays = trimmed_rss() - idle;
  if (!all) forgotten = 1;
  std::printf("1. %ld payouts in flight, start of the node to all resumed (each has called its provider): %.2f s, half of them after %.2f "
              "s, node ready "
              "after %.2f s; goal 10 s for 100000%s\n",
              n, took, half, ready, all ? "" : "; WRONG: not all");
  std::printf(
      "   limit: one connection reads the same rows by one SELECT in %.2f s; ratio %.1f; %.0f entities/s, %.1f us of our CPU each\n", limit,
      took / limit, static_cast<double>(n) / took, (cpu_seconds() - cpu) * 1e6 / static_cast<double>(n));
  std::printf("   memory: peak %.0f MiB above the idle node, %.0f MiB when all are there (%.0f bytes each)\n", mib(peak), mib(stays),
              static_cast<double>(stays) / static_cast<double>(n));
  std::fflush(stdout);
}

/// (a) through the daemon's own lane, whose provider takes its time: the queue is bounded, what finds no room comes again.
void bench_provider(const std::string& dsn, std::int64_t n) {
  constexpr auto answer_time = std::chrono::microseconds(400);
  insert_payouts(dsn, n);
  auto called = std::make_shared<std::vector<std::atomic<bool>>>(static_cast<std::size_t>(n + 1));
  auto first_calls = std::make_shared<std::atomic<std::int64_t>>(0), calls = std::make_shared<std::atomic<std::int64_t>>(0);
  const io_client client = [=](const io_request& request) -> io_outcome {
    ++*calls;
    const auto* asked = std::get_if<get_swap>(&request);
    if (!asked) return io_failure{fault::permanent, "nonsense", "the bench has swaps only", std::nullopt};
    std::this_thread::sleep_for(answer_time);
    if (!called->at(std::stoul(asked->swap_id.substr(4))).exchange(true)) ++*first_calls;
    swap_state state;
    state.swap_id = asked->swap_id;
    state.status = swap_status::exchanging;
    return state;
  };
  bench_node node(dsn);
  lane_limits limits;
  auto lane = spawn_lane(node.system, lane::changenow, client, limits, node.metrics);
  node.ports->lanes[static_cast<std::size_t>(lane::changenow)] = lane;
  const auto idle = trimmed_rss();
  take_peak_rss();
  const auto start = stopwatch::now();
  node.start();
  const bool all = wait_until([&] { return first_calls->load() >= n; }, 600);
  const auto took = elapsed(start);
  const auto peak = take_peak_rss() - idle;
  if (!all) forgotten = 1;
  const auto least = static_cast<double>(calls->load()) * std::chrono::duration<double>(answer_time).count() / limits.workers;
  std::printf("2. the same through the daemon's lane (%u calls at once, queue %zu), a provider that answers in %.1f ms: each was asked "
              "about once after "
              "%.1f s; limit %.1f s, ratio %.2f; %ld calls in all, %ld commits meanwhile, peak memory %.0f MiB%s\n",
              limits.workers, limits.queue_max, std::chrono::duration<double, std::milli>(answer_time).count(), took, least, took / least,
              calls->load(), node.metrics->committed.load(), mib(peak), all ? "" : "; WRONG: not all");
  std::fflush(stdout);
  caf::anon_send_exit(lane, caf::exit_reason::user_shutdown);
}

struct idle_figures {
  std::int64_t rss = 0;
  double cpu = 0; ///< Share of a core.
};

/// A node that has been up for a while and has nothing to do.
idle_figures idle_of(const std::string& dsn, std::chrono::seconds over) {
  bench_node node(dsn);
  node.start();
  std::this_thread::sleep_for(std::chrono::seconds(4));
  const auto cpu = cpu_seconds();
  const auto start = stopwatch::now();
  std::this_thread::sleep_for(over);
  return {trimmed_rss(), (cpu_seconds() - cpu) / elapsed(start)};
}

/// Puts the wake-up of the first `due` sleepers to one instant soon, and looks when each is there.
void wake_many(const std::string& dsn, std::int64_t due, std::int64_t of) {
  bench_node node(dsn);
  node.start();
  std::this_thread::sleep_for(std::chrono::seconds(3));
  births.clear();
  const auto wakes = node.metrics->wakes.load();
  std::string ids = "{";
  for (std::int64_t i = 0; i < due; ++i) ids += (i ? "," : "") + subscription_id(i * (of / due));
  pqxx::connection connection(dsn);
  pqxx::nontransaction session(connection);
  const auto instant = session.exec_params(
      "WITH s AS (SELECT now() + interval '4 s' AS at), u AS (UPDATE subscription SET wake_at = s.at FROM s WHERE id = "
      "ANY($1::text[]) RETURNING 1) SELECT (extract(epoch FROM s.at) * 1000000)::bigint, (SELECT count(*) FROM u) FROM s",
      ids + "}");
  const auto now = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::system_clock::now().time_since_epoch()).count();
  const auto at = stopwatch::now() + std::chrono::microseconds(instant[0][0].as<std::int64_t>() - now);
  const bool all = wait_until([&] { return births.size() >= static_cast<std::size_t>(due); }, 120);
  std::this_thread::sleep_for(std::chrono::seconds(8)); // The scans that look a little back are over then.
  latencies lag;
  bool early = false;
  {
    const std::lock_guard guard(births.mutex);
    for (const auto born : births.at) {
      lag.add(born - at);
      early = early || born < at;
    }
  }
  if (!all || early) forgotten = 1;
  const auto read =
      session.exec_params("EXPLAIN (ANALYZE, TIMING OFF, FORMAT JSON) SELECT * FROM subscription WHERE id = ANY($1::text[])", ids + "}");
  const std::string plan = read[0][0].c_str();
  const auto limit = std::atof(plan.c_str() + plan.find("\"Execution Time\":") + 17);
  std::printf(
      "4. %ld of %ld sleepers due at one instant: lag until in memory %s; limit: one SELECT of these rows %.1f ms; %ld wake-ups told%s%s\n",
      due, of, lag.text().c_str(), limit, node.metrics->wakes.load() - wakes, all ? "" : "; WRONG: not all",
      early ? "; WRONG: too early" : "");
  std::fflush(stdout);
  session.exec_params("UPDATE subscription SET wake_at = now() + interval '30 days' WHERE id = ANY($1::text[])", ids + "}");
}

void bench_sleepers(const std::string& dsn, std::int64_t n, bool quick) {
  const std::chrono::seconds over(quick ? 3 : 20);
  idle_of(dsn, std::chrono::seconds(1)); // Pools and tables that every later one uses.
  const auto without = idle_of(dsn, over);
  insert_sleepers(dsn, n);
  const auto with = idle_of(dsn, over);
  std::printf("3. %ld sleeping subscriptions: resident memory %+.2f MiB (%.1f MiB without them), %.3f bytes each; goal +0; idle CPU %.2f "
              "%% of a core, %.2f %% "
              "without them\n",
              n, mib(with.rss - without.rss), mib(without.rss), static_cast<double>(with.rss - without.rss) / static_cast<double>(n),
              100 * with.cpu, 100 * without.cpu);
  std::fflush(stdout);
  for (std::int64_t due : {1'000, 10'000})
    if (due <= n) wake_many(dsn, due, n);
}

} // namespace

int main(int argc, char** argv) {
  bool quick = false;
  std::int64_t payouts = 0, sleepers = 0;
  std::string only;
  for (int i = 1; i < argc; ++i) {
    if (!std::strcmp(argv[i], "--quick"))
      quick = true;
    else if (!std::strcmp(argv[i], "--payouts") && i + 1 < argc)
      payouts = std::atol(argv[++i]);
    else if (!std::strcmp(argv[i], "--sleepers") && i + 1 < argc)
      sleepers = std::atol(argv[++i]);
    else
      only = argv[i];
  }
  if (payouts == 0) payouts = quick ? 2'000 : 100'000;
  if (sleepers == 0) sleepers = quick ? 5'000 : 1'000'000;
  test::postgres_cluster cluster;
  bool told = false;
  const auto part = [&](const char* name, auto run) {
    if (!only.empty() && only != name) return;
    const auto dsn = cluster.create_database(name);
    if (const auto result = migrate(dsn); !result.error.empty()) std::printf("%s\n", result.error.c_str()), std::exit(1);
    if (!std::exchange(told, true)) print_setup(dsn);
    run(dsn);
  };
  part("payouts", [&](const std::string& dsn) { bench_payouts(dsn, payouts); });
  part("provider", [&](const std::string& dsn) { bench_provider(dsn, payouts); });
  part("sleepers", [&](const std::string& dsn) { bench_sleepers(dsn, sleepers, quick); });
  return forgotten;
}
