#pragma once

#include "tests/machine/money_world.hpp"

namespace paygate::sim {

/// What others send on the chain, to us or past us: pending, mined, taken back while shallow, mined again.
class incoming {
public:
  incoming(world& w, chain& net) : w_(w), net_(net) {}

  struct tx {
    std::string to, token; ///< No token: ETH.
    int128 units = 0;      ///< In 10^-18, of USDT too.
    timestamp not_before{};
    std::uint64_t depth = 0;
  };
  /// ETH for us.
  void send(const std::string& hash, int128 units) { all[hash] = {our_address, "", units, w_.now, 0}; }
  void send(const std::string& hash, tx what) { all[hash] = std::move(what); }

  io_outcome look(const get_transfer& request);
  io_outcome look(const get_token_transfer& request);
  void mine(std::uint64_t depth_wanted);
  bool all_deep() const;
  /// What of it has reached us by now.
  int128 brought(const std::string& hash, bool token) const;

  std::map<std::string, tx> all; ///< By hash.

private:
  void credit(const tx& t, int sign);

  world& w_;
  chain& net_;
};

} // namespace paygate::sim
