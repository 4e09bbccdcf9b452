// The real machines through the real runtime and PostgreSQL: IPN steps of payments, memory per live entity.
//   bench_machines [--quick] [ipn|memory]
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

#include "actors/payment/payment_machine.hpp"
#include "actors/runtime/entity_actor.hpp"
#include "tests/bench/bench_support.hpp"

using namespace paygate;
using namespace paygate::bench;

namespace {

/// Orders that wait for their coins: invoice made, link sent, nothing paid.
void insert_payments(const std::string& dsn, std::int64_t n) {
  insert_rows(dsn,
         "INSERT INTO payment (id, version, shard, created_at, updated_at, wake_at, status, channel_id, closed_channel_id, owner_chat_id, "
         "channel_title, chat_id, "
         "user_id, user_name, donation, tier, days, price_usd, strategy, payout_ticker, payout_network, payout_address, payout_extra_id, "
         "invoice_id, "
         "invoice_url, link_sent_at, estimated, late, overpaid, invite_link, polled_at, polls) SELECT '01BENCH' || lpad((i - 1)::text, 19, "
         "'0'), 1, shard, "
         "now(), now(), now() + interval '1 hour', 'waiting', -1001234567890, -1009876543210, 100001, 'A channel with a title', i, i, "
         "'@user' || i, false, 0, "
         "30, 10, 'instant', 'usdt', 'eth', '0x742d35cc6634c0532925a3b844bc454e4438f44e', '', (5000000000 + i)::text, "
         "'https://nowpayments.io/payment/?iid=' || (5000000000 + i), now(), false, false, false, '', now() + interval '1 hour', 0 "
         "FROM unnest($1::smallint[]) WITH ORDINALITY AS u (shard, i)",
         shards_of(entity_kind::payment, n));
  run_sql(dsn, "VACUUM ANALYZE payment");
}

/// IPN number `i`: each order gets confirming, confirmed, sending in turn; every body is another one.
envelope ipn_number(std::int64_t i, std::int64_t orders) {
  static constexpr provider_status words[] = {provider_status::confirming, provider_status::confirmed, provider_status::sending};
  const auto order = i % orders, round = i / orders;
  provider_payment p;
  p.payment_id = std::to_string(6'000'000'000 + order);
  p.invoice_id = std::to_string(5'000'000'001 + order);
  p.order_id = order_id(order);
  p.status = words[round % 3];
  p.price_currency = "usd";
  p.price_amount = 10 * one_coin;
  p.pay_currency = "eth";
  p.pay_amount = p.actually_paid = one_coin / 300;
  p.actually_paid_at_fiat = 10 * one_coin;
  p.outcome_currency = "eth";
  const std::string raw =
      R"({"payment_id":)" + p.payment_id + R"(,"invoice_id":)" + p.invoice_id + R"(,"payment_status":")" + std::string(to_text(p.status))
      + R"(","pay_address":"0x742d35cc6634c0532925a3b844bc454e4438f44e","price_amount":10,"price_currency":"usd","pay_amount":0.0033333,)"
      + R"("actually_paid":0.0033333,"actually_paid_at_fiat":10,"pay_currency":"eth","order_id":")" + p.order_id
      + R"(","order_description":"30 days of A channel with a title","purchase_id":"5000000000","outcome_amount":0.00329,)"
      + R"("outcome_currency":"eth","fee":{"currency":"eth","depositFee":0.0001,"withdrawalFee":0,"serviceFee":0.00001}})";
  return {{entity_kind::payment, p.order_id}, payment_message{ipn_received{std::move(p), raw}}};
}

void bench_ipn(const std::string& dsn, bool quick) {
  const std::int64_t orders = quick ? 5'000 : 40'000;
  insert_payments(dsn, orders);
  bench_node node(dsn);
  node.start();
  for (std::size_t window : {std::size_t{1024}}) {
    const auto result =
        node.load([&](std::int64_t i) { return ipn_number(i, orders); }, 0, 3 * orders, 4, window, std::chrono::seconds(60));
    const auto rate = static_cast<double>(result.committed) / result.seconds;
    std::printf("1b. payment ipn_received steps (row, deposit, history, raw body), %ld orders: %.0f steps/s over %.1f s (%.0f a "
                "transaction), %ld refused; %ld bodies kept\n",
                orders, rate, result.seconds,
                static_cast<double>(result.committed) / static_cast<double>(std::max<std::int64_t>(result.batches, 1)), result.refused,
                number_of(dsn, "SELECT count(*) FROM webhook_event"));
  }
}

void wait_for_residents(bench_node& node, std::uint64_t n) {
  while (node.residents() < n) std::this_thread::sleep_for(std::chrono::milliseconds(20));
}

void bench_memory(const std::string& dsn, bool quick) {
  const std::int64_t n = quick ? 20'000 : 100'000;
  insert_payments(dsn, n);
  runtime_limits limits;
  limits.passivate_after = std::chrono::hours(1);
  bench_node node(dsn, limits);
  node.start();
  const auto wake = [&](std::int64_t from, std::int64_t to) {
    for (auto i = from; i < to; ++i) {
      node.wake({entity_kind::payment, order_id(i)});
      if (i % 2000 == 1999 || i + 1 == to) wait_for_residents(node, static_cast<std::uint64_t>(i + 1));
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
  };
  // The first ones pay for pools and tables that all share.
  const auto warm = n / 10;
  wake(0, warm);
  const auto before = trimmed_rss();
  wake(warm, n);
  const auto per_entity = static_cast<double>(trimmed_rss() - before) / static_cast<double>(n - warm);
  std::printf("3. memory per resident payment (one poll scheduled): %.0f bytes of RSS; goal 2048\n", per_entity);
  std::printf("   sizeof: entity_state<payment_kind> %zu, payment %zu, entity_header %zu, running_effect %zu, effect %zu, any_message %zu, "
              "io_request %zu, entity_ref %zu\n",
              sizeof(entity_state<payment_kind>), sizeof(payment), sizeof(entity_header), sizeof(running_effect), sizeof(effect),
              sizeof(any_message), sizeof(io_request), sizeof(entity_ref));

  // The same actors without shard and loader, and CAF's actor alone.
  const auto spawn_many = [&](auto spawn) {
    std::vector<caf::actor> all;
    all.reserve(static_cast<std::size_t>(n));
    const auto start = trimmed_rss();
    for (std::int64_t i = 0; i < n; ++i) all.push_back(spawn(i));
    std::this_thread::sleep_for(std::chrono::seconds(1));
    const auto bytes = static_cast<double>(trimmed_rss() - start) / static_cast<double>(n);
    caf::scoped_actor self{node.system};
    for (auto& one : all) self->send_exit(one, caf::exit_reason::kill);
    all.clear();
    std::this_thread::sleep_for(std::chrono::seconds(1));
    return bytes;
  };
  const auto alone = spawn_many([&](std::int64_t i) {
    activation a;
    a.ref = std::make_shared<const entity_ref>(entity_ref{entity_kind::payment, order_id(i + 10'000'000)});
    a.ports = node.ports;
    payment quiet; // Waits for a person: nothing is due.
    quiet.status = payment_status::held;
    quiet.judged_at = timestamp{};
    quiet.invoice_url = "-";
    a.loaded = std::make_shared<const loaded_entity>(loaded_entity{entity_header{.version = 1}, quiet});
    return spawner_of(entity_kind::payment)(node.system, std::move(a));
  });
  const auto bare =
      spawn_many([&](std::int64_t) { return node.system.spawn([](caf::event_based_actor*) -> caf::behavior { return {[](int) {}}; }); });
  std::printf("   the entity's actor alone (nothing due, no shard): %.0f bytes; CAF's actor with one handler: %.0f bytes\n", alone, bare);
}

} // namespace

int main(int argc, char** argv) {
  bool quick = false;
  std::string only;
  for (int i = 1; i < argc; ++i) {
    if (!std::strcmp(argv[i], "--quick"))
      quick = true;
    else
      only = argv[i];
  }
  test::postgres_cluster cluster;
  const auto fresh = [&](const char* name) {
    const auto dsn = cluster.create_database(name);
    if (const auto result = migrate(dsn); !result.error.empty()) std::printf("%s\n", result.error.c_str()), std::exit(1);
    return dsn;
  };
  bool told = false;
  const auto part = [&](const char* name, void (*run)(const std::string&, bool)) {
    if (!only.empty() && only != name) return;
    const auto dsn = fresh(name);
    if (!std::exchange(told, true)) print_setup(dsn);
    run(dsn, quick);
    std::fflush(stdout);
  };
  part("ipn", bench_ipn);
  part("memory", bench_memory);
}
