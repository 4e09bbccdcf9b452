#include <algorithm>

#include "actors/reconciliation/reconciliation_machine.hpp"

namespace paygate {

namespace reconciling {

namespace keys {
std::string of(const char* what, const reconciliation& s) { return std::string(what) + ":" + std::to_string(s.round); }
std::string anchor(const reconciliation& s) { return of("anchor", s) + ":" + std::to_string(s.anchor_block); }
std::string scan(const reconciliation& s) { return of("scan", s) + ":" + std::to_string(s.scan_from); }
std::string page(const reconciliation& s) { return of("page", s) + ":" + std::to_string(s.audit_cursor); }
std::string hashes(const reconciliation& s) {
  return of("hashes", s) + ":" + std::to_string(s.audit_cursor) + ":" + std::to_string(s.hand ? s.hand->doubts : 0);
}
std::string item(const reconciliation& s, const audit_item& i) { return of("item", s) + ":" + i.subject + "@" + std::to_string(i.entry); }
std::string list(const reconciliation& s) { return of("list", s) + ":" + std::to_string(s.list_page); }
std::string known(const reconciliation& s) { return of("known", s) + ":" + std::to_string(s.list_page); }
std::string claim(const reconciliation& s, const std::string& id) { return of("claim", s) + ":" + id; }
std::string next(const reconciliation& s) { return of("next", s); }
std::string judge(const reconciliation& s) { return of("judge", s) + ":" + s.judge_cursor; }
std::string exception(const reconciliation& s) { return "exception:" + std::to_string(s.resolve_id); }
std::string book(const reconciliation& s, const char* part) { return "book:" + correction_name(s, part); }
} // namespace keys

std::uint64_t scan_last(const reconciliation& s) {
  return std::min(static_cast<std::uint64_t>(s.anchor_block), static_cast<std::uint64_t>(s.scan_from) + scan_page - 1);
}

std::string counter_account(const std::string& as) {
  if (as == "float") return accounts::float_equity;
  if (as == "gas") return accounts::gas;
  if (as == "loss") return accounts::loss;
  if (as == "unattributed") return accounts::unattributed;
  return {};
}

std::string correction_name(const reconciliation& s, const char* part) { return "exception/" + std::to_string(s.resolve_id) + "/" + part; }

} // namespace reconciling

namespace {

using namespace std::chrono_literals;
using namespace reconciling;

effect ask(std::string key, io_request request) { return {std::move(key), std::move(request), timestamp{}, 500ms, 15'000ms}; }

void audit_due(std::vector<effect>& due, const reconciliation& s, const policy& rules) {
  if (!s.hand) {
    get_audit_page page;
    page.after = s.audit_cursor;
    page.known = s.audited;
    page.last = s.cut;
    page.since = *s.started_at - audit_again;
    return due.push_back(ask(keys::page(s), page));
  }
  get_receipts receipts{rules.wallet_address, {}};
  for (const auto& item : s.hand->items) {
    if (item.what == audited::deposit)
      due.push_back(ask(keys::item(s, item), get_payment{item.id}));
    else if (item.what == audited::swap)
      due.push_back(ask(keys::item(s, item), get_swap{item.id}));
    else
      receipts.hashes.push_back(item.hash);
  }
  if (!receipts.hashes.empty()) due.push_back(ask(keys::hashes(s), std::move(receipts)));
}

void list_due(std::vector<effect>& due, const reconciliation& s, const policy& rules) {
  if (!s.hand) return due.push_back(ask(keys::list(s), list_payments{*s.started_at - rules.reconciliation_interval - audit_again, s.list_page}));
  get_unknown_payments ids;
  for (const auto& p : s.hand->listed) ids.ids.push_back(p.payment_id);
  due.push_back(ask(keys::known(s), std::move(ids)));
}

void claims_due(std::vector<effect>& due, const reconciliation& s) {
  if (!s.hand || !s.hand->unclaimed) return due.push_back(ask(keys::of("claims", s), get_unclaimed{}));
  for (const auto& id : s.hand->unclaimed->payments) due.push_back(ask(keys::claim(s, id), get_payment{id}));
  for (const auto& [id, subject] : s.hand->unclaimed->swaps) due.push_back(ask(keys::claim(s, subject), get_swap{id}));
}

void resolving_due(std::vector<effect>& due, const reconciliation& s, const policy& rules) {
  if (s.resolve_id == 0) return;
  if (!s.resolve_booking) return due.push_back(ask(keys::exception(s), get_exception{s.resolve_id}));
  const auto book = [&](const char* part, const std::string& currency, int128 units, const std::string& account) {
    if (units == 0) return;
    book_correction wanted;
    wanted.key = correction_name(s, part);
    wanted.currency = currency;
    wanted.units = units;
    wanted.counter_account = account;
    wanted.reason = s.resolve_reason;
    const entity_ref wallet{entity_kind::wallet, rules.wallet_address};
    due.push_back({keys::book(s, part), ask_entity{wallet, wallet_message(std::move(wanted))}, timestamp{}, 500ms, 15'000ms});
  };
  book("eth", "eth", s.resolve_eth.units(), counter_account(s.resolve_as));
  book("usdt", "usdt", s.resolve_usdt.units(), counter_account(s.resolve_as));
  book("gas", "eth", -s.resolve_gas.units(), accounts::gas);
}

/// A look at the chain that a round begins with: while nobody can tell its state there is nothing to compare.
effect next_round(const reconciliation& s, const policy& rules) {
  auto look = ask(keys::next(s), get_chain_state{rules.wallet_address, rules.usdt_contract, 0});
  if (s.finished_at) look.not_before = *s.finished_at + rules.reconciliation_interval;
  return look;
}

} // namespace

std::vector<effect> reconciliation_kind::effects_due(const reconciliation& s, const entity_ref&, timestamp, const policy& rules) {
  const auto& wallet = rules.wallet_address;
  const auto& token = rules.usdt_contract;
  std::vector<effect> due;
  switch (s.status) {
  case reconciliation_status::opening: due.push_back(ask(keys::open, get_chain_state{wallet, token, 0})); break;
  case reconciliation_status::idle:
    if (rules.reconciliation_interval > 0ms) due.push_back(next_round(s, rules));
    break;
  case reconciliation_status::cutting:
    if (s.resolve_id == 0) due.push_back(ask(keys::of("cut", s), get_books_cut{}));
    break;
  case reconciliation_status::anchoring:
    due.push_back(ask(keys::anchor(s), get_chain_state{wallet, token, static_cast<std::uint64_t>(s.anchor_block)}));
    break;
  case reconciliation_status::scanning:
    due.push_back(ask(keys::scan(s), get_wallet_history{wallet, token, static_cast<std::uint64_t>(s.scan_from), scan_last(s)}));
    break;
  case reconciliation_status::auditing: audit_due(due, s, rules); break;
  case reconciliation_status::listing: list_due(due, s, rules); break;
  case reconciliation_status::claiming: claims_due(due, s); break;
  case reconciliation_status::judging: due.push_back(ask(keys::judge(s), get_unbooked{s.judge_cursor, s.cut})); break;
  }
  resolving_due(due, s, rules);
  return due;
}

std::optional<timestamp> reconciliation_kind::wakes_at(const reconciliation&, timestamp, const policy&) { return std::nullopt; }

std::optional<std::chrono::seconds> reconciliation_kind::stuck_after(const reconciliation& s) {
  switch (s.status) {
  case reconciliation_status::idle: return s.resolve_id == 0 ? std::nullopt : std::optional<std::chrono::seconds>(15min);
  case reconciliation_status::scanning:
  case reconciliation_status::auditing: return 6h; // A day of the chain is hundreds of pages, one after the other.
  default: return 15min;
  }
}

} // namespace paygate
