#pragma once

#include <functional>
#include <map>
#include <set>
#include <string>

#include "messages/balance.hpp"
#include "messages/cluster.hpp"
#include "tests/machine/money_world.hpp"

namespace paygate::sim {

constexpr milliseconds lease_ttl{10'000};

/// Membership and leases as sql/ and the lease keeper keep them: a transaction per call, on the database's clock. Which shards are taken and
/// given back is decided by the rules that the daemon uses.
class lease_table {
public:
  explicit lease_table(world& w) : w_(w) {}

  struct member {
    std::string identity, name;
    timestamp seen{};
    bool left = false;     ///< Said so itself.
    bool dead = false;     ///< Declared so by whoever took its expired leases. For ever.
    bool draining = false; ///< Gives away and takes nothing.
  };
  struct lease {
    std::size_t holder = 0; ///< Index into `members`; 0: nobody.
    std::uint64_t epoch = 0;
    timestamp expires{};
  };
  std::vector<member> members{1};
  std::array<lease, shard_count> leases{};

  /// A process has started, or goes on under another identity.
  void enter(const std::string& identity, const std::string& name);
  /// Pushes what it holds, gives back what is too much, takes what it may. Answers nothing when it was declared dead.
  struct answer {
    bool dead = false;
    std::array<std::uint64_t, shard_count> epochs{};
  };
  answer turn(const std::string& identity, milliseconds connected);
  void release(const std::string& identity);
  /// The guard of every commit.
  bool holds(const std::string& identity, std::uint32_t shard, std::uint64_t epoch) const {
    return leases[shard].epoch == epoch && holder_of(shard).identity == identity;
  }
  const member& holder_of(std::uint32_t shard) const { return members[leases[shard].holder]; }
  /// Everything to one, for a test of the tables alone.
  void give_all(const std::string& identity, std::uint64_t epoch);
  /// The members that have renewed of late, as each of them may read.
  cluster_view_ptr view(const std::string& identity) const;

  /// Whether a process of that identity is provably dead: asked of the machine that both run on.
  std::function<bool(const std::string& identity)> is_gone = [](const std::string&) { return false; };
  /// Told before a lease goes to another holder; `expired`: without its old one having had a say.
  std::function<void(std::uint32_t shard, const lease& before, const member& taker, bool expired)> taken;
  /// Told of everybody who pushed what it holds.
  std::function<void(const std::string& identity)> pushed;

private:
  std::size_t number_of(const std::string& identity) const;
  bool is_alive(const member& m) const { return !m.left && !m.dead && m.seen + lease_ttl > w_.now; }
  lease_standings standings(std::size_t self) const;
  balance_view balance(std::size_t self, milliseconds connected) const;

  world& w_;
};

} // namespace paygate::sim
