// What a step costs when its entity lives on another node: one real node on a private PostgreSQL, asked from inside its own process and
// from a second actor system that is joined to it by CAF's network layer over a socket pair, as nodes are (without TLS).
//   bench_route [--quick]
#include <sys/resource.h>

#include <cstdio>
#include <cstring>

#include "actors/runtime/entity_actor.hpp"
#include "actors/runtime/exchange.hpp"
#include "actors/runtime/router.hpp"
#include "tests/bench/bench_support.hpp"
#include "tests/bench/raw_limits.hpp"
#include "tests/support/basp_wire.hpp"

using namespace paygate;
using namespace paygate::bench;

namespace {

struct toy_kind {
  using state = conversation;
  using message = conversation_message;
  static constexpr entity_kind kind = entity_kind::conversation;
  static verdict<conversation> apply(const conversation& state, bool, const conversation_message& message, const step_context&) {
    decision<conversation> next{state};
    const auto* update = std::get_if<update_received>(&message);
    if (update) next.next.last_update_id = update->update.update_id;
    next.changed = update && update->update.update_id != 0; // 0: only asked, nothing is written.
    return next;
  }
  static std::vector<effect> effects_due(const conversation&, const entity_ref&, timestamp, const policy&) { return {}; }
  static std::optional<timestamp> wakes_at(const conversation&, timestamp, const policy&) { return std::nullopt; }
};

} // namespace

spawn_entity_fn paygate::spawner_of(entity_kind) { return spawn_entity<toy_kind>; }

namespace {

constexpr std::int64_t entities = 2'000;
using feed_atom = caf::atom_constant<caf::atom("feed")>;

envelope_ptr message_number(std::int64_t i, bool writes) {
  chat_update update;
  update.update_id = writes ? i + 1 : 0;
  update.text = "Hello, this is about as long as people write.";
  return std::make_shared<const envelope>(
      envelope{{entity_kind::conversation, "c" + std::to_string(i % entities)}, conversation_message{update_received{std::move(update)}}});
}

struct figures {
  double per_second = 0, cpu_micros = 0;
  latencies one_by_one;
};

double cpu_seconds() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec)
         + static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

/// `count` messages, `window` under way at once, from an actor of `system`; each refusal ends the program.
double run(caf::actor_system& system, const caf::actor& router, std::int64_t count, std::int64_t window, bool writes) {
  const auto start = stopwatch::now();
  caf::scoped_actor waiting{system};
  auto feeder = waiting->spawn<caf::monitored>([=](caf::event_based_actor* self) -> caf::behavior {
    struct progress {
      std::int64_t sent = 0, answered = 0;
    };
    auto at = std::make_shared<progress>();
    auto send = std::make_shared<std::function<void()>>();
    *send = [=, weak = std::weak_ptr(send)] {
      if (at->sent == count) return;
      self->request(router, std::chrono::seconds(30), deliver_atom::value, message_number(at->sent++, writes))
          .then(
              [=, next = weak.lock()](const entity_reply_ptr& reply) {
                if (!std::holds_alternative<ok>(*reply)) std::printf("refused: %s\n", std::get<refused>(*reply).text.c_str()), std::exit(1);
                if (++at->answered == count) return self->quit();
                (*next)();
              },
              [=](const caf::error& e) { std::printf("%s\n", self->system().render(e).c_str()), std::exit(1); });
    };
    return {[=](feed_atom) {
      for (std::int64_t i = 0; i < window; ++i) (*send)();
    }};
  });
  caf::anon_send(feeder, feed_atom::value);
  waiting->receive([](const caf::down_msg&) {});
  return elapsed(start);
}

figures measure(caf::actor_system& system, const caf::actor& router, std::int64_t count, int single, bool writes) {
  figures f;
  run(system, router, entities, 256, writes); // Loads them.
  const auto before = cpu_seconds();
  f.per_second = static_cast<double>(count) / run(system, router, count, 512, writes);
  f.cpu_micros = (cpu_seconds() - before) * 1e6 / static_cast<double>(count);
  caf::scoped_actor self{system};
  for (int i = 0; i < single; ++i) {
    const auto start = stopwatch::now();
    self->request(router, std::chrono::seconds(30), deliver_atom::value, message_number(i * 7, writes))
        .receive([](const entity_reply_ptr&) {}, [](caf::error&) { std::exit(1); });
    f.one_by_one.add(stopwatch::now() - start);
  }
  return f;
}

void print(const char* what, figures& here, figures& there) {
  std::printf("%s\n", what);
  for (auto [name, f] : {std::pair{"here ", &here}, std::pair{"there", &there}})
    std::printf("  %s: %8.0f/s with 512 under way, %5.1f us of CPU each; one at a time %s\n", name, f->per_second, f->cpu_micros,
                f->one_by_one.text().c_str());
  std::printf("  ratio there/here: throughput %.2f, CPU %.2f, p50 %.2f, p99 %.2f\n", there.per_second / here.per_second,
              there.cpu_micros / here.cpu_micros, there.one_by_one.at(0.5) / here.one_by_one.at(0.5),
              there.one_by_one.at(0.99) / here.one_by_one.at(0.99));
  std::fflush(stdout);
}

} // namespace

int main(int argc, char** argv) {
  const bool quick = argc > 1 && !std::strcmp(argv[1], "--quick");
  test::postgres_cluster database;
  const auto dsn = database.create_database("bench");
  if (const auto result = migrate(dsn); !result.error.empty()) return std::printf("%s\n", result.error.c_str()), 1;
  print_setup(dsn);
  insert_conversations(dsn, entities);

  bench_node owner(dsn);
  owner.start();
  const auto owner_router = caf::actor_cast<caf::actor>(owner.ports->router);
  auto exchange = spawn_exchange(owner.system, {owner_router, {}, owner.metrics});
  {
    test::basp_config config;
    caf::actor_system other{config};
    route_limits limits;
    limits.patience = std::chrono::seconds(30);
    auto router = spawn_router(other, nullptr, limits);
    auto askers = spawn_exchange(other, {router, {}, owner.metrics});
    test::basp_wire wire;
    auto far = test::join(other, wire.take_end(0), owner.system, wire.take_end(1), exchange);
    auto view = std::make_shared<cluster_view>();
    view->self = "asker";
    view->members = {{"asker", "asker", "", "", 1, false}, {"owner", "owner", "", "", 1, false}};
    view->owner.fill(1);
    caf::anon_send(router, view_atom::value, cluster_view_ptr(view));
    caf::anon_send(router, link_up_atom::value, std::string("owner"), far, true);
    for (bool writes : {false, true}) {
      const std::int64_t count = writes ? (quick ? 20'000 : 100'000) : (quick ? 50'000 : 200'000);
      const int single = quick ? 300 : 2'000;
      auto here = measure(owner.system, owner_router, count, single, writes);
      auto there = measure(other, router, count, single, writes);
      print(writes ? "a durable step" : "a question that writes nothing: the way alone", here, there);
    }
    caf::anon_send_exit(askers, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(router, caf::exit_reason::user_shutdown);
  }
  caf::anon_send_exit(exchange, caf::exit_reason::user_shutdown);
}
