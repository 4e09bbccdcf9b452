#include "tests/simulation/network.hpp"

namespace paygate::sim {

bool network::connected(const std::string& a, const std::string& b) const {
  const auto at = cut_until_.find(pair_of(a, b));
  return !w_.faults || at == cut_until_.end() || at->second <= w_.now;
}

void network::cut(const std::string& a, const std::string& b, milliseconds how_long) {
  auto& until = cut_until_[pair_of(a, b)];
  until = std::max(until, w_.now + how_long);
}

void network::carry(const std::string& from, const std::string& to, std::function<void()> arrive) {
  const auto permille = [&](unsigned rate) { return w_.faults && w_.random() % 1000 < rate; };
  const bool lost = permille(rates_.letter_lost);
  const int times = !lost && permille(rates_.letter_twice) ? 2 : 1;
  ++seen[lost ? "lost" : times == 2 ? "repeated" : "carried"];
  if (lost) return;
  for (int i = 0; i < times; ++i) {
    const auto way = milliseconds(permille(rates_.letter_late) ? w_.between(500, 30'000) : w_.between(0, 20));
    w_.after(way, [this, from, to, arrive] { connected(from, to) ? arrive() : void(++seen["cut off"]); });
  }
}

} // namespace paygate::sim
