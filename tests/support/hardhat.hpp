#pragma once

#include <memory>
#include <string>

#include "tests/support/postgres_cluster.hpp"
#include "tests/support/process.hpp"

namespace paygate::test {

/// Hardhat's Ethereum node on a free port of 127.0.0.1: chain id 31337, anvil's dev accounts. It mines only when it is told to, and holds
/// the rule that a replacement pays at least 10 % more of both fees. Failures throw std::runtime_error.
class hardhat {
public:
  hardhat();

  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }
  /// As of `anvil`.
  std::string rpc(const std::string& method, const std::string& params = "[]") const;
  void mine(int blocks = 1) const;

private:
  void start();

  temporary_folder folder_{"paygate-hardhat"};
  int port_ = 0;
  std::unique_ptr<process> process_;
};

} // namespace paygate::test
