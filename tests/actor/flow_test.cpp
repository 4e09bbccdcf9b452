// The pure parts of the runtime: pauses, token bucket, circuit breaker.
#include <catch2/catch.hpp>

#include "actors/runtime/backoff.hpp"
#include "actors/runtime/flow.hpp"

using namespace paygate;
using namespace std::chrono_literals;

TEST_CASE("retries pause 1 s, doubling to 60 s, with at most a quarter of jitter") {
  std::int64_t base = 1000;
  for (std::uint32_t attempts = 1; attempts < 20; ++attempts) {
    for (const auto* seed : {"a", "b", "01J"}) {
      const auto pause = retry_pause(attempts, seed).count();
      CHECK(pause >= base);
      CHECK(pause <= base + base / 4);
      CHECK(retry_pause(attempts, seed).count() == pause);
    }
    base = std::min<std::int64_t>(base * 2, 60'000);
  }
}

TEST_CASE("polls slow down to their limit") {
  CHECK(poll_pause(1, 100ms, 1000ms) == 100ms);
  CHECK(poll_pause(3, 100ms, 1000ms) == 400ms);
  CHECK(poll_pause(50, 100ms, 1000ms) == 1000ms);
  CHECK(poll_pause(2, 0ms, 1000ms) == 0ms);
}

TEST_CASE("failures 1, 2, 4, 8 ... are written") {
  std::vector<std::uint32_t> written;
  for (std::uint32_t i = 0; i < 20; ++i)
    if (is_reported(i)) written.push_back(i);
  CHECK(written == std::vector<std::uint32_t>{1, 2, 4, 8, 16});
}

TEST_CASE("a token bucket never lets more through than rate times time plus burst") {
  token_bucket bucket(30, 30);
  int passed = 0;
  for (int ms = 0; ms <= 10'000; ++ms)
    while (!bucket.take(milliseconds(ms))) ++passed;
  CHECK(passed >= 300);
  CHECK(passed <= 331);
  CHECK_FALSE(token_bucket(0, 1).take(0ms));
}

TEST_CASE("a circuit opens after failures in a row, probes once, and closes on success") {
  circuit c(3);
  CHECK_FALSE(c.failed(0ms));
  c.succeeded();
  CHECK_FALSE(c.failed(0ms));
  CHECK_FALSE(c.failed(0ms));
  CHECK(c.failed(0ms));
  CHECK(c.refuse(500ms) == 500ms);
  CHECK_FALSE(c.refuse(1000ms)); // May be probed,
  CHECK_FALSE(c.refuse(1000ms)); // also when the one that asked was kept from calling.
  c.started();
  CHECK(c.refuse(1001ms));       // Only one probe.
  CHECK_FALSE(c.failed(1100ms)); // It was open already.
  CHECK(c.refuse(1200ms) == 1900ms);
  CHECK_FALSE(c.refuse(3100ms));
  c.started();
  c.succeeded();
  CHECK_FALSE(c.refuse(3200ms));
}

TEST_CASE("a probe that is told to come later does not close the circuit for ever") {
  circuit c(1);
  CHECK(c.failed(0ms));
  CHECK_FALSE(c.refuse(1000ms));
  c.started();
  c.put_off();
  CHECK(c.is_open());
  CHECK_FALSE(c.refuse(1100ms)); // The next probe.
}
