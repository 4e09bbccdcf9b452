#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <thread>

#include <httplib.h>

#include "actors/wallet/wallet_machine.hpp"
#include "io/codec/ethereum_tx.hpp"
#include "io/codec/json.hpp"
#include "io/codec/signer.hpp"
#include "crypto/hash.hpp"
#include "io/providers/ethereum.hpp"
#include "tests/machine/sales_support.hpp"
#include "tests/support/anvil.hpp"

namespace paygate::test {

inline constexpr int128 gwei = 1'000'000'000;

/// Between the client and a node: forwards, and misbehaves when told to.
class rpc_proxy {
public:
  explicit rpc_proxy(std::string node) : node_(std::move(node)) {
    server_.Post("/.*", [this](const httplib::Request& request, httplib::Response& response) { answer(request, response); });
    port_ = server_.bind_to_any_port("127.0.0.1");
    thread_ = std::thread([this] { server_.listen_after_bind(); });
    while (!server_.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  ~rpc_proxy() {
    server_.stop();
    thread_.join();
  }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  std::atomic<bool> swallow{false}; ///< Sends are answered with their hash and thrown away.
  std::atomic<bool> frozen{false};  ///< Everything that was asked before is answered as then; what is new, as a node that knows nothing.
  std::atomic<int> swallowed{0};

private:
  void answer(const httplib::Request& request, httplib::Response& response) {
    const auto asked = *parse_json(request.body);
    const std::string method = asked["method"].GetString();
    if (swallow && method == "eth_sendRawTransaction") {
      const std::string raw = asked["params"][0].GetString();
      ++swallowed;
      return response.set_content(R"({"jsonrpc":"2.0","id":1,"result":")" + hex_encode_0x(keccak256(*hex_decode(raw.substr(2)))) + "\"}",
                                  "application/json");
    }
    const std::lock_guard lock(mutex_);
    if (frozen) {
      const auto old = seen_.find(request.body);
      return response.set_content(old == seen_.end() ? R"({"jsonrpc":"2.0","id":1,"result":null})" : old->second, "application/json");
    }
    httplib::Client client(node_);
    const auto told = client.Post("/", request.body, "application/json");
    if (!told) return void(response.status = 502);
    response.set_content(seen_[request.body] = told->body, "application/json");
  }

  const std::string node_;
  httplib::Server server_;
  std::mutex mutex_;
  std::map<std::string, std::string> seen_;
  int port_ = 0;
  std::thread thread_;
};

/// The wallet's machine with what it owes done by the real client and signer. `turn` lets everything that is due run once; virtual time is
/// moved by the test alone. Its key is the node's first dev account, so that the test can also send in its name.
struct wallet_rig : machine<wallet_kind> {
  explicit wallet_rig(std::vector<std::string> urls) : machine(test::anvil::rich), urls_(std::move(urls)) {
    rules.chain_id = 31337;
    rules.confirmations = 2;
    rules.gas_float_low = eth("0.01");
    ethereum_settings settings;
    settings.rpc_urls = [this] { return urls_; };
    settings.chain_id = 31337;
    settings.rest = milliseconds(0);
    ethereum_ = make_ethereum_client(settings);
    send(open_wallet{self.id});
    turn();
    REQUIRE(state.status == wallet_status::ready);
  }

  void ask(const std::string& intent, const std::string& to, eth_amount value = eth("1")) {
    send(request_transfer{intent, to, value, "owner:-100:held", std::nullopt});
  }
  void ask_token(const std::string& intent, const std::string& to, const std::string& token, usdt_amount value) {
    send(request_transfer{intent, to, {}, "owner:-100:held", std::nullopt, token, value});
  }
  const wallet_transfer& transfer(const std::string& intent) const {
    for (const auto& t : state.transfers)
      if (t.intent == intent) return t;
    FAIL("no transfer " << intent);
    return state.transfers.at(0);
  }
  transfer_status status(const std::string& intent) const { return transfer(intent).status; }

  io_outcome perform(const io_request& request) {
    if (std::holds_alternative<sign_tx>(request)) return signer_(request);
    if (std::holds_alternative<get_wallet_books>(request)) return wallet_books_seen{accounts["assets:wallet"], 0, 0, 0};
    return ethereum_(request);
  }
  /// What is due now runs once, as the shell would do it: transient and unknown failures reach nobody.
  void turn() {
    for (const auto& e : due()) {
      const auto* request = std::get_if<io_request>(&e.request);
      if (!request || e.not_before > now) continue;
      auto outcome = perform(*request);
      const auto* failure = std::get_if<io_failure>(&outcome);
      if (failure && failure->kind != fault::permanent) {
        last_failure = failure->code + ": " + failure->text;
        continue;
      }
      send(effect_done{e.key, std::move(outcome)});
    }
  }
  /// Until it is true, at most so many turns: a node may need a moment between taking and showing a transaction.
  template <class F>
  bool turn_until(F&& done, int most = 3000) {
    for (int i = 0; i < most; ++i) {
      if (done()) return true;
      turn();
      if (i > 20) std::this_thread::sleep_for(std::chrono::milliseconds(10));
    }
    return done();
  }
  bool reaches(const std::string& intent, transfer_status wanted) {
    return turn_until([&] { return status(intent) == wanted; });
  }
  std::string last_failure;

private:
  std::vector<std::string> urls_;
  io_client ethereum_;
  io_client signer_ = make_signer(std::move(*private_key::parse(test::anvil::rich_key)));
};

/// "0x..." of an amount, for the nodes' own methods.
inline std::string hex_of(int128 value) {
  std::string digits;
  for (; value > 0; value /= 16) digits.insert(digits.begin(), "0123456789abcdef"[static_cast<int>(value % 16)]);
  return "0x" + (digits.empty() ? "0" : digits);
}

} // namespace paygate::test
