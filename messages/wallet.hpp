#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "messages/effects.hpp"

namespace paygate {

enum class wallet_status : std::uint8_t {
  opening, ///< The chain's nonce and balance are being read for the first time.
  ready,
  paused   ///< The chain's nonce is ahead of ours: nothing is signed until the operator signs off (spec 2).
};
template <>
struct enum_names<wallet_status> {
  static constexpr std::string_view type = "wallet_status";
  static constexpr std::string_view values[] = {"opening", "ready", "paused"};
};

enum class transfer_status : std::uint8_t {
  queued,    ///< Accepted: exactly one chain transaction will be made for it.
  prepared,  ///< Nonce and fees are fixed; to be signed.
  signed_tx, ///< The signed bytes are stored; to be broadcast.
  broadcast, ///< Some node has taken it; waits for its block.
  confirmed, ///< Deep enough in the chain; posted to the ledger. Final.
  reverted,  ///< In the chain but without effect; nonce and gas are spent. Final.
  dropped    ///< Never signed and never will be: its time ran out in the queue, or the chain refuses the call. Final.
};
template <>
struct enum_names<transfer_status> {
  static constexpr std::string_view type = "transfer_status";
  static constexpr std::string_view values[] = {"queued", "prepared", "signed", "broadcast", "confirmed", "reverted", "dropped"};
};

/// One transfer out of the hot wallet, from intent to confirmation. A child row, table `wallet_transfer`; unique by intent and by
/// (wallet, nonce). Every signed version of it pays the same address the same value under the same nonce.
struct wallet_transfer {
  std::string intent;            ///< The caller's id of what it wants once: "payout/<id>/<try>".
  std::string wallet;            ///< Our address.
  transfer_status status = transfer_status::queued;
  std::string to;
  eth_amount value;
  std::string token{};           ///< The contract of the token sent, lower case; empty: ETH, which is `value`.
  usdt_amount token_value{};     ///< How much of it.
  std::string memo;              ///< For the ledger: which account the money belongs to ("owner:<channel>:held") or goes to.
  std::int64_t nonce = -1;
  std::int64_t gas_limit = 0;
  int128 max_fee = 0, priority_fee = 0; ///< Wei per gas, of the newest version.
  bool raising = false;          ///< The fees were raised since `raw` was signed: a version with them is to be signed.
  std::string raw, hash;         ///< The newest signed version; once final, `hash` is the one that was mined.
  std::string old_hashes;        ///< Earlier versions' hashes, separated by spaces: any of them may still be mined.
  std::optional<timestamp> broadcast_at; ///< When a node first took the newest version.
  std::int64_t block_number = 0; ///< Of the block it is in now; 0: in none, or a reorg took it out again.
  std::int64_t gas_used = 0;
  eth_amount gas_fee;
  timestamp requested_at{};
  std::optional<timestamp> sign_before;   ///< Not signed after this: `dropped` instead.
  std::optional<timestamp> missing_since; ///< Its nonce is used, but by none of its versions as far as the node tells.
  std::string reason;                     ///< Why it was dropped.
  std::optional<timestamp> acknowledged_at; ///< The requester has committed the final status and will never ask again.
  bool operator==(const wallet_transfer&) const = default;

  template <class Self, class F>
  static void each_field(Self& self, F&& f) {
    f("intent", self.intent);
    f("wallet", self.wallet);
    f("status", self.status);
    f("recipient", self.to);
    f("value_eth", self.value);
    f("token", self.token);
    f("value_usdt", self.token_value);
    f("memo", self.memo);
    f("nonce", self.nonce);
    f("gas_limit", self.gas_limit);
    f("max_fee_eth", self.max_fee);
    f("priority_fee_eth", self.priority_fee);
    f("raising", self.raising);
    f("raw", self.raw);
    f("hash", self.hash);
    f("old_hashes", self.old_hashes);
    f("broadcast_at", self.broadcast_at);
    f("block_number", self.block_number);
    f("gas_used", self.gas_used);
    f("gas_fee_eth", self.gas_fee);
    f("requested_at", self.requested_at);
    f("sign_before", self.sign_before);
    f("missing_since", self.missing_since);
    f("reason", self.reason);
    f("acknowledged_at", self.acknowledged_at);
  }
};

/// A difference between the chain and `assets:wallet` that a person has explained. A child row, table `wallet_correction`: written once.
struct wallet_correction {
  std::string key;             ///< The caller's id of what it books once: "exception/17".
  std::string wallet;          ///< Our address.
  std::string currency;        ///< "eth" or "usdt".
  int128 units = 0;            ///< Added to `assets:wallet`; negative: taken from it.
  std::string counter_account; ///< One of `accounts::correctable`.
  std::string reason;
  timestamp booked_at{};
  bool operator==(const wallet_correction&) const = default;

  template <class Self, class F>
  static void each_field(Self& self, F&& f) {
    f("key", self.key);
    f("wallet", self.wallet);
    f("currency", self.currency);
    f("units", self.units);
    f("counter_account", self.counter_account);
    f("reason", self.reason);
    f("booked_at", self.booked_at);
  }
};

/// A hot wallet: the snapshot. Loaded with every transfer that is not acknowledged, however old, and those acknowledged in the last hour: a
/// requester that lost the answer asks again, a lost question arrives late, and only what is in memory tells the wallet that it has paid
/// already. sql/0100 is the second lock on the same door.
struct wallet {
  wallet_status status = wallet_status::opening;
  std::string address;
  std::int64_t next_nonce = 0;
  std::string alert;                      ///< Why transfers wait ("balance too low: ...", "gas float too low: ..."); empty when they do not.
  std::vector<wallet_transfer> transfers; ///< Child rows, by nonce, then by arrival.
  std::vector<wallet_correction> corrections; ///< Child rows, every one ever booked: they are few, and a repeat must be known for ever.
  bool operator==(const wallet&) const = default;

  template <class Self, class F>
  static void each_field(Self& self, F&& f) {
    f("status", self.status);
    f("address", self.address);
    f("next_nonce", self.next_nonce);
    f("alert", self.alert);
  }
};

/// Command: opens the wallet at its first start; a repeat changes nothing. Refused as `unavailable` until the chain's nonce and balances (ETH,
/// and USDT where the settings name its contract) are read and posted; `ok` from then on.
struct open_wallet { std::string address; };
/// Command: send `value` to `to`, once per intent. The first one is accepted (or refused as `conflict` when the intent is known with other
/// content); each repeat answers the transfer_view of how far it is. `debit` is the ledger account that the money is taken from.
struct request_transfer {
  std::string intent;
  std::string to;
  eth_amount value;
  std::string debit;
  std::optional<timestamp> sign_before; ///< Should it not be signed by then it is `dropped`, for ever; a repeat does not change it.
  std::string token{};                  ///< An ERC-20 contract: `token_value` of it is sent, and `value` is 0.
  usdt_amount token_value{};
  bool operator==(const request_transfer&) const = default;
};
/// Command: the requester has committed the transfer's final status and never asks for this intent again. Answers `ok`, also when the intent
/// is not known (any more); refused as `out_of_order` while it is not final.
struct acknowledge_transfer {
  std::string intent;
  bool operator==(const acknowledge_transfer&) const = default;
};

/// Command of the operator or of `reconcile`: books a difference between the chain and `assets:wallet`, once per key (a foreign deposit, a
/// transfer made by hand). It moves nothing on the chain. A repeat answers `ok` and changes nothing; the key with other content is refused as
/// `conflict`; as `invalid` another currency than eth and usdt, no units or more decimals than the token has, an account that is not in
/// `accounts::correctable`, an empty or spaced key, no reason; as `unavailable` while the wallet is being opened.
struct book_correction {
  std::string key, currency;
  int128 units = 0; ///< What the chain has more than the ledger; negative: less.
  std::string counter_account, reason;
  bool operator==(const book_correction&) const = default;
};

using wallet_message = std::variant<effect_done, open_wallet, request_transfer, acknowledge_transfer, book_correction>;

} // namespace paygate
