#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "messages/enums.hpp"
#include "messages/money.hpp"
#include "messages/provider_payment.hpp"
#include "messages/time.hpp"

// What reconciliation asks: the chain and the providers beside our own books. What they differ in is an exception (step.hpp). Part of io.hpp.
namespace paygate {

/// Head, and balances of ETH and (unless empty) a token at one block -> chain_state; `block` 0: the newest.
struct get_chain_state { std::string wallet, token; std::uint64_t block = 0; bool operator==(const get_chain_state&) const = default; };
struct chain_state {
  std::uint64_t head = 0, block = 0;
  timestamp at{};              ///< The block's.
  int128 eth = 0, usdt = 0;    ///< Units of 10^-18, both.
  bool operator==(const chain_state&) const = default;
};

/// Every movement of ETH by a transaction of its own, and of the token, from and to a wallet in these blocks, gas included
/// -> wallet_history. What a contract sends is not seen.
struct get_wallet_history {
  std::string wallet, token;
  std::uint64_t first = 0, last = 0;
  bool operator==(const get_wallet_history&) const = default;
};
struct chain_movement {
  std::string hash;
  std::int32_t line = -1;      ///< -1: the transaction's ETH and gas; else the index of the token's log.
  std::string currency;
  int128 units = 0, gas = 0;   ///< Into the wallet or (negative) out of it, of 10^-18; gas in ETH, paid by us.
  std::uint64_t block = 0;
  timestamp at{};
  std::string counterparty;
  bool operator==(const chain_movement&) const = default;
};
struct wallet_history { std::vector<chain_movement> movements; bool operator==(const wallet_history&) const = default; };

/// A page of the provider's list of payments, newest first -> payments_page; permanent failure "no_credentials" as in find_payments.
struct list_payments { timestamp since{}; std::int64_t page = 0; bool operator==(const list_payments&) const = default; };
struct payments_page { std::vector<provider_payment> payments; bool more = false; bool operator==(const payments_page&) const = default; };

/// The ledger at one instant -> books_cut: every entry up to `entry` is in it, and no other.
struct get_books_cut { bool operator==(const get_books_cut&) const = default; };
struct books_cut {
  std::int64_t entry = 0;
  eth_amount eth;              ///< Of assets:wallet.
  usdt_amount usdt;
  std::int64_t mined = 0;      ///< The newest block that a transfer of ours is known to be in.
  bool operator==(const books_cut&) const = default;
};

/// What is to be audited, in the order of the ledger: entries after `after` up to `last`, those up to `known` only while an exception about
/// them is open -> audit_page.
struct get_audit_page {
  std::int64_t after = 0, known = 0, last = 0;
  timestamp since{};           ///< Entries from here on are audited again though they are known: providers correct themselves.
  std::uint32_t limit = 40;
  bool operator==(const get_audit_page&) const = default;
};
enum class audited : std::uint8_t {
  transfer, ///< A final transfer of our wallet: its receipt.
  deposit,  ///< A settled deposit: NOWPayments by id.
  swap,     ///< A swap that ended well: ChangeNOW by id.
  paid_out  ///< The transfer that such a swap ended with, where it is on our chain: its receipt.
};
struct audit_item {
  audited what = audited::transfer;
  std::int64_t entry = 0;      ///< The ledger's.
  std::string subject;         ///< "transfer/<intent>", "deposit/<payment id>", "payout/<id>", "conversion/<id>".
  std::string id;              ///< The provider's.
  std::string hash;
  std::string currency;        ///< Of `units`: what was sent, came in, or was paid out.
  int128 units = 0, gas = 0;
  std::string sent_currency;   ///< Of a swap.
  int128 sent = 0;
  bool reverted = false;
  bool operator==(const audit_item&) const = default;
};
struct audit_page { std::vector<audit_item> items; std::int64_t next = 0; bool more = false; bool operator==(const audit_page&) const = default; };

/// Which of these payments of the provider we have no deposit of -> unknown_payments.
struct get_unknown_payments { std::vector<std::string> ids; bool operator==(const get_unknown_payments&) const = default; };
struct unknown_payments { std::vector<std::string> ids; bool operator==(const unknown_payments&) const = default; };

/// Transactions that brought us something and that nobody can name, and whom the provider should be asked about, because we do not know yet
/// by which transaction it pays -> unclaimed_seen.
struct get_unclaimed { std::uint32_t limit = 100; bool operator==(const get_unclaimed&) const = default; };
struct unclaimed_seen {
  std::vector<std::string> hashes;
  std::vector<std::string> payments;                      ///< Payment ids.
  std::vector<std::pair<std::string, std::string>> swaps; ///< Swap id, and "payout/<id>" or "conversion/<id>".
  bool operator==(const unclaimed_seen&) const = default;
};

/// Transactions that the books did not hold at the cut, in the order of their hashes -> unbooked_page. The last page says what else is not
/// booked: the wallet's part of exceptions that no movement stands for.
struct get_unbooked {
  std::string after;
  std::int64_t cut = 0;
  std::uint32_t limit = 100;
  bool operator==(const get_unbooked&) const = default;
};
struct unbooked {
  std::string hash, subject;   ///< subject: what explains it; empty: nothing.
  int128 eth = 0, usdt = 0, gas = 0;
  std::uint64_t block = 0;
  timestamp at{};
  std::string counterparty;
  std::optional<int128> gross; ///< Of a deposit: what the provider said that it sends, in ETH.
  bool operator==(const unbooked&) const = default;
};
struct unbooked_page { std::vector<unbooked> items; bool more = false; int128 other_eth = 0, other_usdt = 0; bool operator==(const unbooked_page&) const = default; };

/// An exception and what the wallet has more than the books because of it -> exception_seen; permanent failure "not_found".
struct get_exception { std::int64_t id = 0; bool operator==(const get_exception&) const = default; };
struct exception_seen {
  std::int64_t id = 0;
  bool open = false;
  std::string text;            ///< What it is about, for the ledger.
  int128 eth = 0, usdt = 0, gas = 0;
  bool operator==(const exception_seen&) const = default;
};

} // namespace paygate
