// Ethereum's client against scripted nodes with the words of geth and anvil (provider-apis 4).
#include <catch2/catch.hpp>

#include <map>

#include "io/providers/ethereum.hpp"
#include "io/providers/ethereum_rpc.hpp"
#include "tests/io/provider_fake.hpp"

using namespace paygate;
using fake::fault_of;

namespace {

const std::string us = "0x9d8a62f656a8d1615c1294fd71e9cfb3e4855a4f", to = "0x3535353535353535353535353535353535353535";
const std::string hash = "0xdab60f4aa6def6bb02c48e6e953cb9b13af2ddd8da537984c0dcf09faea3dd98";

/// A node that answers each method with a result (JSON), or an error where the JSON begins with '!'.
struct node {
  fake::provider server;
  std::mutex mutex;
  std::map<std::string, std::string> results{
      {"eth_chainId", "\"0x7a69\""},
      {"eth_blockNumber", "\"0x64\""},
      {"eth_getTransactionCount", "\"0x5\""},
      {"eth_getBalance", "\"0xde0b6b3a7640000\""},
      {"eth_getCode", "\"0x\""},
      {"eth_estimateGas", "\"0xc350\""},
      {"eth_maxPriorityFeePerGas", "\"0x3b9aca00\""},
      {"eth_feeHistory", R"({"oldestBlock":"0x5a","baseFeePerGas":["0x1","0x2","0x3b9aca07"],"reward":[["0x0"],["0x77359400"]]})"},
  };

  node() {
    server.handle([this](const fake::seen& request) {
      const auto body = request.json();
      std::lock_guard lock(mutex);
      const auto found = results.find(json_text_or_empty(body, "method"));
      const auto result = found == results.end() ? R"(!{"code":-32601,"message":"the method does not exist"})" : found->second;
      return fake::answer{200,
                          R"({"jsonrpc":"2.0","id":1,)" + (result[0] == '!' ? "\"error\":" + result.substr(1) : "\"result\":" + result)
                              + "}",
                          "application/json",
                          {}};
    });
  }
  void set(const std::string& method, const std::string& result) {
    std::lock_guard lock(mutex);
    results[method] = result;
  }
  int calls_of(const std::string& method) {
    int n = 0;
    for (const auto& request : server.requests()) n += json_text_or_empty(request.json(), "method") == method;
    return n;
  }
};

ethereum_settings at(std::vector<std::string> urls) {
  ethereum_settings settings;
  settings.rpc_urls = [urls] { return urls; };
  settings.chain_id = 31337;
  settings.connect_timeout = settings.read_timeout = fake::time_out;
  return settings;
}

std::string error(int code, const std::string& message) {
  return "!{\"code\":" + std::to_string(code) + ",\"message\":\"" + message + "\"}";
}

} // namespace

TEST_CASE("quantities are read strictly") {
  CHECK(parse_quantity("0x0") == 0u);
  CHECK(parse_quantity("0x1A") == 26u);
  CHECK(parse_quantity("0xffffffffffffffff") == ~std::uint64_t{0});
  for (const char* bad : {"", "0x", "1", "26", "0xg", "-0x1", "0x 1", "0x10000000000000000"}) CHECK_FALSE(parse_quantity(bad));
  CHECK(parse_wei("0x10000000000000000") == static_cast<int128>(1) << 64);
  CHECK(parse_wei("0x7fffffffffffffffffffffffffffffff"));
  CHECK_FALSE(parse_wei("0x80000000000000000000000000000000"));
  CHECK(to_quantity(0) == "0x0");
  CHECK(to_quantity(26) == "0x1a");
  CHECK(to_quantity(one_coin) == "0xde0b6b3a7640000");
}

TEST_CASE("a quote tells the next block's fee and the exact gas of a plain transfer") {
  node one;
  const auto client = make_ethereum_client(at({one.server.url()}));
  const auto quote = std::get<chain_quote>(client(get_chain_quote{us, to, 5, ""}));
  CHECK(quote == chain_quote{31337, 5, 21000, 1'000'000'007, 2'000'000'000, one_coin, 0, 5});
  CHECK(one.calls_of("eth_estimateGas") == 0);
}

TEST_CASE("gas for a contract is estimated with headroom") {
  node one;
  const auto client = make_ethereum_client(at({one.server.url()}));
  one.set("eth_getCode", "\"0x6001\"");
  CHECK(std::get<chain_quote>(client(get_chain_quote{us, to, 5, ""})).gas_limit == 62500);
  CHECK(std::get<chain_quote>(client(get_chain_quote{us, to, 0, std::string("\xa9\x05\x9c\xbb\0", 5)})).gas_limit == 62500);
  const auto request = one.server.last().json();
  CHECK(json_text_or_empty(request["params"][0], "data") == "0xa9059cbb00");
  CHECK(json_text_or_empty(request["params"][0], "value") == "0x0");
  one.set("eth_estimateGas", error(3, "execution reverted: request timeout"));
  CHECK(std::get<chain_quote>(client(get_chain_quote{us, to, 5, ""})).refused.find("execution reverted") == 0);
  // A wallet that is empty still gets a quote: it says so by its balance.
  one.set("eth_estimateGas", error(-32000, "insufficient funds for transfer"));
  CHECK(fault_of(client(get_chain_quote{us, to, 5, ""})) == "transient rpc");
  CHECK(std::get<chain_quote>(client(get_chain_quote{us, to, one_coin, ""})).gas_limit == 100'000);
}

TEST_CASE("nodes that have no rewards are asked for a tip") {
  node one;
  const auto client = make_ethereum_client(at({one.server.url()}));
  one.set("eth_feeHistory", R"({"baseFeePerGas":["0x1","0x7"],"reward":[["0x0"]]})");
  const auto quote = std::get<chain_quote>(client(get_chain_quote{us, to, 5, ""}));
  CHECK(quote.base_fee == 7);
  CHECK(quote.priority_fee == 1'000'000'000);
}

TEST_CASE("answers that cannot be are nonsense") {
  node one;
  const auto client = make_ethereum_client(at({one.server.url()}));
  for (const char* bad : {"null", "\"0x\"", "12", "{}", "\"0x10000000000000000\""}) {
    one.set("eth_getTransactionCount", bad);
    CHECK(fault_of(client(get_chain_quote{us, to, 5, ""})) == "transient nonsense");
  }
  one.set("eth_getTransactionCount", "\"0x1\"");
  one.set("eth_feeHistory", R"({"baseFeePerGas":[]})");
  CHECK(fault_of(client(get_chain_quote{us, to, 5, ""})) == "transient nonsense");
  one.server.script({200, "<html>", "text/html", {}});
  CHECK(fault_of(client(get_wallet{us})) == "transient nonsense");
  one.server.script({401, "<html>", "text/html", {}});
  CHECK(fault_of(client(get_wallet{us})) == "transient credentials");
}

TEST_CASE("a wrong chain is refused, at the start and later") {
  node one;
  one.set("eth_chainId", "\"0x1\"");
  CHECK(fault_of(make_ethereum_client(at({one.server.url()}))(get_chain_quote{us, to, 5, ""})) == "permanent wrong_chain");
  CHECK(check_chain(at({one.server.url()}))->code == "wrong_chain");
  node good;
  CHECK_FALSE(check_chain(at({good.server.url()})));
  CHECK_FALSE(check_chain(at({fake::dead_url(), good.server.url()})));
  CHECK(check_chain(at({good.server.url(), one.server.url()}))->code == "wrong_chain");
  CHECK(check_chain(at({fake::dead_url()}))->kind == fault::transient);
  CHECK(check_chain(at({}))->code == "no_nodes");
}

TEST_CASE("a node that fails is left in peace, and the last good one is asked first") {
  node first, second;
  const auto client = make_ethereum_client(at({first.server.url(), second.server.url()}));
  first.set("eth_blockNumber", error(-32005, "daily request count exceeded"));
  CHECK(std::get<wallet_seen>(client(get_wallet{us})) == wallet_seen{one_coin, 5, 100, 0, 5});
  CHECK(std::get<wallet_seen>(client(get_wallet{us})) == wallet_seen{one_coin, 5, 100, 0, 5});
  CHECK(first.calls_of("eth_blockNumber") == 1);
  CHECK(second.calls_of("eth_blockNumber") == 2);
  second.server.script({503, "", "text/plain", {}});
  first.set("eth_blockNumber", "\"0x65\"");
  CHECK(std::get<wallet_seen>(client(get_wallet{us})).head == 101);
  const auto dead = make_ethereum_client(at({fake::dead_url(), second.server.url()}));
  CHECK(std::get<wallet_seen>(dead(get_wallet{us})).head == 100);
}

TEST_CASE("URLs may change while the client lives") {
  node first, second;
  second.set("eth_blockNumber", "\"0x1\"");
  std::vector<std::string> urls{first.server.url()};
  auto settings = at({});
  settings.rpc_urls = [&] { return urls; };
  const auto client = make_ethereum_client(settings);
  CHECK(std::get<wallet_seen>(client(get_wallet{us})).head == 100);
  urls = {second.server.url() + "/"};
  CHECK(std::get<wallet_seen>(client(get_wallet{us})).head == 1);
}

TEST_CASE("each refusal of a broadcast is told apart, in geth's words and anvil's") {
  node one;
  const auto client = make_ethereum_client(at({one.server.url()}));
  const auto with = [&](int code, const std::string& words) {
    one.set("eth_sendRawTransaction", error(code, words));
    const auto outcome = client(broadcast_tx{"0x02", hash});
    if (const auto* taken = std::get_if<tx_broadcast>(&outcome)) return std::to_string(static_cast<int>(taken->answer));
    return fault_of(outcome);
  };
  const auto is = [](broadcast_answer answer) { return std::to_string(static_cast<int>(answer)); };
  CHECK(with(-32000, "already known") == is(broadcast_answer::accepted));
  CHECK(with(-32003, "transaction already imported") == is(broadcast_answer::accepted));
  CHECK(with(-32000, "nonce too low: next nonce 5, tx nonce 4") == is(broadcast_answer::nonce_too_low));
  CHECK(with(-32003, "nonce too low") == is(broadcast_answer::nonce_too_low));
  CHECK(with(-32000, "replacement transaction underpriced") == is(broadcast_answer::underpriced));
  CHECK(with(-32000, "transaction underpriced: gas tip cap 1, minimum needed 2") == is(broadcast_answer::underpriced));
  CHECK(with(-32000, "transaction gas price below minimum: gas tip cap 1, minimum needed 2") == is(broadcast_answer::underpriced));
  CHECK(with(-32003, "max fee per gas less than block base fee") == is(broadcast_answer::underpriced));
  CHECK(with(-32000, "future transaction tries to replace pending") == is(broadcast_answer::underpriced));
  CHECK(with(-32000, "insufficient funds for gas * price + value: balance 1, tx cost 2, overshot 1")
        == is(broadcast_answer::insufficient_funds));
  CHECK(with(-32003, "Insufficient funds for gas * price + value") == is(broadcast_answer::insufficient_funds));
  CHECK(with(-32000, "txpool is full") == "transient node_busy");
  CHECK(with(-32000, "address already reserved") == "transient node_busy");
  CHECK(with(-32005, "limit exceeded") == "transient node_busy");
  CHECK(with(-32603, "internal error") == "unknown node_busy");
  CHECK(with(-32000, "insufficient gas for floor data gas cost: gas 1, minimum needed 2") == "permanent rpc");
  CHECK(with(-32000, "intrinsic gas too low: gas 1, minimum needed 21000") == "permanent rpc");
  CHECK(with(-32000, "tx fee (2.00 ether) exceeds the configured cap (1.00 ether)") == "permanent rpc");
  CHECK(with(-32000, "invalid sender: invalid chain id for signer: have 1 want 2") == "permanent rpc");
  one.set("eth_sendRawTransaction", "\"" + hash + "\"");
  CHECK(std::get<tx_broadcast>(client(broadcast_tx{"0x02", hash})).answer == broadcast_answer::accepted);
  one.set("eth_sendRawTransaction", "\"0x01\"");
  CHECK(fault_of(client(broadcast_tx{"0x02", hash})) == "unknown nonsense");
}

TEST_CASE("a broadcast reaches every node, and one that accepts is enough") {
  node first, second;
  const auto client = make_ethereum_client(at({first.server.url(), second.server.url()}));
  first.set("eth_sendRawTransaction", error(-32000, "nonce too low"));
  second.set("eth_sendRawTransaction", "\"" + hash + "\"");
  CHECK(std::get<tx_broadcast>(client(broadcast_tx{"0x02", hash})).answer == broadcast_answer::accepted);
  CHECK(first.calls_of("eth_sendRawTransaction") == 1);
  CHECK(second.calls_of("eth_sendRawTransaction") == 1);
  fake::rude_server silent(fake::misbehaviour::hold);
  const auto half = make_ethereum_client(at({silent.url(), second.server.url()}));
  CHECK(std::get<tx_broadcast>(half(broadcast_tx{"0x02", hash})).answer == broadcast_answer::accepted);
  // A refusal by one node does not outweigh the answer of another that was lost.
  second.set("eth_sendRawTransaction", error(-32000, "intrinsic gas too low"));
  CHECK(fault_of(half(broadcast_tx{"0x02", hash})) == "unknown timeout");
  CHECK(fault_of(make_ethereum_client(at({fake::dead_url()}))(broadcast_tx{"0x02", hash})) == "transient connection");
  CHECK(fault_of(make_ethereum_client(at({}))(broadcast_tx{"0x02", hash})) == "transient no_nodes");
}

TEST_CASE("tokens: what a receipt moved, what the wallet holds, and a quote for a call that it cannot pay yet") {
  node one;
  const auto client = make_ethereum_client(at({one.server.url()}));
  const std::string token = "0x00000000000000000000000000000000000000Dd";
  const auto word = [](const std::string& tail) { return "\"0x" + std::string(64 - tail.size(), '0') + tail + "\""; };
  const std::string topic = "\"0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef\"";
  const auto log = [&](const std::string& topics, const std::string& data) {
    return "{\"address\":\"" + token + "\",\"topics\":[" + topics + "],\"data\":" + data + "}";
  };
  const auto transfer = topic + "," + word("aA") + "," + word("bb");
  one.set("eth_getTransactionReceipt", R"({"blockNumber":"0x63","status":"0x1","gasUsed":"0x5208","effectiveGasPrice":"0x1","logs":[)"
                                           + log(transfer, word("4c4b41")) + "," + log(transfer + "," + word("1"), "\"0x\"") + ","
                                           + log(word("5"), word("5")) + "," + log(transfer, "\"0x" + std::string(64, 'f') + "\"") + "]}");
  const auto seen = std::get<token_transfer_seen>(client(get_token_transfer{hash}));
  CHECK(seen.confirmations == 2);
  REQUIRE(seen.moved.size() == 1); // Not another event, not an NFT, not an amount that nobody has.
  const token_moved wanted{"0x00000000000000000000000000000000000000dd", "0x00000000000000000000000000000000000000aa",
                           "0x00000000000000000000000000000000000000bb", 5'000'001};
  CHECK(seen.moved[0] == wanted);
  one.set("eth_getTransactionReceipt", "null");
  one.set("eth_getTransactionByHash", R"({"blockNumber":null})");
  CHECK(std::get<token_transfer_seen>(client(get_token_transfer{hash})) == token_transfer_seen{});
  one.set("eth_getTransactionByHash", "null");
  CHECK(fault_of(client(get_token_transfer{hash})) == "transient not_found");

  const get_chain_quote ask{us, token, 0, std::string("\xa9\x05\x9c\xbb", 4) + std::string(63, '\0') + "\x05", token};
  one.set("eth_call", word("4"));
  one.set("eth_estimateGas", error(3, "execution reverted"));
  const auto poor = std::get<chain_quote>(client(ask));
  CHECK(poor.token_balance == 4);
  CHECK(poor.gas_limit == 100'000);
  CHECK(std::get<wallet_seen>(client(get_wallet{us, token})) == wallet_seen{one_coin, 5, 100, 4, 5});
  one.set("eth_call", word("5"));
  const auto no = std::get<chain_quote>(client(ask));
  CHECK(no.refused.find("execution reverted") == 0);
  CHECK(no.latest_nonce == 5); // Whoever refuses, the nonce is told.
  one.set("eth_call", "\"0x\"");
  CHECK(fault_of(client(ask)) == "transient nonsense");
}

TEST_CASE("receipts come with a head that is no lower and a nonce that was read before them") {
  node one;
  const auto client = make_ethereum_client(at({one.server.url()}));
  one.set("eth_getTransactionReceipt",
          R"({"blockNumber":"0x66","status":"0x0","gasUsed":"0x5208","effectiveGasPrice":"0x3b9aca00","logs":[]})");
  const auto read = std::get<receipts_read>(client(get_receipts{us, {hash}}));
  CHECK(read.head == 0x66);
  CHECK(read.latest_nonce == 5);
  REQUIRE(read.receipts.size() == 1);
  CHECK(read.receipts[0] == receipt{hash, 0x66, true, 21000, 1'000'000'000});
  const auto seen = one.server.requests();
  CHECK(json_text_or_empty(seen[0].json(), "method") == "eth_blockNumber");
  CHECK(json_text_or_empty(seen[1].json(), "method") == "eth_getTransactionCount");
  CHECK(json_text_or_empty(seen[2].json(), "method") == "eth_getTransactionReceipt");
  one.set("eth_getTransactionReceipt", "null");
  CHECK(std::get<receipts_read>(client(get_receipts{us, {hash, hash}})) == receipts_read{100, 5, {}});
  // Not absent: unknown.
  one.set("eth_getTransactionReceipt", error(-32000, "transaction indexing is in progress"));
  CHECK(fault_of(client(get_receipts{us, {hash}})) == "transient node_busy");
}

TEST_CASE("a transfer is unknown, pending, confirmed or reverted") {
  node one;
  const auto client = make_ethereum_client(at({one.server.url()}));
  one.set("eth_getTransactionByHash", "null");
  CHECK(fault_of(client(get_transfer{hash})) == "transient not_found");
  one.set("eth_getTransactionByHash",
          R"({"to":"0x9D8A62F656A8D1615C1294FD71E9CFB3E4855A4F","value":"0xde0b6b3a7640000","blockNumber":null})");
  CHECK(std::get<transfer_seen>(client(get_transfer{hash})) == transfer_seen{us, one_coin, 0, false});
  one.set("eth_getTransactionByHash", R"({"to":")" + us + R"(","value":"0xde0b6b3a7640000","blockNumber":"0x60"})");
  one.set("eth_getTransactionReceipt", R"({"blockNumber":"0x60","status":"0x1","gasUsed":"0x5208","effectiveGasPrice":"0x1"})");
  CHECK(std::get<transfer_seen>(client(get_transfer{hash})) == transfer_seen{us, one_coin, 5, false});
  one.set("eth_getTransactionReceipt", R"({"blockNumber":"0x65","status":"0x0","gasUsed":"0x5208","effectiveGasPrice":"0x1"})");
  CHECK(std::get<transfer_seen>(client(get_transfer{hash})) == transfer_seen{us, one_coin, 1, true});
}

TEST_CASE("a nonce is settled when it is as deep as wanted, and a transaction is read whole") {
  node one;
  const auto client = make_ethereum_client(at({one.server.url()}));
  CHECK(std::get<wallet_seen>(client(get_wallet{us, "", 12})).settled_nonce == 5);
  const auto asked = one.server.requests();
  CHECK(asked.back().json()["params"][1] == "0x59"); // Block 89 is 12 deep below 100.
  CHECK(std::get<wallet_seen>(client(get_wallet{us, "", 1000})).settled_nonce == 0);

  one.set("eth_getTransactionByHash", "null");
  CHECK(fault_of(client(get_transaction{hash})) == "transient not_found");
  one.set("eth_getTransactionByHash", R"({"from":")" + us + R"(","to":null,"nonce":"0x7","value":"0x5","input":"0xAB","blockNumber":null})");
  const auto pending = std::get<transaction_seen>(client(get_transaction{hash}));
  CHECK(pending.nonce == 7);
  CHECK(pending.to.empty());
  CHECK(pending.data == "0xab");
  CHECK(pending.confirmations == 0);
  one.set("eth_getTransactionByHash",
          R"({"from":")" + us + R"(","to":"0x9D8A62F656A8D1615C1294FD71E9CFB3E4855A4F","nonce":"0x7","value":"0x5","input":"0x","blockNumber":"0x60"})");
  one.set("eth_getTransactionReceipt", R"({"blockNumber":"0x60","status":"0x0","gasUsed":"0x5208","effectiveGasPrice":"0x2"})");
  transaction_seen wanted{us, us, 7, 5, "0x", 5, 0x60, true, 21000, 2};
  CHECK(std::get<transaction_seen>(client(get_transaction{hash})) == wanted);
}
