#include "sandbox/chain_client.hpp"

#include <algorithm>
#include <cctype>
#include <chrono>
#include <thread>

#include "sandbox/http.hpp"

namespace sandbox {
namespace {

constexpr auto transfer_topic = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";

/// An address or number as 32 bytes of call data.
std::string word(std::string hex) {
  hex.erase(0, 2);
  return std::string(64 - hex.size(), '0') + hex;
}

std::string number_tag(std::uint64_t number) { return hex_quantity(big_int(number)); }

} // namespace

std::string lowercase(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text;
}

chain_client::result chain_client::call(const std::string& method, json params, int timeout_ms) {
  const json body = json::object({{"jsonrpc", "2.0"}, {"id", 1}, {"method", method}, {"params", std::move(params)}});
  const auto got = http_post(url_, {}, body.dump(), timeout_ms);
  if (got.status == 0) return {std::nullopt, got.body, !got.unreached};
  const auto parsed = json::parse(got.body);
  if (!parsed) return {std::nullopt, "the node answered nonsense", true};
  if (parsed->has("error")) return {std::nullopt, (*parsed)["error"]["message"].text_or("error without words"), false};
  if (!parsed->has("result")) return {std::nullopt, "the node answered without a result", true};
  return {(*parsed)["result"], "", false};
}

std::optional<std::uint64_t> chain_client::height() {
  const auto got = call("eth_blockNumber", json::array());
  if (!got.value) return std::nullopt;
  const auto number = parse_quantity(got.value->text());
  if (!number) return std::nullopt;
  return number->convert_to<std::uint64_t>();
}

std::optional<std::vector<chain_transfer>> chain_client::ether_in(std::uint64_t block) {
  const auto got = call("eth_getBlockByNumber", json::array({number_tag(block), true}));
  if (!got.value || got.value->is_null()) return std::nullopt;
  std::vector<chain_transfer> out;
  for (const auto& tx : (*got.value)["transactions"].items()) {
    const auto value = parse_quantity(tx["value"].text());
    if (!value || *value == 0 || !tx["to"].is_string()) continue;
    out.push_back({tx["hash"].text(), lowercase(tx["from"].text()), lowercase(tx["to"].text()), *value, block});
  }
  return out;
}

std::optional<std::vector<chain_transfer>> chain_client::tokens_in(const std::string& token, std::uint64_t first, std::uint64_t last) {
  const json filter = json::object(
      {{"address", token}, {"fromBlock", number_tag(first)}, {"toBlock", number_tag(last)}, {"topics", json::array({transfer_topic})}});
  const auto got = call("eth_getLogs", json::array({filter}));
  if (!got.value) return std::nullopt;
  std::vector<chain_transfer> out;
  for (const auto& entry : got.value->items()) {
    const auto& topics = entry["topics"].items();
    const auto units = parse_quantity(entry["data"].text());
    const auto block = parse_quantity(entry["blockNumber"].text());
    if (topics.size() != 3 || !units || !block || topics[1].text().size() != 66 || topics[2].text().size() != 66) continue;
    out.push_back({entry["transactionHash"].text(), "0x" + lowercase(topics[1].text().substr(26)),
                   "0x" + lowercase(topics[2].text().substr(26)), *units, block->convert_to<std::uint64_t>()});
  }
  return out;
}

std::optional<bool> chain_client::succeeded(const std::string& hash) {
  const auto got = call("eth_getTransactionReceipt", json::array({hash}));
  if (!got.value || !got.value->is_object()) return std::nullopt;
  return (*got.value)["status"].text() == "0x1";
}

std::string chain_client::account_from_end(std::size_t place) {
  const std::lock_guard lock(accounts_mutex_);
  if (accounts_.empty()) {
    const auto got = call("eth_accounts", json::array());
    if (!got.value) return "";
    for (const auto& account : got.value->items()) accounts_.push_back(account.text());
  }
  if (accounts_.empty()) return "";
  return accounts_[accounts_.size() - 1 - std::min(place, accounts_.size() - 1)];
}

chain_payment chain_client::send(json transaction) {
  result got;
  {
    const std::lock_guard lock(send_mutex_);
    got = call("eth_sendTransaction", json::array({transaction}));
    if (!got.value && lowercase(got.error).find("insufficient funds") != std::string::npos) {
      const auto plenty = hex_quantity(units_of(decimal(1'000'000), 18));
      call("anvil_setBalance", json::array({transaction["from"], plenty}));
      got = call("eth_sendTransaction", json::array({transaction}));
    }
  }
  if (!got.value || !got.value->is_string()) return {"", got.error, got.unknown};
  const std::string hash = got.value->text();
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  while (std::chrono::steady_clock::now() < deadline) {
    if (const auto done = succeeded(hash)) return {hash, *done ? "" : "the transaction was reverted", false};
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  return {hash, "no block took the transaction within 60 s", true};
}

chain_payment chain_client::pay_ether(const std::string& from, const std::string& to, const big_int& wei) {
  if (from.empty()) return {"", "the node shows no unlocked account", false};
  return send(json::object({{"from", from}, {"to", to}, {"value", hex_quantity(wei)}}));
}

chain_payment chain_client::pay_token(const std::string& token, const std::string& from, const std::string& to, const big_int& units) {
  if (from.empty()) return {"", "the node shows no unlocked account", false};
  const std::string data = "0xa9059cbb" + word(lowercase(to)) + word(hex_quantity(units));
  return send(json::object({{"from", from}, {"to", token}, {"data", data}}));
}

} // namespace sandbox
