// When the next batch is written: on a machine that is pressed after a pause, else at once.
#include <catch2/catch.hpp>

#include "persistence/batch_pace.hpp"

using namespace paygate;
using namespace std::chrono_literals;

namespace {

const batch_pace::clock::time_point begin{1h};

batch_pace pace_after(std::chrono::milliseconds took, unsigned pressure, std::size_t size = batch_pace::crowd) {
  batch_pace pace([pressure] { return pressure; });
  pace.wrote(begin, begin + took, size);
  return pace;
}

} // namespace

TEST_CASE("a pause is as long as pressure and the last batch say, and is shorter the later it is asked for") {
  struct row {
    std::chrono::milliseconds took, after; ///< The end of the last batch.
    std::size_t waiting;
    unsigned pressure;
    std::chrono::milliseconds pause;
  };
  for (const auto& r : std::vector<row>{{4ms, 0ms, 1, 4, 8ms},
                                        {4ms, 0ms, 1, 1, 2ms},
                                        {4ms, 0ms, 1, 8, 16ms},
                                        {4ms, 1ms, 1, 4, 7ms},
                                        {4ms, 8ms, 1, 4, 0ms},
                                        {4ms, 30ms, 1, 4, 0ms},
                                        {400ms, 0ms, 1, 4, 10ms},
                                        {400ms, 0ms, 1, 8, 20ms},
                                        {400ms, 0ms, batch_pace::enough, 8, 0ms},
                                        {400ms, 0ms, batch_pace::enough - 1, 4, 10ms},
                                        {400ms, 51ms, 1, 8, 0ms},
                                        {4ms, 0ms, 1, 0, 0ms}}) {
    INFO(r.took.count() << " ms, asked after " << r.after.count() << " ms for " << r.waiting << " at " << r.pressure);
    CHECK(pace_after(r.took, r.pressure).pause(begin + r.took + r.after, r.waiting) == r.pause);
  }
}

TEST_CASE("the first batch, and one after few, waits for nobody; one after nothing was written as the one before") {
  CHECK(batch_pace([] { return 4u; }).pause(begin, 1) == 0ms);
  CHECK(pace_after(4ms, 4, batch_pace::crowd - 1).pause(begin + 4ms, 1) == 0ms);
  auto pace = pace_after(4ms, 4);
  pace.wrote(begin + 100ms, begin + 200ms, 0);
  CHECK(pace.pause(begin + 5ms, 1) == 7ms);
}

TEST_CASE("pressure rises by a step while processors have next to nothing left, and falls by one when they have") {
  pressure_gauge gauge;
  std::uint64_t idle = 5'000, all = 10'000;
  const auto look = [&](std::uint64_t idle_of_100) { return gauge.look(idle += idle_of_100, all += 100); };
  CHECK(look(0) == 0); // Nothing to compare with.
  CHECK(look(9) == 1);
  CHECK(look(0) == 2);
  CHECK(look(10) == 1);
  CHECK(gauge.look(idle, all) == 1); // No time has passed.
  CHECK(look(90) == 0);
  CHECK(look(90) == 0);
  for (unsigned i = 0; i < 2 * pressure_gauge::most; ++i) look(5);
  CHECK(look(5) == pressure_gauge::most);
  CHECK(look(50) == pressure_gauge::most - 1);
  CHECK(gauge.look(idle += 5, all += 1'000, 10) == pressure_gauge::most); // However long it lasted.
  CHECK(gauge.look(idle += 900, all += 1'000, 3) == pressure_gauge::most - 3);
  CHECK(gauge.look(idle += 900, all += 1'000, 50'000) == 0); // Nobody looked since the last burst.
}
