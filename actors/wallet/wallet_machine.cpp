#include "actors/wallet/wallet_machine.hpp"

#include <algorithm>

namespace paygate {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t transfers_max = 10'000;
constexpr std::uint64_t gas_limit_min = 21'000, gas_limit_max = 16'777'216; // EIP-7825.
constexpr int128 fee_sane_max = one_coin;                                   // A whole coin per gas is no market, it is nonsense.
/// Nodes behind one address disagree for a while: a nonce that is used by none of our hashes is believed only after this long.
constexpr auto missing_patience = 2min;
/// A question that got lost on the way may arrive after its repeat was answered and acknowledged: it must still find the transfer here.
constexpr auto remembered = 10min;
constexpr int128 usdt_unit_of_token = one_coin / 1'000'000;
constexpr std::size_t correction_text_max = 500;

std::string eth_text(int128 units) { return to_decimal(units) + " ETH"; }
std::string worth(const wallet_transfer& t) { return t.token.empty() ? eth_text(t.value.units()) : to_decimal(t.token_value) + " USDT"; }

bool is_evm_address(std::string_view a) {
  return a.size() == 42 && a.substr(0, 2) == "0x" && a.find_first_not_of("0123456789abcdefABCDEF", 2) == a.npos
         && a.find_first_not_of('0', 2) != a.npos;
}

std::string lower(std::string text) {
  for (auto& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

/// At least 12.5 % more (nodes want 10 %), and never the same.
int128 bumped(int128 fee) { return std::max(mul_div_ceil(fee, 1125, 1000), checked_add(fee, 1)); }

bool is_sane(const chain_quote& q) {
  return q.gas_limit >= gas_limit_min && q.gas_limit <= gas_limit_max && q.base_fee >= 0 && q.base_fee < fee_sane_max && q.priority_fee >= 0
         && q.priority_fee < fee_sane_max && q.balance >= 0;
}

transfer_view view_of(const wallet& w, const wallet_transfer& t) {
  return {std::string(to_text(t.status)), t.hash, t.nonce, t.gas_used, t.gas_fee, is_final(t.status) ? t.reason : w.alert};
}

/// One message being handled: gathers the next state and what goes with it.
class step {
public:
  step(const wallet& before, const step_context& context) : before_(before), context_(context) { out_.next = before; }

  // --- commands ---

  verdict<wallet> on(const open_wallet& m, bool exists) {
    const auto address = lower(m.address);
    if (!is_evm_address(address) || address != context_.self.id)
      return refused{refusal::invalid, "a wallet is opened under its own address in lower case"};
    // Until the balance at the beginning is posted, nothing may be sold: its value would be counted twice.
    if (out_.next.status == wallet_status::opening) out_.reply = refused{refusal::unavailable, "the wallet is being opened"};
    if (exists) return finish();
    out_.next = wallet{};
    out_.next.address = address;
    return finish();
  }

  verdict<wallet> on(const request_transfer& m) {
    if (auto* t = find(m.intent)) {
      if (t->to != m.to || t->value != m.value || t->memo != m.debit || t->token != m.token || t->token_value != m.token_value)
        return refused{refusal::conflict, "this intent is known with another address, value or account"};
      if (t->status == transfer_status::queued && is_late(*t)) drop(*t, "its time ran out before it could be signed");
      out_.reply = view_of(out_.next, *t);
      return finish();
    }
    const bool named = !m.intent.empty() && m.intent.find_first_of(": ") == m.intent.npos && !m.debit.empty();
    if (!named) return refused{refusal::invalid, "a transfer needs an intent and the account that pays it"};
    if (!is_evm_address(m.to) || lower(m.to) == before_.address) return refused{refusal::invalid, "not an address to send to: " + m.to};
    if (m.token.empty()) {
      if (!m.value.is_positive() || !m.token_value.is_zero()) return refused{refusal::invalid, "nothing to send"};
    } else {
      if (!is_evm_address(m.token) || lower(m.token) != m.token || lower(m.to) == m.token)
        return refused{refusal::invalid, "not a token to send: " + m.token};
      const bool whole = m.token_value.units() == truncate_to(m.token_value.units(), 6);
      if (!m.value.is_zero() || !m.token_value.is_positive() || !whole)
        return refused{refusal::invalid, "nothing to send that the token can hold"};
    }
    if (before_.transfers.size() >= transfers_max) return refused{refusal::busy, "too many transfers wait"};
    wallet_transfer t;
    t.intent = m.intent;
    t.wallet = before_.address;
    t.to = m.to;
    t.value = m.value;
    t.token = m.token;
    t.token_value = m.token_value;
    t.memo = m.debit;
    t.requested_at = context_.now;
    t.sign_before = m.sign_before;
    out_.reply = view_of(out_.next, t);
    out_.note = m.intent + " queued: " + worth(t);
    out_.next.transfers.push_back(std::move(t));
    return finish();
  }

  verdict<wallet> on(const acknowledge_transfer& m) {
    auto* t = find(m.intent);
    if (!t) return finish();
    if (!is_final(t->status)) return refused{refusal::out_of_order, "this transfer is not final yet"};
    if (!t->acknowledged_at) t->acknowledged_at = context_.now;
    return finish();
  }

  verdict<wallet> on(const book_correction& m) {
    const bool named = !m.key.empty() && m.key.size() <= correction_text_max && m.key.find(' ') == m.key.npos;
    if (!named || m.reason.empty() || m.reason.size() > correction_text_max)
      return refused{refusal::invalid, "a correction needs a key without spaces and a reason"};
    const bool whole = m.currency == "eth" || (m.currency == "usdt" && m.units == truncate_to(m.units, 6));
    if (!whole || m.units == 0) return refused{refusal::invalid, "a correction books ETH or USDT, in units that they have"};
    const auto& allowed = accounts::correctable;
    if (std::find(allowed.begin(), allowed.end(), m.counter_account) == allowed.end())
      return refused{refusal::invalid, "a difference is not booked against " + m.counter_account};
    for (const auto& c : before_.corrections) {
      if (c.key != m.key) continue;
      const bool same = c.currency == m.currency && c.units == m.units && c.counter_account == m.counter_account;
      if (!same) return refused{refusal::conflict, "this key is known with another amount or account"};
      return finish();
    }
    // What is found at the opening is posted by it: nothing may be booked before.
    if (before_.status == wallet_status::opening) return refused{refusal::unavailable, "the wallet is being opened"};
    out_.next.corrections.push_back({m.key, before_.address, m.currency, m.units, m.counter_account, m.reason, context_.now});
    post("correction/" + m.key, m.reason, {{accounts::wallet, m.currency, m.units}, {m.counter_account, m.currency, -m.units}});
    out_.note = "correction " + m.key + ": " + to_decimal(m.units) + " " + m.currency + " against " + m.counter_account;
    return finish();
  }

  // --- outcomes ---

  verdict<wallet> on(const effect_done& m) {
    const auto* io = std::get_if<io_outcome>(&m.outcome);
    if (!io) return finish();
    if (out_.next.status == wallet_status::opening) {
      if (m.key == wallet_keys::open) on_opened(*io);
      return finish();
    }
    for (auto& t : out_.next.transfers) {
      if (is_final(t.status)) continue;
      if (m.key == wallet_keys::receipts(t))
        on_receipts(t, *io);
      else if (out_.next.status == wallet_status::paused)
        continue;
      else if (m.key == wallet_keys::quote(t))
        on_quote(t, *io);
      else if (t.nonce < 0)
        continue;
      else if (m.key == wallet_keys::sign(t))
        on_signed(t, *io);
      else if (m.key == wallet_keys::broadcast(t) || m.key == wallet_keys::rebroadcast(t))
        on_broadcast(t, *io);
      else if (m.key == wallet_keys::reprice(t))
        on_reprice(t, *io);
      else
        continue;
      break;
    }
    return finish();
  }

private:
  void on_opened(const io_outcome& outcome) {
    const auto* seen = std::get_if<wallet_seen>(&outcome);
    if (!seen || seen->balance < 0 || seen->token_balance < 0) return;
    auto& w = out_.next;
    w.status = wallet_status::ready;
    w.next_nonce = static_cast<std::int64_t>(seen->latest_nonce);
    out_.note = "nonce " + std::to_string(w.next_nonce) + ", balance " + eth_text(seen->balance);
    std::vector<posting> found;
    const auto add = [&found](const char* currency, int128 units) {
      if (units > 0) found.insert(found.end(), {{accounts::wallet, currency, units}, {accounts::float_equity, currency, -units}});
    };
    add("eth", seen->balance);
    add("usdt", mul_div_floor(seen->token_balance, usdt_unit_of_token, 1));
    if (!found.empty()) post("opened", "found in the wallet when it was opened", std::move(found));
  }

  // --- from queued to prepared ---

  void on_quote(wallet_transfer& t, const io_outcome& outcome) {
    auto& w = out_.next;
    if (t.status != transfer_status::queued || next_to_prepare(w) != &t) return;
    if (is_late(t)) return drop(t, "its time ran out before it could be signed");
    if (const auto* f = std::get_if<io_failure>(&outcome)) {
      const auto said = f->text.empty() ? f->code : f->text;
      // The call itself is refused by the receiver's code: it would be for ever, and must not keep the others waiting.
      if (f->code == "reverted") return drop(t, "the receiving contract refuses it: " + said);
      return alert("the node refuses to quote " + t.intent + ": " + said);
    }
    const auto* q = std::get_if<chain_quote>(&outcome);
    if (!q || !is_sane(*q)) return;
    if (q->chain_id != context_.rules.chain_id)
      return alert("the node speaks for chain " + std::to_string(q->chain_id) + ", the settings for "
                   + std::to_string(context_.rules.chain_id));
    const auto latest = static_cast<std::int64_t>(q->latest_nonce);
    if (latest > w.next_nonce)
      return pause("the chain's nonce " + std::to_string(latest) + " is ahead of ours, " + std::to_string(w.next_nonce)
                   + ": somebody else used the key, or a backup was restored");
    if (latest < lowest_open_nonce())
      return alert("the node is behind: its nonce is " + std::to_string(latest) + ", ours " + std::to_string(lowest_open_nonce()));
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

  /// The balance must cover what is under way, this value, and leave the gas float; else the alert says which is too low.
  bool covers(const chain_quote& q, const wallet_transfer& t, const gas_fees& fees) {
    int128 free = q.balance;
    for (const auto& other : out_.next.transfers)
      // What `latest` has mined already is no longer part of the balance.
      if (in_flight(other) && other.nonce >= static_cast<std::int64_t>(q.latest_nonce))
        free = checked_sub(free, checked_add(other.value.units(), static_cast<int128>(other.gas_limit) * other.max_fee));
    if (!covers_token(q, t)) return false;
    const auto value = t.value.units();
    const auto gas = static_cast<int128>(q.gas_limit) * fees.max_fee;
    if (free < value) {
      alert("balance too low: " + eth_text(value) + " to send, " + eth_text(std::max<int128>(free, 0)) + " free");
      return false;
    }
    const auto low = context_.rules.gas_float_low.units();
    if (free - value >= std::max(gas, low)) return true;
    alert("gas float too low: " + eth_text(free - value) + " beside the transfer, "
          + (gas > low ? "less than its gas" : eth_text(low) + " wanted"));
    return false;
  }

  bool covers_token(const chain_quote& q, const wallet_transfer& t) {
    if (t.token.empty()) return true;
    int128 free = q.token_balance;
    for (const auto& other : out_.next.transfers)
      if (in_flight(other) && other.token == t.token && other.nonce >= static_cast<std::int64_t>(q.latest_nonce))
        free = checked_sub(free, token_units(other));
    if (free >= token_units(t)) return true;
    alert("token balance too low: " + worth(t) + " to send, "
          + to_decimal(mul_div_floor(std::max<int128>(free, 0), one_coin / 1'000'000, 1)) + " USDT free");
    return false;
  }

  std::int64_t lowest_open_nonce() const {
    auto lowest = out_.next.next_nonce;
    for (const auto& t : out_.next.transfers)
      if (in_flight(t)) lowest = std::min(lowest, t.nonce);
    return lowest;
  }

  // --- from prepared to broadcast ---

  void on_signed(wallet_transfer& t, const io_outcome& outcome) {
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

  void on_broadcast(wallet_transfer& t, const io_outcome& outcome) {
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

  void on_reprice(wallet_transfer& t, const io_outcome& outcome) {
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

  // --- what the chain says ---

  void on_receipts(wallet_transfer& t, const io_outcome& outcome) {
    const auto* read = std::get_if<receipts_read>(&outcome);
    if (!read) return;
    const auto known = hashes_of(t);
    if (known.empty()) return;
    const auto found = std::find_if(read->receipts.begin(), read->receipts.end(),
                                    [&](const receipt& r) { return std::find(known.begin(), known.end(), r.hash) != known.end(); });
    if (found == read->receipts.end()) {
      t.block_number = 0; // A reorg may have taken it out again: it is broadcast on.
      if (static_cast<std::int64_t>(read->latest_nonce) <= t.nonce)
        t.missing_since.reset();
      else if (!t.missing_since)
        t.missing_since = context_.now;
      else if (context_.now - *t.missing_since >= missing_patience)
        pause("nonce " + std::to_string(t.nonce) + " (" + t.intent + ") was used by a transaction that we do not know");
      return unpause();
    }
    t.missing_since.reset();
    t.block_number = static_cast<std::int64_t>(found->block_number);
    unpause();
    const auto depth = read->head < found->block_number ? 0 : read->head - found->block_number + 1;
    if (depth >= std::max<std::uint64_t>(context_.rules.confirmations, 1)) settle(t, *found, known);
  }

  void settle(wallet_transfer& t, const receipt& r, const std::vector<std::string>& known) {
    // A token may refuse without reverting; only its own Transfer is proof (USDT's `transfer` returns nothing).
    const bool moved =
        t.token.empty() || std::count(r.moved.begin(), r.moved.end(), token_moved{t.token, t.wallet, lower(t.to), token_units(t)}) == 1;
    const bool effective = !r.reverted && moved;
    t.status = effective ? transfer_status::confirmed : transfer_status::reverted;
    t.raising = false;
    t.old_hashes.clear();
    for (const auto& other : known)
      if (other != r.hash) t.old_hashes += (t.old_hashes.empty() ? "" : " ") + other;
    t.hash = r.hash;
    t.gas_used = static_cast<std::int64_t>(r.gas_used);
    t.gas_fee = eth_amount::of_units(mul_div_floor(static_cast<int128>(r.gas_used), r.effective_gas_price, 1));
    out_.note = t.intent + " " + std::string(to_text(t.status)) + " in block " + std::to_string(r.block_number);
    const auto value = t.value.units(), gas = t.gas_fee.units();
    if (effective && t.token.empty())
      post(t.intent + "/transfer", "sent to " + t.to, {{t.memo, "eth", value}, {accounts::wallet, "eth", -value}});
    if (effective && !t.token.empty()) {
      const auto units = t.token_value.units();
      post(t.intent + "/transfer", "sent to " + t.to, {{t.memo, "usdt", units}, {accounts::wallet, "usdt", -units}});
    }
    if (gas > 0)
      post(t.intent + "/gas", "gas of nonce " + std::to_string(t.nonce), {{accounts::gas, "eth", gas}, {accounts::wallet, "eth", -gas}});
    const bool others_wait =
        std::any_of(out_.next.transfers.begin(), out_.next.transfers.end(), [](const auto& other) { return !is_final(other.status); });
    if (!others_wait) alert("");
  }

  // --- small things ---

  bool is_late(const wallet_transfer& t) const { return t.sign_before && context_.now > *t.sign_before; }

  /// @pre it is queued: it has no nonce and was never signed.
  void drop(wallet_transfer& t, const std::string& why) {
    t.status = transfer_status::dropped;
    t.reason = why;
    out_.note = t.intent + " dropped: " + why;
    alert("");
  }

  void alert(const std::string& text) {
    if (out_.next.status != wallet_status::paused) out_.next.alert = text;
  }

  void pause(const std::string& text) {
    if (out_.next.status == wallet_status::paused) return;
    out_.next.alert = text;
    out_.next.status = wallet_status::paused;
    out_.rows.push_back(failure_listed{"wallet_paused", text});
  }

  /// What was missing has turned up: the chain is again what we know. A pause for another cause is found again at the next quote.
  void unpause() {
    const auto missing = [](const auto& t) { return t.missing_since.has_value(); };
    const auto& was = before_.transfers;
    const auto& is = out_.next.transfers;
    if (before_.status != wallet_status::paused || std::none_of(was.begin(), was.end(), missing)
        || std::any_of(is.begin(), is.end(), missing))
      return;
    out_.next.status = wallet_status::ready;
    out_.next.alert.clear();
  }

  wallet_transfer* find(const std::string& intent) {
    auto& all = out_.next.transfers;
    const auto at = std::find_if(all.begin(), all.end(), [&](const auto& t) { return t.intent == intent; });
    return at == all.end() ? nullptr : &*at;
  }

  void post(const std::string& what, std::string reason, std::vector<posting> postings) {
    out_.entries.push_back({to_text(context_.self) + "/" + what, std::move(reason), std::move(postings)});
  }

  /// Every child that differs from before is written: state and rows cannot part.
  verdict<wallet> finish() {
    // They stand where they stood: a message only adds one behind them.
    const auto& old = before_.transfers;
    const auto& all = out_.next.transfers;
    for (std::size_t i = 0; i < all.size(); ++i)
      if (i >= old.size() || !(old[i] == all[i])) out_.rows.push_back(all[i]);
    for (auto i = before_.corrections.size(); i < out_.next.corrections.size(); ++i) out_.rows.push_back(out_.next.corrections[i]);
    out_.changed = !(out_.next == before_) || !out_.entries.empty();
    if (out_.changed)
      std::erase_if(out_.next.transfers,
                    [&](const auto& t) { return t.acknowledged_at && context_.now - *t.acknowledged_at > remembered; });
    if (out_.note.empty() && out_.next.alert != before_.alert) out_.note = out_.next.alert;
    return std::move(out_);
  }

  const wallet& before_;
  const step_context& context_;
  decision<wallet> out_;
};

} // namespace

std::optional<gas_fees> first_fees(const chain_quote& q, int128 cap) {
  auto max_fee = checked_add(checked_add(q.base_fee, q.base_fee), q.priority_fee);
  if (cap > 0) max_fee = std::min(max_fee, cap);
  if (max_fee <= 0 || checked_add(q.base_fee, q.priority_fee) > max_fee) return std::nullopt;
  return gas_fees{max_fee, q.priority_fee};
}

std::optional<gas_fees> raised_fees(const gas_fees& old, const chain_quote& q, int128 cap) {
  const auto least_max = bumped(old.max_fee), least_priority = bumped(old.priority_fee);
  auto priority = std::max(least_priority, q.priority_fee);
  auto max_fee = std::max({least_max, checked_add(checked_add(q.base_fee, q.base_fee), priority)});
  if (cap > 0) max_fee = std::min(max_fee, cap);
  priority = std::min(priority, max_fee);
  if (max_fee < least_max || priority < least_priority) return std::nullopt;
  return gas_fees{max_fee, priority};
}

verdict<wallet> wallet_kind::apply(const wallet& state, bool exists, const wallet_message& message, const step_context& context) {
  step s(state, context);
  if (const auto* m = std::get_if<open_wallet>(&message)) return s.on(*m, exists);
  if (!exists) return refused{refusal::not_found, "this wallet is not open"};
  if (const auto* m = std::get_if<request_transfer>(&message)) return s.on(*m);
  if (const auto* m = std::get_if<acknowledge_transfer>(&message)) return s.on(*m);
  if (const auto* m = std::get_if<book_correction>(&message)) return s.on(*m);
  return s.on(std::get<effect_done>(message));
}

} // namespace paygate
