#pragma once

#include "io/providers/ethereum_rpc.hpp"

// What one node is asked for one request. Each function asks its node only, and gives a typed answer or the failure that made it
// impossible.
namespace paygate {

rpc_answer<std::uint64_t> read_chain_id(rpc_node& node);

rpc_answer<chain_quote> read_chain_quote(rpc_node& node, const get_chain_quote& request, std::uint64_t chain_id);
rpc_answer<receipts_read> read_receipts(rpc_node& node, const get_receipts& request);
rpc_answer<transfer_seen> read_transfer(rpc_node& node, const get_transfer& request);
rpc_answer<token_transfer_seen> read_token_transfer(rpc_node& node, const get_token_transfer& request);
rpc_answer<chain_state> read_chain_state(rpc_node& node, const get_chain_state& request);
rpc_answer<wallet_history> read_wallet_history(rpc_node& node, const get_wallet_history& request);
rpc_answer<wallet_seen> read_wallet(rpc_node& node, const get_wallet& request);
rpc_answer<transaction_seen> read_transaction(rpc_node& node, const get_transaction& request);

/// Hands stored bytes to one node. Its refusals are told apart by their words, of geth and of anvil (provider-apis 4.2).
rpc_answer<tx_broadcast> send_raw(rpc_node& node, const broadcast_tx& request);

} // namespace paygate
