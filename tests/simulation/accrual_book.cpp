#include "tests/simulation/accrual_book.hpp"

#include <algorithm>
#include <vector>

#include "tests/simulation/planted.hpp"

namespace paygate::sim {

namespace {

constexpr int128 token_unit = one_coin / 1'000'000;

void add(claim_seen& sum, const accrual_book::row& a) {
  ++sum.accruals;
  sum.net = sum.net + a.net_usd;
  sum.eth = sum.eth + a.net_eth;
  sum.usdt = sum.usdt + a.net_usdt;
}

/// The postings of a movement between one account and each channel's available balance; nothing when nothing moves.
std::optional<ledger_entry> entry_of(std::string key, const std::string& account, const std::string& currency,
                                     const std::map<std::int64_t, int128>& lines) {
  ledger_entry entry{std::move(key), "", {}};
  int128 sum = 0;
  for (const auto& [channel, units] : lines) {
    sum = checked_add(sum, units);
    if (units != 0) entry.postings.push_back({accounts::owner_available(std::to_string(channel)), currency, units});
  }
  if (entry.postings.empty()) return std::nullopt;
  entry.postings.push_back({account, currency, -sum});
  return entry;
}

/// Shares of `units` by weight: floor, what is left by largest fraction, ties to the lowest id.
struct part {
  accrual_book::row* of;
  int128 weight;
  int128 base = 0;
  unsigned __int128 rest = 0;
};
std::vector<part> shares_of(int128 units, std::vector<part> parts) {
  int128 total = 0;
  for (const auto& p : parts) total = checked_add(total, p.weight);
  if (total == 0) return parts;
  auto left = units;
  for (auto& p : parts) {
    p.base = mul_div_floor(units, p.weight, total);
    // The remainder is below `total`: exact, although the products are not.
    p.rest = static_cast<unsigned __int128>(units) * static_cast<unsigned __int128>(p.weight)
             - static_cast<unsigned __int128>(p.base) * static_cast<unsigned __int128>(total);
    left -= p.base;
  }
  std::sort(parts.begin(), parts.end(),
            [](const part& a, const part& b) { return a.rest != b.rest ? a.rest > b.rest : a.of->id < b.of->id; });
  if (active_fault == planted::share_rounded && left > 0) --left;
  for (auto& p : parts)
    if (left > 0) ++p.base, --left;
  return parts;
}

} // namespace

void accrual_book::open(const accrual_opened& accrual, timestamp at, bool arrived) {
  row fresh;
  static_cast<accrual_opened&>(fresh) = accrual;
  fresh.id = static_cast<std::int64_t>(rows.size()) + 1;
  fresh.created = at;
  fresh.arrived = arrived;
  rows.emplace(accrual.payment_id, std::move(fresh));
}

void accrual_book::arrived(const std::string& payment_id) {
  if (const auto at = rows.find(payment_id); at != rows.end()) at->second.arrived = true;
}

void accrual_book::close(const accrual_closed& end) {
  if (end.payout_id.empty()) return;
  if (end.left) {
    const bool usdt = end.status == accrual_status::converted;
    std::vector<part> mine;
    for (auto& [id, a] : rows)
      if (a.payout_id == end.payout_id && a.status == accrual_status::paying)
        mine.push_back({&a, (end.resold || usdt ? a.net_usdt.units() : a.net_eth.units())});
    for (const auto& p : shares_of(usdt ? *end.left / token_unit : *end.left, std::move(mine))) {
      auto& a = *p.of;
      a.status = end.status;
      a.payout_id.clear();
      if (!usdt) a.net_eth = eth_amount::of_units(p.base);
      if (end.resold) resold[a.conversion_id] = resold[a.conversion_id] + a.net_usdt;
      if (usdt || end.resold) a.net_usdt = usdt_amount::of_units(usdt ? p.base * token_unit : 0);
      if (end.resold) a.conversion_id.clear();
    }
    return;
  }
  for (auto& [id, a] : rows) {
    if (a.payout_id != end.payout_id) continue;
    a.status = end.status;
    if (end.status == accrual_status::pending || end.status == accrual_status::converted) a.payout_id.clear();
  }
}

std::optional<ledger_entry> accrual_book::claim(const entity_ref& by, const claim_accruals& wanted) {
  const auto claimant = to_text(by);
  if (claims_.count(claimant)) return std::nullopt;
  const auto status = wanted.scope == claim_scope::converted_of_channel ? accrual_status::converted : accrual_status::pending;
  const bool converts = by.kind == entity_kind::conversion;
  auto& sum = claims_[claimant];
  std::map<std::int64_t, int128> lines;
  std::map<std::int64_t, row*> by_age;
  for (auto& [id, a] : rows) by_age[a.id] = &a;
  int128 so_far = 0;
  for (auto& [age, each] : by_age) {
    auto& a = *each;
    const bool greedy = active_fault == planted::same_rows && converts && a.status == accrual_status::converting;
    if (!a.arrived || (a.status != status && !greedy)) continue;
    if (wanted.scope != claim_scope::pending && a.channel_id != wanted.channel_id) continue;
    if (wanted.most > 0) {
      const auto units = status == accrual_status::pending ? a.net_eth.units() : a.net_usdt.units();
      if (units > wanted.most) continue;
      so_far = checked_add(so_far, units);
      if (so_far > wanted.most) continue;
    }
    a.status = converts ? accrual_status::converting : accrual_status::paying;
    (converts ? a.conversion_id : a.payout_id) = by.id;
    add(sum, a);
    if (active_fault == planted::claim_counts_twice && sum.accruals == 1) add(sum, a);
    if (!greedy) lines[a.channel_id] += (status == accrual_status::pending ? a.net_eth.units() : a.net_usdt.units());
  }
  return entry_of(claimant + "/claimed", wanted.account, status == accrual_status::pending ? "eth" : "usdt", lines);
}

std::optional<ledger_entry> accrual_book::close(const std::string& conversion, usdt_amount received, eth_amount left) {
  const bool bought = received.is_positive();
  std::vector<part> mine;
  for (auto& [id, a] : rows)
    if (a.conversion_id == conversion && a.status == accrual_status::converting)
      mine.push_back({&a, bought ? a.net_usd.units() : a.net_eth.units()});
  std::map<std::int64_t, int128> lines;
  for (const auto& p : shares_of(bought ? received.units() / token_unit : left.units(), std::move(mine))) {
    auto& a = *p.of;
    a.status = bought ? accrual_status::converted : accrual_status::pending;
    if (bought)
      a.net_usdt = usdt_amount::of_units(p.base * token_unit);
    else
      a.net_eth = eth_amount::of_units(p.base), a.conversion_id.clear();
    lines[a.channel_id] -= bought ? a.net_usdt.units() : a.net_eth.units();
  }
  if (bought) return entry_of("conversion/" + conversion + "/bought", accounts::wallet, "usdt", lines);
  return entry_of("conversion/" + conversion + "/returned", accounts::converting(conversion), "eth", lines);
}

std::optional<claim_seen> accrual_book::claim_of(const std::string& claimant) const {
  const auto at = claims_.find(claimant);
  return at == claims_.end() ? std::nullopt : std::optional(at->second);
}

gathered_seen accrual_book::gathered() const {
  claim_seen sum;
  for (const auto& [id, a] : rows)
    if (a.status == accrual_status::pending && a.arrived) add(sum, a);
  return {sum.accruals, sum.net, sum.eth};
}

std::map<std::pair<std::int64_t, payout_pot>, accrual_book::pot> accrual_book::pots() const {
  std::map<std::pair<std::int64_t, payout_pot>, pot> found;
  for (const auto& [id, a] : rows) {
    if (!a.arrived || (a.status != accrual_status::pending && a.status != accrual_status::converted)) continue;
    const bool eth = a.status == accrual_status::pending;
    auto& p = found[{a.channel_id, eth ? payout_pot::eth : payout_pot::usdt}];
    p.units = checked_add(p.units, eth ? a.net_eth.units() : a.net_usdt.units());
    p.oldest = std::min(p.oldest, a.created);
  }
  return found;
}

} // namespace paygate::sim
