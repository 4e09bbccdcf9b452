#pragma once

#include <chrono>
#include <map>
#include <string>

namespace paygate {

/// For how long other nodes' memberships have stood as they stand, by this process's own clock. The database's clock may jump: then all
/// memberships have run out at once, by a time that nobody was given. Whoever is silent is judged by both clocks.
class renewal_watch {
public:
  using steady = std::chrono::steady_clock;

  /// `stamp`: whatever a renewal changes.
  void saw(const std::string& identity, const std::string& stamp, steady::time_point now) {
    auto& last = seen_[identity];
    if (last.stamp != stamp) last = {stamp, now, now};
    last.looked = now;
  }
  /// Zero for one that was never seen.
  steady::duration silence(const std::string& identity, steady::time_point now) const {
    const auto found = seen_.find(identity);
    return found == seen_.end() ? steady::duration{0} : now - found->second.since;
  }
  /// Forgets who was not seen since.
  void forget(steady::time_point before) {
    std::erase_if(seen_, [before](const auto& one) { return one.second.looked < before; });
  }

private:
  struct entry {
    std::string stamp;
    steady::time_point since{}, looked{};
  };
  std::map<std::string, entry> seen_;
};

} // namespace paygate
