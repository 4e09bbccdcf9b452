// When the next batch is written: on a busy machine after a pause as long as the last one took, else at once.
#include <catch2/catch.hpp>

#include "persistence/batch_pace.hpp"

using namespace paygate;
using namespace std::chrono_literals;

namespace {

const batch_pace::clock::time_point begin{1h};

batch_pace pace_after(std::chrono::milliseconds took, bool busy) {
  batch_pace pace([busy] { return busy; });
  pace.wrote(begin, begin + took, 3);
  return pace;
}

} // namespace

TEST_CASE("a pause is twice as long as the last batch took, and is shorter the later it is asked for") {
  struct row {
    std::chrono::milliseconds took, after; ///< The end of the last batch.
    std::size_t waiting;
    bool busy;
    std::chrono::milliseconds pause;
  };
  for (const auto& r : std::vector<row>{{4ms, 0ms, 1, true, 8ms},
                                        {4ms, 1ms, 1, true, 7ms},
                                        {4ms, 8ms, 1, true, 0ms},
                                        {4ms, 30ms, 1, true, 0ms},
                                        {400ms, 0ms, 1, true, 10ms},
                                        {400ms, 0ms, batch_pace::enough, true, 0ms},
                                        {400ms, 0ms, batch_pace::enough - 1, true, 10ms},
                                        {400ms, 51ms, 1, true, 0ms},
                                        {4ms, 0ms, 1, false, 0ms}}) {
    INFO(r.took.count() << " ms, asked after " << r.after.count() << " ms for " << r.waiting);
    CHECK(pace_after(r.took, r.busy).pause(begin + r.took + r.after, r.waiting) == r.pause);
  }
}

TEST_CASE("the first batch, and one after nothing was written, waits for nobody") {
  CHECK(batch_pace([] { return true; }).pause(begin, 1) == 0ms);
  auto pace = pace_after(4ms, true);
  pace.wrote(begin + 100ms, begin + 200ms, 0);
  CHECK(pace.pause(begin + 5ms, 1) == 7ms);
}
