#include <algorithm>

#include "actors/wallet/wallet_step.hpp"

// The nonce alarm's way back: the operator's sign-off, the nonces that somebody else used, and the transfers that wait until each of these
// is explained by its own transaction. A restored backup has forgotten payments; the chain has not.
namespace paygate::wallets {

namespace {

/// A key that somebody else uses that much is no hot wallet of ours any more.
constexpr std::int64_t foreign_max = 1'000;
/// For so long a payment that a restored backup has forgotten may turn up again: the provider is asked for about eight days.
constexpr auto forgotten_for = std::chrono::hours(240);
/// A contract's call that is longer than this is kept by its beginning: none of our transfers is.
constexpr std::size_t data_max = 2 + 2 * 68;
constexpr const char* sign_off_refused = ". The sign-off was refused: ";

std::string hex_of(const std::string& bytes) {
  std::string text = "0x";
  for (const unsigned char c : bytes) {
    text += "0123456789abcdef"[c >> 4];
    text += "0123456789abcdef"[c & 15];
  }
  return text;
}

bool is_hash(const std::string& text) {
  return text.size() == 66 && text.compare(0, 2, "0x") == 0 && text.find_first_not_of("0123456789abcdef", 2) == text.npos;
}

} // namespace

bool is_same_call(const foreign_nonce& f, const wallet_call& call) {
  return f.to == lower(call.to) && f.value.units() == call.value && f.data == hex_of(call.data);
}

bool is_same_amount(const foreign_nonce& f, const wallet_call& call) {
  if (call.data.empty()) return f.value.units() == call.value && call.value > 0;
  const auto data = hex_of(call.data);
  // The last 32 bytes of a token's transfer are the amount.
  return f.to == lower(call.to) && f.data.size() == data.size() && f.data.substr(data.size() - 64) == data.substr(data.size() - 64);
}

// --- the sign-off ---

verdict<wallet> step::on(const sign_off_wallet& m) {
  auto& w = out_.next;
  if (m.nonce < 0 || m.reason.empty()) return refused{refusal::invalid, "a sign-off names the chain's nonce and a reason"};
  if (w.status != wallet_status::paused) return refused{refusal::out_of_order, "the wallet is not paused"};
  w.sign_off_nonce = m.nonce;
  w.sign_off_reason = m.reason;
  w.alert = w.alert.substr(0, w.alert.find(sign_off_refused));
  out_.note = "nonce " + std::to_string(m.nonce) + " is to be signed off: " + m.reason;
  return finish();
}

void step::on_sign_off(const io_outcome& outcome) {
  auto& w = out_.next;
  const auto* seen = std::get_if<wallet_seen>(&outcome);
  if (!seen || w.status != wallet_status::paused) return;
  const auto latest = static_cast<std::int64_t>(seen->latest_nonce);
  const auto no = [&](const std::string& why) {
    w.sign_off_nonce = -1;
    w.alert += sign_off_refused + why;
    out_.note = "the sign-off was refused: " + why;
  };
  w.chain_nonce = latest;
  if (latest != w.sign_off_nonce) return no("the chain's nonce is " + std::to_string(latest) + ", not " + std::to_string(w.sign_off_nonce));
  if (latest - w.next_nonce > foreign_max) return no("more than " + std::to_string(foreign_max) + " nonces were used by somebody else");
  if (static_cast<std::int64_t>(seen->settled_nonce) != latest) return; // Not final yet: read again.
  const auto stamp = "the sign-off of nonce " + std::to_string(latest);
  for (auto& t : w.transfers) {
    if (is_final(t.status)) continue;
    if (t.nonce < 0) t.held = "asked for before " + stamp + ": it may have been paid already";
    if (t.nonce < 0 || t.nonce >= latest || t.block_number != 0) continue;
    t.held = "its nonce " + std::to_string(t.nonce) + " was used by a transaction that we do not know";
    list_foreign(t.nonce);
  }
  for (auto nonce = w.next_nonce; nonce < latest; ++nonce) list_foreign(nonce);
  w.next_nonce = std::max(w.next_nonce, latest);
  w.sign_off_nonce = -1;
  w.status = wallet_status::ready;
  w.alert.clear();
  out_.note = "nonce " + std::to_string(latest) + " signed off: " + w.sign_off_reason;
}

void step::list_foreign(std::int64_t nonce) {
  if (find_foreign(nonce)) return;
  foreign_nonce f;
  f.key = before_.address + "/" + std::to_string(nonce);
  f.wallet = before_.address;
  f.nonce = nonce;
  auto& all = out_.next.foreign;
  all.insert(std::find_if(all.begin(), all.end(), [&](const auto& other) { return other.nonce > nonce; }), std::move(f));
}

// --- what a listed nonce was ---

verdict<wallet> step::on(const explain_nonce& m) {
  const auto hash = lower(m.hash);
  if (!is_hash(hash) || m.reason.empty() || m.intent.find(' ') != m.intent.npos)
    return refused{refusal::invalid, "an explanation names the transaction's hash and a reason"};
  auto* f = find_foreign(m.nonce);
  if (!f) return refused{refusal::not_found, "nonce " + std::to_string(m.nonce) + " is not listed as used by somebody else"};
  if (f->explained_at) {
    if (f->hash != hash || f->intent != m.intent) return refused{refusal::conflict, "this nonce is explained otherwise"};
    return finish();
  }
  f->asked_hash = hash;
  f->asked_intent = m.intent;
  f->asked_reason = m.reason;
  f->refusal.clear();
  out_.note = "nonce " + std::to_string(m.nonce) + (m.intent.empty() ? " is to be disowned: " : " is to be " + m.intent + ": ") + m.reason;
  return finish();
}

void step::on_explained(foreign_nonce& f, const io_outcome& outcome) {
  const auto* seen = std::get_if<transaction_seen>(&outcome);
  if (!seen) return;
  const auto no = [&](const std::string& why) {
    f.asked_hash.clear(), f.asked_intent.clear(), f.asked_reason.clear();
    f.refusal = why;
    out_.note = "nonce " + std::to_string(f.nonce) + " is not explained: " + why;
  };
  if (seen->from != before_.address || static_cast<std::int64_t>(seen->nonce) != f.nonce)
    return no("the transaction is nonce " + std::to_string(seen->nonce) + " of " + seen->from);
  if (seen->confirmations < std::max<std::uint64_t>(context_.rules.confirmations, 1)) return; // Read again.
  auto read = f;
  read.to = seen->to;
  read.value = eth_amount::of_units(seen->value);
  read.data = seen->data.substr(0, data_max);
  read.reverted = seen->reverted;
  read.block_number = static_cast<std::int64_t>(seen->block_number);
  read.gas_used = static_cast<std::int64_t>(seen->gas_used);
  read.gas_fee = eth_amount::of_units(mul_div_floor(static_cast<int128>(seen->gas_used), seen->effective_gas_price, 1));
  // A token may refuse without reverting; only its own Transfer is proof.
  if (seen->data.size() > 2 && std::none_of(seen->moved.begin(), seen->moved.end(), [&](const auto& m) {
        return m.token == seen->to && m.from == before_.address;
      }))
    read.reverted = true;
  if (auto why = objection(read); !why.empty()) return no(why);
  f = std::move(read);
  explain(f);
}

/// Why this transaction does not explain its nonce as was asked; empty when it does.
std::string step::objection(const foreign_nonce& f) {
  const auto holder = std::find_if(out_.next.transfers.begin(), out_.next.transfers.end(),
                                   [&](const auto& t) { return t.nonce == f.nonce && !is_final(t.status); });
  if (f.asked_intent.empty()) {
    for (const auto& t : out_.next.transfers)
      if (!f.reverted && !is_final(t.status) && (t.nonce < 0 || t.nonce == f.nonce) && is_same_call(f, call_of(t)))
        return "it is just what " + t.intent + " wants: settle that one by it";
    return "";
  }
  if (f.reverted) return "it was mined without effect: disown it";
  for (const auto& other : out_.next.foreign)
    if (other.explained_at && other.intent == f.asked_intent) return "nonce " + std::to_string(other.nonce) + " carried that out";
  if (holder != out_.next.transfers.end() && holder->intent != f.asked_intent)
    return "the nonce belongs to " + holder->intent + ": settle that one by it, or disown it";
  const auto* t = find(f.asked_intent);
  if (!t) return ""; // Whoever asks for it will be answered by this transaction.
  if (is_final(t->status)) return f.asked_intent + " is " + std::string(to_text(t->status)) + " already";
  if (t->nonce >= 0 && t->nonce != f.nonce) return f.asked_intent + " has nonce " + std::to_string(t->nonce) + " of its own";
  if (!is_same_call(f, call_of(*t))) return "it does not pay what " + f.asked_intent + " wants: " + worth(*t) + " to " + t->to;
  return "";
}

/// @pre there is no objection.
void step::explain(foreign_nonce& f) {
  f.hash = std::move(f.asked_hash);
  f.intent = std::move(f.asked_intent);
  f.reason = std::move(f.asked_reason);
  f.asked_hash.clear(), f.asked_intent.clear(), f.asked_reason.clear();
  f.explained_at = context_.now;
  out_.note = "nonce " + std::to_string(f.nonce) + (f.intent.empty() ? " disowned" : " was " + f.intent) + ": " + f.hash;
  if (!f.intent.empty()) {
    if (auto* t = find(f.intent)) carried_out(*t, f);
    return;
  }
  for (auto& t : out_.next.transfers)
    if (t.nonce == f.nonce && !is_final(t.status)) drop(t, "its nonce was finally used by another transaction, " + f.hash);
}

/// @pre it is exactly what the transaction did.
void step::carried_out(wallet_transfer& t, const foreign_nonce& f) {
  if (!t.hash.empty() && t.hash != f.hash) t.old_hashes += (t.old_hashes.empty() ? "" : " ") + t.hash;
  t.status = transfer_status::confirmed;
  t.raising = false;
  t.held.clear();
  t.missing_since.reset();
  t.nonce = f.nonce;
  t.hash = f.hash;
  t.block_number = f.block_number;
  t.gas_used = f.gas_used;
  t.gas_fee = f.gas_fee;
  post_transfer(t);
}

// --- the transfers that wait for it ---

verdict<wallet> step::on(const release_transfer& m) {
  if (m.reason.empty()) return refused{refusal::invalid, "a reason is needed"};
  auto* t = find(m.intent);
  if (!t) return refused{refusal::not_found, "nobody has asked for " + m.intent};
  if (t->held.empty() || is_final(t->status)) return refused{refusal::out_of_order, "it is not held"};
  for (const auto& f : out_.next.foreign)
    if (!f.explained_at)
      return refused{refusal::out_of_order, "nonce " + std::to_string(f.nonce) + " is to be explained first: it may have paid this"};
  if (t->nonce >= 0) return refused{refusal::out_of_order, "its nonce " + std::to_string(t->nonce) + " is to be explained first"};
  t->held.clear();
  out_.note = m.intent + " released: " + m.reason;
  return finish();
}

std::optional<refused> step::look_back(wallet_transfer& t) {
  const auto call = call_of(t);
  for (const auto& f : out_.next.foreign) {
    if (f.explained_at && f.intent == t.intent) {
      if (!is_same_call(f, call))
        return refused{refusal::conflict, "this intent was carried out by " + f.hash + ", which pays something else"};
      carried_out(t, f);
      out_.note = t.intent + " was carried out before: " + f.hash;
      return std::nullopt;
    }
  }
  for (const auto& f : out_.next.foreign) {
    const auto nonce = std::to_string(f.nonce);
    if (!f.explained_at)
      t.held = "nonce " + nonce + " was used by a transaction that we do not know: it may have paid this already";
    else if (!f.reverted && context_.now - *f.explained_at < forgotten_for && is_same_amount(f, call) && !find(f.intent))
      // Disowned, or settled for an intent that nobody has asked for: perhaps the wrong one was named.
      t.held = "the transaction of nonce " + nonce + " sent just as much: " + f.hash;
    else
      continue;
    out_.note = t.intent + " held: " + t.held;
    break;
  }
  return std::nullopt;
}

} // namespace paygate::wallets
