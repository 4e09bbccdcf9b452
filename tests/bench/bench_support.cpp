#include "tests/bench/bench_support.hpp"

#include <caf/io/middleman.hpp>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <thread>

#include <malloc.h>
#include <pqxx/pqxx>
#include <unistd.h>

#include "actors/runtime/entity.hpp"
#include "actors/runtime/router.hpp"
#include "actors/runtime/shard.hpp"

namespace paygate::bench {

namespace {

using feed_atom = caf::atom_constant<caf::atom("feed")>;

class real_clock : public business_clock {
public:
  timestamp now() const override { return std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now()); }
};

// What the feeders of one load share.
struct feed_plan {
  bench_node::message_fn make;
  std::atomic<std::int64_t> next{0}, answered{0}, refused{0};
  std::int64_t end = 0;
  stopwatch::time_point deadline;
  caf::actor router;
};

struct feeder_state {
  std::size_t open = 0;
  static inline const char* name = "feeder";
};

// Keeps its share of the window under way; quits when the plan has no more and everything was answered.
caf::behavior feeder(caf::stateful_actor<feeder_state>* self, std::shared_ptr<feed_plan> plan, std::size_t window) {
  auto send = std::make_shared<std::function<void()>>();
  auto answered = [self, plan, weak = std::weak_ptr(send)](bool good) {
    ++plan->answered;
    if (!good) ++plan->refused;
    --self->state.open;
    if (auto again = weak.lock()) (*again)();
    if (self->state.open == 0) self->quit();
  };
  *send = [self, plan, answered] {
    if (stopwatch::now() >= plan->deadline) return;
    const auto i = plan->next++;
    if (i >= plan->end) return;
    ++self->state.open;
    self->request(plan->router, caf::infinite, deliver_atom::value, std::make_shared<const envelope>(plan->make(i)))
        .then([answered](const entity_reply_ptr& reply) { answered(!std::holds_alternative<refused>(*reply)); },
              [answered](const caf::error&) { answered(false); });
  };
  return {[self, send, window](feed_atom) {
    for (std::size_t i = 0; i < window; ++i) (*send)();
    if (self->state.open == 0) self->quit();
  }};
}

std::string first_line(const char* path, const std::string& key) {
  std::ifstream in(path);
  for (std::string line; std::getline(in, line);)
    if (line.rfind(key, 0) == 0) return line.substr(line.find(':') + 2);
  return "";
}

} // namespace

double elapsed(stopwatch::time_point start) { return std::chrono::duration<double>(stopwatch::now() - start).count(); }

void step_counter::count(std::string_view name, std::string_view label, std::int64_t n) {
  if (name == "commit_steps_total") (label == "committed" ? committed : not_committed) += n;
  if (name == "wakes_total") wakes += n;
}

void step_counter::duration(std::string_view name, std::string_view, std::chrono::microseconds value) {
  if (name != "commit_duration") return;
  ++batches;
  batch_micros += value.count();
}

lane_actor parking_lane::spawn(caf::actor_system& system) {
  return caf::actor_cast<lane_actor>(system.spawn([counter = calls](caf::event_based_actor* self) -> caf::behavior {
    return {[self, counter](call_atom, const io_request_ptr&) -> caf::result<call_answer_ptr> {
      ++*counter;
      return self->make_response_promise<call_answer_ptr>();
    }};
  }));
}

bench_node::config::config() {
  load<caf::io::middleman>(); // As the daemon.
  set("scheduler.policy", caf::atom("sharing"));
  set("scheduler.max-throughput", std::size_t{100});
  set("scheduler.max-threads", std::size_t{2});
  config_file_path = "";
}

bench_node::bench_node(std::string database_dsn, runtime_limits limits, std::size_t committers) : dsn(std::move(database_dsn)) {
  const auto identity = make_node_identity();
  for (std::size_t i = 0; i < committers; ++i) committers_.push_back(spawn_committer(system, {dsn, identity}, metrics));
  loader_ = spawn_loader(system, dsn, metrics);
  reader_ = spawn_reader(system, dsn);
  leases_ = spawn_lease_keeper(system, {dsn, identity, std::chrono::milliseconds(10'000)});
  lane_ = lane.spawn(system);
  router_ = spawn_router(system);
  ports->committers = committers_;
  ports->router = caf::actor_cast<router_actor>(router_);
  ports->lanes.fill(lane_);
  ports->clock = std::make_shared<real_clock>();
  ports->metrics = metrics;
  ports->limits = limits;
  policy rules;
  rules.wallet_address = "0x00000000000000000000000000000000000000aa";
  ports->rules = rules;
}

void bench_node::start() {
  node_setup setup;
  setup.leases = leases_;
  setup.loader = loader_;
  setup.reader = reader_;
  setup.router = router_;
  setup.ports = ports;
  setup.waker = {};
  node_ = spawn_node(system, setup);
  caf::scoped_actor self{system};
  for (bool ready = false; !ready;) {
    self->request(node_, std::chrono::seconds(10), ready_atom::value)
        .receive([&](bool yes) { ready = yes; },
                 [&](const caf::error& e) { std::printf("node: %s\n", system.render(e).c_str()), std::exit(1); });
    if (!ready) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
}

bench_node::~bench_node() {
  {
    caf::scoped_actor self{system};
    if (node_) {
      self->request(node_, std::chrono::seconds(10), drain_atom::value).receive([](bool) {}, [](const caf::error&) {});
      self->send_exit(node_, caf::exit_reason::user_shutdown);
    }
    for (auto& committer : committers_) self->send_exit(committer, caf::exit_reason::user_shutdown);
    self->send_exit(loader_, caf::exit_reason::user_shutdown);
    self->send_exit(reader_, caf::exit_reason::user_shutdown);
    self->send_exit(leases_, caf::exit_reason::user_shutdown);
    self->send_exit(router_, caf::exit_reason::user_shutdown);
    self->send_exit(lane_, caf::exit_reason::user_shutdown);
  }
  // A handle that is held keeps the system from ending (CAF #1110).
  committers_.clear();
  loader_ = nullptr;
  reader_ = nullptr;
  leases_ = nullptr;
  node_ = nullptr;
  router_ = nullptr;
  lane_ = nullptr;
  ports->committers.clear();
  ports->router = nullptr;
  ports->lanes.fill(lane_actor{});
}

std::uint64_t bench_node::residents() {
  caf::scoped_actor self{system};
  std::uint64_t n = 0;
  self->request(router_, std::chrono::seconds(30), count_atom::value)
      .receive([&](std::uint64_t got) { n = got; }, [](const caf::error&) {});
  return n;
}

entity_reply bench_node::ask(const entity_ref& to, any_message message) {
  caf::scoped_actor self{system};
  entity_reply reply;
  self->request(router_, std::chrono::seconds(30), deliver_atom::value, std::make_shared<const envelope>(envelope{to, std::move(message)}))
      .receive([&](const entity_reply_ptr& got) { reply = *got; },
               [&](const caf::error& e) {
                 reply = refused{refusal::unavailable, system.render(e)};
               });
  return reply;
}

void bench_node::wake(const entity_ref& ref) { caf::anon_send(router_, wake_atom::value, std::make_shared<const entity_ref>(ref)); }

bench_node::load_result bench_node::load(const message_fn& make, std::int64_t first, std::int64_t count, std::size_t feeders,
                                         std::size_t window, std::chrono::seconds longest) {
  auto plan = std::make_shared<feed_plan>();
  plan->make = make;
  plan->next = first;
  plan->end = first + count;
  plan->router = router_;
  const auto committed = metrics->committed.load(), batches = metrics->batches.load();
  caf::scoped_actor self{system};
  const auto start = stopwatch::now();
  plan->deadline = start + longest;
  for (std::size_t i = 0; i < feeders; ++i) {
    auto one = self->spawn<caf::monitored>(feeder, plan, window / feeders);
    self->send(one, feed_atom::value);
  }
  for (std::size_t gone = 0; gone < feeders; ++gone) self->receive([](const caf::down_msg&) {});
  load_result result;
  result.seconds = elapsed(start);
  result.answered = plan->answered;
  result.refused = plan->refused;
  result.committed = metrics->committed - committed;
  result.batches = metrics->batches - batches;
  return result;
}

std::string order_id(std::int64_t i) {
  char text[32];
  std::snprintf(text, sizeof text, "01BENCH%019ld", i);
  return text;
}

std::string shards_of(entity_kind kind, std::int64_t n, std::string (*id)(std::int64_t)) {
  std::string list = "{";
  for (std::int64_t i = 0; i < n; ++i) list += (i ? "," : "") + std::to_string(shard_of({kind, id(i)}));
  return list + "}";
}

void insert_rows(const std::string& dsn, const std::string& sql, const std::string& shards) {
  pqxx::connection connection(dsn);
  pqxx::work transaction(connection);
  transaction.exec_params(sql, shards);
  transaction.commit();
}

void run_sql(const std::string& dsn, const std::string& statement) {
  pqxx::connection connection(dsn);
  pqxx::nontransaction session(connection);
  session.exec(statement);
}

std::int64_t number_of(const std::string& dsn, const std::string& statement) {
  pqxx::connection connection(dsn);
  pqxx::nontransaction session(connection);
  return session.exec(statement)[0][0].as<std::int64_t>();
}

double latencies::at(double quantile) {
  std::sort(micros_.begin(), micros_.end());
  const auto place = static_cast<std::size_t>(quantile * static_cast<double>(micros_.size()));
  return micros_.empty() ? 0 : micros_[std::min(place, micros_.size() - 1)];
}

std::string latencies::text() {
  char line[160];
  std::snprintf(line, sizeof line, "p50 %.2f ms, p99 %.2f ms, max %.2f ms (%zu)", at(0.5) / 1000, at(0.99) / 1000, at(1) / 1000,
                micros_.size());
  return line;
}

std::int64_t trimmed_rss() {
  malloc_trim(0);
  std::ifstream in("/proc/self/statm");
  std::int64_t size = 0, resident = 0;
  in >> size >> resident;
  return resident * sysconf(_SC_PAGESIZE);
}

void print_setup(const std::string& dsn) {
  double load[3] = {};
  getloadavg(load, 3);
  pqxx::connection connection(dsn);
  pqxx::nontransaction session(connection);
  const auto setting = [&](const char* name) { return std::string(session.exec("SHOW " + std::string(name))[0][0].c_str()); };
  std::printf(
      "setup: %ld cores (%s), load before the run %.2f; PostgreSQL %s, fsync %s, synchronous_commit %s, shared_buffers %s, unix socket\n",
      sysconf(_SC_NPROCESSORS_ONLN), first_line("/proc/cpuinfo", "model name").c_str(), load[0], setting("server_version").c_str(),
      setting("fsync").c_str(), setting("synchronous_commit").c_str(), setting("shared_buffers").c_str());
  std::fflush(stdout);
}

} // namespace paygate::bench
