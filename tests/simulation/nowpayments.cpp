#include "tests/simulation/nowpayments.hpp"

#include <algorithm>

namespace paygate::sim {

namespace {
constexpr int128 eth_price = 3000;
using enum provider_status;
} // namespace

// --- incoming ---

io_outcome incoming::look(const get_transfer& request) {
  const auto at = all_.find(request.hash);
  if (at == all_.end() || w_.fault(10)) return io_failure{fault::transient, "not_found", "unknown transaction", std::nullopt};
  return transfer_seen{our_address, at->second.units, at->second.depth, false};
}

void incoming::mine(std::uint64_t depth_wanted) {
  for (auto& [hash, t] : all_) {
    if (t.depth == 0) {
      if (w_.fault(30)) continue;
      net_.fund(t.units);
      t.depth = 1;
    } else if (t.depth < depth_wanted && net_.balance() > t.units + one_coin / 2 && w_.fault(10)) {
      net_.fund(-t.units);
      t.depth = 0;
    } else
      ++t.depth;
  }
}

bool incoming::all_deep() const {
  return std::all_of(all_.begin(), all_.end(), [](const auto& t) { return t.second.depth > 3; });
}

// --- the provider ---

io_outcome nowpayments::create(const create_invoice& request) {
  const auto id = "4" + std::to_string(1000 + ++count_);
  const auto url = "https://nowpayments.test/payment/?iid=" + id;
  invoices_[url] = {id, request.order_id, request.price.units(), false};
  orders[request.order_id].price = request.price.units();
  return invoice_created{id, url};
}

void nowpayments::pay(const std::string& url) {
  auto& of = invoices_.at(url);
  if (std::exchange(of.paid, true)) return;
  const auto price = of.price;
  const auto kind = w_.between(0, 99);
  if (w_.chance(15)) begin(of, "", 0, price, {waiting, expired}, false); // Another coin first, then thought better of it.
  const auto percent = [&](std::int64_t p) { return mul_div_floor(price, p, 100); };
  const bool reliable = attempts.size() > 0 && std::any_of(attempts.begin(), attempts.end(), [&](const auto& a) {
                          return a.second.truth.order_id == of.order_id;
                        });
  if (kind < 55)
    begin(of, "", percent(w_.between(98, 110)), price, {waiting, confirming, confirmed, sending, finished}, reliable);
  else if (kind < 62) // Late: the provider had given it up.
    begin(of, "", price, price, {waiting, expired, confirming, finished}, true);
  else if (kind < 70) { // Too little, and the rest as a repeated deposit.
    const auto first = begin(of, "", percent(30), price, {waiting, confirming, sending, w_.chance(50) ? finished : partially_paid}, true);
    w_.after(milliseconds(w_.between(60'000, 400'000)), [this, of, first, rest = percent(80)] {
      begin(of, first, rest, rest, {waiting, confirming, sending, finished}, true);
      --open;
    });
    ++open;
  } else if (kind < 76)
    begin(of, "", percent(w_.between(10, 40)), price, {waiting, confirming, sending, w_.chance(60) ? finished : partially_paid}, true);
  else if (kind < 82) { // Paid in full, and by mistake once more.
    const auto first = begin(of, "", price, price, {waiting, confirming, finished}, true);
    w_.after(milliseconds(w_.between(60'000, 300'000)), [this, of, price, first] {
      begin(of, first, price, price, {confirming, sending, finished}, true);
      --open;
    });
    ++open;
  } else if (kind < 86)
    begin(of, "", 0, price, {waiting, confirming, failed}, reliable);
  else if (kind < 90)
    begin(of, "", 0, price, {waiting, confirming, w_.chance(50) ? partially_paid : confirmed, refunded}, true);
  else if (kind < 93) {
    const auto id = begin(of, "", price, price, {waiting, confirming, sending, finished}, reliable);
    attempts[id].truth.outcome_currency = "usdttrc20";
    orders[of.order_id].foreign_outcome = true;
  } else { // The IPN says 0 dollars, which means that it does not know.
    const auto id = begin(of, "", price, price, {waiting, confirming, sending, finished}, reliable);
    attempts[id].fiat_unknown = true;
    if (w_.chance(50)) attempts[id].truth.pay_amount.reset();
  }
}

std::string nowpayments::begin(const invoice& of, const std::string& parent, int128 usd, int128 asked, std::vector<provider_status> script,
                               bool reliable) {
  const auto id = std::to_string(5'000'000 + ++count_);
  auto& a = attempts[id];
  a.truth.payment_id = id;
  a.truth.parent_payment_id = parent;
  a.truth.invoice_id = of.id;
  a.truth.order_id = of.order_id;
  a.truth.price_currency = "usd";
  a.truth.price_amount = asked;
  a.truth.pay_currency = "btc";
  a.truth.pay_amount = asked / 50'000;
  a.truth.outcome_currency = "eth";
  a.usd = usd;
  a.script = std::move(script);
  a.reliable = reliable;
  ++open;
  next(id);
  return id;
}

void nowpayments::next(const std::string& id) {
  auto& a = attempts.at(id);
  if (a.at == a.script.size()) return void(--open);
  a.past.push_back(a.truth);
  auto& t = a.truth;
  t.status = a.script[a.at++];
  t.actually_paid = a.usd / 50'000;
  t.actually_paid_at_fiat = a.fiat_unknown && !t.pay_amount ? 0 : a.usd;
  if (t.status == finished || t.status == partially_paid) { // A part lies in the wallet as well (provider-apis 1.5).
    t.outcome_amount = a.usd / eth_price * 995 / 1000;
    t.payout_hash = "0xin" + id;
    auto& order = orders[t.order_id];
    if (t.outcome_currency == "eth") coins_.send(t.payout_hash, *t.outcome_amount);
    if (t.outcome_currency == "eth" && t.status == finished) {
      order.finished_usd += a.usd;
      ++order.finished;
    }
  }
  tell(id);
  w_.after(milliseconds(w_.between(5'000, 90'000)), [this, id] { next(id); });
}

void nowpayments::tell(const std::string& id) {
  auto& a = attempts.at(id);
  ipn_received ipn{a.truth, ""};
  ipn.payment.payout_hash.clear();
  if (a.fiat_unknown) ipn.payment.actually_paid_at_fiat = 0, ipn.payment.pay_amount.reset();
  ipn.raw = "ipn " + id + " " + std::string(to_text(a.truth.status)) + " " + std::to_string(a.at);
  const auto permille = [&](unsigned rate) { return w_.faults && w_.random() % 1000 < rate; };
  if (!a.reliable && permille(rates_.ipn_lost)) return;
  const int copies = permille(rates_.ipn_repeated) ? 3 : 1;
  for (int i = 0; i < copies; ++i) {
    ++open;
    const auto late = permille(rates_.ipn_late) ? w_.between(1'000, 240'000) : w_.between(10, 2'000);
    w_.after(milliseconds(late), [this, ipn, reliable = a.reliable] { post(ipn, reliable, 1); });
  }
}

void nowpayments::post(const ipn_received& ipn, bool reliable, int tries) {
  deliver(ipn, [this, ipn, reliable, tries](bool taken) {
    // The provider repeats a few times; what nothing else would tell comes through in the end.
    if (taken || (!reliable && tries >= 4)) return void(--open);
    w_.after(milliseconds(w_.between(5'000, 60'000)), [this, ipn, reliable, tries] { post(ipn, reliable, tries + 1); });
  });
}

io_outcome nowpayments::look(const get_payment& request) {
  const auto at = attempts.find(request.payment_id);
  if (at == attempts.end()) return io_failure{fault::permanent, "not_found", "no such payment", std::nullopt};
  const auto& a = at->second;
  // A read from a replica that lags, or the hash of the payout not yet there.
  if (w_.fault(10) && !a.past.empty()) return a.past.back();
  auto answer = a.truth;
  if (w_.fault(30)) answer.payout_hash.clear();
  return answer;
}

io_outcome nowpayments::find(const find_payments& request) {
  payments_listed list;
  for (const auto& [id, a] : attempts)
    if (a.truth.invoice_id == request.invoice_id) list.payments.push_back(a.truth);
  return list;
}

} // namespace paygate::sim
