#pragma once

#include "tests/simulation/incoming.hpp"

namespace paygate::sim {

/// The exchange: fixed-rate swaps of every pair that we use. It watches the chain for deposits, pays out on the chain where the coin is one
/// of ours, pays back really, and lies: calls finished what it never paid, names another's transfer, pays too little, too much, twice,
/// late.
class market {
public:
  market(world& w, chain& net, incoming& coins) : w_(w), net_(net), coins_(coins) {}

  static constexpr int128 eth_to_usdt_min = one_coin / 500;

  io_outcome range(const get_swap_range& request);
  io_outcome estimate(const estimate_swap& request);
  io_outcome create(const create_swap& request);
  io_outcome look(const get_swap& request);
  void turn();

  /// What it is going to do with a deposit, drawn when the swap is made.
  enum class fate : std::uint8_t {
    honest,
    late,
    too_little,
    too_much,
    twice,
    false_hash,
    never_paid,
    refund,
    refund_late,
    refund_lie,
    failed,
    held,
    stale_hash,
    refund_stolen
  };

  struct swap {
    create_swap asked;
    swap_created made;
    swap_status status = swap_status::new_swap;
    timestamp valid_until{};
    fate will = fate::honest;
    int128 said = 0;               ///< amount_to by its word.
    int128 refunded = 0;           ///< And the refund by its word.
    std::string hash, refund_hash; ///< By its word, too.
    std::set<std::string> paid;    ///< What it really sent on the chain.
  };
  std::map<std::string, swap> swaps;
  /// It calls it finished, and the chain will never show it.
  bool is_never_paid(const std::string& swap_id) const;

private:
  int128 converted(const asset& from, const asset& to, int128 units) const;
  void watch(const std::string& id, swap& s);
  void finish(const std::string& id, swap& s);
  void pay_back(const std::string& id, swap& s);
  fate drawn();

  world& w_;
  chain& net_;
  incoming& coins_;
};

} // namespace paygate::sim
