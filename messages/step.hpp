#pragma once

#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "messages/envelope.hpp"
#include "messages/ledger.hpp"
#include "messages/policy.hpp"

namespace paygate {

/// An IPN or webhook as it came, kept for replay and audit. Table `webhook_event`; a repeat of the same body counts up `received`.
struct webhook_event {
  std::string source; ///< "nowpayments".
  std::string payment_id, order_id;
  bool order_known = true;
  std::string raw; ///< The body's bytes.
};

/// A value that gathers for an owner, or was taken at once by a payout. Table `accrual`, one row per finished deposit (spec 5).
enum class accrual_status : std::uint8_t { pending, converting, converted, paying, paid };
template <>
struct enum_names<accrual_status> {
  static constexpr std::string_view type = "accrual_status";
  static constexpr std::string_view values[] = {"pending", "converting", "converted", "paying", "paid"};
};
struct accrual_opened {
  std::string payment_id; ///< The deposit's; unique.
  std::string order_id;
  std::int64_t channel_id = 0;
  accrual_status status = accrual_status::pending;
  std::string payout_id; ///< Set when a payout took it at once.
  usd_amount gross_usd, fee_usd, net_usd;
  eth_amount gross_eth, fee_eth, net_eth;
  usdt_amount net_usdt{}; ///< Of one that was converted before it came to us (import_opening).
};
/// The accruals of that payout are paid, or free again (`pending`, `converted`) because its money is all here. When some of it was lost on
/// a way back `left` says how many units of the pot there still are: they are shared out over the accruals by what each brought in, floor,
/// the rest by largest fraction (ties: the lowest accrual id). `resold`: their USDT was sold for that ETH.
struct accrual_closed {
  std::string payout_id;
  accrual_status status = accrual_status::paid;
  std::optional<int128> left{};
  bool resold = false;
};
/// Which accruals a step claims: those that are nobody's yet and whose ETH has arrived.
enum class claim_scope : std::uint8_t {
  pending,             ///< Of all channels, for a conversion: they become `converting`.
  pending_of_channel,  ///< Of one channel, for a payout from ETH: they become `paying`.
  converted_of_channel ///< Of one channel, for a payout from USDT: they become `paying`.
};
/// Claims accruals for the step's entity by one set-based statement, and writes down count and sums (`get_claim` reads them). The same
/// statement posts what was claimed from the owners' available balances to `account` (key "<kind>/<id>/claimed"). Two claims at once claim
/// nothing twice; a repeat for the same entity claims nothing.
struct claim_accruals {
  claim_scope scope = claim_scope::pending;
  std::int64_t channel_id = 0;
  std::string account;
  int128 most = 0; ///< Of the pot's units, the oldest accruals first; 0: all.
};
/// Ends the claim of the step's conversion. `received` > 0: its accruals are `converted`; the USDT is shared out by net USD (floor to
/// 10^-6, the rest by largest fraction, ties to the lowest accrual id) and posted from `assets:wallet` to the owners. Else they are
/// `pending` again, and their ETH is posted back to the owners: `left`, shared out as in accrual_closed.
struct conversion_closed {
  usdt_amount received;
  eth_amount left;
};
/// A transaction on the chain that brought us what a swap paid or gave back. Table `chain_arrival`: the database refuses it when the same
/// transaction was counted already, for another swap or as a subscriber's payment.
struct arrival_claimed {
  std::string hash, currency;
  int128 units = 0;
};
/// Claims a part of the daily limits for the step's payout, in one statement that nobody else runs at the same time; whether it got one is
/// written down (`get_allowance` reads it). `approved`: it gets one whatever the limits say. A limit of 0 is none.
struct allowance_claimed {
  std::int64_t channel_id = 0;
  usd_amount net, channel_max, total_max;
  bool approved = false;
};
/// The step's payout ended without having paid: its part is free again.
struct allowance_returned {};

/// A failure that a person has to look at, listed until resolved. Table `failed_transaction`, one open row per entity.
struct failure_listed {
  std::string code, text;
};

/// What was listed of the step's entity is over without anybody's help: its open row is resolved. Nothing when there is none.
struct failure_mended {
  std::string text; ///< How.
};

/// A page of blocks was read: what it holds takes the place of what was read of these blocks before. Table `chain_movement`.
struct movements_seen {
  std::uint64_t first = 0, last = 0;
  std::vector<chain_movement> movements;
};
/// Names every movement that our rows can name, and marks what the ledger holds at the cut.
struct movements_matched {
  std::int64_t cut = 0;
};
/// The provider says that this transaction is one that we wait for.
struct movement_claimed {
  std::string hash, subject;
};
/// A difference between our books and the chain or a provider. Table `reconcile_exception`, one open row per kind and subject; one that was
/// resolved with the same figures is not raised again.
struct exception_found {
  std::int64_t round = 0;
  exception_kind kind = exception_kind::wallet_balance;
  std::string subject, currency;
  int128 expected = 0, actual = 0, gas = 0;
  std::string hash, explanation;
  int128 wallet_eth = 0, wallet_usdt = 0; ///< What the wallet has more than the books for it, where no movement says so.
  std::int64_t entry = 0;                 ///< The audited one.
};
/// The round is over: what is open and was not met in it has vanished.
struct round_closed {
  std::int64_t round = 0;
};
/// A person resolved it. `correction`: the key of the ledger entry that books it; empty: the books stand.
struct exception_resolved {
  std::int64_t id = 0;
  std::string way, reason, by, correction;
};

/// What a step writes besides the entity's own row and history: in the same database transaction.
using side_row = std::variant<deposit, subscription_period, wallet_transfer, wallet_correction, foreign_nonce, webhook_event,
                              accrual_opened, accrual_closed, claim_accruals, conversion_closed, arrival_claimed, allowance_claimed,
                              allowance_returned, failure_listed, promo_use, movements_seen, movements_matched, movement_claimed, exception_found,
                              round_closed, exception_resolved, slot_claimed, slot_returned, channel_draft, failure_mended>;

/// What `apply` may look at besides state and message. No clock, no randomness: both come in here.
struct step_context {
  entity_ref self;
  timestamp now{};
  const policy& rules;
};

/// What one message does to an entity. `changed == false` writes no row, no history and no postings; side rows are written all the same.
template <class State>
struct decision {
  State next;
  bool changed = true;
  entity_reply reply = ok{};
  std::vector<ledger_entry> entries;
  std::vector<side_row> rows;
  std::string note; ///< A few words for the history row: "outcome 0.003 eth"; no personal data.
};

/// `apply` answers a decision, or refuses: nothing is written then.
template <class State>
using verdict = std::variant<decision<State>, refused>;

/// The row of an entity besides its own fields: kept by the runtime alone.
struct entity_header {
  std::uint64_t version = 0;        ///< 0: not stored yet. Each step adds 1; guards the row and fences late answers.
  std::optional<timestamp> wake_at; ///< Loaded again no later than this: when something is due, or the next thing will be.
  std::uint32_t attempts = 0;       ///< Failed tries of what is due now; written at the 1st, 2nd, 4th, 8th ... failure.
  std::string last_error;           ///< Of the newest failure written; empty when all is well.
  std::string quarantine;           ///< Why it was taken out of service (the offending message and the error); empty when it was not.
  timestamp created_at{}, updated_at{};
};

/// One step to commit: everything that one database transaction has to say about it.
struct step_record {
  entity_ref ref;
  std::uint32_t shard = 0;
  std::uint64_t epoch = 0; ///< Of the lease under which it was decided.
  bool writes_row = true;  ///< false: side rows only.
  entity_header header;    ///< header.version is the new one; the row must still be at one less (0: not exist).
  snapshot state;
  std::string message, from_status, to_status, note;
  std::vector<ledger_entry> entries;
  std::vector<side_row> rows;
};

/// How a commit ended. Only `committed` lets effects run and replies go out.
enum class commit_outcome : std::uint8_t {
  committed,
  version_conflict, ///< Somebody else wrote the row: this activation is stale.
  lease_lost,       ///< Another node owns the shard now.
  poison,           ///< The database refuses this step for what it says (a constraint): retrying is pointless.
  unknown           ///< The connection broke: it may have been committed. Reload and look.
};
template <>
struct enum_names<commit_outcome> {
  static constexpr std::string_view type = "commit_outcome";
  static constexpr std::string_view values[] = {"committed", "version_conflict", "lease_lost", "poison", "unknown"};
};
struct commit_result {
  commit_outcome outcome = commit_outcome::committed;
  std::string error; ///< The database's words, for `poison` and `unknown`.
};

/// What a load found: the header and snapshot, children included; version 0 when there is no such row.
struct loaded_entity {
  entity_header header;
  snapshot state;
};

} // namespace paygate
