#pragma once
#include <cstdint>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "sandbox/amounts.hpp"
#include "sandbox/json.hpp"

namespace sandbox {

/// A transfer of ether or of a token as the chain shows it. Addresses are lowercase.
struct chain_transfer {
  std::string hash;
  std::string from;
  std::string to;
  big_int units;
  std::uint64_t block = 0;
};

/// What came of a payment of ours. `unknown`: it may or may not have been sent.
struct chain_payment {
  std::string hash;
  std::string error;
  bool unknown = false;
};

/// The little of Ethereum's JSON-RPC that the stand-ins need, on a node whose accounts are unlocked (anvil).
/// Stateless but for the list of accounts; thread-safe. Blocks the caller.
class chain_client {
public:
  explicit chain_client(std::string url) : url_(std::move(url)) {}

  std::optional<std::uint64_t> height();
  /// Transfers of ether in that block, failed ones left out; nullopt: no such block or no answer.
  std::optional<std::vector<chain_transfer>> ether_in(std::uint64_t block);
  std::optional<std::vector<chain_transfer>> tokens_in(const std::string& token, std::uint64_t first, std::uint64_t last);
  /// nullopt: not in a block.
  std::optional<bool> succeeded(const std::string& hash);
  /// The unlocked account so many places before the last one; empty: no answer.
  std::string account_from_end(std::size_t place);
  /// Sends and waits for the block. A poor account is filled up first (anvil_setBalance).
  chain_payment pay_ether(const std::string& from, const std::string& to, const big_int& wei);
  chain_payment pay_token(const std::string& token, const std::string& from, const std::string& to, const big_int& units);

private:
  struct result {
    std::optional<json> value;
    std::string error;
    bool unknown = false;
  };
  result call(const std::string& method, json params, int timeout_ms = 5000);
  chain_payment send(json transaction);

  std::string url_;
  std::mutex accounts_mutex_;
  std::vector<std::string> accounts_;
  std::mutex send_mutex_; ///< The node numbers the transactions of one account; one at a time keeps it from racing.
};

std::string lowercase(std::string text);

} // namespace sandbox
