#include <algorithm>

#include "actors/wallet/wallet_machine.hpp"

namespace paygate {

namespace {

using namespace std::chrono_literals;

constexpr milliseconds rebroadcast_every{15'000}, rebroadcast_max{60'000};
/// More unmined transactions than that are not kept by every node (geth: 64 an account).
constexpr std::ptrdiff_t unmined_max = 16;

tx_fields fields_of(const wallet_transfer& t, const policy& rules) {
  tx_fields tx;
  tx.chain_id = rules.chain_id;
  tx.nonce = static_cast<std::uint64_t>(t.nonce);
  tx.gas_limit = static_cast<std::uint64_t>(t.gas_limit);
  tx.max_fee = t.max_fee;
  tx.max_priority_fee = t.priority_fee;
  auto call = call_of(t);
  tx.to = std::move(call.to);
  tx.value = call.value;
  tx.data = std::move(call.data);
  return tx;
}

get_chain_quote quote_for(const wallet& w, const wallet_transfer& t) {
  auto call = call_of(t);
  return {w.address, std::move(call.to), call.value, std::move(call.data), t.token};
}

void push(std::vector<effect>& due, std::string key, io_request request, timestamp not_before, milliseconds first, milliseconds most) {
  due.push_back({std::move(key), std::move(request), not_before, first, std::max(first, most)});
}

/// What one transfer in flight owes.
void transfer_due(std::vector<effect>& due, const wallet& w, const wallet_transfer& t, bool lowest, const policy& rules) {
  const auto versions = hashes_of(t);
  if (!versions.empty()) push(due, wallet_keys::receipts(t), get_receipts{w.address, versions}, timestamp{}, rules.receipt_poll, 15'000ms);
  if (w.status == wallet_status::paused) return;
  if (t.block_number != 0 || t.missing_since) return;
  if (t.hash.empty() || t.raising) push(due, wallet_keys::sign(t), sign_tx{w.address, fields_of(t, rules)}, timestamp{}, 1000ms, 60'000ms);
  if (t.hash.empty()) return;
  const broadcast_tx again{t.raw, t.hash};
  if (!t.broadcast_at) {
    push(due, wallet_keys::broadcast(t), again, timestamp{}, 2000ms, 30'000ms);
    return;
  }
  // A node may forget what it took, or have answered for a pool that it was not in.
  push(due, wallet_keys::rebroadcast(t), again, *t.broadcast_at + rebroadcast_every, rebroadcast_every, rebroadcast_max);
  if (lowest && !t.raising)
    push(due, wallet_keys::reprice(t), quote_for(w, t), *t.broadcast_at + rules.resubmit_after, rules.receipt_poll * 2, rebroadcast_max);
}

} // namespace

int128 token_units(const wallet_transfer& t) { return t.token_value.units() / (one_coin / 1'000'000); }

std::string erc20_transfer(std::string_view to, int128 units) {
  const auto digit = [](char c) { return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10; };
  std::string data("\xa9\x05\x9c\xbb", 4);
  data.append(12, '\0');
  for (std::size_t i = 2; i + 1 < to.size(); i += 2) data += static_cast<char>(digit(to[i]) * 16 + digit(to[i + 1]));
  data.append(16, '\0');
  for (int shift = 120; shift >= 0; shift -= 8) data += static_cast<char>(static_cast<unsigned char>(units >> shift & 0xff));
  return data;
}

wallet_call call_of(const wallet_transfer& t) {
  if (t.token.empty()) return {t.to, t.value.units(), ""};
  return {t.token, 0, erc20_transfer(t.to, token_units(t))};
}

std::vector<std::string> hashes_of(const wallet_transfer& t) {
  std::vector<std::string> hashes;
  for (std::size_t at = 0; at < t.old_hashes.size();) {
    const auto end = std::min(t.old_hashes.find(' ', at), t.old_hashes.size());
    if (end > at) hashes.push_back(t.old_hashes.substr(at, end - at));
    at = end + 1;
  }
  if (!t.hash.empty()) hashes.push_back(t.hash);
  return hashes;
}

const wallet_transfer* next_to_prepare(const wallet& w) {
  const wallet_transfer* next = nullptr;
  std::ptrdiff_t unmined = 0;
  for (const auto& t : w.transfers) {
    // One at a time between nonce and broadcast: a nonce that cannot be signed or sent must not pile up others behind it.
    if (t.status == transfer_status::prepared || t.status == transfer_status::signed_tx) return nullptr;
    if (t.status == transfer_status::broadcast && t.block_number == 0 && ++unmined >= unmined_max) return nullptr;
    if (t.status != transfer_status::queued) continue;
    const bool earlier = !next || t.requested_at < next->requested_at || (t.requested_at == next->requested_at && t.intent < next->intent);
    if (earlier) next = &t;
  }
  return next;
}

const wallet_transfer* lowest_unmined(const wallet& w) {
  const wallet_transfer* lowest = nullptr;
  for (const auto& t : w.transfers)
    if (in_flight(t) && t.block_number == 0 && (!lowest || t.nonce < lowest->nonce)) lowest = &t;
  return lowest;
}

std::vector<effect> wallet_kind::effects_due(const wallet& w, const entity_ref&, timestamp, const policy& rules) {
  std::vector<effect> due;
  if (w.status == wallet_status::opening) {
    push(due, wallet_keys::open, get_wallet{w.address, rules.usdt_contract}, timestamp{}, 1000ms, 60'000ms);
    return due;
  }
  const auto* lowest = lowest_unmined(w);
  for (const auto& t : w.transfers)
    if (in_flight(t)) transfer_due(due, w, t, &t == lowest, rules);
  if (w.status == wallet_status::ready)
    if (const auto* next = next_to_prepare(w)) push(due, wallet_keys::quote(*next), quote_for(w, *next), timestamp{}, 2000ms, 15'000ms);
  return due;
}

std::optional<timestamp> wallet_kind::wakes_at(const wallet&, timestamp, const policy&) { return std::nullopt; }

std::optional<std::chrono::seconds> wallet_kind::stuck_after(const wallet& w) {
  if (w.status == wallet_status::opening) return 5min;
  if (w.status == wallet_status::paused || !w.alert.empty()) return 0s;
  return std::nullopt;
}

} // namespace paygate
