#include <catch2/catch.hpp>
#include <thread>

#include "daemon/metrics.hpp"

using namespace paygate;

namespace {
bool has(const std::string& text, const std::string& line) { return text.find(line + "\n") != std::string::npos; }
} // namespace

TEST_CASE("metrics are made on demand, with the label that belongs to them") {
  prometheus_metrics metrics;
  metrics.count("ipn_total", "accepted");
  metrics.count("ipn_total", "accepted", 2);
  metrics.count("ipn_total", "bad_signature");
  metrics.gauge("shards_held", "", 256);
  metrics.gauge("shards_held", "", 255);
  metrics.duration("commit_duration", "", std::chrono::microseconds(3'000));
  const auto text = metrics.render();
  CHECK(has(text, "paygate_ipn_total{outcome=\"accepted\"} 3"));
  CHECK(has(text, "paygate_ipn_total{outcome=\"bad_signature\"} 1"));
  CHECK(has(text, "paygate_shards_held 255"));
  CHECK(has(text, "# TYPE paygate_commit_duration_seconds histogram"));
  CHECK(has(text, "paygate_commit_duration_seconds_bucket{le=\"0.0025\"} 0"));
  CHECK(has(text, "paygate_commit_duration_seconds_bucket{le=\"0.005\"} 1"));
}

TEST_CASE("a mistake in counting costs nothing") {
  prometheus_metrics metrics;
  metrics.count("thing", "a");
  metrics.gauge("thing", "a", 7);
  metrics.count("not a name", "a");
  for (int i = 0; i < 1'000; ++i) metrics.count("users_total", std::to_string(i));
  const auto text = metrics.render();
  CHECK(has(text, "paygate_thing{label=\"a\"} 1"));
  std::size_t lines = 0;
  for (auto at = text.find("paygate_users_total{"); at != text.npos; at = text.find("paygate_users_total{", at + 1)) ++lines;
  CHECK(lines == 300);
}

TEST_CASE("counting from several threads loses nothing") {
  prometheus_metrics metrics;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&] {
      for (int i = 0; i < 5'000; ++i) metrics.count("wakes_total", i % 2 == 0 ? "" : "x");
    });
  for (auto& thread : threads) thread.join();
  CHECK(has(metrics.render(), "paygate_wakes_total 10000"));
}
