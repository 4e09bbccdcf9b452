#include <algorithm>

#include "actors/wallet/wallet_step.hpp"

// What the chain says of a transfer: in a block, deep enough, reverted, out of it again, or its nonce used by somebody else.
namespace paygate::wallets {

namespace {

using namespace std::chrono_literals;

/// Nodes behind one address disagree for a while: a nonce that is used by none of our hashes is believed only after this long.
constexpr auto missing_patience = 2min;

} // namespace

void step::on_receipts(wallet_transfer& t, const io_outcome& outcome) {
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
    else if (!find_foreign(t.nonce) && context_.now - *t.missing_since >= missing_patience)
      pause("nonce " + std::to_string(t.nonce) + " (" + t.intent + ") was used by a transaction that we do not know");
    return unpause();
  }
  t.missing_since.reset();
  t.block_number = static_cast<std::int64_t>(found->block_number);
  unpause();
  const auto depth = read->head < found->block_number ? 0 : read->head - found->block_number + 1;
  if (depth >= std::max<std::uint64_t>(context_.rules.confirmations, 1)) settle(t, *found, known);
}

void step::settle(wallet_transfer& t, const receipt& r, const std::vector<std::string>& known) {
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
  post_transfer(t);
  t.held.clear();
  // It was listed as somebody else's, and is ours after all: the node that says so had lagged behind.
  if (auto* f = find_foreign(t.nonce); f && !f->explained_at) {
    const auto call = call_of(t);
    f->asked_hash.clear(), f->asked_intent.clear(), f->asked_reason.clear(), f->refusal.clear();
    f->hash = t.hash;
    f->intent = effective ? t.intent : "";
    f->reason = "found by its receipt";
    f->to = lower(call.to);
    f->value = eth_amount::of_units(call.value);
    f->reverted = !effective;
    f->block_number = t.block_number;
    f->gas_used = t.gas_used;
    f->gas_fee = t.gas_fee;
    f->explained_at = context_.now;
  }
  const bool others_wait =
      std::any_of(out_.next.transfers.begin(), out_.next.transfers.end(), [](const auto& other) { return !is_final(other.status); });
  if (!others_wait) alert("");
}

void step::post_transfer(const wallet_transfer& t) {
  const auto value = t.value.units(), units = t.token_value.units(), gas = t.gas_fee.units();
  const bool effective = t.status == transfer_status::confirmed;
  if (effective && t.token.empty())
    post(t.intent + "/transfer", "sent to " + t.to, {{t.memo, "eth", value}, {accounts::wallet, "eth", -value}});
  if (effective && !t.token.empty())
    post(t.intent + "/transfer", "sent to " + t.to, {{t.memo, "usdt", units}, {accounts::wallet, "usdt", -units}});
  if (gas > 0)
    post(t.intent + "/gas", "gas of nonce " + std::to_string(t.nonce), {{accounts::gas, "eth", gas}, {accounts::wallet, "eth", -gas}});
}

void step::pause(const std::string& text) {
  if (out_.next.status == wallet_status::paused) return;
  out_.next.alert = text + ". Nothing is signed until the operator has seen to it: paygatectl wallet show";
  out_.next.status = wallet_status::paused;
  out_.rows.push_back(failure_listed{"wallet_paused", out_.next.alert});
}

/// What was missing has turned up: the chain is again what we know. A pause for another cause is found again at the next quote.
void step::unpause() {
  const auto missing = [](const auto& t) { return t.missing_since.has_value() && t.held.empty(); };
  const auto& was = before_.transfers;
  const auto& is = out_.next.transfers;
  if (before_.status != wallet_status::paused || std::none_of(was.begin(), was.end(), missing)
      || std::any_of(is.begin(), is.end(), missing))
    return;
  out_.next.status = wallet_status::ready;
  out_.next.sign_off_nonce = -1;
  out_.next.alert.clear();
}

} // namespace paygate::wallets
