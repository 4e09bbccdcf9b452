#pragma once

#include <optional>
#include <string>
#include <vector>

#include "messages/step.hpp"

namespace paygate {

/// Reconciliation, decisions only (spec 10). A round cuts the ledger at one entry, takes the chain's balances at a block that holds all
/// that the cut rests on, and explains the difference movement by movement, so that business may go on meanwhile: what was mined and is not
/// booked yet is known by its transaction. Whatever is in hand is at most a page; a restart goes on at the page's beginning.
struct reconciliation_kind {
  using state = reconciliation;
  using message = reconciliation_message;
  static constexpr entity_kind kind = entity_kind::reconciliation;
  static verdict<reconciliation> apply(const reconciliation& state, bool exists, const reconciliation_message& message,
                                       const step_context& context);
  static std::vector<effect> effects_due(const reconciliation& state, const entity_ref& self, timestamp now, const policy& rules);
  static std::optional<timestamp> wakes_at(const reconciliation& state, timestamp now, const policy& rules);
  static std::optional<std::chrono::seconds> stuck_after(const reconciliation& state);
};

namespace reconciling {

inline constexpr std::uint64_t scan_page = 10;    ///< Blocks read at once: whole blocks are large.
inline constexpr std::uint64_t scan_overlap = 64; ///< Blocks read again in the next round: a reorganised chain may have changed them.
inline constexpr int doubts_max = 3;              ///< A node that does not know a transaction is asked so often.
inline constexpr std::size_t items_max = 100;     ///< In hand.
/// What came in during so long a time may be what the provider is sending at this moment.
inline constexpr auto sending_patience = std::chrono::hours(1);
/// What became final so lately is audited in every round, and payments are listed from so long before the last one.
inline constexpr auto audit_again = std::chrono::hours(24);

namespace keys {
inline const std::string open = "open";
std::string of(const char* what, const reconciliation& state);
std::string next(const reconciliation& state);
std::string anchor(const reconciliation& state);
std::string scan(const reconciliation& state);
std::string page(const reconciliation& state);
std::string hashes(const reconciliation& state);
std::string item(const reconciliation& state, const audit_item& item);
std::string list(const reconciliation& state);
std::string known(const reconciliation& state);
std::string claim(const reconciliation& state, const std::string& id);
std::string judge(const reconciliation& state);
std::string exception(const reconciliation& state);
std::string book(const reconciliation& state, const char* part);
} // namespace keys

/// The blocks of the next page to scan.
std::uint64_t scan_last(const reconciliation& state);
/// The ledger account that a correction of this kind stands against; empty when there is no such kind.
std::string counter_account(const std::string& as);
/// The wallet's name for a correction, and the key of the ledger entry that it makes of it.
std::string correction_name(const reconciliation& state, const char* part);

// --- differences, with their likely cause ---

/// What a receipt, or its lack, says about an item of the audit; nothing when all is well.
std::optional<exception_found> judge_receipt(const audit_item& item, const receipt* found);
std::optional<exception_found> judge_payment(const audit_item& item, const io_outcome& said);
std::optional<exception_found> judge_swap(const audit_item& item, const io_outcome& said);
/// What a movement that the books do not hold means; nothing when it is under way.
std::optional<exception_found> judge_movement(const unbooked& item);
std::optional<exception_found> judge_balance(const std::string& currency, int128 chain, int128 ledger, int128 explained,
                                             std::uint64_t block);
exception_found unknown_at_provider(const provider_payment& listed);

} // namespace reconciling

} // namespace paygate
