#include <algorithm>
#include <chrono>
#include <thread>

#include "sandbox/nowpayments.hpp"

namespace sandbox {
namespace {

bool settled(const std::string& status) { return status == "finished" || status == "partially_paid"; }

/// The way of a payment to `end`, as the provider's list of statuses goes.
std::vector<std::string> way_to(const std::string& end) {
  if (end == "failed") return {"waiting", "confirming", "failed"};
  if (end == "refunded") return {"waiting", "confirming", "confirmed", "refunded"};
  if (end == "expired" || end == "cancelled") return {"waiting", end};
  const std::vector<std::string> steps = {"waiting", "confirming", "confirmed", "sending"};
  if (settled(end)) return {"waiting", "confirming", "confirmed", "sending", end};
  const auto found = std::find(steps.begin(), steps.end(), end);
  return found == steps.end() ? std::vector<std::string>{} : std::vector<std::string>(steps.begin(), found + 1);
}

json id_or(std::int64_t id) { return id == 0 ? json() : json(id); }

void pause(int ms) {
  if (ms > 0) std::this_thread::sleep_for(std::chrono::milliseconds(ms));
}

} // namespace

std::variant<nowpayments::plan, std::string> nowpayments::plan_of(const json& wish, const std::string& now) {
  plan out;
  if (!wish["fraction"].is_null()) {
    const auto fraction = decimal_of(wish["fraction"]);
    if (!fraction || *fraction < 0) return "fraction must be a number from 0 on";
    out.fraction = *fraction;
  }
  out.ipn = !wish.has("ipn") || wish["ipn"].is_true();
  if (wish["statuses"].is_array()) {
    for (const auto& status : wish["statuses"].items()) out.statuses.push_back(status.text());
    return out;
  }
  const auto end = wish["status"].text_or(out.fraction < 1 ? "partially_paid" : "finished");
  out.statuses = way_to(end);
  if (out.statuses.empty()) return "no such status: " + end;
  // A payment that goes on does not repeat the steps that were told already.
  if (const auto told = std::find(out.statuses.begin(), out.statuses.end(), now); told != out.statuses.end() && !now.empty())
    out.statuses.erase(out.statuses.begin(), told + 1);
  else if (!now.empty())
    out.statuses.erase(out.statuses.begin());
  return out;
}

void nowpayments::set_amounts(np_payment& paid, const plan& how, const json& wish) {
  const coin& paid_in = *find_payment_coin(paid.pay_currency);
  const decimal price_usd = to_usd(paid.price, paid.price_currency);
  paid.actually_paid = cut(paid.pay_amount * how.fraction, paid_in.places);
  paid.actually_paid_at_fiat = cut(price_usd * how.fraction, 8);
  paid.outcome_currency = wish["outcome_currency"].text_or("eth");
  const decimal unit_usd = to_usd(1, paid.outcome_currency);
  const decimal whole = unit_usd == 0 ? decimal(0) : price_usd * how.fraction / unit_usd;
  // The provider's cut: 0.7 %.
  paid.outcome_amount = decimal_of(wish["outcome_amount"]).value_or(cut(whole * decimal("0.993"), 8));
  paid.service_fee = std::max(decimal(0), cut(whole - paid.outcome_amount, 8));
  if (!wish["actually_paid"].is_null()) paid.actually_paid = decimal_of(wish["actually_paid"]).value_or(decimal(0));
  if (!wish["actually_paid_at_fiat"].is_null()) paid.actually_paid_at_fiat = decimal_of(wish["actually_paid_at_fiat"]).value_or(decimal(0));
}

std::string nowpayments::transfer_outcome(std::int64_t payment, std::string& error) {
  std::string currency;
  decimal amount;
  {
    const std::lock_guard lock(core_.mutex);
    const auto& paid = payments_.at(payment);
    if (!paid.payout_hash.empty()) return paid.payout_hash;
    currency = paid.outcome_currency;
    amount = paid.outcome_amount;
    if (chain_ == nullptr || core_.set.hot_wallet.empty() || currency != "eth" || amount <= 0) return "0x" + core_.random_hex(64);
  }
  const auto sent = chain_->pay_ether(chain_->account_from_end(0), core_.set.hot_wallet, units_of(amount, 18));
  error = sent.error;
  return sent.hash;
}

reply nowpayments::pay(std::int64_t invoice_or_payment, const json& wish) {
  std::int64_t id = 0;
  plan how;
  std::string url;
  {
    const std::lock_guard lock(core_.mutex);
    const auto invoice = invoices_.find(invoice_or_payment);
    const np_payment* before = nullptr; // The last payment of the invoice that is no repeated one.
    for (const auto& [key, payment] : payments_)
      if (key == invoice_or_payment || (payment.invoice == invoice_or_payment && payment.parent == 0))
        if (before == nullptr || before->created <= payment.created) before = &payment;
    if (invoice == invoices_.end() && before == nullptr) return answer(404, json::object({{"error", "no such invoice or payment"}}));
    const bool repeat = wish["repeat"].is_true();
    const bool anew = invoice != invoices_.end() && (before == nullptr || wish["new"].is_true() || repeat);
    const auto code = wish["pay_currency"].text_or(invoice != invoices_.end() ? invoice->second.pay_currency.text_or("eth") : "eth");
    if (find_payment_coin(code) == nullptr) return answer(400, json::object({{"error", "no such pay_currency: " + code}}));
    if (repeat && before == nullptr) return answer(409, json::object({{"error", "nothing was paid yet that could be repeated"}}));
    if (!anew && before->busy) return answer(409, json::object({{"error", "this payment is just being paid"}}));
    if (!anew && settled(before->status) && !wish["statuses"].is_array())
      return answer(409, json::object({{"error", "already " + before->status + "; say repeat or new"}, {"payment_id", before->id}}));
    auto made = plan_of(wish, anew ? "" : before->status);
    if (const auto* wrong = std::get_if<std::string>(&made)) return answer(400, json::object({{"error", *wrong}}));
    how = std::get<plan>(made);
    np_payment& paid = anew ? open_payment(invoice->second, code, repeat ? before->id : 0) : payments_.at(before->id);
    id = paid.id;
    paid.busy = true;
    paid.exact = wish["exact"].is_true();
    url = paid.ipn_callback_url.text();
  }
  json told = json::array();
  std::string error;
  for (const auto& status : how.statuses) {
    std::string hash;
    if (settled(status)) {
      {
        const std::lock_guard lock(core_.mutex);
        if (const auto paid = payments_.find(id); paid != payments_.end() && paid->second.payout_hash.empty())
          set_amounts(paid->second, how, wish);
      }
      hash = transfer_outcome(id, error);
      if (!error.empty()) break;
    }
    std::string body;
    {
      const std::lock_guard lock(core_.mutex);
      const auto found = payments_.find(id);
      if (found == payments_.end()) return answer(409, json::object({{"error", "the sandbox was reset meanwhile"}}));
      np_payment& paid = found->second;
      paid.status = status;
      paid.updated = core_.now();
      if (status != "waiting" && status != "expired" && status != "cancelled" && paid.payout_hash.empty()) {
        set_amounts(paid, how, wish);
        if (paid.payin_hash.empty()) paid.payin_hash = "0x" + core_.random_hex(64);
      }
      if (!hash.empty()) paid.payout_hash = hash;
      body = ipn_json(paid).dump();
    }
    if (!how.ipn || url.empty() || core_.set.ipn_secret.empty()) continue;
    const auto signature = hmac_sha512_hex(core_.set.ipn_secret, json::parse(body)->sorted().dump());
    told.push(ipn_answer(status, deliver(url, body, signature)));
    pause(core_.set.ipn_delay_ms);
  }
  const std::lock_guard lock(core_.mutex);
  const auto found = payments_.find(id);
  if (found == payments_.end()) return answer(409, json::object({{"error", "the sandbox was reset meanwhile"}}));
  np_payment& paid = found->second;
  paid.busy = false;
  json out = json::object({{"payment_id", paid.id},
                           {"invoice_id", id_or(paid.invoice)},
                           {"order_id", paid.order_id},
                           {"status", paid.status},
                           {"outcome_amount", plain(paid.outcome_amount)},
                           {"outcome_currency", paid.outcome_currency},
                           {"payout_hash", paid.payout_hash.empty() ? json() : json(paid.payout_hash)},
                           {"ipns", told}});
  if (!error.empty()) out.set("error", "transfer of the outcome: " + error);
  return answer(error.empty() ? 200 : 502, out);
}

reply nowpayments::alter(std::int64_t invoice_or_payment, const json& wish) {
  const std::lock_guard lock(core_.mutex);
  np_payment* found = nullptr;
  for (auto& [key, payment] : payments_)
    if (key == invoice_or_payment || payment.invoice == invoice_or_payment) found = &payment;
  if (found == nullptr) return answer(404, json::object({{"error", "no such payment"}}));
  if (!wish["outcome_amount"].is_null()) {
    const auto amount = decimal_of(wish["outcome_amount"]);
    if (!amount || *amount < 0) return answer(400, json::object({{"error", "outcome_amount must be a number from 0 on"}}));
    found->outcome_amount = *amount;
  }
  found->outcome_currency = wish["outcome_currency"].text_or(found->outcome_currency);
  found->status = wish["status"].text_or(found->status);
  found->payout_hash = wish["payout_hash"].text_or(found->payout_hash);
  found->updated = core_.now();
  return answer(200, payment_json(*found));
}

nowpayments::ipn_result nowpayments::deliver(const std::string& url, const std::string& body, const std::string& signature) {
  const bool twice = core_.faults.draw("nowpayments", "ipn", fault_mode::duplicate).mode == fault_mode::duplicate;
  ipn_result result;
  for (int copy = 0; copy < (twice ? 2 : 1); ++copy)
    for (int attempt = 1; attempt <= core_.set.ipn_tries; ++attempt) {
      const auto got = http_post(url, {{"x-nowpayments-sig", signature}}, body, 3000);
      result.status = got.status;
      result.answer = got.body;
      ++result.tries;
      core_.count(got.ok() ? "ipn.accepted" : "ipn.refused");
      if (got.ok()) break;
      if (attempt < core_.set.ipn_tries) pause(core_.set.ipn_interval_ms);
    }
  constexpr std::size_t records_max = 200'000;
  const std::lock_guard lock(core_.mutex);
  if (ipns_.size() >= records_max) ipns_.erase(ipns_.begin(), ipns_.begin() + records_max / 2);
  ipns_.push_back({core_.now(), url, body, signature, result});
  return result;
}

json nowpayments::ipn_answer(const std::string& status, const ipn_result& result) const {
  return json::object({{"status", status}, {"http_status", result.status}, {"tries", result.tries}, {"answer", result.answer}});
}

reply nowpayments::send_any_ipn(const json& wish) {
  std::string url = wish["url"].text();
  json body;
  {
    const std::lock_guard lock(core_.mutex);
    const auto wanted = wish["payment_id"].integer();
    for (const auto& [id, payment] : payments_) {
      const bool by_order = wish["order_id"].is_string() && payment.order_id.text() == wish["order_id"].text();
      if (!by_order && wanted != id) continue;
      body = ipn_json(payment);
      if (url.empty()) url = payment.ipn_callback_url.text();
    }
    for (const auto& [id, invoice] : invoices_)
      if (url.empty() && wish["order_id"].is_string() && invoice.order_id.text() == wish["order_id"].text())
        url = invoice.ipn_callback_url.text();
    // An order that nobody knows goes where all the others go.
    if (url.empty() && !invoices_.empty()) url = invoices_.rbegin()->second.ipn_callback_url.text();
  }
  if (url.empty()) return answer(404, json::object({{"error", "no callback URL is known; give url"}}));
  for (const auto& [key, value] : wish["body"].members()) body.set(key, value);
  const std::string text = wish["raw"].is_string() ? wish["raw"].text() : body.dump();
  const auto parsed = json::parse(text);
  std::string signature = hmac_sha512_hex(core_.set.ipn_secret, parsed ? parsed->sorted().dump() : text);
  if (wish["signature"].text() == "bad") signature[0] = signature[0] == '0' ? '1' : '0';
  return answer(200, ipn_answer(body["payment_status"].text(), deliver(url, text, signature)).set("body", text));
}

json nowpayments::list_invoices() {
  const std::lock_guard lock(core_.mutex);
  json out = json::array();
  for (const auto& [id, invoice] : invoices_) {
    json entry = invoice_json(invoice);
    json ids = json::array();
    for (const auto& [payment_id, payment] : payments_)
      if (payment.invoice == id)
        ids.push(json::object({{"payment_id", payment_id}, {"status", payment.status}, {"parent_payment_id", id_or(payment.parent)}}));
    out.push(entry.set("payments", ids));
  }
  return out;
}

json nowpayments::list_payments() {
  const std::lock_guard lock(core_.mutex);
  json out = json::array();
  for (const auto& [id, payment] : payments_) out.push(payment_json(payment));
  return out;
}

json nowpayments::ipns(std::size_t limit) {
  const std::lock_guard lock(core_.mutex);
  json out = json::array();
  for (auto i = ipns_.rbegin(); i != ipns_.rend() && out.size() < limit; ++i)
    out.push(ipn_answer(json::parse(i->body).value_or(json())["payment_status"].text(), i->result)
                 .set("at", iso_time(i->at))
                 .set("url", i->url)
                 .set("body", i->body)
                 .set("signature", i->signature));
  return out;
}

json nowpayments::summary() {
  const std::lock_guard lock(core_.mutex);
  json by_status = json::object();
  for (const auto& [id, payment] : payments_) by_status.set(payment.status, by_status[payment.status].integer().value_or(0) + 1);
  return json::object({{"invoices", invoices_.size()}, {"payments", payments_.size()}, {"by_status", by_status}, {"ipns", ipns_.size()}});
}

void nowpayments::reset() {
  const std::lock_guard lock(core_.mutex);
  invoices_.clear();
  payments_.clear();
  tokens_.clear();
  ipns_.clear();
}

} // namespace sandbox
