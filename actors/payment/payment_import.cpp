#include "actors/payment/payment_parts.hpp"

// Value that gathered with a predecessor: it enters the books and gathers on.
namespace paygate::payments {

namespace {

ledger_entry entry_of(const step_context& context, const char* what, std::string reason, const std::string& debit,
                      const std::string& credit, std::string_view currency, int128 units) {
  return {to_text(context.self) + "/" + what,
          std::move(reason),
          {{debit, std::string(currency), units}, {credit, std::string(currency), -units}}};
}

payment opened(const import_opening& m, const step_context& context) {
  payment p;
  p.imported = true;
  p.status = payment_status::paid;
  p.channel_id = m.terms.open_channel_id;
  p.closed_channel_id = m.terms.closed_channel_id;
  p.owner_chat_id = m.terms.owner_chat_id;
  p.channel_title = m.terms.closed_title;
  p.user_id = m.user_id;
  p.tier = -1;
  p.price = m.net;
  p.strategy = m.terms.strategy;
  p.payout_asset = m.terms.payout_asset;
  p.payout_address = m.terms.payout_address;
  p.payout_extra_id = m.terms.payout_extra_id;
  p.judged_at = context.now;
  deposit d;
  d.payment_id = d.order_id = context.self.id;
  d.status = provider_status::finished;
  d.outcome_currency = m.eth.is_positive() ? "eth" : "usdt";
  d.gross_eth = d.net_eth = m.eth;
  d.gross_usd = d.net_usd = m.net;
  d.settled_at = context.now;
  p.deposits.push_back(std::move(d));
  return p;
}

/// The same value, for the same channel; its USDT stand in the accrual alone.
bool is_same(const payment& state, const import_opening& m) {
  if (!state.imported || state.deposits.size() != 1) return false;
  const auto& d = state.deposits[0];
  return state.channel_id == m.terms.open_channel_id && d.gross_usd == m.net && d.gross_eth == m.eth && d.actually_paid == m.usdt.units();
}

} // namespace

verdict<payment> take_over(const payment& state, bool exists, const import_opening& m, const step_context& context) {
  const bool one_pot = m.eth.is_positive() != m.usdt.is_positive() && m.eth.units() >= 0 && m.usdt.units() >= 0;
  if (!one_pot || !m.net.is_positive() || m.terms.open_channel_id == 0)
    return refused{refusal::invalid, "an opening balance has a channel, a value, and ETH or USDT"};
  if (m.usdt.units() != truncate_to(m.usdt.units(), 6)) return refused{refusal::invalid, "USDT has 6 decimals"};
  if (exists && !is_same(state, m))
    return refused{refusal::conflict, "it was taken over before, with other amounts or for another channel"};
  step out{.next = state, .changed = false, .reply = ok{}, .entries = {}, .rows = {}, .note = {}};
  const auto channel = std::to_string(m.terms.open_channel_id);
  const auto units = m.eth.is_positive() ? m.eth.units() : m.usdt.units();
  const std::string currency = m.eth.is_positive() ? "eth" : "usdt";
  const auto to_come = accounts::opening_to_come(channel), equity = accounts::opening_equity(channel);
  if (exists) {
    if (!m.covered || state.deposits[0].arrived_at) return out;
    out.next.deposits[0].arrived_at = context.now;
    out.entries.push_back(entry_of(context, "covered", "what was still to come is in the wallet", equity, to_come, currency, units));
    out.note = "covered";
    return out;
  }
  out.next = opened(m, context);
  auto& d = out.next.deposits[0];
  d.actually_paid = m.usdt.units();
  if (m.covered) d.arrived_at = context.now;
  out.entries.push_back(entry_of(context, "opening", "gathered with the predecessor: " + m.source, m.covered ? equity : to_come,
                                 accounts::owner_available(channel), currency, units));
  accrual_opened accrual;
  accrual.payment_id = accrual.order_id = context.self.id;
  accrual.channel_id = m.terms.open_channel_id;
  accrual.status = m.eth.is_positive() ? accrual_status::pending : accrual_status::converted;
  accrual.gross_usd = accrual.net_usd = m.net;
  accrual.gross_eth = accrual.net_eth = m.eth;
  accrual.net_usdt = m.usdt;
  out.rows.emplace_back(accrual);
  out.note = "taken over: " + m.source;
  if (!m.covered)
    list_failure(out, "opening_not_covered",
                 to_decimal(units) + " " + currency + " of " + m.source
                     + " are owed to the owner and not in the wallet: move them there and import again");
  return out;
}

} // namespace paygate::payments
