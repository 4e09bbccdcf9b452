#pragma once

#include <functional>
#include <string>
#include <vector>

#include "persistence/lease_plan.hpp"
#include "tests/machine/money_world.hpp"

namespace paygate::sim {

constexpr milliseconds lease_ttl{3'000};

/// Members and leases as the tables of sql/ keep them: each call is a transaction on the database's clock. What is decided over these rows
/// is decided by persistence/lease_plan, as in the daemon.
class lease_table {
public:
  explicit lease_table(world& w) : w_(w) {}

  struct member {
    std::string identity, name;
    timestamp expires{};
    bool left = false, dead = false; ///< For ever.
    bool draining = false;
  };
  struct lease {
    std::size_t holder = 0; ///< Index into `members`; 0: nobody.
    std::uint64_t epoch = 0;
  };
  std::vector<member> members{1};
  std::array<lease, shard_count> leases{};
  std::int64_t changes = 0; ///< Of members or holders.

  /// All of it, as a node reads it.
  cluster_rows rows() const;
  void join(const std::string& identity, const std::string& name, bool draining);
  struct pulse {
    bool alive = false, others_late = false;
  };
  pulse renew(const std::string& identity);
  /// Those that may still be buried: whoever renewed meanwhile may not.
  bool bury(const std::vector<std::string>& dead, const std::string& by);
  void take(const std::string& identity, const shard_list& shards);
  void free(const std::string& identity, const shard_list& shards);
  void drain(const std::string& identity);
  void leave(const std::string& identity);
  /// The guard of every commit.
  bool holds(const std::string& identity, std::uint32_t shard, std::uint64_t epoch) const {
    return leases[shard].epoch == epoch && holder_of(shard).identity == identity;
  }
  const member& holder_of(std::uint32_t shard) const { return members[leases[shard].holder]; }
  /// Everything to one, for a test of the tables alone.
  void give_all(const std::string& identity, std::uint64_t epoch);

  /// Whether a process of that identity is provably dead: asked of the machine that both run on.
  std::function<bool(const std::string& identity)> is_gone = [](const std::string&) { return false; };
  /// Told before it happens.
  std::function<void(const member& victim, const std::string& by)> buried = [](const member&, const std::string&) {};
  std::function<void(std::uint32_t shard, const member& holder, const std::string& taker)> taken;
  std::function<void(const std::string& identity)> renewed = [](const std::string&) {};

private:
  std::size_t number_of(const std::string& identity) const;
  bool is_expired(const member& m) const;

  world& w_;
};

} // namespace paygate::sim
