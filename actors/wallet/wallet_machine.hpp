#pragma once

#include <optional>
#include <string>
#include <vector>

#include "messages/step.hpp"

namespace paygate {

/// A hot wallet: decisions only. What it promises:
///   - Exactly one nonce per intent, given when it is prepared and never another; every version signed for it pays the same address the
///     same value. So at most one transaction of an intent can ever be mined, whatever is lost or repeated.
///   - Nothing is broadcast that is not stored, no version is forgotten before the nonce is settled deep enough in the chain.
///   - A nonce that the chain has used, but not for us, pauses the wallet until the operator signs off; nothing is ever signed anew under
///     another nonce. From then on nothing is sent that one of the unknown transactions may have paid, until a person says so.
///   - Nothing is dropped before the chain has shown that its nonce is not ahead of ours: an old backup knows of no signature.
///   - Each pot pays its own: what is left beside a transfer covers what others are owed, and the gas float.
///   - A transfer is posted to the ledger once, when it is final, with the gas it took (also when it reverted).
struct wallet_kind {
  using state = wallet;
  using message = wallet_message;
  static constexpr entity_kind kind = entity_kind::wallet;
  static verdict<wallet> apply(const wallet& state, bool exists, const wallet_message& message, const step_context& context);
  static std::vector<effect> effects_due(const wallet& state, const entity_ref& self, timestamp now, const policy& rules);
  static std::optional<timestamp> wakes_at(const wallet& state, timestamp now, const policy& rules);
  static std::optional<std::chrono::seconds> stuck_after(const wallet& state);
};

inline bool is_final(transfer_status s) {
  return s == transfer_status::confirmed || s == transfer_status::reverted || s == transfer_status::dropped;
}
/// It has a nonce and is not settled.
inline bool in_flight(const wallet_transfer& t) { return t.nonce >= 0 && !is_final(t.status); }
/// Every hash ever signed for its nonce, newest last.
std::vector<std::string> hashes_of(const wallet_transfer& t);
/// The transaction that carries it out: to whom it goes, with how much ETH, and what it says to a contract.
struct wallet_call {
  std::string to;
  int128 value = 0;
  std::string data; ///< Raw bytes; empty for a plain transfer.
};
wallet_call call_of(const wallet_transfer& t);
/// The amount in the token's own units: USDT has 6 decimals.
int128 token_units(const wallet_transfer& t);
/// The raw bytes of ERC-20 `transfer(address,uint256)`. @pre `to` is an EVM address, `units` is positive.
std::string erc20_transfer(std::string_view to, int128 units);

/// The transfer that is to be given the next nonce; null while there is none, or while an earlier one has not reached a node yet. What is
/// held waits for the operator, and nobody waits for it.
const wallet_transfer* next_to_prepare(const wallet& w);
/// The lowest nonce that no block holds yet: only its fees are worth raising.
const wallet_transfer* lowest_unmined(const wallet& w);

/// Fees of a version, wei per gas.
struct gas_fees {
  int128 max_fee = 0, priority_fee = 0;
  bool operator==(const gas_fees&) const = default;
};
/// Fees of a first version: 2 * base + priority, under the cap (0: none). Nothing when the cap does not even cover the next block.
std::optional<gas_fees> first_fees(const chain_quote& quote, int128 cap);
/// Fees of a replacement: at least 12.5 % more of both, or the market's if that is more. Nothing when the cap forbids it.
std::optional<gas_fees> raised_fees(const gas_fees& old, const chain_quote& quote, int128 cap);

/// Keys of the effects. `n` counts the versions signed so far: a late answer to an earlier version carries another key.
namespace wallet_keys {
inline const std::string open = "open";
inline std::string version(const wallet_transfer& t) { return t.intent + ":" + std::to_string(hashes_of(t).size()); }
inline std::string books(const wallet_transfer& t) { return "books:" + t.intent; }
inline std::string sign_off(const wallet& w) { return "sign_off:" + std::to_string(w.sign_off_nonce); }
inline std::string explain(const foreign_nonce& f) { return "explain:" + std::to_string(f.nonce) + ":" + f.asked_hash; }
inline std::string quote(const wallet_transfer& t) { return "quote:" + t.intent; }
inline std::string sign(const wallet_transfer& t) { return "sign:" + version(t); }
inline std::string broadcast(const wallet_transfer& t) { return "broadcast:" + version(t); }
inline std::string rebroadcast(const wallet_transfer& t) { return "rebroadcast:" + version(t); }
inline std::string reprice(const wallet_transfer& t) { return "reprice:" + version(t); }
inline std::string receipts(const wallet_transfer& t) { return "receipts:" + t.intent; }
} // namespace wallet_keys

} // namespace paygate
