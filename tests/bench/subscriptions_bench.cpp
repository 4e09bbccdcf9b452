// A million subscriptions of which many end within the same minute: the real machine, runtime, lane and PostgreSQL; Telegram is a model that
// answers after a while and keeps its members.
//   subscriptions_bench [--quick] [--all N] [--ending N] [--rate CALLS_PER_SECOND] [--answer-ms MS]
// Prints how late each phase was committed, how long the removals took beside what the rate itself needs, and the memory. Ends with 1 when
// somebody was forgotten, put out too early, or stayed banned.
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <map>
#include <mutex>
#include <thread>

#include <pqxx/pqxx>

#include "actors/kinds.hpp"
#include "actors/runtime/lane.hpp"
#include "tests/bench/bench_support.hpp"

using namespace paygate;
using namespace paygate::bench;

spawn_entity_fn paygate::spawner_of(entity_kind kind) {
  if (kind == entity_kind::subscription) return spawn_subscription;
  std::abort(); // The bench has no others.
}

namespace {

constexpr double ending_within = 60; ///< Seconds.

struct figures {
  std::int64_t all = 1'000'000, ending = 10'000;
  std::uint32_t rate = 2'000;
  std::chrono::milliseconds answer{2};
};

/// The closed channel: who is in it, and what was done to them.
struct closed_channel {
  std::mutex mutex;
  std::map<std::int64_t, member_status> touched; ///< Everybody else is a member.
  std::atomic<std::int64_t> calls{0}, told{0};

  io_outcome take(const io_request& request) {
    ++calls;
    const std::lock_guard guard(mutex);
    const auto status_of = [&](std::int64_t user) -> member_status& { return touched.try_emplace(user, member_status::member).first->second; };
    if (const auto* look = std::get_if<get_member>(&request)) return member_seen{status_of(look->user_id)};
    if (const auto* ban = std::get_if<ban_member>(&request))
      status_of(ban->user_id) = member_status::kicked;
    else if (const auto* unban = std::get_if<unban_member>(&request)) {
      if (auto& status = status_of(unban->user_id); status == member_status::kicked) status = member_status::left;
    } else if (std::holds_alternative<send_message>(request))
      return message_sent{++told};
    return done{};
  }
  std::int64_t count(member_status status) {
    const std::lock_guard guard(mutex);
    return std::count_if(touched.begin(), touched.end(), [&](const auto& m) { return m.second == status; });
  }
};

std::string subscription_id(std::int64_t i) { return "-1001234567890:" + std::to_string(i + 1); }

/// Everybody sleeps for a month; some end within one minute that begins in `from_now` seconds.
void insert_subscriptions(const std::string& dsn, const figures& f, int from_now) {
  const auto every = std::to_string(f.all / f.ending);
  const auto span = std::to_string(ending_within / static_cast<double>(f.ending));
  insert_rows(dsn,
              "INSERT INTO subscription (id, version, shard, created_at, updated_at, wake_at, status, channel_id, closed_channel_id, user_id, "
              "chat_id, user_name, channel_title, starts_at, ends_at, extended_at, reminded_to) SELECT '-1001234567890:' || i, 1, shard, now(), now(), "
              "CASE WHEN due THEN at ELSE at - interval '72 hours' END, CASE WHEN due THEN 'expiring' ELSE 'active' END::subscription_status, "
              "-1001234567890, -1009876543210, i, i, '@user' || i, 'A channel with a title', now() - interval '30 days', at, now() - interval '30 days', "
              "CASE WHEN due THEN now() ELSE now() - interval '30 days' END FROM (SELECT shard, i, i % "
                  + every + " = 0 AS due, CASE WHEN i % " + every + " = 0 THEN now() + interval '" + std::to_string(from_now)
                  + " s' + (i / " + every + ") * interval '" + span
                  + " s' ELSE now() + interval '30 days' + i * interval '1 ms' END AS at FROM unnest($1::smallint[]) WITH ORDINALITY AS u (shard, i)) x",
              shards_of(entity_kind::subscription, f.all, subscription_id));
  run_sql(dsn, "VACUUM ANALYZE subscription");
}

std::int64_t peak_rss() {
  std::int64_t kib = 0;
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);)
    if (line.rfind("VmHWM:", 0) == 0) kib = std::atol(line.c_str() + 6);
  return kib * 1024;
}

double mib(std::int64_t bytes) { return static_cast<double>(bytes) / 1048576; }

/// How late phases were committed, by the rows themselves.
std::string lag_text(const std::string& dsn) {
  pqxx::connection connection(dsn);
  pqxx::nontransaction session(connection);
  const auto row = session.exec1("SELECT count(*), percentile_disc(0.5) WITHIN GROUP (ORDER BY lag), percentile_disc(0.99) WITHIN GROUP (ORDER BY lag), "
                                 "max(lag), min(lag) FROM (SELECT extract(epoch FROM t.at - s.ends_at)::numeric(12,3) AS lag FROM transition t JOIN "
                                 "subscription s ON s.id = t.id WHERE t.kind = 'subscription' AND t.to_status = 'expired' AND t.from_status <> 'expired') l");
  return std::string(row[0].c_str()) + " phases: p50 " + row[1].c_str() + " s, p99 " + row[2].c_str() + " s, latest " + row[3].c_str()
         + " s (earliest " + row[4].c_str() + " s)";
}

int bench(const std::string& dsn, const figures& f) {
  const int lead = f.all > 100'000 ? 60 : 15; // Time to write the rows and to look at the idle node.
  const auto written = stopwatch::now();
  insert_subscriptions(dsn, f, lead);
  closed_channel channel;
  const io_client client = [&](const io_request& request) {
    std::this_thread::sleep_for(f.answer);
    return channel.take(request);
  };
  bench_node node(dsn);
  lane_limits limits;
  limits.rate = f.rate;
  limits.workers = 8;
  auto lane = spawn_lane(node.system, lane::telegram, client, limits, node.metrics);
  node.ports->lanes[static_cast<std::size_t>(lane::telegram)] = lane;
  node.start();
  const auto took_rows = elapsed(written);
  std::this_thread::sleep_for(std::chrono::seconds(3));
  const auto idle = trimmed_rss();
  if (took_rows + 4 > lead) std::printf("remark: the rows took %.0f s, so the first ends were past at the start\n", took_rows);
  const auto open = "SELECT count(*) FROM subscription WHERE ends_at <= now() + interval '1 day' AND (access <> 'removed' OR owed_notice <> 'none')";
  const auto limit = static_cast<double>(f.ending) * 4 / f.rate;
  const auto start = stopwatch::now();
  const double patience = lead + ending_within + 3 * limit + 120;
  std::uint64_t most = 0;
  while (elapsed(start) < patience && number_of(dsn, open) > 0) {
    most = std::max(most, node.residents());
    std::this_thread::sleep_for(std::chrono::milliseconds(500));
  }
  const auto left = number_of(dsn, open);
  const auto done_after = number_of(dsn, "SELECT extract(epoch FROM max(removed_at) - min(ends_at))::bigint FROM subscription WHERE removed_at IS NOT NULL");
  const auto early = number_of(dsn, "SELECT count(*) FROM subscription WHERE removed_at < ends_at");
  const auto kicked = channel.count(member_status::kicked), out = channel.count(member_status::left);
  const auto peak = peak_rss();
  std::this_thread::sleep_for(std::chrono::seconds(25)); // They leave memory when nothing is due for 20 s.
  const auto after = trimmed_rss();
  const auto residents = node.residents();
  const bool wrong = left != 0 || early != 0 || kicked != 0 || out != f.ending || channel.told != f.ending;
  std::printf("1. %ld subscriptions, %ld end within %.0f s; committed after their end: %s; goal 60 s\n", f.all, f.ending, ending_within,
              lag_text(dsn).c_str());
  std::printf("2. all removed and told %ld s after the first end; the limit alone needs %.0f s for %ld calls at %u/s (beside the %.0f s in which they end); at Telegram's 30/s "
              "the same calls need %.0f s%s\n",
              done_after, limit, f.ending * 4, f.rate, ending_within, static_cast<double>(f.ending) * 4 / 30, wrong ? "; WRONG" : "");
  std::printf("   %ld calls, %ld put out, %ld still banned, %ld told, %ld not removed, %ld too early\n", channel.calls.load(), out, kicked,
              channel.told.load(), left, early);
  std::printf("3. memory: %.1f MiB with all asleep, at most %lu in memory (peak %.1f MiB), %.1f MiB and %lu in memory when it was over\n", mib(idle),
              static_cast<unsigned long>(most), mib(peak), mib(after), static_cast<unsigned long>(residents));
  std::fflush(stdout);
  caf::anon_send_exit(lane, caf::exit_reason::user_shutdown);
  node.ports->lanes[static_cast<std::size_t>(lane::telegram)] = lane_actor{};
  return wrong;
}

} // namespace

int main(int argc, char** argv) {
  figures f;
  for (int i = 1; i < argc; ++i) {
    const auto number = [&] { return i + 1 < argc ? std::atol(argv[++i]) : 0; };
    if (!std::strcmp(argv[i], "--quick"))
      f.all = 20'000, f.ending = 1'000;
    else if (!std::strcmp(argv[i], "--all"))
      f.all = number();
    else if (!std::strcmp(argv[i], "--ending"))
      f.ending = number();
    else if (!std::strcmp(argv[i], "--rate"))
      f.rate = static_cast<std::uint32_t>(number());
    else if (!std::strcmp(argv[i], "--answer-ms"))
      f.answer = std::chrono::milliseconds(number());
    else
      return std::printf("usage: subscriptions_bench [--quick] [--all N] [--ending N] [--rate N] [--answer-ms MS]\n"), 2;
  }
  if (f.ending < 1 || f.all < f.ending || f.all % f.ending != 0 || f.rate < 1)
    return std::printf("--all must be a multiple of --ending, --rate at least 1\n"), 2;
  test::postgres_cluster cluster;
  const auto dsn = cluster.create_database("subscriptions");
  if (const auto result = migrate(dsn); !result.error.empty()) return std::printf("%s\n", result.error.c_str()), 1;
  print_setup(dsn);
  return bench(dsn, f);
}
