#include <algorithm>

#include "actors/payment/payment_parts.hpp"

// What the operator decides about a payment that was not judged good by itself.
namespace paygate::payments {

namespace {

bool awaits_decision(const payment& s) {
  return s.status == payment_status::underpaid || s.status == payment_status::held || s.status == payment_status::partially_paid;
}

refused not_awaiting(const payment& s) {
  if (s.status == payment_status::paid) return {refusal::out_of_order, "it is paid: there is nothing to decide"};
  if (s.decision == payment_decision::refunded && s.status == payment_status::refunded)
    return {refusal::out_of_order, "it was refunded already (" + (s.refund_address.empty() ? refunded_outside : s.refund_address) + ")"};
  return {refusal::out_of_order,
          "it is " + std::string(to_text(s.status)) + ": only what is underpaid, partially paid or held is decided about"};
}

/// A refund that waits for its deposits to arrive is a decision that stands.
bool has_unstarted_refund(const payment& s) { return s.refunds > 0 && !s.refund_address.empty() && !s.refund_started_at; }
const refused not_started{refusal::out_of_order, "the refund before it has not started yet"};

/// What was held and has no ETH in our books is a person's from here on: no report of the provider brings it back to be judged.
void take_over(payment& s) {
  if (s.status != payment_status::held) return;
  for (auto& d : s.deposits)
    if (d.status == provider_status::finished && !d.settled_at && !needs_price(d)) d.by_hand = true;
}

void decide(payment& s, payment_decision what, const std::string& reason, const step_context& context) {
  s.decision = what;
  s.decided_at = context.now;
  s.decision_reason = reason;
  s.judged_at = context.now;
}

/// Looks as if it could be one. Checksums are checked where the codecs are, before the command is sent.
bool is_plausible(const std::string& text) {
  constexpr std::size_t longest = 128;
  return !text.empty() && text.size() <= longest && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

/// What the provider took back leaves the books.
void reverse_receipts(step& out, const step_context& context) {
  for (auto& d : out.next.deposits) {
    if (!is_undecided(d)) continue;
    ledger_entry entry{entry_key(context, "taken_back", d), "the provider refunded what it had said to be ours", {}};
    add_posting(entry, accounts::undecided, d.gross_eth.units());
    add_posting(entry, accounts::incoming, -d.gross_eth.units());
    out.entries.push_back(std::move(entry));
    d.refund_id = refunded_outside;
  }
}

/// Given back by hand: what lies nowhere in our wallet leaves our books as well. An order that other deposits paid stays paid.
verdict<payment> refund_outside(const payment& state, const refund_payment& command, const step_context& context) {
  if (state.decision == payment_decision::refunded && state.status == payment_status::refunded && state.refund_address.empty())
    return step{.next = state, .changed = false, .reply = ok{}, .entries = {}, .rows = {}, .note = {}};
  const auto paid_otherwise = state.status == payment_status::paid && std::any_of(state.deposits.begin(), state.deposits.end(), is_undecided);
  if (!awaits_decision(state) && !paid_otherwise) return not_awaiting(state);
  if (has_unstarted_refund(state)) return not_started;
  for (const auto& d : state.deposits) {
    if (!is_undecided(d)) continue;
    if (d.arrived_at) return refused{refusal::invalid, "its ETH lies in our wallet: say to which address it goes"};
    if (!d.by_hand)
      return refused{refusal::invalid, "its ETH is on the way to our wallet, and the provider has not said that it was refunded"};
  }
  step out{.next = state, .changed = true, .reply = ok{}, .entries = {}, .rows = {}, .note = "given back outside: " + command.reason};
  auto& s = out.next;
  reverse_receipts(out, context);
  if (paid_otherwise) return out;
  take_over(s);
  decide(s, payment_decision::refunded, command.reason, context);
  s.status = payment_status::refunded;
  s.refund_asset = {};
  s.refund_address.clear();
  s.refund_extra_id.clear();
  s.refund_started_at.reset();
  s.refund_told_at.reset();
  return out;
}

} // namespace

std::string refund_id_of(const payment& state, const std::string& order_id) {
  return order_id + ".refund" + (state.refunds > 1 ? std::to_string(state.refunds) : "");
}

verdict<payment> accept(const payment& state, const accept_payment& command, const step_context& context) {
  if (command.reason.empty()) return refused{refusal::invalid, "a decision needs a reason"};
  step out{.next = state, .changed = true, .reply = ok{}, .entries = {}, .rows = {}, .note = {}};
  auto& s = out.next;
  if (s.status == payment_status::paid && s.decision == payment_decision::accepted) {
    out.changed = false;
    return out;
  }
  if (!awaits_decision(s)) return not_awaiting(s);
  if (has_unstarted_refund(s)) return not_started;
  int128 credited = 0;
  for (auto& d : s.deposits) {
    if (!is_undecided(d)) continue;
    credited = checked_add(credited, d.gross_eth.units());
    credit(out, d, accounts::undecided, context);
  }
  take_over(s);
  decide(s, payment_decision::accepted, command.reason, context);
  s.status = payment_status::paid;
  s.owner_told_at.reset();
  out.note =
      "accepted: "
      + (credited > 0 ? to_decimal(credited) + " eth credited" : std::string("no ETH of it is in our books, its value is settled outside"))
      + "; " + command.reason;
  return out;
}

verdict<payment> refund(const payment& state, const refund_payment& command, const step_context& context) {
  if (command.reason.empty()) return refused{refusal::invalid, "a decision needs a reason"};
  if (command.outside) return refund_outside(state, command, context);
  if (!is_plausible(command.address) || command.target.ticker.empty() || command.target.network.empty() || command.extra_id.size() > 128)
    return refused{refusal::invalid, "a refund needs a coin, its network and an address"};
  step out{.next = state, .changed = false, .reply = ok{}, .entries = {}, .rows = {}, .note = {}};
  auto& s = out.next;
  // It lies undecided again: the payout has posted that.
  const auto anew = s.decision == payment_decision::refunded && s.refund_started_at && !command.ended.empty()
                    && command.ended == refund_id_of(s, context.self.id);
  if (anew)
    for (auto& d : s.deposits)
      if (d.refund_id == command.ended) d.refund_id.clear();
  const auto open = std::any_of(s.deposits.begin(), s.deposits.end(), is_undecided);
  const auto same = s.decision == payment_decision::refunded && s.refund_asset == command.target && s.refund_address == command.address
                    && s.refund_extra_id == command.extra_id;
  if (!open && same) return out;
  if (!anew && !awaits_decision(s)) return not_awaiting(s);
  if (!open)
    return refused{refusal::invalid,
                   "nothing of it lies in our books, its value did not come as ETH: give it back where it lies, then say so (outside)"};
  if (has_unstarted_refund(s)) return not_started;
  ++s.refunds;
  const auto id = refund_id_of(s, context.self.id);
  int128 units = 0;
  for (auto& d : s.deposits) {
    if (!is_undecided(d)) continue;
    d.refund_id = id;
    units = checked_add(units, d.gross_eth.units());
  }
  s.refund_asset = command.target;
  s.refund_address = command.address;
  s.refund_extra_id = command.extra_id;
  s.refund_started_at.reset();
  s.refund_told_at.reset();
  take_over(s);
  decide(s, payment_decision::refunded, command.reason, context);
  s.status = payment_status::refunded;
  out.changed = true;
  out.note = "refund of " + to_decimal(units) + " eth by payout " + id + "; " + command.reason;
  return out;
}

} // namespace paygate::payments
