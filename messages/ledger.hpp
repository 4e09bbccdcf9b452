#pragma once

#include <array>
#include <string>
#include <vector>

#include "messages/money.hpp"

namespace paygate {

/// One line of a ledger transaction: positive units are a debit, negative a credit. Assets and expenses grow by debits,
/// liabilities, income and equity by credits. The chart of accounts is in ARCHITECTURE.md; the names are made by `accounts`.
struct posting {
  std::string account;
  std::string currency;
  int128 units = 0;
  bool operator==(const posting&) const = default;
};

/// A ledger transaction: written in the database transaction of the step that caused it. Per currency its postings sum to 0;
/// the database refuses it otherwise. `key` is unique: the same movement cannot be posted twice.
struct ledger_entry {
  std::string key;    ///< "<kind>/<id>/<what>", e.g. "payment/01J.../settled".
  std::string reason; ///< A sentence for people.
  std::vector<posting> postings;
  bool operator==(const ledger_entry&) const = default;
};

namespace accounts {
inline const std::string wallet = "assets:wallet";           ///< On the chain at our address, confirmed.
inline const std::string incoming = "assets:incoming";       ///< The provider says it sent; not yet seen on the chain.
inline const std::string undecided = "liability:undecided";  ///< Arrived for an order that it does not pay enough: nobody's until it is judged good or refunded.
inline const std::string refunding = "liability:refunding";  ///< Promised to a refund: taken from `undecided`.
inline const std::string fee_income = "income:platform_fee"; ///< Our share of each payment.
inline const std::string gas = "expense:gas";                ///< Fees paid to the chain.
inline const std::string float_equity = "equity:float";      ///< What the platform put into the wallet itself.
inline const std::string provider_fee = "expense:provider_fee"; ///< What providers kept of conversions,
inline const std::string spread = "expense:spread";             ///< and what the rate cost against the value when judged (a gain is negative):
inline const std::string borne = "equity:borne_by_owners";      ///< both are borne by the owners.
inline const std::string unattributed = "liability:unattributed"; ///< Reached the wallet, and nobody knows from whom and for what.
inline const std::string loss = "expense:loss";                 ///< Left the wallet by no intent of ours and does not come back: the platform bears it.
inline const std::string rounding = "income:rounding";          ///< What a conversion could not send: beyond the provider's decimals.
/// What the operator may book a difference between `wallet` and the chain against (book_correction): the platform's own accounts, and that of
/// nobody yet. Never an owner's: what an owner is owed changes only by their payments and payouts.
inline const std::array correctable{float_equity, gas, loss, unattributed};
inline std::string converting(const std::string& conversion_id) { return "liability:conversion:" + conversion_id; } ///< Owed to owners, being converted.
inline std::string in_swap(const std::string& swap_id) { return "assets:swap:" + swap_id; }               ///< Sent to a swap, not yet paid out.
inline std::string owner_available(const std::string& channel) { return "owner:" + channel + ":available"; } ///< Owed to the owner, free.
inline std::string owner_held(const std::string& channel) { return "owner:" + channel + ":held"; }           ///< Owed to the owner, promised to a payout.
inline std::string owner_spread(const std::string& channel) { return "owner:" + channel + ":spread"; }       ///< Spread and provider fee the owner bore.
inline std::string opening_to_come(const std::string& channel) { return "assets:opening:" + channel; } ///< Gathered with a predecessor, not moved to our wallet yet.
inline std::string opening_equity(const std::string& channel) { return "equity:opening:" + channel; }  ///< What the platform brought in (`float_equity`) and owes for such.
} // namespace accounts

} // namespace paygate
