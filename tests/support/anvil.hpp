#pragma once

#include <memory>
#include <string>

#include "tests/support/postgres_cluster.hpp"
#include "tests/support/process.hpp"

namespace paygate::test {

/// The last line that a script prints: the path of a pinned tool. It may install the tool first.
std::string path_by_script(const std::string& script);
/// A JSON-RPC call to a node on 127.0.0.1; `params` is a JSON array. Answers the `result` as JSON text, a string result without its quotes;
/// throws std::runtime_error with the node's words when it refuses.
std::string node_rpc(int port, const std::string& method, const std::string& params = "[]");

struct anvil_options {
  int block_time_s = 0; ///< 0: a block for each transaction, and none else.
};

/// anvil, an Ethereum node of its own on a free port of 127.0.0.1: chain id 31337, ten dev accounts of 10 000 ETH each.
/// Failures throw std::runtime_error.
class anvil {
public:
  static constexpr int chain_id = 31337;
  /// The first dev account and its well-known key.
  static constexpr const char* rich = "0xf39fd6e51aad88f6f4ce6ab8827279cfffb92266";
  static constexpr const char* rich_key = "ac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";

  explicit anvil(anvil_options options = {});

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  /// A JSON-RPC call; `params` is a JSON array. Answers the `result` as JSON text, a string result without its quotes.
  std::string rpc(const std::string& method, const std::string& params = "[]") const;
  void mine(int blocks = 1) const;
  /// Sends `wei` (0x...) from the rich account and waits for its block; answers the hash.
  std::string send(const std::string& to, const std::string& wei_hex) const;
  std::string balance_hex(const std::string& address) const;
  void set_balance(const std::string& address, const std::string& wei_hex) const;

private:
  void start(int block_time_s);

  temporary_folder folder_{"paygate-anvil"};
  int port_ = 0;
  std::unique_ptr<process> process_;
};

} // namespace paygate::test
