#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "messages/money.hpp"

// What is asked of an Ethereum node and of the signer, and their answers (provider-apis 4).
namespace paygate {

/// What a transaction is made of before it is signed (EIP-1559). `data` is raw bytes: empty for a plain transfer.
struct tx_fields {
  std::uint64_t chain_id = 0, nonce = 0, gas_limit = 0;
  int128 max_fee = 0, max_priority_fee = 0; ///< Wei per gas.
  std::string to;                           ///< 0x..., 20 bytes.
  int128 value = 0;                         ///< Wei.
  std::string data;
  bool operator==(const tx_fields&) const = default;
};

/// Signs with the hot wallet's key (RFC 6979: the same fields give the same bytes) -> tx_signed. Fails permanently if the key is not
/// `from`'s.
struct sign_tx {
  std::string from;
  tx_fields tx;
  bool operator==(const sign_tx&) const = default;
};
struct tx_signed {
  std::string raw, hash;
  bool operator==(const tx_signed&) const = default;
}; ///< Both as 0x hex.

/// Reads what a wallet needs before it signs -> chain_quote. `gas_limit` is estimated for `to`/`value`/`data` with headroom.
struct get_chain_quote {
  std::string from, to;
  int128 value = 0;
  std::string data;
  std::string token{}; ///< A contract whose balance of `from` is wanted too; empty: none.
  bool operator==(const get_chain_quote&) const = default;
};
struct chain_quote {
  std::uint64_t chain_id = 0, latest_nonce = 0, gas_limit = 0;
  int128 base_fee = 0, priority_fee = 0, balance = 0; ///< Wei; base_fee is the next block's.
  int128 token_balance = 0;                           ///< In the token's own units.
  std::uint64_t pending_nonce = 0;                    ///< After what the node's pool holds of `from`.
  std::string refused{};                              ///< The receiver's code refuses this call, in its words: there is no gas_limit then.
  bool operator==(const chain_quote&) const = default;
};

/// eth_sendRawTransaction of stored bytes -> tx_broadcast. "already known" and its like are success; `nonce_too_low` says that the
/// nonce is used, by this transaction or another: only receipts decide which.
struct broadcast_tx {
  std::string raw, hash;
  bool operator==(const broadcast_tx&) const = default;
};
enum class broadcast_answer : std::uint8_t { accepted, nonce_too_low, underpriced, insufficient_funds };
struct tx_broadcast {
  broadcast_answer answer = broadcast_answer::accepted;
  bool operator==(const tx_broadcast&) const = default;
};

/// Receipts of every hash ever signed for a nonce, with the chain's height and our mined nonce at that moment -> receipts_read.
struct get_receipts {
  std::string from;
  std::vector<std::string> hashes;
  bool operator==(const get_receipts&) const = default;
};
/// An ERC-20 Transfer in a receipt's log. Addresses lower case.
struct token_moved {
  std::string token, from, to;
  int128 units = 0; ///< In the token's own units (USDT: 10^-6).
  bool operator==(const token_moved&) const = default;
};
struct receipt {
  std::string hash;
  std::uint64_t block_number = 0;
  bool reverted = false;
  std::uint64_t gas_used = 0;
  int128 effective_gas_price = 0;
  std::vector<token_moved> moved{};
  bool operator==(const receipt&) const = default;
};
struct receipts_read {
  std::uint64_t head = 0, latest_nonce = 0;
  std::vector<receipt> receipts; ///< Of those hashes that are in a block now.
  bool operator==(const receipts_read&) const = default;
};

/// A transfer by somebody else: the ETH that reached us -> transfer_seen. Transient failure while the node does not know it.
struct get_transfer {
  std::string hash;
  bool operator==(const get_transfer&) const = default;
};
struct transfer_seen {
  std::string to;
  int128 value = 0;
  std::uint64_t confirmations = 0; ///< 0: still pending.
  bool reverted = false;
  bool operator==(const transfer_seen&) const = default;
};

/// The tokens that a transaction moved, by its receipt -> token_transfer_seen. Transient failure while the node does not know it.
struct get_token_transfer {
  std::string hash;
  bool operator==(const get_token_transfer&) const = default;
};
struct token_transfer_seen {
  std::vector<token_moved> moved;
  std::uint64_t confirmations = 0; ///< 0: still pending.
  bool reverted = false;
  bool operator==(const token_transfer_seen&) const = default;
};

/// eth_getBalance at latest, with the mined nonce -> wallet_seen.
struct get_wallet {
  std::string address;
  std::string token{};     ///< A contract whose balance is wanted too; empty: none.
  std::uint64_t depth = 1; ///< How deep a nonce is to be settled: 1 is the newest block.
  bool operator==(const get_wallet&) const = default;
};
struct wallet_seen {
  int128 balance = 0;
  std::uint64_t latest_nonce = 0, head = 0;
  int128 token_balance = 0;        ///< In the token's own units.
  std::uint64_t settled_nonce = 0; ///< The mined nonce `depth` blocks deep.
  bool operator==(const wallet_seen&) const = default;
};

/// A transaction in full, with its receipt -> transaction_seen. Transient failure while the node does not know it.
struct get_transaction {
  std::string hash;
  bool operator==(const get_transaction&) const = default;
};
struct transaction_seen {
  std::string from, to; ///< Lower case; `to` is empty when it makes a contract.
  std::uint64_t nonce = 0;
  int128 value = 0;
  std::string data;                ///< 0x hex, lower case.
  std::uint64_t confirmations = 0; ///< 0: still pending; what follows is unknown then.
  std::uint64_t block_number = 0;
  bool reverted = false;
  std::uint64_t gas_used = 0;
  int128 effective_gas_price = 0;
  std::vector<token_moved> moved{};
  bool operator==(const transaction_seen&) const = default;
};

} // namespace paygate
