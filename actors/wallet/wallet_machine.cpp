#include "actors/wallet/wallet_machine.hpp"

#include <algorithm>

#include "actors/wallet/wallet_step.hpp"

namespace paygate {

namespace wallets {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t transfers_max = 10'000;
/// A question that got lost on the way may arrive after its repeat was answered and acknowledged: it must still find the transfer here.
constexpr auto remembered = 10min;

transfer_view view_of(const wallet& w, const wallet_transfer& t) {
  const auto& waits = t.held.empty() ? w.alert : t.held;
  return {std::string(to_text(t.status)), t.hash, t.nonce, t.gas_used, t.gas_fee, is_final(t.status) ? t.reason : waits};
}

} // namespace

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

// --- commands ---

verdict<wallet> step::on(const open_wallet& m, bool exists) {
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

verdict<wallet> step::on(const request_transfer& m) {
  if (auto* t = find(m.intent)) {
    if (t->to != m.to || t->value != m.value || t->memo != m.debit || t->token != m.token || t->token_value != m.token_value)
      return refused{refusal::conflict, "this intent is known with another address, value or account"};
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
  out_.note = m.intent + " queued: " + worth(t);
  if (auto no = look_back(t)) return *no;
  out_.reply = view_of(out_.next, t);
  out_.next.transfers.push_back(std::move(t));
  return finish();
}

verdict<wallet> step::on(const acknowledge_transfer& m) {
  auto* t = find(m.intent);
  if (!t) return finish();
  if (!is_final(t->status)) return refused{refusal::out_of_order, "this transfer is not final yet"};
  if (!t->acknowledged_at) t->acknowledged_at = context_.now;
  return finish();
}

// --- outcomes ---

verdict<wallet> step::on(const effect_done& m) {
  const auto* io = std::get_if<io_outcome>(&m.outcome);
  if (!io) return finish();
  if (out_.next.status == wallet_status::opening) {
    if (m.key == wallet_keys::open) on_opened(*io);
    return finish();
  }
  if (out_.next.sign_off_nonce >= 0 && m.key == wallet_keys::sign_off(out_.next)) on_sign_off(*io);
  for (auto& f : out_.next.foreign)
    if (!f.asked_hash.empty() && m.key == wallet_keys::explain(f)) {
      on_explained(f, *io);
      break;
    }
  for (auto& t : out_.next.transfers)
    if (!is_final(t.status) && on_transfer(t, m.key, *io)) break;
  return finish();
}

/// False when the outcome is another transfer's, or no longer wanted.
bool step::on_transfer(wallet_transfer& t, const std::string& key, const io_outcome& outcome) {
  if (key == wallet_keys::receipts(t)) return on_receipts(t, outcome), true;
  if (out_.next.status == wallet_status::paused || !t.held.empty()) return false;
  if (key == wallet_keys::books(t)) return on_books(t, outcome), true;
  if (key == wallet_keys::quote(t)) return on_quote(t, outcome), true;
  if (t.nonce < 0) return false;
  if (key == wallet_keys::sign(t)) return on_signed(t, outcome), true;
  if (key == wallet_keys::broadcast(t) || key == wallet_keys::rebroadcast(t)) return on_broadcast(t, outcome), true;
  if (key == wallet_keys::reprice(t)) return on_reprice(t, outcome), true;
  return false;
}

void step::on_opened(const io_outcome& outcome) {
  const auto* seen = std::get_if<wallet_seen>(&outcome);
  if (!seen || seen->balance < 0 || seen->token_balance < 0) return;
  auto& w = out_.next;
  w.status = wallet_status::ready;
  w.next_nonce = w.chain_nonce = static_cast<std::int64_t>(seen->latest_nonce);
  out_.note = "nonce " + std::to_string(w.next_nonce) + ", balance " + eth_text(seen->balance);
  std::vector<posting> found;
  const auto add = [&found](const char* currency, int128 units) {
    if (units > 0) found.insert(found.end(), {{accounts::wallet, currency, units}, {accounts::float_equity, currency, -units}});
  };
  add("eth", seen->balance);
  add("usdt", mul_div_floor(seen->token_balance, usdt_unit_of_token, 1));
  if (!found.empty()) post("opened", "found in the wallet when it was opened", std::move(found));
}

// --- small things ---

void step::drop(wallet_transfer& t, const std::string& why) {
  t.status = transfer_status::dropped;
  t.raising = false;
  t.held.clear();
  t.reason = why;
  out_.note = t.intent + " dropped: " + why;
  alert("");
}

void step::alert(const std::string& text) {
  if (out_.next.status != wallet_status::paused) out_.next.alert = text;
}

wallet_transfer* step::find(const std::string& intent) {
  auto& all = out_.next.transfers;
  const auto at = std::find_if(all.begin(), all.end(), [&](const auto& t) { return t.intent == intent; });
  return at == all.end() ? nullptr : &*at;
}

foreign_nonce* step::find_foreign(std::int64_t nonce) {
  auto& all = out_.next.foreign;
  const auto at = std::find_if(all.begin(), all.end(), [&](const auto& f) { return f.nonce == nonce; });
  return at == all.end() ? nullptr : &*at;
}

void step::post(const std::string& what, std::string reason, std::vector<posting> postings) {
  out_.entries.push_back({to_text(context_.self) + "/" + what, std::move(reason), std::move(postings)});
}

/// Every child that differs from before is written: state and rows cannot part.
verdict<wallet> step::finish() {
  // They stand where they stood: a message only adds one behind them.
  const auto& old = before_.transfers;
  const auto& all = out_.next.transfers;
  for (std::size_t i = 0; i < all.size(); ++i)
    if (i >= old.size() || !(old[i] == all[i])) out_.rows.push_back(all[i]);
  for (auto i = before_.corrections.size(); i < out_.next.corrections.size(); ++i) out_.rows.push_back(out_.next.corrections[i]);
  for (const auto& f : out_.next.foreign)
    if (std::find(before_.foreign.begin(), before_.foreign.end(), f) == before_.foreign.end()) out_.rows.push_back(f);
  out_.changed = !(out_.next == before_) || !out_.entries.empty();
  if (out_.changed)
    std::erase_if(out_.next.transfers, [&](const auto& t) { return t.acknowledged_at && context_.now - *t.acknowledged_at > remembered; });
  if (out_.note.empty() && out_.next.alert != before_.alert) out_.note = out_.next.alert;
  return std::move(out_);
}

} // namespace wallets

verdict<wallet> wallet_kind::apply(const wallet& state, bool exists, const wallet_message& message, const step_context& context) {
  wallets::step s(state, context);
  if (const auto* m = std::get_if<open_wallet>(&message)) return s.on(*m, exists);
  if (!exists) return refused{refusal::not_found, "this wallet is not open"};
  return std::visit(
      [&](const auto& m) -> verdict<wallet> {
        if constexpr (std::is_same_v<std::decay_t<decltype(m)>, open_wallet>)
          return s.on(m, exists);
        else
          return s.on(m);
      },
      message);
}

} // namespace paygate
