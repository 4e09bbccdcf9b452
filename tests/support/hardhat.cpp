#include "tests/support/hardhat.hpp"

#include <chrono>
#include <cstdio>
#include <stdexcept>
#include <thread>

#include "tests/support/anvil.hpp"

namespace paygate::test {

hardhat::hardhat() {
  // Between choosing a free port and listening on it another program may take it: then the node ends, and the next port is tried.
  for (int tries = 0;; ++tries) try {
      start();
      return;
    } catch (const std::runtime_error&) {
      if (tries == 2) throw;
    }
}

void hardhat::start() {
  static const std::string folder = path_by_script(PAYGATE_HARDHAT_PATH_SCRIPT);
  port_ = free_port();
  process_ = std::make_unique<process>(
      // It must be started in the folder that it is installed in.
      std::vector<std::string>{"/usr/bin/env", "-C", folder, "node", folder + "/node_modules/hardhat/internal/cli/bootstrap.js", "--config",
                               folder + "/hardhat.config.js", "node", "--hostname", "127.0.0.1", "--port", std::to_string(port_)},
      folder_.path() + "/hardhat.log",
      std::map<std::string, std::string>{{"HOME", folder_.path()}, {"HARDHAT_DISABLE_TELEMETRY_PROMPT", "true"}});
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (std::chrono::steady_clock::now() < deadline) {
    if (!process_->running()) throw std::runtime_error("Hardhat's node ended at its start: " + process_->log_tail());
    try {
      if (rpc("eth_chainId") == "0x7a69") return;
    } catch (const std::runtime_error&) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
  }
  throw std::runtime_error("Hardhat's node did not start in time: " + process_->log_tail());
}

std::string hardhat::rpc(const std::string& method, const std::string& params) const { return node_rpc(port_, method, params); }

void hardhat::mine(int blocks) const {
  for (int i = 0; i < blocks; ++i) rpc("evm_mine");
}

} // namespace paygate::test
