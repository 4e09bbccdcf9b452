#pragma once

#include <functional>
#include <map>
#include <optional>
#include <queue>
#include <random>
#include <set>

#include "messages/envelope.hpp"
#include "messages/policy.hpp"
#include "messages/step.hpp"

// A small world for the money path: virtual time, a chain, a swap provider and a store, all driven by one seed. What breaks a promise is
// gathered in `broken`; the simulation fails when it is not empty.
namespace paygate::sim {

using namespace std::chrono_literals;

inline const std::string our_address = "0x00000000000000000000000000000000000000aa";

inline const std::string usdt_address = "0x00000000000000000000000000000000000005d7";

/// Time, chance and the list of broken promises.
struct world {
  explicit world(std::uint64_t seed) : random(seed) {}
  std::mt19937_64 random;
  timestamp now{std::chrono::seconds(1'800'000'000)};
  bool faults = true;
  unsigned intensity = 100; ///< Of every fault, in percent of its usual likelihood.
  std::vector<std::string> broken;

  bool chance(unsigned percent) { return random() % 100 < percent; }
  /// A fault of that likelihood, while there are faults.
  bool fault(unsigned percent) { return faults && (intensity == 100 ? chance(percent) : random() % 10'000 < percent * intensity); }
  std::int64_t between(std::int64_t low, std::int64_t high) {
    return low + static_cast<std::int64_t>(random() % static_cast<std::uint64_t>(high - low + 1));
  }
  void at(timestamp when, std::function<void()> what) { agenda_.push({when, ++count_, std::move(what)}); }
  void after(milliseconds pause, std::function<void()> what) { at(now + pause, std::move(what)); }
  /// When the next thing is to happen; nothing when nothing is left.
  std::optional<timestamp> next() const { return agenda_.empty() ? std::nullopt : std::optional(agenda_.top().when); }
  /// Runs the next thing; false when nothing is left.
  bool turn();
  void demand(bool kept, const std::string& promise) {
    if (!kept) broken.push_back(promise);
  }

private:
  struct entry {
    timestamp when;
    std::uint64_t order;
    std::function<void()> what;
    bool operator<(const entry& other) const { return when != other.when ? when > other.when : order > other.order; }
  };
  std::priority_queue<entry> agenda_;
  std::uint64_t count_ = 0;
};

/// What an ERC-20 transfer in a transaction's data moves: to whom, and how much in the token's own units.
struct token_call {
  std::string to;
  int128 units = 0;
};
std::optional<token_call> token_call_of(const tx_fields& tx);

/// An Ethereum of one account. Blocks are mined and taken back; transactions get lost from the pool; any version that was ever taken may
/// be mined; answers come from nodes that lag.
class chain {
public:
  chain(world& w, int128 balance) : w_(w), balance_(balance) {}

  io_outcome sign(const sign_tx& request);
  io_outcome quote(const get_chain_quote& request);
  io_outcome broadcast(const broadcast_tx& request);
  io_outcome receipts(const get_receipts& request);
  io_outcome look() const { return wallet_seen{balance_, nonce_, head()}; }

  void mine();
  void fund(int128 units) { balance_ += units; }
  int128 balance() const { return balance_; }
  std::uint64_t nonce() const { return nonce_; }
  /// USDT of ours, in the token's own units.
  void fund_tokens(int128 units) { tokens_ += units; }
  int128 tokens() const { return tokens_; }
  /// Units (of ETH, or of USDT in 10^-18 as well) that reached an address, and by how many transactions, in blocks at least `depth` deep.
  std::pair<int128, int> received(const std::string& address, std::uint64_t depth = 1, bool token = false) const;
  /// ETH spent on gas so far.
  int128 gas_spent() const;
  std::set<std::string> refusing;  ///< Addresses whose code refuses ETH: estimates revert.
  std::set<std::string> reverting; ///< Addresses whose code refuses only when it is mined.
  std::function<bool(const std::string& hash)> is_stored;

private:
  struct mined {
    sign_tx what;
    std::string raw, hash;
    bool reverted = false;
    int128 price = 0;
  };
  std::uint64_t head() const { return 100 + blocks_.size(); }
  void take_back();
  int128 cost(const mined& m) const { return (m.reverted ? 0 : m.what.tx.value) + 21'000 * m.price; }
  int128 moves_tokens(const mined& m) const;

  world& w_;
  int128 balance_, tokens_ = 0, base_fee_ = 20'000'000'000;
  std::uint64_t nonce_ = 0;
  std::map<std::string, sign_tx> signed_;                      ///< By raw bytes.
  std::map<std::uint64_t, std::set<std::string>> pool_, ever_; ///< Raw bytes by nonce: in the pool now, and ever taken by a node.
  std::vector<std::vector<mined>> blocks_;
};

/// A fixed-rate exchange that pays attention to the chain, loses answers and sometimes a deposit.
class exchange {
public:
  exchange(world& w, chain& c) : w_(w), chain_(c) {}
  io_outcome range(const get_swap_range&);
  io_outcome estimate(const estimate_swap& request);
  io_outcome create(const create_swap& request);
  io_outcome look(const get_swap& request);
  void turn();

  struct swap {
    swap_created made;
    swap_status status = swap_status::new_swap;
    timestamp valid_until{};
    std::string hash;
    bool bad_luck = false;
  };
  std::map<std::string, swap> swaps;

private:
  world& w_;
  chain& chain_;
};

/// Whose the wallet's ETH is, by balances of a ledger of ETH alone.
wallet_books_seen books_of(const std::map<std::string, int128>& balances);

/// What is committed: rows, children and the ledger. Crashes lose nothing of it and everything else.
class store {
public:
  explicit store(world& w) : w_(w) {}
  template <class State>
  struct row {
    bool exists = false;
    State state;
  };
  row<payout> load_payout(const std::string& id) const;
  row<wallet> load_wallet() const;
  void commit(const std::string& id, const decision<payout>& d);
  void commit(const std::string& id, const decision<wallet>& d);

  std::map<std::string, payout> payouts;
  std::optional<wallet> the_wallet;
  std::map<std::string, wallet_transfer> transfers; ///< By intent, as the child table.
  std::map<std::string, int128> balances;
  std::map<std::string, int> closed; ///< accrual_closed rows by payout.
  bool holds(const std::string& hash) const;
  void post(const std::vector<ledger_entry>& entries);

private:
  void guard(const wallet_transfer& next);

  world& w_;
  std::set<std::string> keys_;
  std::vector<std::string> arrival_;
};

} // namespace paygate::sim
