#include <algorithm>

#include "actors/wallet/wallet_step.hpp"

// From queued to broadcast: whose the coins are, nonce and fees, signature, the pool.
namespace paygate::wallets {

namespace {

constexpr std::uint64_t gas_limit_min = 21'000, gas_limit_max = 16'777'216; // EIP-7825.
constexpr int128 fee_sane_max = one_coin;                                   // A whole coin per gas is no market, it is nonsense.

bool is_sane(const chain_quote& q) {
  return q.gas_limit >= gas_limit_min && q.gas_limit <= gas_limit_max && q.base_fee >= 0 && q.base_fee < fee_sane_max && q.priority_fee >= 0
         && q.priority_fee < fee_sane_max && q.balance >= 0;
}

} // namespace

void step::on_books(const wallet_transfer& t, const io_outcome& outcome) {
  auto& w = out_.next;
  const auto* seen = std::get_if<wallet_books_seen>(&outcome);
  if (!seen || next_to_prepare(w) != &t) return;
  w.books_for = t.intent;
  w.ledger = seen->ledger;
  w.owed = seen->owed;
  w.incoming = seen->incoming;
  w.owed_usdt = seen->owed_usdt;
}

void step::on_quote(wallet_transfer& t, const io_outcome& outcome) {
  auto& w = out_.next;
  if (t.status != transfer_status::queued || next_to_prepare(w) != &t || w.books_for != t.intent) return;
  if (const auto* f = std::get_if<io_failure>(&outcome)) {
    const auto said = f->text.empty() ? f->code : f->text;
    return alert("the node refuses to quote " + t.intent + ": " + said);
  }
  const auto* q = std::get_if<chain_quote>(&outcome);
  if (!q || (q->refused.empty() && !is_sane(*q))) return;
  if (q->chain_id != context_.rules.chain_id)
    return alert("the node speaks for chain " + std::to_string(q->chain_id) + ", the settings for "
                 + std::to_string(context_.rules.chain_id));
  const auto latest = static_cast<std::int64_t>(q->latest_nonce);
  w.chain_nonce = latest;
  if (latest > w.next_nonce)
    return pause("the chain's nonce " + std::to_string(latest) + " is ahead of ours, " + std::to_string(w.next_nonce)
                 + ": somebody else used the key, or a backup was restored");
  if (latest < lowest_open_nonce())
    return alert("the node is behind: its nonce is " + std::to_string(latest) + ", ours " + std::to_string(lowest_open_nonce()));
  // What a restored backup has forgotten may still wait in the pool: another intent must not take a nonce beside it.
  if (static_cast<std::int64_t>(q->pending_nonce) > w.next_nonce)
    return alert("the node's pool holds nonce " + std::to_string(q->pending_nonce - 1) + " of this wallet, and ours end before "
                 + std::to_string(w.next_nonce) + ": somebody else used the key, or a backup was restored");
  // Only now: the chain shows that nothing was sent that we have forgotten, so this was never signed, and never will be.
  if (is_late(t)) return drop(t, "its time ran out before it could be signed");
  // Refused by the receiver's code, so for ever; it must not keep the others waiting.
  if (!q->refused.empty()) return drop(t, "the receiving contract refuses it: " + q->refused);
  const auto fees = first_fees(*q, context_.rules.max_fee_wei);
  if (!fees) return alert("fee cap: gas costs more than wallet.max_fee_gwei allows");
  if (!covers(*q, t, *fees)) return;
  t.status = transfer_status::prepared;
  t.nonce = w.next_nonce++;
  t.gas_limit = static_cast<std::int64_t>(q->gas_limit);
  t.max_fee = fees->max_fee;
  t.priority_fee = fees->priority_fee;
  out_.note = t.intent + " has nonce " + std::to_string(t.nonce);
  alert("");
}

/// The chain must hold the value, and what is left beside it must hold what others are owed (each pot pays its own) and the gas float; else
/// the alert says which is too low. Of what the chain has more than the ledger, as much as is on its way to us counts as that, not as gas.
bool step::covers(const chain_quote& q, const wallet_transfer& t, const gas_fees& fees) {
  if (!covers_token(q, t)) return false;
  auto& w = out_.next;
  int128 free = q.balance, in_books = w.ledger, owed = w.owed;
  for (const auto& other : w.transfers) {
    if (!in_flight(other)) continue;
    const auto most = checked_add(other.value.units(), static_cast<int128>(other.gas_limit) * other.max_fee);
    // What `latest` has mined already is no longer part of the balance; the ledger learns of it when it is deep enough.
    if (other.nonce >= static_cast<std::int64_t>(q.latest_nonce)) free = checked_sub(free, most);
    in_books = checked_sub(in_books, most);
    if (other.held.empty() && !other.missing_since) owed = checked_sub(owed, other.value.units());
  }
  const auto value = t.value.units(), gas = static_cast<int128>(q.gas_limit) * fees.max_fee;
  if (free < value) {
    alert("balance too low: " + eth_text(value) + " to send, " + eth_text(std::max<int128>(free, 0)) + " free");
    return false;
  }
  const auto arriving = std::clamp<int128>(checked_sub(free, in_books), 0, std::max<int128>(w.incoming, 0));
  const auto of_others = checked_add(std::max<int128>(checked_sub(owed, value), 0), arriving);
  const auto left = checked_sub(checked_sub(free, value), of_others);
  const auto low = context_.rules.gas_float_low.units(), high = std::max(low, context_.rules.gas_float_high.units());
  w.gas_float = eth_amount::of_units(left);
  if (left < low)
    w.float_alert = "gas float too low: it was " + eth_text(left) + ", to be refilled to " + eth_text(high);
  else if (left >= high)
    w.float_alert.clear();
  if (left >= std::max(gas, low)) return true;
  alert("gas float too low: " + eth_text(left) + " beside the transfer"
        + (of_others > 0 ? " and " + eth_text(of_others) + " of others" : "") + ", "
        + (gas > low ? "less than its gas" : eth_text(low) + " wanted"));
  return false;
}

bool step::covers_token(const chain_quote& q, const wallet_transfer& t) {
  if (t.token.empty()) return true;
  const auto& w = out_.next;
  int128 free = q.token_balance, of_others = w.owed_usdt / usdt_unit_of_token;
  for (const auto& other : w.transfers) {
    if (!in_flight(other) || other.token != t.token) continue;
    if (other.nonce >= static_cast<std::int64_t>(q.latest_nonce)) free = checked_sub(free, token_units(other));
    if (other.held.empty() && !other.missing_since) of_others = checked_sub(of_others, token_units(other));
  }
  of_others = std::max<int128>(checked_sub(of_others, token_units(t)), 0);
  if (free >= checked_add(token_units(t), of_others)) return true;
  const auto text = [](int128 units) { return to_decimal(mul_div_floor(std::max<int128>(units, 0), usdt_unit_of_token, 1)) + " USDT"; };
  alert("token balance too low: " + worth(t) + " to send, " + text(free) + " free"
        + (of_others > 0 ? ", " + text(of_others) + " of it of others" : ""));
  return false;
}

std::int64_t step::lowest_open_nonce() const {
  auto lowest = out_.next.next_nonce;
  for (const auto& t : out_.next.transfers)
    if (in_flight(t)) lowest = std::min(lowest, t.nonce);
  return lowest;
}

void step::on_signed(wallet_transfer& t, const io_outcome& outcome) {
  if (!t.hash.empty() && !t.raising) return;
  if (const auto* f = std::get_if<io_failure>(&outcome)) return alert("cannot sign " + t.intent + ": " + f->text);
  const auto* tx = std::get_if<tx_signed>(&outcome);
  if (!tx || tx->raw.size() < 4 || tx->hash.size() < 4 || tx->hash.find(' ') != std::string::npos) return;
  const auto known = hashes_of(t);
  if (std::find(known.begin(), known.end(), tx->hash) != known.end()) return;
  if (!t.hash.empty()) t.old_hashes += (t.old_hashes.empty() ? "" : " ") + t.hash;
  t.raw = tx->raw;
  t.hash = tx->hash;
  t.raising = false;
  t.broadcast_at.reset();
  if (t.status == transfer_status::prepared) t.status = transfer_status::signed_tx;
  out_.note = t.intent + " signed as " + t.hash;
}

void step::on_broadcast(wallet_transfer& t, const io_outcome& outcome) {
  if (const auto* f = std::get_if<io_failure>(&outcome))
    return alert("the node refuses nonce " + std::to_string(t.nonce) + ": " + (f->text.empty() ? f->code : f->text));
  const auto* sent = std::get_if<tx_broadcast>(&outcome);
  if (!sent || t.hash.empty()) return;
  switch (sent->answer) {
  case broadcast_answer::insufficient_funds:
    return alert("balance too low: the node wants more for nonce " + std::to_string(t.nonce) + " (" + eth_text(t.value.units())
                 + " and gas)");
  case broadcast_answer::accepted:
    if (!t.broadcast_at) alert("");
    break;
  // The nonce is used: by this, by an earlier version, or by somebody else. Only the receipts tell, and they are polled from here on.
  case broadcast_answer::nonce_too_low: break;
  // The pool wants more. A raise is due `resubmit_after` from here: at once would let a strange node drive the fees up in a second.
  case broadcast_answer::underpriced: break;
  }
  if (!t.broadcast_at) t.broadcast_at = context_.now;
  if (t.status == transfer_status::signed_tx) t.status = transfer_status::broadcast;
}

void step::on_reprice(wallet_transfer& t, const io_outcome& outcome) {
  const auto* q = std::get_if<chain_quote>(&outcome);
  const bool due = t.broadcast_at && t.block_number == 0 && !t.missing_since && !t.raising;
  if (!q || !is_sane(*q) || q->chain_id != context_.rules.chain_id || !due) return;
  if (static_cast<std::int64_t>(q->latest_nonce) > t.nonce) return; // Mined by the look of it: the receipts will say by what.
  const auto fees = raised_fees({t.max_fee, t.priority_fee}, *q, context_.rules.max_fee_wei);
  if (!fees) return alert("fee cap: nonce " + std::to_string(t.nonce) + " waits, and wallet.max_fee_gwei allows no higher fee");
  t.raising = true;
  t.max_fee = fees->max_fee;
  t.priority_fee = fees->priority_fee;
  out_.note = "nonce " + std::to_string(t.nonce) + ": fees raised to " + to_integer_text(t.max_fee) + " wei";
}

} // namespace paygate::wallets
