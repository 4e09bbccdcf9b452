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
  paused   ///< The chain's nonce is ahead of ours: nothing is signed until the operator signs off (sign_off_wallet; spec 2).
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
  dropped    ///< Can never be mined (spec 5, way back (a)): never signed, for its time ran out in the queue or the chain refuses the call; or
             ///< its nonce was finally used by a transaction that the operator has explained as none of ours. Final.
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
  std::string held;                       ///< Why it waits for the operator (settle, release or disown); empty: it does not. See foreign_nonce.
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
    f("held", self.held);
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

/// A nonce of ours that the chain has used, but by no transaction that we know: a second program on the key, or our own transfer that a
/// restored backup has forgotten. A child row, table `wallet_foreign`; listed at the sign-off. It is explained once, by the transaction that
/// used it, read from the chain: that was an intent of ours (`settle`), or none (`disown`).
struct foreign_nonce {
  std::string key;             ///< "<wallet>/<nonce>".
  std::string wallet;          ///< Our address.
  std::int64_t nonce = 0;
  std::string asked_hash, asked_intent, asked_reason; ///< An explanation that is being checked against the chain.
  std::string refusal;         ///< Why the last one was not taken.
  std::string hash;            ///< The transaction; empty until explained, as is what follows.
  std::string intent;          ///< What it carried out; empty: nothing of ours.
  std::string reason;
  std::string to;
  eth_amount value;
  std::string data;            ///< 0x hex.
  bool reverted = false;
  std::int64_t block_number = 0;
  std::int64_t gas_used = 0;
  eth_amount gas_fee;
  std::optional<timestamp> explained_at;
  bool operator==(const foreign_nonce&) const = default;

  template <class Self, class F>
  static void each_field(Self& self, F&& f) {
    f("key", self.key);
    f("wallet", self.wallet);
    f("nonce", self.nonce);
    f("asked_hash", self.asked_hash);
    f("asked_intent", self.asked_intent);
    f("asked_reason", self.asked_reason);
    f("refusal", self.refusal);
    f("hash", self.hash);
    f("intent", self.intent);
    f("reason", self.reason);
    f("recipient", self.to);
    f("value_eth", self.value);
    f("data", self.data);
    f("reverted", self.reverted);
    f("block_number", self.block_number);
    f("gas_used", self.gas_used);
    f("gas_fee_eth", self.gas_fee);
    f("explained_at", self.explained_at);
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
  std::int64_t chain_nonce = 0;           ///< As last seen.
  std::int64_t sign_off_nonce = -1;       ///< The operator has accepted that this is the chain's nonce; being checked. -1: nothing is.
  std::string sign_off_reason;
  std::string books_for;                  ///< The intent for which the books were read, so that it can be quoted:
  int128 ledger = 0, owed = 0, incoming = 0, owed_usdt = 0; ///< as in wallet_books_seen.
  eth_amount gas_float;                   ///< The ETH that was nobody's and in no transaction when a transfer was last weighed.
  std::string float_alert;                ///< The float fell below its low mark and has not reached the high one again.
  std::vector<wallet_transfer> transfers; ///< Child rows, by nonce, then by arrival.
  std::vector<foreign_nonce> foreign;     ///< Child rows, every one ever listed, by nonce.
  std::vector<wallet_correction> corrections; ///< Child rows, every one ever booked: they are few, and a repeat must be known for ever.
  bool operator==(const wallet&) const = default;

  template <class Self, class F>
  static void each_field(Self& self, F&& f) {
    f("status", self.status);
    f("address", self.address);
    f("next_nonce", self.next_nonce);
    f("alert", self.alert);
    f("chain_nonce", self.chain_nonce);
    f("sign_off_nonce", self.sign_off_nonce);
    f("sign_off_reason", self.sign_off_reason);
    f("books_for", self.books_for);
    f("ledger_eth", self.ledger);
    f("owed_eth", self.owed);
    f("incoming_eth", self.incoming);
    f("owed_usdt", self.owed_usdt);
    f("gas_float_eth", self.gas_float);
    f("float_alert", self.float_alert);
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

/// Command of the operator: ends the pause after the nonce alarm, if `nonce` is the chain's nonce, `wallet.confirmations` deep. Answers `ok`
/// when it is noted; the chain is read then, and the wallet goes on from that nonce, or `alert` says why not. Refused as `out_of_order`
/// unless the wallet is paused. What comes of the transfers:
///   - Every nonce that the chain has used and we cannot account for is listed (foreign_nonce).
///   - Until each of these is explained, every transfer that waits or is asked for anew is held: a restored backup has forgotten payments,
///     and whoever was paid by them will ask again.
///   - A transfer whose own nonce is among them may have been paid, too (by a version that the backup lacks): held as well.
struct sign_off_wallet {
  std::int64_t nonce = 0;
  std::string reason;
  bool operator==(const sign_off_wallet&) const = default;
};
/// Command of the operator: the transaction `hash` used a listed nonce, and it was `intent` (settle), or nothing of ours (`intent` empty:
/// disown). Answers `ok` when it is noted; the chain is read then, and `foreign_nonce::refusal` says what does not fit: the transaction is
/// not ours, not of this nonce, not of this intent's recipient and value; or is to be disowned and is just what an open intent wants.
///   - Settled: the intent's transfer is confirmed by that transaction and posted, at once or when it is asked for.
///   - Disowned: the transfer that had this nonce is `dropped`; what the transaction moved is a difference for `book_correction`.
/// Refused as `not_found` when no such nonce is listed, as `conflict` when it was explained otherwise.
struct explain_nonce {
  std::int64_t nonce = 0;
  std::string hash, intent, reason;
  bool operator==(const explain_nonce&) const = default;
};
/// Command of the operator: this held intent was not paid before, and is to be sent. Refused as `not_found` when it is not known, as
/// `out_of_order` when it is not held, or its own nonce is to be explained first.
struct release_transfer {
  std::string intent, reason;
  bool operator==(const release_transfer&) const = default;
};

using wallet_message = std::variant<effect_done, open_wallet, request_transfer, acknowledge_transfer, book_correction, sign_off_wallet,
                                    explain_nonce, release_transfer>;

} // namespace paygate
