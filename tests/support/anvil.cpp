#include "tests/support/anvil.hpp"

#include <chrono>
#include <cstdio>
#include <httplib.h>
#include <stdexcept>
#include <thread>

namespace paygate::test {

namespace {

// The text of "result" in an answer of a node: {"jsonrpc":"2.0","id":1,"result":...}, in this order.
std::string result_of(const std::string& method, const std::string& body) {
  const std::string mark = "\"result\":";
  const auto at = body.find(mark);
  const auto end = body.rfind('}');
  if (at == std::string::npos || end == std::string::npos) throw std::runtime_error("node: " + method + ": " + body);
  auto text = body.substr(at + mark.size(), end - at - mark.size());
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') text = text.substr(1, text.size() - 2);
  return text;
}

} // namespace

std::string path_by_script(const std::string& script) {
  auto* pipe = ::popen((script + " 2>&1").c_str(), "r");
  if (!pipe) throw std::runtime_error("cannot run " + script);
  std::string output;
  char buffer[1024];
  while (auto n = std::fread(buffer, 1, sizeof buffer, pipe)) output.append(buffer, n);
  if (::pclose(pipe) != 0) throw std::runtime_error(script + ": " + output);
  // The path is the last line; npm may have said something before it.
  while (!output.empty() && output.back() == '\n') output.pop_back();
  return output.substr(output.rfind('\n') + 1);
}

std::string node_rpc(int port, const std::string& method, const std::string& params) {
  httplib::Client client("127.0.0.1", port);
  client.set_tcp_nodelay(true);
  client.set_read_timeout(10, 0);
  const auto answer =
      client.Post("/", R"({"jsonrpc":"2.0","id":1,"method":")" + method + R"(","params":)" + params + "}", "application/json");
  if (!answer) throw std::runtime_error("node: " + method + ": " + httplib::to_string(answer.error()));
  return result_of(method, answer->body);
}

anvil::anvil(anvil_options options) {
  // Between choosing a free port and listening on it another program may take it: then anvil ends, and the next port is tried.
  for (int tries = 0;; ++tries) try {
      start(options.block_time_s);
      return;
    } catch (const std::runtime_error&) {
      if (tries == 2) throw;
    }
}

void anvil::start(int block_time_s) {
  port_ = free_port();
  static const std::string path = path_by_script(PAYGATE_ANVIL_PATH_SCRIPT);
  std::vector<std::string> command{
      path, "--host", "127.0.0.1", "--port", std::to_string(port_), "--chain-id", std::to_string(chain_id), "--silent",
      "--cache-path", folder_.path()};
  if (block_time_s > 0) command.insert(command.end(), {"--block-time", std::to_string(block_time_s), "--mixed-mining"});
  process_ = std::make_unique<process>(command, folder_.path() + "/anvil.log");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(20);
  while (std::chrono::steady_clock::now() < deadline) {
    if (!process_->running()) throw std::runtime_error("anvil ended at its start: " + process_->log_tail());
    try {
      if (rpc("eth_chainId") == "0x7a69") return;
    } catch (const std::runtime_error&) {
      std::this_thread::sleep_for(std::chrono::milliseconds(20));
    }
  }
  throw std::runtime_error("anvil did not start in time: " + process_->log_tail());
}

std::string anvil::rpc(const std::string& method, const std::string& params) const { return node_rpc(port_, method, params); }

void anvil::mine(int blocks) const {
  char count[24];
  std::snprintf(count, sizeof count, "[\"0x%x\"]", blocks);
  rpc("anvil_mine", count);
}

std::string anvil::send(const std::string& to, const std::string& wei_hex) const {
  auto hash = rpc("eth_sendTransaction", std::string("[{\"from\":\"") + rich + "\",\"to\":\"" + to + "\",\"value\":\"" + wei_hex + "\"}]");
  // anvil answers a little before it mines.
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (rpc("eth_getTransactionReceipt", "[\"" + hash + "\"]") == "null") {
    if (std::chrono::steady_clock::now() > deadline) throw std::runtime_error("anvil did not mine " + hash);
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return hash;
}

std::string anvil::balance_hex(const std::string& address) const { return rpc("eth_getBalance", "[\"" + address + "\",\"latest\"]"); }

void anvil::set_balance(const std::string& address, const std::string& wei_hex) const {
  rpc("anvil_setBalance", "[\"" + address + "\",\"" + wei_hex + "\"]");
}

} // namespace paygate::test
