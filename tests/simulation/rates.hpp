#pragma once

#include <array>
#include <cstdint>

#include "messages/io.hpp"

namespace paygate::sim {

/// How bad the world is, in permille; drawn from the seed, so that some worlds are calm and some are hell.
struct call_rates {
  unsigned error = 0;   ///< It did not happen, and says so.
  unsigned lost = 0;    ///< A time-out, and it did not happen.
  unsigned lie = 0;     ///< A time-out, and it did happen.
  unsigned slow = 0;    ///< It takes up to minutes.
  unsigned special = 0; ///< What only this provider does: 429, stale answers, permanent refusals.
};

struct fault_rates {
  std::array<call_rates, lane_count> calls;
  unsigned commit_lost = 0, commit_late = 0, commit_unheard = 0, load_fails = 0, lease_fails = 0; ///< Permille of the database's answers.
  unsigned window_crash = 0;                                                                      ///< In 100 000 of every window passed.
  unsigned crashes = 0;                                                                           ///< How many at random instants.
  unsigned ipn_lost = 0, ipn_repeated = 0, ipn_late = 0;                                          ///< Permille.
  unsigned letter_lost = 0, letter_twice = 0, letter_late = 0;                                    ///< Permille of those between nodes.
  unsigned pauses = 0, cuts = 0, outages = 0, leaves = 0; ///< Nodes that sleep, links that break, the database away, nodes that leave.

  template <class World>
  static fault_rates drawn(World& w) {
    const auto draw = [&](int most) { return w.chance(40) ? 0u : static_cast<unsigned>(w.between(0, most)); };
    fault_rates r;
    for (auto& c : r.calls) c = {draw(200), draw(150), draw(150), draw(100), draw(150)};
    r.commit_lost = draw(40), r.commit_late = draw(40), r.commit_unheard = draw(40), r.load_fails = draw(60), r.lease_fails = draw(200);
    r.window_crash = w.chance(50) ? static_cast<unsigned>(w.between(0, 1500)) : 0;
    r.crashes = static_cast<unsigned>(w.between(0, 4));
    r.ipn_lost = draw(600), r.ipn_repeated = draw(500), r.ipn_late = draw(500);
    r.letter_lost = draw(200), r.letter_twice = draw(200), r.letter_late = draw(200);
    r.pauses = static_cast<unsigned>(w.between(0, 3)), r.cuts = static_cast<unsigned>(w.between(0, 3));
    r.outages = w.chance(50) ? static_cast<unsigned>(w.between(1, 2)) : 0, r.leaves = static_cast<unsigned>(w.between(0, 2));
    return r;
  }
};

} // namespace paygate::sim
