#pragma once

#include <functional>
#include <map>
#include <string>
#include <utility>

#include "tests/machine/money_world.hpp"
#include "tests/simulation/rates.hpp"

namespace paygate::sim {

/// What lies between the nodes: letters are late, overtake each other, get lost, come twice, or do not come through at all.
class network {
public:
  network(world& w, const fault_rates& rates) : w_(w), rates_(rates) {}

  /// Calls `arrive` when a letter from one to the other comes in: once, never, or now and then twice.
  void carry(const std::string& from, const std::string& to, std::function<void()> arrive);
  /// Nothing goes between the two, in either direction.
  void cut(const std::string& a, const std::string& b, milliseconds how_long);
  bool connected(const std::string& a, const std::string& b) const;

  std::map<std::string, int> seen; ///< Letters lost, repeated, cut off, carried.

private:
  static std::pair<std::string, std::string> pair_of(const std::string& a, const std::string& b) {
    return a < b ? std::pair(a, b) : std::pair(b, a);
  }

  world& w_;
  const fault_rates& rates_;
  std::map<std::pair<std::string, std::string>, timestamp> cut_until_;
};

} // namespace paygate::sim
