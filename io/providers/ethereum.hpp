#pragma once

#include <vector>

#include "io/providers/provider_faults.hpp"

namespace paygate {

struct ethereum_settings {
  std::function<std::vector<std::string>()> rpc_urls; ///< Best one first. URLs may hold keys: they appear in no text or log line.
  std::uint64_t chain_id = 1;
  milliseconds connect_timeout{3'000};
  milliseconds read_timeout{10'000};
  milliseconds rest{5'000}; ///< How long a node that failed is asked last only.
};

/// Ethereum JSON-RPC (provider-apis 4) over several nodes, failing over; every request is answered by one node alone, so that its numbers
/// belong together. get_chain_quote, broadcast_tx (tells every node), get_receipts, get_transfer, get_token_transfer,
/// get_wallet, get_transaction.
/// Codes of failures: "wrong_chain" (permanent), "not_found" (transient), "rpc" (the node's
/// words; permanent for broadcast_tx, transient for the others), "no_nodes", "node_busy", "nonsense", and those of the HTTP layer.
io_client make_ethereum_client(ethereum_settings settings);

/// Asks every node for its chain id, for the start of the daemon. Nothing when at least one answers and all that answer are on
/// `settings.chain_id`; else "wrong_chain" (permanent) or the last transient failure.
std::optional<io_failure> check_chain(const ethereum_settings& settings);

} // namespace paygate
