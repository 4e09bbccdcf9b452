#include "io/providers/ethereum_chain.hpp"

#include <algorithm>
#include <tuple>

#include "crypto/encoding.hpp"
#include "io/providers/ethereum_reading.hpp"

namespace paygate {

using namespace eth_reading;

namespace {

constexpr std::uint64_t plain_gas = 21'000;
constexpr std::uint64_t broke_gas = 100'000; ///< Of a call that no node estimates because the sender cannot pay it.
constexpr int fee_blocks = 10;               ///< Blocks whose paid tips are looked at.
constexpr int128 tip_min = 1'000'000;        ///< Wei per gas; below it nodes drop what they are sent.
constexpr int128 tip_max = 500'000'000'000;  ///< geth's own cap.

/// The next block's base fee, and the middle of the tips paid of late.
std::pair<int128, int128> fees(rpc_node& node) {
  const auto history = must(node.call("eth_feeHistory", [](json_writer& writer) {
    write_text(writer, to_quantity(fee_blocks));
    write_text(writer, "latest");
    writer.StartArray();
    writer.RawValue("50", 2, rapidjson::kNumberType);
    writer.EndArray();
  }));
  const auto& base_fees = member(history.value(), "baseFeePerGas");
  if (!base_fees.IsArray() || base_fees.Empty()) broken("baseFeePerGas");
  const auto base_fee = wei(base_fees[base_fees.Size() - 1], "baseFeePerGas");
  std::vector<int128> tips;
  if (const auto* rewards = json_member(history.value(), "reward"); rewards && rewards->IsArray())
    for (const auto& row : rewards->GetArray())
      if (row.IsArray() && !row.Empty())
        if (const auto tip = wei(row[0], "reward"); tip > 0) tips.push_back(tip); // Empty blocks say 0.
  int128 tip = 0;
  if (!tips.empty()) {
    std::nth_element(tips.begin(), tips.begin() + tips.size() / 2, tips.end());
    tip = tips[tips.size() / 2];
  } else {
    tip = wei(must(node.call("eth_maxPriorityFeePerGas", {})).value(), "eth_maxPriorityFeePerGas");
  }
  return {base_fee, std::clamp(tip, tip_min, tip_max)};
}

bool says_no_funds(std::string_view words) {
  return words.find("insufficient funds") != std::string_view::npos
         || words.find("gas required exceeds allowance") != std::string_view::npos;
}

/// balanceOf(address) of an ERC-20 contract, in the token's own units.
int128 token_balance(rpc_node& node, const std::string& token, const std::string& owner) {
  const auto answer = must(node.call("eth_call", [&](json_writer& writer) {
    writer.StartObject();
    write_member(writer, "to", token);
    write_member(writer, "data", "0x70a08231" + std::string(24, '0') + owner.substr(2));
    writer.EndObject();
    write_text(writer, "latest");
  }));
  const auto text = json_text(answer.value());
  const auto units = text ? word_units(*text) : std::nullopt;
  if (!units) broken("balanceOf");
  return *units;
}

/// The last 16 bytes of an ABI call: the amount of a transfer.
int128 amount_in(const std::string& data) {
  int128 units = 0;
  for (std::size_t i = data.size() - std::min<std::size_t>(data.size(), 16); i < data.size(); ++i)
    units = units * 256 + static_cast<unsigned char>(data[i]);
  return units;
}

std::uint64_t gas_for(rpc_node& node, const get_chain_quote& request, const chain_quote& quote) {
  if (request.data.empty()) {
    const auto code = json_text(must(node.call("eth_getCode", texts({request.to, "latest"}))).value());
    if (!code || !code->starts_with("0x")) broken("eth_getCode");
    // No program there: the price is known, and no estimate can fail for an empty wallet.
    if (*code == "0x") return plain_gas;
  }
  auto answer = node.call("eth_estimateGas", [&](json_writer& writer) {
    writer.StartObject();
    write_member(writer, "from", request.from);
    write_member(writer, "to", request.to);
    write_member(writer, "value", to_quantity(request.value));
    if (!request.data.empty()) write_member(writer, "data", hex_encode_0x(as_bytes(request.data)));
    writer.EndObject();
  });
  if (auto* failure = std::get_if<io_failure>(&answer)) {
    const auto words = lower(failure->text);
    // The wallet waits for money by looking at the balance in the quote, so an empty one must not keep it from having a quote.
    const auto needed = checked_add(request.value, mul_div_ceil(checked_add(quote.base_fee, quote.priority_fee), broke_gas, 1));
    if (says_no_funds(words) && quote.balance < needed) return broke_gas;
    // So must one without the tokens: the call would be refused for that alone.
    if (!request.token.empty() && quote.token_balance < amount_in(request.data)) return broke_gas;
    if (failure->code == "rpc" && (words.find("revert") != std::string::npos || words.find("invalid opcode") != std::string::npos))
      failure->code = "reverted";
    throw failed{std::move(*failure)};
  }
  const auto gas = quantity(std::get<rpc_result>(answer).value(), "eth_estimateGas");
  if (gas > 1'000'000'000) broken("eth_estimateGas");
  return gas + gas / 4;
}

/// The ERC-20 Transfers of a receipt's log. An event with other topics is something else: NFTs index the third one, too.
std::vector<token_moved> tokens_moved(const json_value& receipt) {
  constexpr std::string_view transfer_topic = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef";
  std::vector<token_moved> moved;
  const auto* logs = json_member(receipt, "logs");
  if (!logs || !logs->IsArray()) return moved;
  for (const auto& log : logs->GetArray()) {
    const auto* topics = log.IsObject() ? json_member(log, "topics") : nullptr;
    if (!topics || !topics->IsArray() || topics->Size() != 3) continue;
    const auto first = json_text((*topics)[0]), from = json_text((*topics)[1]), to = json_text((*topics)[2]);
    if (!first || lower(*first) != transfer_topic || !from || !to || from->size() != 66 || to->size() != 66) continue;
    const auto units = word_units(json_text_or_empty(log, "data"));
    if (!units) continue;
    moved.push_back({lower(json_text_or_empty(log, "address")), "0x" + lower(from->substr(26)), "0x" + lower(to->substr(26)), *units});
  }
  return moved;
}

/// The receipt, or nothing while this node has none.
std::optional<receipt> receipt_of(rpc_node& node, const std::string& hash) {
  const auto answer = must(node.call("eth_getTransactionReceipt", texts({hash})));
  const auto& value = answer.value();
  if (value.IsNull()) return std::nullopt;
  // A receipt without a block is of no block yet (some nodes make one up for the pending block).
  if (!json_member(value, "blockNumber")) return std::nullopt;
  return receipt{hash,
                 quantity(member(value, "blockNumber"), "blockNumber"),
                 quantity(member(value, "status"), "status") == 0,
                 quantity(member(value, "gasUsed"), "gasUsed"),
                 wei(member(value, "effectiveGasPrice"), "effectiveGasPrice"),
                 tokens_moved(value)};
}

} // namespace

rpc_answer<std::uint64_t> read_chain_id(rpc_node& node) {
  return catching([&] { return quantity(must(node.call("eth_chainId", {})).value(), "eth_chainId"); });
}

rpc_answer<chain_quote> read_chain_quote(rpc_node& node, const get_chain_quote& request, std::uint64_t chain_id) {
  return catching([&] {
    chain_quote quote;
    quote.chain_id = quantity(must(node.call("eth_chainId", {})).value(), "eth_chainId");
    if (quote.chain_id != chain_id)
      throw failed{{fault::permanent,
                    "wrong_chain",
                    "the node is on chain " + std::to_string(quote.chain_id) + ", not " + std::to_string(chain_id),
                    {}}};
    quote.latest_nonce = mined_nonce(node, request.from);
    quote.pending_nonce = mined_nonce(node, request.from, "pending");
    quote.balance = balance_of(node, request.from);
    std::tie(quote.base_fee, quote.priority_fee) = fees(node);
    if (!request.token.empty()) quote.token_balance = token_balance(node, request.token, request.from);
    try {
      quote.gas_limit = gas_for(node, request, quote);
    } catch (failed& f) {
      if (f.failure.code != "reverted") throw;
      quote.refused = f.failure.text.empty() ? "without a word" : f.failure.text;
    }
    return quote;
  });
}

rpc_answer<receipts_read> read_receipts(rpc_node& node, const get_receipts& request) {
  return catching([&] {
    receipts_read read;
    // In this order: a transaction that is mined meanwhile then has a receipt and an unused nonce, which is harmless. The other way round
    // it would seem that some other transaction had taken the nonce.
    read.head = block_number(node);
    read.latest_nonce = mined_nonce(node, request.from);
    for (const auto& hash : request.hashes)
      if (auto found = receipt_of(node, hash)) read.receipts.push_back(std::move(*found));
    for (const auto& found : read.receipts) read.head = std::max(read.head, found.block_number);
    return read;
  });
}

rpc_answer<transfer_seen> read_transfer(rpc_node& node, const get_transfer& request) {
  return catching([&] {
    const auto head = block_number(node);
    const auto answer = must(node.call("eth_getTransactionByHash", texts({request.hash})));
    const auto& value = answer.value();
    if (value.IsNull()) throw failed{{fault::transient, "not_found", "no node knows the transaction", {}}};
    transfer_seen seen;
    seen.to = lower(json_text_or_empty(value, "to")); // Null when it makes a contract.
    seen.value = wei(member(value, "value"), "value");
    if (!json_member(value, "blockNumber")) return seen;
    const auto found = receipt_of(node, request.hash);
    if (!found) return seen;
    seen.reverted = found->reverted;
    seen.confirmations = std::max(head, found->block_number) - found->block_number + 1;
    return seen;
  });
}

rpc_answer<token_transfer_seen> read_token_transfer(rpc_node& node, const get_token_transfer& request) {
  return catching([&] {
    const auto head = block_number(node);
    token_transfer_seen seen;
    auto found = receipt_of(node, request.hash);
    if (!found) {
      // Not mined yet, or never heard of: only the second is a reason to ask another node.
      if (must(node.call("eth_getTransactionByHash", texts({request.hash}))).value().IsNull())
        throw failed{{fault::transient, "not_found", "no node knows the transaction", {}}};
      return seen;
    }
    seen.moved = std::move(found->moved);
    seen.reverted = found->reverted;
    seen.confirmations = std::max(head, found->block_number) - found->block_number + 1;
    return seen;
  });
}

rpc_answer<wallet_seen> read_wallet(rpc_node& node, const get_wallet& request) {
  return catching([&] {
    wallet_seen seen;
    seen.head = block_number(node);
    seen.balance = balance_of(node, request.address);
    seen.latest_nonce = mined_nonce(node, request.address);
    if (!request.token.empty()) seen.token_balance = token_balance(node, request.token, request.address);
    seen.settled_nonce = seen.latest_nonce;
    if (request.depth > 1) // Blocks may have come since `head` was read: it is deeper then, never less deep.
      seen.settled_nonce = seen.head + 1 < request.depth
                               ? 0
                               : mined_nonce(node, request.address, to_quantity(static_cast<int128>(seen.head + 1 - request.depth)));
    return seen;
  });
}

rpc_answer<transaction_seen> read_transaction(rpc_node& node, const get_transaction& request) {
  return catching([&] {
    const auto head = block_number(node);
    const auto answer = must(node.call("eth_getTransactionByHash", texts({request.hash})));
    const auto& value = answer.value();
    if (value.IsNull()) throw failed{{fault::transient, "not_found", "no node knows the transaction", {}}};
    transaction_seen seen;
    seen.from = lower(json_text_or_empty(value, "from"));
    seen.to = lower(json_text_or_empty(value, "to")); // Null when it makes a contract.
    seen.nonce = quantity(member(value, "nonce"), "nonce");
    seen.value = wei(member(value, "value"), "value");
    seen.data = lower(json_text_or_empty(value, "input"));
    auto found = json_member(value, "blockNumber") ? receipt_of(node, request.hash) : std::nullopt;
    if (!found) return seen;
    seen.confirmations = std::max(head, found->block_number) - found->block_number + 1;
    seen.block_number = found->block_number;
    seen.reverted = found->reverted;
    seen.gas_used = found->gas_used;
    seen.effective_gas_price = found->effective_gas_price;
    seen.moved = std::move(found->moved);
    return seen;
  });
}

rpc_answer<tx_broadcast> send_raw(rpc_node& node, const broadcast_tx& request) {
  auto answer = node.call("eth_sendRawTransaction", texts({request.raw}), http_effect::creates);
  if (auto* result = std::get_if<rpc_result>(&answer)) {
    const auto hash = json_text(result->value());
    if (!hash || lower(*hash) != lower(request.hash)) return nonsense(http_effect::creates, "the node names another hash than ours");
    return tx_broadcast{broadcast_answer::accepted};
  }
  auto failure = std::get<io_failure>(std::move(answer));
  if (failure.code != "rpc" && failure.code != "node_busy") return failure;
  const auto words = lower(failure.text);
  const auto says = [&](std::initializer_list<std::string_view> signs) {
    return std::any_of(signs.begin(), signs.end(), [&](std::string_view sign) { return words.find(sign) != std::string::npos; });
  };
  if (says({"already known", "already imported", "known transaction"})) return tx_broadcast{broadcast_answer::accepted};
  if (says({"nonce too low"})) return tx_broadcast{broadcast_answer::nonce_too_low};
  if (says({"insufficient funds"})) return tx_broadcast{broadcast_answer::insufficient_funds};
  if (says({"underpriced", "max fee per gas less than block base fee", "gas price below minimum",
            "future transaction tries to replace pending", "fee cap less than block base fee"}))
    return tx_broadcast{broadcast_answer::underpriced};
  // The pool is full, or holds something else of ours: nothing is wrong with this transaction.
  if (says({"txpool is full", "in-flight transaction limit", "gapped-nonce", "address already reserved"}))
    return io_failure{fault::transient, "node_busy", failure.text, {}};
  return failure;
}

} // namespace paygate
