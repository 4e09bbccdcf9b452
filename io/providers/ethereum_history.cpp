#include <algorithm>
#include <map>

#include "io/providers/ethereum_chain.hpp"
#include "io/providers/ethereum_reading.hpp"

// What reconciliation reads of the chain: balances at a block, and every movement of a wallet in a range of blocks.
namespace paygate {

using namespace eth_reading;

namespace {

constexpr std::uint64_t blocks_at_once = 5; ///< Whole blocks: a full one has some hundred thousand bytes.
constexpr std::size_t receipts_at_once = 20;
constexpr int128 token_unit = one_coin / 1'000'000;
constexpr const char* transfer_topic = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";

std::string as_topic(const std::string& address) { return "0x" + std::string(24, '0') + lower(address.substr(2)); }
std::string address_in(const std::string& topic) { return "0x" + lower(topic.substr(26)); }

timestamp time_of(const json_value& block) {
  return timestamp(std::chrono::seconds(static_cast<std::int64_t>(quantity(member(block, "timestamp"), "timestamp"))));
}

std::vector<rpc_result> must_all(rpc_answer<std::vector<rpc_result>> answer) {
  if (auto* failure = std::get_if<io_failure>(&answer)) throw failed{std::move(*failure)};
  return std::get<std::vector<rpc_result>>(std::move(answer));
}

[[noreturn]] void behind() { throw failed{{fault::transient, "not_found", "the node does not have this block yet", {}}}; }

rpc_params block_params(std::uint64_t number, bool transactions) {
  return [number, transactions](json_writer& writer) {
    write_text(writer, to_quantity(static_cast<int128>(number)));
    writer.Bool(transactions);
  };
}

/// A transaction from or to the wallet, before its receipt is known.
struct own_transaction {
  chain_movement movement; ///< With the value that it names.
  bool sent = false;       ///< By the wallet.
};

void read_blocks(rpc_node& node, const get_wallet_history& request, std::uint64_t first, std::uint64_t last,
                 std::vector<own_transaction>& found, std::map<std::uint64_t, timestamp>& times) {
  std::vector<rpc_params> params;
  for (auto number = first; number <= last; ++number) params.push_back(block_params(number, true));
  for (const auto& result : must_all(node.call_batch("eth_getBlockByNumber", params))) {
    const auto& block = result.value();
    if (block.IsNull()) behind();
    const auto number = quantity(member(block, "number"), "number");
    const auto at = times[number] = time_of(block);
    const auto& transactions = member(block, "transactions");
    if (!transactions.IsArray()) broken("transactions");
    for (const auto& tx : transactions.GetArray()) {
      const auto from = lower(json_text_or_empty(tx, "from")), to = lower(json_text_or_empty(tx, "to"));
      if (from != request.wallet && to != request.wallet) continue;
      own_transaction own;
      own.sent = from == request.wallet;
      auto& m = own.movement;
      m.hash = lower(json_text_or_empty(tx, "hash"));
      m.currency = "eth";
      m.units = from == to ? 0 : wei(member(tx, "value"), "value");
      if (own.sent) m.units = -m.units;
      m.block = number;
      m.at = at;
      m.counterparty = own.sent ? to : from;
      found.push_back(std::move(own));
    }
  }
}

/// What the receipts make of them: no value moves by a transaction without effect, and the sender pays for gas all the same.
void settle(rpc_node& node, std::vector<own_transaction>& found, std::vector<chain_movement>& movements) {
  for (std::size_t at = 0; at < found.size(); at += receipts_at_once) {
    const auto end = std::min(found.size(), at + receipts_at_once);
    std::vector<rpc_params> params;
    for (auto i = at; i < end; ++i) params.push_back(texts({found[i].movement.hash}));
    const auto receipts = must_all(node.call_batch("eth_getTransactionReceipt", params));
    for (auto i = at; i < end; ++i) {
      const auto& receipt = receipts[i - at].value();
      if (receipt.IsNull()) behind();
      auto& m = found[i].movement;
      if (quantity(member(receipt, "status"), "status") == 0) m.units = 0;
      if (found[i].sent)
        m.gas = mul_div_floor(static_cast<int128>(quantity(member(receipt, "gasUsed"), "gasUsed")),
                              wei(member(receipt, "effectiveGasPrice"), "effectiveGasPrice"), 1);
      if (m.units != 0 || m.gas != 0) movements.push_back(std::move(m));
    }
  }
}

/// Transfers of the token that name the wallet in one of the event's topics.
void read_tokens(rpc_node& node, const get_wallet_history& request, bool sent, const std::map<std::uint64_t, timestamp>& times,
                 std::vector<chain_movement>& movements) {
  const auto answer = must(node.call("eth_getLogs", [&](json_writer& writer) {
    writer.StartObject();
    write_member(writer, "fromBlock", to_quantity(static_cast<int128>(request.first)));
    write_member(writer, "toBlock", to_quantity(static_cast<int128>(request.last)));
    write_member(writer, "address", request.token);
    writer.Key("topics");
    writer.StartArray();
    write_text(writer, transfer_topic);
    if (!sent) writer.Null();
    write_text(writer, as_topic(request.wallet));
    writer.EndArray();
    writer.EndObject();
  }));
  if (!answer.value().IsArray()) broken("eth_getLogs");
  for (const auto& log : answer.value().GetArray()) {
    const auto* topics = json_member(log, "topics");
    if (!topics || !topics->IsArray() || topics->Size() != 3) continue;
    const auto from = address_in(json_text((*topics)[1]).value_or(std::string(66, '0'))),
               to = address_in(json_text((*topics)[2]).value_or(std::string(66, '0')));
    const auto units = word_units(json_text_or_empty(log, "data"));
    // Anybody may make a token name our address in a transfer of nothing.
    if (!units || *units == 0 || from == to || (sent ? from : to) != request.wallet) continue;
    chain_movement m;
    m.hash = lower(json_text_or_empty(log, "transactionHash"));
    m.line = static_cast<std::int32_t>(quantity(member(log, "logIndex"), "logIndex"));
    m.currency = "usdt";
    m.units = mul_div_floor(*units, token_unit, 1);
    if (sent) m.units = -m.units;
    m.block = quantity(member(log, "blockNumber"), "blockNumber");
    const auto at = times.find(m.block);
    if (at == times.end()) broken("eth_getLogs: another block than asked for");
    m.at = at->second;
    m.counterparty = sent ? to : from;
    movements.push_back(std::move(m));
  }
}

} // namespace

rpc_answer<chain_state> read_chain_state(rpc_node& node, const get_chain_state& request) {
  return catching([&] {
    chain_state state;
    state.head = block_number(node);
    state.block = request.block == 0 ? state.head : request.block;
    if (state.block > state.head) behind();
    const auto number = to_quantity(static_cast<int128>(state.block));
    const auto block = must(node.call("eth_getBlockByNumber", block_params(state.block, false)));
    if (block.value().IsNull()) behind();
    state.at = time_of(block.value());
    state.eth = wei(must(node.call("eth_getBalance", texts({request.wallet, number}))).value(), "eth_getBalance");
    if (request.token.empty()) return state;
    const auto balance = must(node.call("eth_call", [&](json_writer& writer) {
      writer.StartObject();
      write_member(writer, "to", request.token);
      write_member(writer, "data", "0x70a08231" + as_topic(request.wallet).substr(2));
      writer.EndObject();
      write_text(writer, number);
    }));
    const auto text = json_text(balance.value());
    const auto units = text ? word_units(*text) : std::nullopt;
    if (!units) broken("balanceOf");
    state.usdt = mul_div_floor(*units, token_unit, 1);
    return state;
  });
}

rpc_answer<wallet_history> read_wallet_history(rpc_node& node, const get_wallet_history& request) {
  return catching([&] {
    std::vector<own_transaction> found;
    std::map<std::uint64_t, timestamp> times;
    for (auto first = request.first; first <= request.last; first += blocks_at_once)
      read_blocks(node, request, first, std::min(request.last, first + blocks_at_once - 1), found, times);
    wallet_history history;
    settle(node, found, history.movements);
    if (!request.token.empty()) {
      read_tokens(node, request, true, times, history.movements);
      read_tokens(node, request, false, times, history.movements);
    }
    return history;
  });
}

} // namespace paygate
