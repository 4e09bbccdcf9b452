#include <algorithm>
#include <array>

#include "actors/payment/payment_parts.hpp"

// What the provider says, and what it is worth.
namespace paygate::payments {

namespace {

// Far above any payment, far below what NUMERIC(38,18) holds: an absurd figure goes to a person, not into the books.
constexpr int128 sane_max = one_coin * 1'000'000'000;
constexpr int128 storable_max = one_coin * 100 * 1'000'000'000'000'000'000 - 1;

/// How much a status proves. A report never takes a deposit back; among the ends the stronger evidence wins, in whatever order they come.
int rank(provider_status status) {
  switch (status) {
  case provider_status::waiting: return 0;
  case provider_status::expired: return 1; // Nothing had come: coins that are seen outrank it.
  case provider_status::confirming: return 2;
  case provider_status::confirmed: return 3;
  case provider_status::sending: return 4;
  case provider_status::failed: return 5;
  case provider_status::partially_paid: return 6;
  case provider_status::refunded: return 7;
  case provider_status::finished: return 8;
  }
  return 0;
}

bool is_end(provider_status status) {
  return status == provider_status::expired || status == provider_status::failed || status == provider_status::refunded;
}

std::optional<int128> proportion(int128 paid, int128 asked, int128 price) {
  try {
    return mul_div_floor(paid, price, asked);
  } catch (const money_error&) {
    return std::nullopt; // The provider's figures make no sense together: the same as unknown.
  }
}

/// What was paid in USD by the provider's own figures; nothing when they do not say.
std::optional<int128> value_by_provider(const payment& state, const deposit& d, const provider_payment& report) {
  if (report.actually_paid_at_fiat && *report.actually_paid_at_fiat > 0 && report.price_currency == "usd")
    return report.actually_paid_at_fiat;
  if (!report.actually_paid || *report.actually_paid <= 0 || !report.pay_amount || *report.pay_amount <= 0) return std::nullopt;
  // A repeated deposit is valued by its own price: the order's was for the first (provider-apis 1.7).
  int128 price = state.price.units();
  if (!d.parent_payment_id.empty()) {
    if (report.price_currency != "usd" || !report.price_amount || *report.price_amount <= 0) return std::nullopt;
    price = *report.price_amount;
  }
  auto value = proportion(*report.actually_paid, *report.pay_amount, price);
  return value && *value > 0 ? value : std::nullopt;
}

/// Why the report cannot be about what was ordered; empty when it can.
std::string mismatch(const payment& state, const provider_payment& report) {
  if (!report.price_currency.empty() && report.price_currency != "usd") return "its price is in another currency than the order's";
  if (report.parent_payment_id.empty() && report.price_amount && *report.price_amount != state.price.units())
    return "its price is not the order's";
  return "";
}

/// A finished payment that a person has to look at. Nothing is granted; a payment that was judged good stays so.
void hold(step& out, const std::string& why, const step_context& context, std::string code = "held") {
  auto& s = out.next;
  list_failure(out, std::move(code), why);
  if (s.status == payment_status::paid || s.status == payment_status::held) return;
  s.status = payment_status::held;
  s.judged_at = context.now;
  s.shortfall_told_at.reset();
}

/// Books ETH that an order got but that is nobody's yet.
void receive(step& out, const deposit& d, const step_context& context) {
  ledger_entry entry{entry_key(context, "received", d), "a payment came in that is not enough for its order", {}};
  add_posting(entry, accounts::incoming, d.gross_eth.units());
  add_posting(entry, accounts::undecided, -d.gross_eth.units());
  out.entries.push_back(std::move(entry));
}

/// Deposits of one order are judged together: a top-up can make it good. `fresh`: the one that came in with this step, not posted yet.
void weigh(step& out, deposit* fresh, const step_context& context) {
  auto& s = out.next;
  const auto was_paid = s.status == payment_status::paid;
  usd_amount total;
  bool finished = false;
  for (const auto& each : s.deposits) {
    if (!each.settled_at || !each.refund_id.empty() || was_taken_back(each)) continue;
    total = total + each.gross_usd;
    finished = finished || each.status == provider_status::finished;
  }
  const auto bps = s.estimated ? context.rules.fallback_tolerance_bps : context.rules.min_tolerance_bps;
  s.overpaid = total.units() > mul_div_floor(s.price.units(), 10'500, 10'000);
  s.owner_told_at.reset();
  // The provider advises not to deliver on what it calls partially paid; once refunded, a person decides about whatever comes.
  const auto enough = finished && s.decision != payment_decision::refunded && total.units() >= mul_div_ceil(s.price.units(), bps, 10'000);
  if (!was_paid && !enough) {
    if (fresh) receive(out, *fresh, context);
    const auto status = finished ? payment_status::underpaid : payment_status::partially_paid;
    list_failure(out, std::string(to_text(status)), "paid $" + to_fixed(total.units(), 2) + " of $" + to_fixed(s.price.units(), 2));
    s.shortfall_told_at.reset();
    if (s.status == payment_status::held) return;
    if (finished || s.judged_at) {
      s.status = payment_status::underpaid;
      s.judged_at = context.now;
    }
    return;
  }
  for (auto& each : s.deposits)
    if (&each == fresh || (is_undecided(each) && !was_taken_back(each)))
      credit(out, each, &each == fresh ? accounts::incoming : accounts::undecided, context);
  if (was_paid) return;
  s.status = payment_status::paid;
  s.judged_at = context.now;
}

/// The verdict on a deposit of known value, once.
void settle(step& out, deposit& d, int128 value, bool estimated, const step_context& context) {
  auto& s = out.next;
  if (value < 0 || value > sane_max) return hold(out, "its dollar value is absurd", context);
  d.gross_usd = usd_amount::of_units(value);
  auto at = context.now;
  // Strictly later than the deposits before it, so that their order never changes.
  for (const auto& other : s.deposits)
    if (other.settled_at) at = std::max(at, *other.settled_at + std::chrono::microseconds(1));
  d.settled_at = at;
  s.estimated = s.estimated || estimated;
  out.note = "outcome " + to_decimal(d.gross_eth) + " eth, $" + to_decimal(d.gross_usd);
  weigh(out, &d, context);
}

/// What was booked as a part is called finished after all: it counts in full, with what it is said to have brought unless the chain has
/// shown otherwise.
void complete_part(step& out, deposit& d, const provider_payment& report, const step_context& context) {
  auto& s = out.next;
  d.status = provider_status::finished;
  s.polled_at = context.now;
  s.polls = 0;
  out.note = "payment " + d.payment_id + " is finished after all";
  const auto said = report.outcome_amount.value_or(d.gross_eth.units());
  const auto plausible = (report.outcome_currency.empty() || report.outcome_currency == "eth") && said > 0 && said <= sane_max;
  const auto same = plausible && said == d.gross_eth.units();
  if (!same && (!plausible || d.arrived_at || !is_undecided(d)))
    list_failure(out, "outcome_differs",
                 "payment " + d.payment_id + " was booked with " + to_decimal(d.gross_eth) + " eth, and is now said to have brought "
                     + to_decimal(said) + " " + report.outcome_currency);
  else {
    if (!same) {
      ledger_entry entry{entry_key(context, "adjusted", d), "a part payment was finished with another amount", {}};
      add_posting(entry, accounts::incoming, said - d.gross_eth.units());
      add_posting(entry, accounts::undecided, d.gross_eth.units() - said);
      out.entries.push_back(std::move(entry));
      d.gross_eth = eth_amount::of_units(said);
    }
    const auto value = value_by_provider(s, d, report);
    if (value && *value <= sane_max && is_undecided(d)) d.gross_usd = usd_amount::of_units(*value);
  }
  if (is_undecided(d) && s.status != payment_status::held) weigh(out, nullptr, context);
}

/// The provider gave the coins back after it had said that they were ours: from here on a person decides.
void take_back(step& out, deposit& d, const step_context& context) {
  if (d.by_hand) return;
  d.by_hand = true;
  if (d.settled_at)
    return list_failure(out, "refunded_after_settled", "payment " + d.payment_id + " was refunded by the provider after it was finished");
  hold(out, "payment " + d.payment_id + " was refunded by the provider after it was finished; nothing was booked", context,
       "refunded_after_finished");
}

/// A finished or partially paid deposit: reads what came in, and settles it if it can.
void judge(step& out, deposit& d, const provider_payment& report, bool from_api, const step_context& context) {
  if (d.by_hand) return;
  if (report.outcome_currency.empty() || !report.outcome_amount || *report.outcome_amount <= 0) return; // To be read again.
  d.outcome_currency = report.outcome_currency;
  if (d.outcome_currency != "eth") return hold(out, "its outcome is " + d.outcome_currency + ", not eth", context);
  if (*report.outcome_amount > sane_max) return hold(out, "its outcome is absurd", context);
  const auto value = value_by_provider(out.next, d, report);
  // Zero is "unknown" in an IPN (provider-apis 1.6): the API is asked before a price source is.
  if (!value && !from_api && !d.gross_eth.is_positive()) return;
  d.gross_eth = eth_amount::of_units(*report.outcome_amount);
  if (value) settle(out, d, *value, false, context);
}

} // namespace

void add_posting(ledger_entry& entry, const std::string& account, int128 units) {
  if (units != 0) entry.postings.push_back({account, "eth", units});
}

std::string entry_key(const step_context& context, const char* what, const deposit& d) {
  return to_text(context.self) + "/" + what + "/" + d.payment_id;
}

void credit(step& out, deposit& d, const std::string& from, const step_context& context) {
  const auto& s = out.next;
  // Down, in the owner's favour; ETH by the same ratio.
  const auto fee_usd = truncate_to(mul_div_floor(d.gross_usd.units(), context.rules.platform_bps, 10'000), 8);
  const auto fee_eth = d.gross_usd.is_zero() ? 0 : mul_div_floor(d.gross_eth.units(), fee_usd, d.gross_usd.units());
  d.fee_usd = usd_amount::of_units(fee_usd);
  d.fee_eth = eth_amount::of_units(fee_eth);
  d.net_usd = d.gross_usd - d.fee_usd;
  d.net_eth = d.gross_eth - d.fee_eth;
  ledger_entry entry{entry_key(context, "settled", d), "a payment was judged good and shared between owner and platform", {}};
  add_posting(entry, from, d.gross_eth.units());
  add_posting(entry, accounts::owner_available(std::to_string(s.channel_id)), -d.net_eth.units());
  add_posting(entry, accounts::fee_income, -fee_eth);
  out.entries.push_back(std::move(entry));
  const auto instant = s.strategy == payout_strategy::instant;
  accrual_opened row;
  row.payment_id = d.payment_id;
  row.order_id = context.self.id;
  row.channel_id = s.channel_id;
  row.status = instant ? accrual_status::paying : accrual_status::pending;
  if (instant) row.payout_id = payout_id_of(s, d, context.self.id);
  row.gross_usd = d.gross_usd, row.fee_usd = d.fee_usd, row.net_usd = d.net_usd;
  row.gross_eth = d.gross_eth, row.fee_eth = d.fee_eth, row.net_eth = d.net_eth;
  out.rows.emplace_back(std::move(row));
}

bool is_open(const deposit& d) {
  return d.status == provider_status::waiting || d.status == provider_status::confirming || d.status == provider_status::confirmed
         || d.status == provider_status::sending;
}

/// By the provider's word its ETH was sent to us: both reach the wallet (provider-apis 1.5).
static bool has_come(const deposit& d) { return d.status == provider_status::finished || d.status == provider_status::partially_paid; }

bool needs_reading(const deposit& d) {
  return has_come(d) && !d.by_hand && !d.settled_at && (d.outcome_currency.empty() || d.outcome_currency == "eth")
         && !d.gross_eth.is_positive();
}

bool needs_price(const deposit& d) {
  return has_come(d) && !d.by_hand && !d.settled_at && d.outcome_currency == "eth" && d.gross_eth.is_positive();
}

bool is_credited(const deposit& d) { return d.settled_at && d.net_eth + d.fee_eth == d.gross_eth; }

bool was_taken_back(const deposit& d) { return d.by_hand && !d.arrived_at; }
bool is_undecided(const deposit& d) { return d.settled_at && !is_credited(d) && d.refund_id.empty(); }

void list_failure(step& out, std::string code, std::string text) {
  out.note = code + ": " + text;
  out.rows.emplace_back(failure_listed{std::move(code), std::move(text)});
}

deposit* find_deposit(payment& state, const std::string& payment_id) {
  for (auto& d : state.deposits)
    if (d.payment_id == payment_id) return &d;
  return nullptr;
}

payment_status status_by_deposits(const payment& state) {
  // By what the subscriber should read first: an attempt that is alive hides one that came to nothing.
  static constexpr std::array order = {provider_status::finished,  provider_status::partially_paid, provider_status::sending,
                                       provider_status::confirmed, provider_status::confirming,     provider_status::waiting,
                                       provider_status::refunded,  provider_status::failed,         provider_status::expired};
  for (auto candidate : order) {
    if (std::none_of(state.deposits.begin(), state.deposits.end(), [&](const deposit& d) { return d.status == candidate; })) continue;
    switch (candidate) {
    case provider_status::finished: return payment_status::sending; // Being judged.
    case provider_status::waiting: return payment_status::waiting;
    case provider_status::confirming: return payment_status::confirming;
    case provider_status::confirmed: return payment_status::confirmed;
    case provider_status::sending: return payment_status::sending;
    case provider_status::partially_paid: return payment_status::partially_paid;
    case provider_status::failed: return payment_status::failed;
    case provider_status::refunded: return payment_status::refunded;
    case provider_status::expired: return payment_status::expired;
    }
  }
  return state.link_sent_at ? payment_status::waiting : payment_status::created;
}

void take_report(step& out, const provider_payment& report, bool from_api, const step_context& context) {
  auto& s = out.next;
  if (!report.order_id.empty() && report.order_id != context.self.id)
    return list_failure(out, "foreign_order", "a report about payment " + report.payment_id + " names another order");
  auto why = report.payment_id.empty() || report.payment_id == "0" ? std::string("it has no payment id") : mismatch(s, report);
  if (!why.empty()) {
    const auto text = "payment " + report.payment_id + ": " + why;
    if (report.status == provider_status::finished)
      hold(out, text, context);
    else
      out.note = text;
    return;
  }
  auto* known = find_deposit(s, report.payment_id);
  const auto is_new = known == nullptr;
  if (is_new) {
    s.deposits.emplace_back();
    known = &s.deposits.back();
    known->payment_id = report.payment_id;
    known->order_id = context.self.id;
  }
  auto& d = *known;
  if (d.parent_payment_id.empty()) d.parent_payment_id = report.parent_payment_id;
  if (d.payin_hash.empty()) d.payin_hash = report.payin_hash;
  if (d.payout_hash.empty()) d.payout_hash = report.payout_hash;
  if (report.status == provider_status::refunded && (d.settled_at || d.status == provider_status::finished))
    return take_back(out, d, context);
  if (d.settled_at) {
    if (report.status == provider_status::finished && d.status == provider_status::partially_paid) complete_part(out, d, report, context);
    return;
  }
  if (rank(report.status) < rank(d.status)) return;
  if (is_new || rank(report.status) > rank(d.status)) {
    if (report.status == provider_status::finished && is_end(d.status)) s.late = true;
    d.status = report.status;
    s.polled_at = context.now;
    s.polls = 0;
    out.note = "payment " + d.payment_id + " is " + std::string(to_text(report.status));
    if (report.status == provider_status::partially_paid) s.shortfall_told_at.reset();
  }
  if (!report.pay_currency.empty()) d.pay_currency = report.pay_currency;
  if (report.actually_paid && *report.actually_paid >= 0) d.actually_paid = std::min(*report.actually_paid, storable_max);
  if (has_come(d)) judge(out, d, report, from_api, context);
  if (!s.judged_at) s.status = status_by_deposits(s);
}

void take_price(step& out, const std::string& payment_id, const usd_price& price, const step_context& context) {
  auto* d = find_deposit(out.next, payment_id);
  if (!d || !needs_price(*d) || price.per_coin <= 0) return;
  auto value = proportion(d->gross_eth.units(), one_coin, price.per_coin);
  settle(out, *d, value.value_or(sane_max + 1), true, context);
}

void take_transfer(step& out, const std::string& payment_id, const transfer_seen& seen, const step_context& context) {
  auto* d = find_deposit(out.next, payment_id);
  if (!d || d->arrived_at || !d->settled_at) return;
  if (seen.confirmations < context.rules.incoming_confirmations) return;
  const auto same_address = std::equal(
      seen.to.begin(), seen.to.end(), context.rules.wallet_address.begin(), context.rules.wallet_address.end(), [](char a, char b) {
        const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; };
        return lower(a) == lower(b);
      });
  if (seen.reverted || !same_address || seen.value != d->gross_eth.units()) {
    const auto what = seen.reverted   ? "it had no effect"
                      : !same_address ? "it went to another address"
                                      : "it brought " + to_decimal(seen.value) + " eth";
    return list_failure(out, "arrival_differs",
                        "transaction " + d->payout_hash + " should bring " + to_decimal(d->gross_eth) + " eth: " + what);
  }
  d->arrived_at = context.now;
  ledger_entry entry{entry_key(context, "arrived", *d), "a payment's ETH was seen on the chain", {}};
  add_posting(entry, accounts::wallet, seen.value);
  add_posting(entry, accounts::incoming, -seen.value);
  out.entries.push_back(std::move(entry));
  out.note = to_decimal(seen.value) + " eth arrived";
  // It came although the provider had said that it went back: it is the owner's like the rest of its order.
  if (out.next.status == payment_status::paid && is_undecided(*d)) credit(out, *d, accounts::undecided, context);
}

} // namespace paygate::payments
