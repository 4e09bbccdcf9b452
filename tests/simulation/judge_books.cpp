// The end of a world, in money: every account of the ledger is what the rows, the chain and the providers say it must be, to the unit.
#include <algorithm>

#include "tests/simulation/simulation.hpp"

namespace paygate::sim {

namespace {

using balances_map = std::map<std::pair<std::string, std::string>, int128>;

/// What the rows say that each account must hold.
struct expectation {
  const database& db;
  balances_map wanted{};

  void add(const std::string& account, const char* currency, int128 units) {
    if (units != 0) wanted[{account, currency}] += units;
  }

  void deposits() {
    for (const auto& [order, all] : db.deposits)
      for (const auto& d : all) {
        if (!d.settled_at) continue;
        const bool credited = db.accruals.rows.count(d.payment_id) != 0;
        if (!d.arrived_at) add(accounts::incoming, "eth", d.gross_eth.units());
        if (!credited) add(accounts::undecided, "eth", -d.gross_eth.units());
      }
  }

  void accruals() {
    for (const auto& [id, a] : db.accruals.rows) {
      add(accounts::fee_income, "eth", -a.fee_eth.units());
      const auto channel = std::to_string(a.channel_id);
      if (a.status == accrual_status::pending) add(accounts::owner_available(channel), "eth", -a.net_eth.units());
      if (a.status == accrual_status::converted) add(accounts::owner_available(channel), "usdt", -a.net_usdt.units());
      // Taken at once by an instant payout that was never made, because its ETH never came.
      const bool waits = a.status == accrual_status::paying && !db.rows.count({entity_kind::payout, a.payout_id});
      if (waits) add(accounts::owner_available(channel), "eth", -a.net_eth.units());
    }
  }

  void payout_row(const payout& p) {
    const auto channel = std::to_string(p.channel_id);
    const bool usdt = p.pot == payout_pot::usdt;
    const auto source = (usdt ? p.source_usdt.units() : p.source.units()) - p.lost,
               funded = usdt ? p.funded_usdt.units() : p.funded.units();
    const char* currency = usdt ? "usdt" : "eth";
    if (p.status == payout_status::completed) return add(accounts::owner_available(channel), currency, -(source - funded));
    const bool waits = p.status == payout_status::refunding || p.status == payout_status::receiving;
    if (p.status != payout_status::needs_attention && !waits) return;
    const bool sent = sent_by(p.tx_hash);
    // A direct transfer was taken from the promise itself; a swap's deposit stands beside it.
    if (!(sent && p.swap_id.empty())) add(accounts::owner_held(channel), currency, -source);
    if (sent && !p.swap_id.empty()) add(accounts::in_swap(p.swap_id), currency, funded);
  }

  void conversion_row(const conversion& c, const std::string& id) {
    using enum conversion_status;
    if (c.status == completed) {
      add(accounts::rounding, "eth", c.funded.units() - (c.source.units() - c.lost));
      const auto fee = c.withdrawal_fee + mul_div_floor(c.deposit_fee, c.market_rate, one_coin);
      add(accounts::provider_fee, "usdt", fee);
      add(accounts::spread, "usdt", c.net.units() - c.received.units() - fee);
      add(accounts::borne, "usdt", c.received.units() - c.net.units());
    } else if (c.status != cancelled && c.status != failed) {
      add(accounts::converting(id), "eth", -(c.source.units() - c.lost));
      if (sent_by(c.tx_hash)) add(accounts::in_swap(c.swap_id), "eth", c.funded.units());
    }
  }

  bool sent_by(const std::string& hash) const {
    return !hash.empty() && std::any_of(db.transfers.begin(), db.transfers.end(), [&](const auto& t) {
      return t.second.row.status == transfer_status::confirmed && t.second.row.hash == hash;
    });
  }
};

} // namespace

/// What reached our address and is not in the books: what a provider sent beyond its word, and what came back and is still a person's to
/// post.
int128 simulation::unbooked(bool token) const {
  int128 sum = 0;
  for (const auto& [id, s] : o_.swaps.swaps)
    for (const auto& hash : s.paid) {
      const bool posted = o_.db.arrivals.count({hash, token ? "usdt" : "eth"}) != 0;
      if (!posted) sum += o_.coins.brought(hash, token);
    }
  return sum;
}

void simulation::judge_gathering() {
  auto& w = o_.w;
  for (const auto& [ref, row] : o_.db.rows) {
    const auto* c = std::get_if<conversion>(&row.state);
    if (!c) continue;
    const auto is = to_text(ref) + " is " + std::string(to_text(c->status)) + " (" + c->reason + ")";
    w.demand(has_ended(ref, row.state), is + ": every conversion ends; last error: " + row.header.last_error);
    const bool bad = c->status == conversion_status::failed || c->status == conversion_status::needs_attention;
    w.demand(!bad || (!c->reason.empty() && o_.db.listed(ref.kind, ref.id)), is + ": it says why, and is listed");
    w.demand(c->settled_intent.empty(), is + ": its transfer is acknowledged");
  }
  for (const auto& [id, a] : o_.db.accruals.rows) {
    const auto* c = o_.db.find<conversion>(entity_kind::conversion, a.conversion_id);
    if (a.status == accrual_status::converting)
      w.demand(c && c->status != conversion_status::completed && c->status != conversion_status::cancelled
                   && c->status != conversion_status::failed,
               "accrual " + id + " is held by a conversion that goes on, or by a person");
  }
  const auto open = startable();
  w.demand(open.empty(), "what has gathered is used: " + open);
}

/// What the schedulers could start by the books as they are; empty when nothing.
std::string simulation::startable() const {
  const auto gathered = o_.db.accruals.gathered();
  const auto due = std::get<due_payouts_seen>(o_.db.ask(get_due_payouts{}));
  if (!due.due.empty()) return std::to_string(due.due.size()) + " channels are due";
  const bool enough = gathered.net >= o_.rules.conversion_threshold && truncate_to(gathered.eth.units(), 8) >= market::eth_to_usdt_min;
  return enough && gathered.accruals > 0 ? "$" + to_decimal(gathered.net) + " can be converted" : "";
}

void simulation::judge_books() {
  auto& w = o_.w;
  expectation should{o_.db};
  should.deposits();
  should.accruals();
  for (const auto& [ref, row] : o_.db.rows) {
    if (const auto* p = std::get_if<payout>(&row.state)) should.payout_row(*p);
    if (const auto* c = std::get_if<conversion>(&row.state)) should.conversion_row(*c, ref.id);
  }
  should.add(accounts::float_equity, "eth", -one_coin);
  should.add(accounts::gas, "eth", o_.net.gas_spent());
  should.add(accounts::wallet, "eth", o_.net.balance() - unbooked(false));
  should.add(accounts::wallet, "usdt", o_.net.tokens() * (one_coin / 1'000'000) - unbooked(true));
  for (const auto& [key, units] : o_.db.balances) {
    const auto at = should.wanted.find(key);
    const auto want = at == should.wanted.end() ? 0 : at->second;
    // What owners bore of ways back and of legs stands against what providers kept.
    if (key.second == "eth" && (key.first == accounts::provider_fee || key.first == accounts::borne)) continue;
    w.demand(units == want, "every unit is found again: " + key.first + " holds " + to_decimal(units) + " " + key.second
                                + ", by rows and chain " + to_decimal(want));
  }
  w.demand(o_.db.balance(accounts::provider_fee) + o_.db.balance(accounts::borne) == 0, "what providers kept of ETH was borne by owners");
  for (const auto& [key, units] : should.wanted)
    w.demand(units == o_.db.balance(key.first, key.second),
             "every unit is booked: " + to_decimal(units) + " " + key.second + " in " + key.first);
}

} // namespace paygate::sim
