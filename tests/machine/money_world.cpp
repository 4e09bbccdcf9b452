#include "tests/machine/money_world.hpp"

#include <algorithm>

#include "actors/wallet/wallet_machine.hpp"

namespace paygate::sim {

bool world::turn() {
  if (agenda_.empty()) return false;
  auto next = agenda_.top();
  agenda_.pop();
  now = std::max(now, next.when);
  next.what();
  return true;
}

// --- chain ---

std::optional<token_call> token_call_of(const tx_fields& tx) {
  if (tx.to != usdt_address || tx.data.size() != 68) return std::nullopt;
  token_call call{"0x", 0};
  for (std::size_t i = 16; i < 36; ++i)
    for (const int half : {4, 0}) call.to += "0123456789abcdef"[static_cast<unsigned char>(tx.data[i]) >> half & 15];
  for (std::size_t i = 36; i < 68; ++i) call.units = call.units * 256 + static_cast<unsigned char>(tx.data[i]);
  return call;
}

int128 chain::moves_tokens(const mined& m) const {
  const auto call = token_call_of(m.what.tx);
  return call && !m.reverted ? call->units : 0;
}

int128 chain::gas_spent() const {
  int128 sum = 0;
  for (const auto& block : blocks_)
    for (const auto& m : block) sum += 21'000 * m.price;
  return sum;
}

io_outcome chain::sign(const sign_tx& request) {
  // Deterministic, like RFC 6979: the same fields give the same bytes.
  const auto& tx = request.tx;
  const auto raw = "0x02" + std::to_string(tx.nonce) + "|" + tx.to + "|" + to_integer_text(tx.value) + "|" + to_integer_text(tx.max_fee)
                   + "|" + to_integer_text(tx.max_priority_fee) + (tx.data.empty() ? "" : "|" + tx.data);
  signed_[raw] = request;
  return tx_signed{raw, "0xh" + std::to_string(std::hash<std::string>{}(raw))};
}

io_outcome chain::quote(const get_chain_quote& request) {
  // A node that lags names an older nonce and a balance from before it.
  const auto lag = w_.fault(15) && nonce_ > 0 ? 1u : 0u;
  chain_quote quote{1, nonce_ - lag, 21'000, base_fee_, 1'000'000'000, balance_, request.token.empty() ? 0 : tokens_};
  if (refusing.count(request.to)) quote.refused = "execution reverted";
  return quote;
}

io_outcome chain::broadcast(const broadcast_tx& request) {
  w_.demand(is_stored(request.hash), "nothing is broadcast that is not stored: " + request.hash);
  const auto& what = signed_.at(request.raw);
  const auto nonce = what.tx.nonce;
  if (nonce < nonce_) return tx_broadcast{broadcast_answer::nonce_too_low};
  if (balance_ < what.tx.value + 21'000 * what.tx.max_fee) return tx_broadcast{broadcast_answer::insufficient_funds};
  auto& here = pool_[nonce];
  if (!here.count(request.raw))
    for (const auto& other : here) {
      const auto& old = signed_.at(other).tx;
      if (what.tx.max_fee < old.max_fee * 110 / 100 || what.tx.max_priority_fee < old.max_priority_fee * 110 / 100)
        return tx_broadcast{broadcast_answer::underpriced};
    }
  ever_[nonce].insert(request.raw);
  if (w_.fault(10)) return tx_broadcast{}; // Swallowed: a hash is no promise.
  here = {request.raw};
  return tx_broadcast{};
}

io_outcome chain::receipts(const get_receipts& request) {
  const auto seen = w_.fault(20) ? head() - std::min<std::uint64_t>(blocks_.size(), 1 + w_.random() % 2) : head();
  receipts_read answer;
  answer.head = seen;
  answer.latest_nonce = nonce_;
  for (std::uint64_t number = 101; number <= seen; ++number)
    for (const auto& m : blocks_[number - 101])
      if (std::find(request.hashes.begin(), request.hashes.end(), m.hash) != request.hashes.end() && !w_.fault(10)) {
        answer.receipts.push_back({m.hash, number, m.reverted, 21'000, m.price});
        if (const auto call = token_call_of(m.what.tx); call && !m.reverted)
          answer.receipts.back().moved.push_back({usdt_address, our_address, call->to, call->units});
      }
  return answer;
}

void chain::take_back() {
  for (const auto& m : blocks_.back()) {
    balance_ += cost(m);
    tokens_ += moves_tokens(m);
    --nonce_;
    if (w_.chance(70)) pool_[m.what.tx.nonce] = {m.raw};
  }
  blocks_.pop_back();
}

void chain::mine() {
  if (w_.fault(5) && !blocks_.empty()) take_back(); // One block: less than the confirmations that are waited for.
  base_fee_ = base_fee_ * (875 + static_cast<int128>(w_.random() % 251)) / 1000;
  base_fee_ = std::clamp<int128>(base_fee_, 5'000'000'000, 80'000'000'000);
  if (!w_.faults) base_fee_ = 20'000'000'000;
  blocks_.emplace_back();
  for (;;) {
    auto& here = pool_[nonce_];
    if (!here.empty() && w_.fault(5)) here.clear(); // Forgotten by the nodes.
    // Any version ever taken may be mined, whatever replaced it since.
    auto& candidates = w_.fault(20) ? ever_[nonce_] : here;
    if (candidates.empty() || w_.fault(30)) break;
    const auto& raw = *std::next(candidates.begin(), static_cast<std::ptrdiff_t>(w_.random() % candidates.size()));
    const auto& what = signed_.at(raw);
    if (what.tx.max_fee < base_fee_) break;
    mined m{what, raw, "0xh" + std::to_string(std::hash<std::string>{}(raw)), reverting.count(what.tx.to) != 0,
            std::min(what.tx.max_fee, base_fee_ + what.tx.max_priority_fee)};
    if (const auto call = token_call_of(what.tx)) m.reverted = call->units > tokens_ || reverting.count(call->to) != 0;
    if (cost(m) > balance_) break;
    balance_ -= cost(m);
    tokens_ -= moves_tokens(m);
    ++nonce_;
    here.clear();
    blocks_.back().push_back(std::move(m));
  }
}

std::pair<int128, int> chain::received(const std::string& address, std::uint64_t depth, bool token) const {
  std::pair<int128, int> sum{0, 0};
  for (std::size_t i = 0; i + depth <= blocks_.size(); ++i)
    for (const auto& m : blocks_[i]) {
      if (m.reverted) continue;
      const auto call = token_call_of(m.what.tx);
      if (token && call && call->to == address) sum.first += call->units * (one_coin / 1'000'000), ++sum.second;
      if (!token && m.what.tx.to == address) sum.first += m.what.tx.value, ++sum.second;
    }
  return sum;
}

// --- exchange ---

io_outcome exchange::range(const get_swap_range&) {
  if (w_.fault(5)) return io_failure{fault::permanent, "pair_is_inactive", "pair is inactive", std::nullopt};
  return swap_range{one_coin / 100, std::nullopt};
}

io_outcome exchange::estimate(const estimate_swap& request) {
  if (w_.fault(3)) return io_failure{fault::permanent, "pair_is_inactive", "pair is inactive", std::nullopt};
  swap_estimate quote{
      "rate" + std::to_string(w_.random() % 1000), std::nullopt, request.from_amount, request.from_amount * 3000, one_coin / 10'000, 0};
  if (w_.fault(5)) quote.rate_id.clear();
  if (w_.chance(50)) quote.valid_until = w_.now + seconds(w_.between(60, 1200));
  return quote;
}

io_outcome exchange::create(const create_swap& request) {
  if (w_.fault(2)) return io_failure{fault::permanent, "not_valid_address", "the address is <bad>", std::nullopt};
  swap s;
  const auto n = std::to_string(swaps.size() + 1);
  s.made = {"swap" + n, "0x" + std::string(36 - n.size(), '1') + "cafe" + n, "", request.from_amount, request.from_amount * 3000};
  s.made.payin_address.resize(42, '0');
  if (w_.fault(3)) s.made.from_amount -= 10'000'000'000;
  s.valid_until = w_.now + seconds(w_.fault(20) ? w_.between(20, 120) : 1200);
  s.bad_luck = w_.chance(10);
  if (w_.chance(2)) chain_.reverting.insert(s.made.payin_address);
  swaps[s.made.swap_id] = s;
  return s.made;
}

io_outcome exchange::look(const get_swap& request) {
  const auto& s = swaps.at(request.swap_id);
  swap_state seen;
  seen.swap_id = request.swap_id;
  seen.status = s.status;
  // An answer from a cache: an older word, or the end without its hash.
  if (w_.fault(10) && s.status > swap_status::waiting && s.status < swap_status::finished) seen.status = swap_status::waiting;
  if (w_.chance(70)) seen.valid_until = s.valid_until;
  if (seen.status == swap_status::finished && !w_.fault(20)) seen.payout_hash = s.hash;
  return seen;
}

void exchange::turn() {
  for (auto& [id, s] : swaps) {
    const auto [units, times] = chain_.received(s.made.payin_address, 2);
    w_.demand(times <= 1, "at most one deposit for " + id);
    w_.demand(times == 0 || units == s.made.from_amount, "the deposit of " + id + " has the amount the provider named");
    if (w_.chance(40)) continue;
    switch (s.status) {
    case swap_status::new_swap: s.status = swap_status::waiting; break;
    case swap_status::waiting:
      if (times != 0)
        s.status = swap_status::confirming;
      else if (w_.now > s.valid_until + 10min)
        s.status = swap_status::expired;
      break;
    case swap_status::confirming: s.status = s.bad_luck && w_.chance(50) ? swap_status::verifying : swap_status::exchanging; break;
    case swap_status::verifying: s.status = w_.chance(50) ? swap_status::exchanging : swap_status::failed; break;
    case swap_status::exchanging: s.status = s.bad_luck && w_.chance(50) ? swap_status::refunded : swap_status::sending; break;
    case swap_status::sending:
      s.status = swap_status::finished;
      s.hash = "0xout" + id;
      break;
    default: break;
    }
  }
}

// --- store ---

store::row<payout> store::load_payout(const std::string& id) const {
  const auto at = payouts.find(id);
  if (at == payouts.end()) return {};
  return {true, at->second};
}

store::row<wallet> store::load_wallet() const {
  if (!the_wallet) return {};
  auto loaded = *the_wallet;
  loaded.transfers.clear();
  for (const bool numbered : {true, false})
    for (const auto& intent : arrival_) {
      const auto& t = transfers.at(intent);
      if ((!t.acknowledged_at || w_.now - *t.acknowledged_at < 1h) && (t.nonce >= 0) == numbered) loaded.transfers.push_back(t);
    }
  std::stable_sort(loaded.transfers.begin(), loaded.transfers.end(),
                   [](const auto& a, const auto& b) { return a.nonce >= 0 && b.nonce >= 0 && a.nonce < b.nonce; });
  return {true, loaded};
}

bool store::holds(const std::string& hash) const {
  return std::any_of(transfers.begin(), transfers.end(), [&](const auto& t) {
    const auto all = hashes_of(t.second);
    return std::find(all.begin(), all.end(), hash) != all.end();
  });
}

wallet_books_seen books_of(const std::map<std::string, int128>& balances) {
  wallet_books_seen seen;
  for (const auto& [account, units] : balances) {
    if (account == accounts::wallet)
      seen.ledger = units;
    else if (account.starts_with("assets:") || account.starts_with("owner:") || account.starts_with("liability:"))
      seen.owed -= units;
    if (account == accounts::incoming) seen.incoming = units;
  }
  return seen;
}

// The same as sql/0001 and sql/0100 hold.
void store::guard(const wallet_transfer& next) {
  const auto at = transfers.find(next.intent);
  if (next.nonce >= 0)
    for (const auto& [intent, other] : transfers)
      w_.demand(intent == next.intent || other.nonce != next.nonce, "two transfers never share a nonce");
  if (at == transfers.end()) {
    w_.demand(next.status == transfer_status::queued, "a transfer begins queued");
    arrival_.push_back(next.intent);
    return;
  }
  const auto& old = at->second;
  w_.demand(next.to == old.to && next.value == old.value && next.memo == old.memo, "recipient, value and account never change");
  w_.demand(next.status >= old.status, next.intent + ": a transfer's status never goes back");
  w_.demand(old.nonce < 0 || next.nonce == old.nonce, next.intent + ": a nonce never changes");
  const bool prepares = old.nonce < 0 && next.nonce >= 0;
  w_.demand(!prepares || !next.sign_before || w_.now <= *next.sign_before, next.intent + ": nothing is prepared after its time");
  w_.demand(!is_final(old.status) || next.status == old.status, next.intent + ": a final status stays");
  w_.demand(next.status != transfer_status::dropped || next.nonce < 0, "only what has no nonce is dropped");
  w_.demand(old.raw.empty() || !next.raw.empty(), "signed bytes are never forgotten");
  const auto now_known = hashes_of(next);
  for (const auto& hash : hashes_of(old))
    w_.demand(std::find(now_known.begin(), now_known.end(), hash) != now_known.end(), "no signed hash is ever forgotten");
}

void store::post(const std::vector<ledger_entry>& entries) {
  for (const auto& entry : entries) {
    w_.demand(keys_.insert(entry.key).second, "a ledger key is used once: " + entry.key);
    int128 sum = 0;
    for (const auto& p : entry.postings) {
      sum += p.units;
      w_.demand(p.units != 0, "no empty posting in " + entry.key);
      balances[p.account] += p.units;
    }
    w_.demand(sum == 0, "zero-sum: " + entry.key);
  }
}

void store::commit(const std::string& id, const decision<payout>& d) {
  const auto before = payouts.find(id);
  if (before != payouts.end() && before->second.funding_released) {
    // The way back: only when the wallet has committed that this intent was never signed and never will be.
    const auto intent = "payout/" + id + "/" + std::to_string(before->second.swap_tries);
    const auto asked = transfers.find(intent);
    const bool dropped = asked != transfers.end() && asked->second.status == transfer_status::dropped;
    const bool moved_back = !d.next.funding_released || d.next.status < payout_status::funding || d.next.status == payout_status::failed
                            || d.next.status == payout_status::cancelled || d.next.swap_id != before->second.swap_id;
    w_.demand(!moved_back || dropped, id + ": no way back after the release");
  }
  post(d.entries);
  for (const auto& side : d.rows)
    if (std::holds_alternative<accrual_closed>(side)) ++closed[id];
  if (d.changed) payouts[id] = d.next;
}

void store::commit(const std::string&, const decision<wallet>& d) {
  for (const auto& side : d.rows)
    if (const auto* t = std::get_if<wallet_transfer>(&side)) {
      guard(*t);
      transfers[t->intent] = *t;
    }
  post(d.entries);
  if (d.changed) the_wallet = d.next;
}

} // namespace paygate::sim
