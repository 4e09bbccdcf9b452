// Steps per second of payment updates through committers: commit_speed [steps] [feeders] [committers]. Each feeder keeps 500 entities under
// way, one step of each at a time, as the shells do. PostgreSQL runs with its defaults (fsync on).
#include <caf/all.hpp>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <sstream>
#include <thread>
#include <unistd.h>

#include "tests/store/store_support.hpp"

using namespace paygate;
using namespace paygate::test;

namespace {

constexpr int entities_per_feeder = 500;

step_ptr next_step(const entity_ref& ref, std::uint64_t epoch, std::uint64_t version) {
  auto step = std::make_shared<step_record>();
  step->ref = ref;
  step->shard = shard_of(ref);
  step->epoch = epoch;
  step->header.version = version;
  step->header.created_at = at_micros(some_micros);
  step->header.updated_at = at_micros(some_micros + static_cast<std::int64_t>(version));
  step->header.wake_at = at_micros(some_micros + static_cast<std::int64_t>(version) * 1'000'000);
  payment state;
  state.status = payment_status::waiting;
  state.channel_id = -1'001'234'567'890;
  state.channel_title = "A channel with a title";
  state.user_name = "@somebody";
  state.price = usd_amount::of_units(10 * one_coin);
  state.payout_address = "0x742d35cc6634c0532925a3b844bc454e4438f44e";
  state.invoice_id = "4522625843";
  state.invoice_url = "https://nowpayments.io/payment/?iid=4522625843";
  state.link_sent_at = at_micros(some_micros);
  state.polls = static_cast<std::uint32_t>(version);
  step->state = std::move(state);
  step->message = "ipn_received";
  step->from_status = "waiting";
  step->to_status = "confirming";
  return step;
}

void feed(store& db, const committer_actor& committer, int feeder, int steps) {
  caf::scoped_actor self{db.system};
  int sent = 0, answered = 0;
  for (int i = 0; i < entities_per_feeder && sent < steps; ++i, ++sent) {
    const entity_ref ref{entity_kind::payment, "f" + std::to_string(feeder) + "-" + std::to_string(i)};
    self->send(committer, commit_atom::value, next_step(ref, db.epochs[shard_of(ref)], 1));
  }
  while (answered < sent) {
    self->receive([&](const committed& done) {
      ++answered;
      if (done.result.outcome != commit_outcome::committed) {
        std::printf("%s: %s\n", std::string(to_text(done.result.outcome)).c_str(), done.result.error.c_str());
        std::exit(1);
      }
      if (sent == steps) return;
      ++sent;
      self->send(committer, commit_atom::value, next_step(done.step->ref, done.step->epoch, done.step->header.version + 1));
    });
  }
}

} // namespace

// CPU seconds of the committers' server processes, in microseconds: what counts when the machine is shared.
static long long server_cpu(store& db) {
  std::istringstream pids(
      db.value("SELECT string_agg(pid::text, ' ') FROM pg_stat_activity WHERE application_name = 'paygated-committer'"));
  long long ticks = 0;
  for (std::string pid; pids >> pid;) {
    std::ifstream file("/proc/" + pid + "/stat");
    std::string field;
    for (int i = 1; i <= 15 && file >> field; ++i)
      if (i >= 14) ticks += std::stoll(field);
  }
  return ticks * 1'000'000 / ::sysconf(_SC_CLK_TCK);
}

int main(int argc, char** argv) {
  const int steps = argc > 1 ? std::atoi(argv[1]) : 50'000;
  const int feeders = argc > 2 ? std::atoi(argv[2]) : 4;
  const int committers = argc > 3 ? std::atoi(argv[3]) : 2;
  postgres_cluster cluster;
  const auto dsn = cluster.create_database("speed");
  if (const auto result = migrate(dsn); !result.error.empty()) return std::printf("%s\n", result.error.c_str()), 1;
  store db(dsn);
  std::vector<committer_actor> all{db.committer};
  while (static_cast<int>(all.size()) < committers) all.push_back(spawn_committer(db.system, {dsn, db.node}, db.metrics));
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::thread> threads;
  for (int i = 0; i < feeders; ++i)
    threads.emplace_back([&, i] { feed(db, all[static_cast<std::size_t>(i % committers)], i, steps / feeders); });
  for (auto& thread : threads) thread.join();
  const auto took = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start).count();
  std::printf("%d steps, %d feeders, %d committers: %lld ms, %lld steps/s, %lld transactions\n", steps, feeders, committers,
              static_cast<long long>(took), static_cast<long long>(steps) * 1000 / std::max<long long>(took, 1),
              static_cast<long long>(db.metrics->durations.load()));
  std::printf("CPU per step: client %lld us, server %lld us\n", static_cast<long long>(std::clock()) * 1'000'000 / CLOCKS_PER_SEC / steps,
              server_cpu(db) / steps);
  for (std::size_t i = 1; i < all.size(); ++i) db.self->send_exit(all[i], caf::exit_reason::user_shutdown);
  all.clear();
}
