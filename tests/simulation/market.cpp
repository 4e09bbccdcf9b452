#include "tests/simulation/market.hpp"

namespace paygate::sim {

namespace {

const asset eth{"eth", "eth"}, usdt{"usdt", "eth"};

int128 dollars(const asset& coin) { return coin == eth ? 3000 : coin == usdt ? 1 : 150; }
int places(const asset& coin) { return coin == usdt ? 6 : coin == eth ? 8 : 12; }
int128 withdrawal_fee(const asset& coin) { return coin == usdt ? one_coin : coin == eth ? one_coin / 5000 : 0; }
int128 deposit_fee(const asset& coin) { return coin == eth ? one_coin / 10'000 : one_coin / 2; }

} // namespace

int128 market::converted(const asset& from, const asset& to, int128 units) const {
  return truncate_to(mul_div_floor(units, dollars(from) * 995, dollars(to) * 1000), places(to));
}

io_outcome market::range(const get_swap_range& request) {
  if (w_.fault(5)) return io_failure{fault::permanent, "pair_is_inactive", "pair is inactive", std::nullopt};
  swap_range range{request.from == eth ? one_coin / 100 : 20 * one_coin, std::nullopt};
  // ETH to USDT is taken in smaller amounts, and not without end.
  if (request.to == usdt) range = {eth_to_usdt_min, 10 * one_coin};
  return range;
}

io_outcome market::estimate(const estimate_swap& request) {
  if (w_.fault(3)) return io_failure{fault::permanent, "pair_is_inactive", "pair is inactive", std::nullopt};
  const auto fee = deposit_fee(request.from), withdrawal = withdrawal_fee(request.to);
  swap_estimate quote{"rate" + std::to_string(w_.random() % 1000), std::nullopt, request.from_amount, 0, fee, withdrawal};
  quote.to_amount = converted(request.from, request.to, request.from_amount - fee) - withdrawal;
  if (w_.fault(5)) quote.rate_id.clear();
  if (w_.chance(50)) quote.valid_until = w_.now + seconds(w_.between(60, 1200));
  return quote;
}

market::fate market::drawn() {
  if (!w_.chance(25)) return fate::honest;
  static constexpr fate others[] = {fate::late,       fate::late,       fate::too_little, fate::too_much,      fate::twice,
                                    fate::false_hash, fate::never_paid, fate::refund,     fate::refund_late,   fate::refund_lie,
                                    fate::failed,     fate::refund,     fate::stale_hash, fate::refund_stolen, fate::held};
  return others[w_.random() % std::size(others)];
}

io_outcome market::create(const create_swap& request) {
  if (w_.fault(2)) return io_failure{fault::permanent, "not_valid_address", "the address is <bad>", std::nullopt};
  swap s;
  const auto n = std::to_string(swaps.size() + 1);
  s.asked = request;
  s.said = converted(request.from, request.to, request.from_amount - deposit_fee(request.from)) - withdrawal_fee(request.to);
  s.made = {"swap" + n, "0x" + std::string(36 - n.size(), '1') + "cafe" + n, "", request.from_amount, s.said};
  s.made.payin_address.resize(42, '0');
  if (w_.fault(3)) s.made.from_amount -= 10'000'000'000;
  s.valid_until = w_.now + seconds(w_.fault(20) ? w_.between(20, 120) : 1200);
  s.will = drawn();
  if (w_.chance(2)) net_.reverting.insert(s.made.payin_address);
  swaps[s.made.swap_id] = s;
  return s.made;
}

io_outcome market::look(const get_swap& request) {
  const auto& s = swaps.at(request.swap_id);
  swap_state seen;
  seen.swap_id = request.swap_id;
  seen.status = s.status;
  // An answer from a cache: an older word, or the end without its hash.
  if (w_.fault(10) && s.status > swap_status::waiting && s.status < swap_status::finished) seen.status = swap_status::waiting;
  if (w_.chance(70)) seen.valid_until = s.valid_until;
  if (seen.status == swap_status::finished && !w_.fault(20)) {
    seen.payout_hash = s.hash;
    seen.amount_to = s.said;
  }
  if (seen.status == swap_status::refunded) {
    seen.refund_hash = s.refund_hash;
    seen.refund_amount = s.refunded;
  }
  return seen;
}

void market::turn() {
  for (auto& [id, s] : swaps) watch(id, s);
}

void market::watch(const std::string& id, swap& s) {
  const auto [units, times] = net_.received(s.made.payin_address, 2, s.asked.from == usdt);
  w_.demand(times <= 1, "at most one deposit for " + id);
  w_.demand(times == 0 || units == s.made.from_amount, "the deposit of " + id + " has the amount the provider named");
  if (w_.chance(40)) return;
  switch (s.status) {
  case swap_status::new_swap: s.status = swap_status::waiting; return;
  case swap_status::waiting:
    if (times != 0)
      s.status = swap_status::confirming;
    else if (w_.now > s.valid_until + 10min)
      s.status = swap_status::expired;
    return;
  case swap_status::confirming: s.status = s.will == fate::held ? swap_status::verifying : swap_status::exchanging; return;
  case swap_status::verifying: s.status = w_.chance(50) ? swap_status::exchanging : swap_status::failed; return;
  case swap_status::exchanging:
    if (s.will == fate::failed)
      s.status = swap_status::failed;
    else if (s.will == fate::refund || s.will == fate::refund_stolen || s.will == fate::refund_late || s.will == fate::refund_lie)
      pay_back(id, s);
    else
      s.status = swap_status::sending;
    return;
  case swap_status::sending: finish(id, s); return;
  case swap_status::finished:
  case swap_status::failed:
  case swap_status::refunded:
  case swap_status::expired: return;
  }
}

void market::finish(const std::string& id, swap& s) {
  s.status = swap_status::finished;
  s.hash = "0xout" + id;
  if (s.asked.to != usdt && s.asked.to != eth) return; // On a chain that we do not see.
  auto really = s.said;
  if (s.will == fate::too_little) really = truncate_to(mul_div_floor(really, w_.between(50, 99), 100), places(s.asked.to));
  if (s.will == fate::too_much) really = truncate_to(mul_div_floor(really, w_.between(101, 110), 100), places(s.asked.to));
  const auto token = s.asked.to == usdt ? usdt_address : "";
  const auto when = s.will == fate::late ? w_.now + milliseconds(w_.between(60'000, 900'000)) : w_.now;
  if (s.will == fate::never_paid) return;
  if (s.will == fate::stale_hash) { // It names what it paid for another swap.
    for (const auto& [other, o] : swaps)
      if (!o.paid.empty() && o.asked.to == s.asked.to && o.asked.address == s.asked.address) s.hash = *o.paid.begin();
    return;
  }
  if (s.will == fate::false_hash) // Somebody else's.
    return coins_.send(s.hash, {"0x00000000000000000000000000000000000000cc", token, really, when, 0});
  coins_.send(s.hash, {s.asked.address, token, really, when, 0});
  s.paid.insert(s.hash);
  if (s.will != fate::twice) return;
  coins_.send(s.hash + "again", {s.asked.address, token, really, when + 30s, 0});
  s.paid.insert(s.hash + "again");
}

void market::pay_back(const std::string& id, swap& s) {
  s.status = swap_status::refunded;
  // Less what the way back costs it.
  s.refunded = truncate_to(mul_div_floor(s.made.from_amount, w_.between(970, 1000), 1000), places(s.asked.from));
  s.refund_hash = w_.chance(80) || s.will == fate::refund_lie ? "0xback" + id : "";
  if (s.will == fate::refund_stolen) { // It names a subscriber's payment, or another's refund.
    std::vector<std::string> known;
    for (const auto& [hash, tx] : coins_.all)
      if (tx.to == our_address && tx.depth > 1) known.push_back(hash);
    if (!known.empty()) s.refund_hash = known[w_.random() % known.size()];
    return;
  }
  if (s.will == fate::refund_lie) return;
  const auto when = s.will == fate::refund_late ? w_.now + milliseconds(w_.between(60'000, 900'000)) : w_.now;
  coins_.send("0xback" + id, {s.asked.refund_address, s.asked.from == usdt ? usdt_address : "", s.refunded, when, 0});
  s.paid.insert("0xback" + id);
}

bool market::is_never_paid(const std::string& swap_id) const {
  const auto at = swaps.find(swap_id);
  if (at == swaps.end()) return false;
  const auto& s = at->second;
  // Without a hash there is nothing to look for.
  return !coins_.all.count(s.status == swap_status::refunded ? s.refund_hash : s.hash);
}

} // namespace paygate::sim
