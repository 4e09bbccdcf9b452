#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "messages/effects.hpp"

namespace paygate {

/// What a round of reconciliation does, in this order.
enum class reconciliation_status : std::uint8_t {
  opening,   ///< The first block to look at is being read, once.
  idle,      ///< No round is under way.
  cutting,   ///< The ledger is read at one instant,
  anchoring, ///< and the chain's balances at a block behind it, once that is deep enough.
  scanning,  ///< The blocks since the last round are read for movements of our wallet.
  auditing,  ///< What became final in the ledger is looked up at the chain, NOWPayments and ChangeNOW.
  listing,   ///< NOWPayments' own list is read for payments that we do not know.
  claiming,  ///< What came in and nobody can name: the providers are asked whether it is one that we wait for.
  judging    ///< What is not in the books is judged, and the balances are compared.
};
template <>
struct enum_names<reconciliation_status> {
  static constexpr std::string_view type = "reconciliation_status";
  static constexpr std::string_view values[]
    = {"opening", "idle", "cutting", "anchoring", "scanning", "auditing", "listing", "claiming", "judging"};
};

enum class exception_kind : std::uint8_t {
  foreign_deposit,       ///< Came into the wallet; nothing of ours explains it.
  manual_transfer,       ///< Left the wallet without us.
  missing_payout,        ///< We call it paid; the chain or the provider does not.
  wrong_provider_amount, ///< The provider's record says other figures than our books.
  unknown_payment,       ///< The provider lists a payment that we do not know.
  wallet_balance         ///< A difference of the balances that nothing above explains.
};
template <>
struct enum_names<exception_kind> {
  static constexpr std::string_view type = "exception_kind";
  static constexpr std::string_view values[]
    = {"foreign_deposit", "manual_transfer", "missing_payout", "wrong_provider_amount", "unknown_payment", "wallet_balance"};
};

/// What is in hand at a stage, at most a page of it. Not stored: read again after a restart.
struct reconciliation_hand {
  std::int64_t entry = 0;                   ///< Where the next page of the audit begins.
  bool more = false;
  std::vector<audit_item> items;            ///< Still to be looked up.
  int doubts = 0;                           ///< How often the chain did not know a transaction of this page.
  std::vector<provider_payment> listed;     ///< A page of the provider's list.
  std::optional<unclaimed_seen> unclaimed;  ///< Whom to ask still.
  bool operator==(const reconciliation_hand&) const = default;
};

/// The singleton "main" that compares ledger, chain and providers in rounds: the snapshot.
struct reconciliation {
  reconciliation_status status = reconciliation_status::opening;
  std::int64_t round = 0;
  bool again = false;                 ///< Asked for while a round was under way: another one follows at once.
  std::optional<timestamp> started_at, finished_at;
  std::int64_t base_block = 0;        ///< What was before it is in the balances alone.
  std::int64_t scanned_block = 0;     ///< Up to here the chain is read.
  std::int64_t cut = 0;               ///< The last ledger entry of this round,
  std::int64_t mined_block = 0;       ///< and the newest block that it rests on.
  eth_amount ledger_eth;
  usdt_amount ledger_usdt;
  std::int64_t anchor_block = 0;      ///< The block of the balances; 0: still to be chosen.
  std::optional<timestamp> anchor_at;
  eth_amount chain_eth;
  usdt_amount chain_usdt;
  std::int64_t scan_from = 0;
  std::int64_t audited = 0;           ///< Ledger entries up to here were audited in earlier rounds.
  std::int64_t audit_cursor = 0;
  std::int64_t list_page = 0;
  std::int64_t sending = 0;           ///< Payments that the provider is sending at this moment, by transactions that it does not name yet.
  std::string judge_cursor;
  eth_amount explained_eth;           ///< On the chain and not in the books, and it is known why: under way, or an exception of its own.
  usdt_amount explained_usdt;
  std::string unseen;                 ///< What could not be looked at, and why.
  std::int64_t resolve_id = 0;        ///< The exception that is being resolved; 0: none.
  std::string resolve_as, resolve_reason, resolve_by;
  eth_amount resolve_eth;             ///< Still to be booked by the wallet, each apart.
  usdt_amount resolve_usdt;
  eth_amount resolve_gas;
  bool resolve_booking = false;       ///< Its figures are known and are being booked.
  std::string resolve_note;           ///< How the last one ended.
  std::shared_ptr<const reconciliation_hand> hand;
  bool operator==(const reconciliation&) const = default;

  template <class Self, class F>
  static void each_field(Self& self, F&& f) {
    f("status", self.status);
    f("round", self.round);
    f("again", self.again);
    f("started_at", self.started_at);
    f("finished_at", self.finished_at);
    f("base_block", self.base_block);
    f("scanned_block", self.scanned_block);
    f("cut", self.cut);
    f("mined_block", self.mined_block);
    f("ledger_eth", self.ledger_eth);
    f("ledger_usdt", self.ledger_usdt);
    f("anchor_block", self.anchor_block);
    f("anchor_at", self.anchor_at);
    f("chain_eth", self.chain_eth);
    f("chain_usdt", self.chain_usdt);
    f("scan_from", self.scan_from);
    f("audited", self.audited);
    f("audit_cursor", self.audit_cursor);
    f("list_page", self.list_page);
    f("sending", self.sending);
    f("judge_cursor", self.judge_cursor);
    f("explained_eth", self.explained_eth);
    f("explained_usdt", self.explained_usdt);
    f("unseen", self.unseen);
    f("resolve_id", self.resolve_id);
    f("resolve_as", self.resolve_as);
    f("resolve_reason", self.resolve_reason);
    f("resolve_by", self.resolve_by);
    f("resolve_eth", self.resolve_eth);
    f("resolve_usdt", self.resolve_usdt);
    f("resolve_gas", self.resolve_gas);
    f("resolve_booking", self.resolve_booking);
    f("resolve_note", self.resolve_note);
  }
};

/// Command: starts it at the first start of the system; a repeat changes nothing.
struct start_reconciliation {};
/// Command: starts a round, or after the one under way another. Answers round_view.
struct run_reconciliation {};
/// Command of the operator: resolves an exception. `as`: "float" (the platform's own money), "gas", "loss", "unattributed" (whose it is is
/// not known) book the difference, "explained" leaves the books as they are. Answers `ok` when it is taken up; `busy` while another one is, or a round
/// reads the ledger. `resolve_note` says how it ended.
struct resolve_exception {
  std::int64_t id = 0;
  std::string as, reason, by;
};

using reconciliation_message = std::variant<effect_done, start_reconciliation, run_reconciliation, resolve_exception>;

} // namespace paygate
