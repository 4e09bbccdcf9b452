#include "sandbox/nowpayments.hpp"

#include <algorithm>

namespace sandbox {
namespace {

json text_or_null(const json& value) { return value.is_null() || value.text().empty() ? json() : json(value.text()); }
json id_or_null(std::int64_t id) { return id == 0 ? json() : json(id); }
json hash_or_null(const std::string& hash) { return hash.empty() ? json() : json(hash); }

bool starts_with_http(const json& url) { return url.text().starts_with("http://") || url.text().starts_with("https://"); }

/// An amount of a payment on the wire: as JavaScript prints it, or with every digit.
json told(const np_payment& of, const decimal& amount) { return of.exact ? json::number(plain(amount)) : js(amount); }

} // namespace

reply np_error(int status, const std::string& code, const std::string& message) {
  return answer(status, json::object({{"status", false}, {"statusCode", status}, {"code", code}, {"message", message}}));
}

decimal nowpayments::to_usd(const decimal& amount, const std::string& currency) const {
  const coin* which = find_payment_coin(currency);
  return amount * core_.prices.usd(which != nullptr ? which->priced_as : currency);
}

std::optional<reply> nowpayments::bad_key(const request& from, const std::string& path) const {
  if (path == "/v1/status" || path == "/v1/auth") return std::nullopt;
  const auto key = from.header("x-api-key");
  if (key.empty()) return np_error(401, "AUTH_REQUIRED", "Authorization header is empty (Bearer JWTtoken is required)");
  if (!core_.set.nowpayments_key.empty() && key != core_.set.nowpayments_key) return np_error(403, "INVALID_API_KEY", "Invalid api key");
  return std::nullopt;
}

reply nowpayments::handle(const request& from, const std::string& path) {
  if (auto refused = bad_key(from, path)) return *refused;
  if (from.method == "GET") {
    if (path == "/v1/status") return answer(200, json::object({{"message", "OK"}}));
    if (path == "/v1/currencies" || path == "/v1/merchant/coins") {
      json codes = json::array();
      for (const auto& c : all_coins()) codes.push(c.paid_as);
      return answer(200, json::object({{path == "/v1/currencies" ? "currencies" : "selectedCurrencies", codes}}));
    }
    if (path == "/v1/estimate") return quote(from, false);
    if (path == "/v1/min-amount") return quote(from, true);
    if (path == "/v1/payment/" || path == "/v1/payment") return list(from);
    if (path.starts_with("/v1/payment/")) return read_payment(path.substr(12));
    return np_error(404, "NOT_FOUND", "Endpoint not found");
  }
  const auto body = json::parse(from.body);
  if (from.method != "POST" || !body || !body->is_object()) return np_error(400, "BAD_REQUEST", "Unexpected token in JSON");
  const std::lock_guard lock(core_.mutex);
  if (path == "/v1/auth") return authenticate(*body);
  if (path == "/v1/invoice") return create_invoice(*body);
  if (path == "/v1/payment") return create_payment(*body);
  if (path == "/v1/invoice-payment") return create_invoice_payment(*body);
  return np_error(404, "NOT_FOUND", "Endpoint not found");
}

reply nowpayments::create_invoice(const json& body) {
  const auto price = decimal_of(body["price_amount"]);
  if (!price || *price <= 0) return np_error(400, "INVALID_REQUEST_PARAMS", "price_amount must be a number greater than 0");
  if (!body["price_currency"].is_string()) return np_error(400, "INVALID_REQUEST_PARAMS", "price_currency is required");
  for (const char* url : {"ipn_callback_url", "success_url", "cancel_url", "partially_paid_url"})
    if (!body[url].text().empty() && !starts_with_http(body[url]))
      return np_error(400, "INVALID_REQUEST_PARAMS", std::string(url) + " must be a valid uri");
  if (body["pay_currency"].is_string() && find_payment_coin(body["pay_currency"].text()) == nullptr)
    return np_error(400, "CURRENCY_UNAVAILABLE", "Currency " + body["pay_currency"].text() + " is currently unavailable");
  np_invoice made;
  do {
    made.id = 4'000'000'000 + static_cast<std::int64_t>(core_.random_below(2'000'000'000));
  } while (invoices_.contains(made.id));
  made.price = *price;
  made.price_currency = body["price_currency"].text();
  made.pay_currency = text_or_null(body["pay_currency"]);
  made.order_id = text_or_null(body["order_id"]);
  made.order_description = text_or_null(body["order_description"]);
  made.ipn_callback_url = text_or_null(body["ipn_callback_url"]);
  made.success_url = text_or_null(body["success_url"]);
  made.cancel_url = text_or_null(body["cancel_url"]);
  made.partially_paid_url = text_or_null(body["partially_paid_url"]);
  made.payout_currency = text_or_null(body["payout_currency"]);
  made.is_fee_paid_by_user = body["is_fee_paid_by_user"].is_true();
  made.is_fixed_rate = body["is_fixed_rate"].is_true() || made.is_fee_paid_by_user;
  made.created = core_.now();
  core_.count("nowpayments.invoices");
  return answer(201, invoice_json(invoices_[made.id] = made));
}

json nowpayments::invoice_json(const np_invoice& of) const {
  return json::object({{"id", std::to_string(of.id)},
                       {"token_id", "5000000001"},
                       {"order_id", of.order_id},
                       {"order_description", of.order_description},
                       {"price_amount", js_number(of.price)},
                       {"price_currency", of.price_currency},
                       {"pay_currency", of.pay_currency},
                       {"ipn_callback_url", of.ipn_callback_url},
                       {"invoice_url", core_.set.public_url + "/pay/" + std::to_string(of.id)},
                       {"success_url", of.success_url},
                       {"cancel_url", of.cancel_url},
                       {"customer_email", nullptr},
                       {"partially_paid_url", of.partially_paid_url},
                       {"payout_currency", of.payout_currency},
                       {"created_at", iso_time(of.created)},
                       {"updated_at", iso_time(of.created)},
                       {"is_fixed_rate", of.is_fixed_rate},
                       {"is_fee_paid_by_user", of.is_fee_paid_by_user}});
}

np_payment& nowpayments::open_payment(const np_invoice& of, const std::string& pay_currency, std::int64_t parent) {
  const coin& paid_in = *find_payment_coin(pay_currency);
  std::int64_t id = 0;
  do {
    id = 5'000'000'000 + static_cast<std::int64_t>(core_.random_below(1'900'000'000));
  } while (payments_.contains(id));
  np_payment& made = payments_[id];
  made.id = id;
  made.invoice = of.id;
  made.parent = parent;
  made.purchase = 6'900'000'000 + static_cast<std::int64_t>(core_.random_below(900'000'000));
  made.price = of.price;
  made.price_currency = of.price_currency;
  made.order_id = of.order_id;
  made.order_description = of.order_description;
  made.ipn_callback_url = of.ipn_callback_url;
  made.is_fixed_rate = of.is_fixed_rate;
  made.is_fee_paid_by_user = of.is_fee_paid_by_user;
  made.pay_currency = pay_currency;
  made.pay_amount = raise(to_usd(of.price, of.price_currency) / core_.prices.usd(paid_in.priced_as), paid_in.places);
  made.pay_address =
      paid_in.address_form.starts_with("0x") ? "0x" + core_.random_hex(40) : core_.random_of("abcdefghkmnpqrstuvwxyz23456789", 34);
  made.created = made.updated = core_.now();
  core_.count("nowpayments.payments");
  return made;
}

reply nowpayments::create_payment(const json& body) {
  const auto price = decimal_of(body["price_amount"]);
  if (!price || *price <= 0) return np_error(400, "INVALID_REQUEST_PARAMS", "price_amount must be a number greater than 0");
  if (!body["price_currency"].is_string() || !body["pay_currency"].is_string())
    return np_error(400, "INVALID_REQUEST_PARAMS", "price_currency and pay_currency are required");
  const coin* paid_in = find_payment_coin(body["pay_currency"].text());
  if (paid_in == nullptr) return np_error(400, "CURRENCY_UNAVAILABLE", "Currency is currently unavailable");
  np_invoice like;
  like.price = *price;
  like.price_currency = body["price_currency"].text();
  like.order_id = text_or_null(body["order_id"]);
  like.order_description = text_or_null(body["order_description"]);
  like.ipn_callback_url = text_or_null(body["ipn_callback_url"]);
  like.is_fixed_rate = body["is_fixed_rate"].is_true();
  like.is_fee_paid_by_user = body["is_fee_paid_by_user"].is_true();
  if (to_usd(like.price, like.price_currency) < 1) return np_error(400, "AMOUNT_MINIMAL_ERROR", "amountTo is too small");
  return answer(201, created_json(open_payment(like, paid_in->paid_as, 0)));
}

reply nowpayments::create_invoice_payment(const json& body) {
  const auto id = body["iid"].integer();
  const auto invoice = id ? invoices_.find(*id) : invoices_.end();
  if (invoice == invoices_.end()) return np_error(404, "NOT_FOUND", "Invoice not found");
  if (find_payment_coin(body["pay_currency"].text()) == nullptr)
    return np_error(400, "CURRENCY_UNAVAILABLE", "Currency is currently unavailable");
  return answer(201, created_json(open_payment(invoice->second, body["pay_currency"].text(), 0)));
}

json nowpayments::created_json(const np_payment& of) const {
  const auto valid_until = of.created + (of.is_fixed_rate ? std::chrono::minutes(20) : std::chrono::minutes(7 * 24 * 60));
  return json::object({{"payment_id", std::to_string(of.id)},
                       {"payment_status", of.status},
                       {"pay_address", of.pay_address},
                       {"price_amount", js(of.price)},
                       {"price_currency", of.price_currency},
                       {"pay_amount", js(of.pay_amount)},
                       {"amount_received", nullptr},
                       {"pay_currency", of.pay_currency},
                       {"order_id", of.order_id},
                       {"order_description", of.order_description},
                       {"payin_extra_id", nullptr},
                       {"ipn_callback_url", of.ipn_callback_url},
                       {"created_at", iso_time(of.created)},
                       {"updated_at", iso_time(of.updated)},
                       {"purchase_id", std::to_string(of.purchase)},
                       {"smart_contract", nullptr},
                       {"network", find_payment_coin(of.pay_currency)->network},
                       {"network_precision", nullptr},
                       {"time_limit", nullptr},
                       {"burning_percent", nullptr},
                       {"expiration_estimate_date", iso_time(of.created + std::chrono::minutes(20))},
                       {"is_fixed_rate", of.is_fixed_rate},
                       {"is_fee_paid_by_user", of.is_fee_paid_by_user},
                       {"valid_until", iso_time(valid_until)},
                       {"type", "crypto2crypto"}});
}

json nowpayments::payment_json(const np_payment& of) const {
  json out = json::object({{"payment_id", of.id},
                           {"invoice_id", id_or_null(of.invoice)},
                           {"payment_status", of.status},
                           {"pay_address", of.pay_address},
                           {"payin_extra_id", nullptr},
                           {"price_amount", js(of.price)},
                           {"price_currency", of.price_currency},
                           {"pay_amount", told(of, of.pay_amount)},
                           {"actually_paid", told(of, of.actually_paid)},
                           {"pay_currency", of.pay_currency},
                           {"order_id", of.order_id},
                           {"order_description", of.order_description},
                           {"purchase_id", of.purchase},
                           {"outcome_amount", told(of, of.outcome_amount)},
                           {"outcome_currency", of.outcome_currency},
                           {"payout_hash", hash_or_null(of.payout_hash)},
                           {"payin_hash", hash_or_null(of.payin_hash)},
                           {"created_at", iso_time(of.created)},
                           {"updated_at", iso_time(of.updated)},
                           {"burning_percent", "null"},
                           {"type", "crypto2crypto"},
                           {"payment_extra_ids", nullptr}});
  if (of.parent != 0) out.set("parent_payment_id", of.parent).set("origin_type", "REPEATED");
  return out;
}

json nowpayments::ipn_json(const np_payment& of) const {
  return json::object({{"payment_id", of.id},
                       {"parent_payment_id", id_or_null(of.parent)},
                       {"invoice_id", id_or_null(of.invoice)},
                       {"payment_status", of.status},
                       {"pay_address", of.pay_address},
                       {"payin_extra_id", nullptr},
                       {"price_amount", js(of.price)},
                       {"price_currency", of.price_currency},
                       {"pay_amount", told(of, of.pay_amount)},
                       {"actually_paid", told(of, of.actually_paid)},
                       {"actually_paid_at_fiat", told(of, of.actually_paid_at_fiat)},
                       {"pay_currency", of.pay_currency},
                       {"order_id", of.order_id},
                       {"order_description", of.order_description},
                       {"purchase_id", std::to_string(of.purchase)},
                       {"outcome_amount", told(of, of.outcome_amount)},
                       {"outcome_currency", of.outcome_currency},
                       {"payment_extra_ids", nullptr},
                       {"fee", json::object({{"currency", of.outcome_currency},
                                             {"depositFee", js(decimal(0))},
                                             {"withdrawalFee", js(decimal(0))},
                                             {"serviceFee", js(of.service_fee)}})}});
}

reply nowpayments::read_payment(const std::string& id) {
  const auto number = json(id).integer();
  if (!number) return np_error(400, "INVALID_REQUEST_PARAMS", "paymentId must be a number");
  const std::lock_guard lock(core_.mutex);
  const auto found = payments_.find(*number);
  if (found == payments_.end()) return np_error(404, "PAYMENT_NOT_FOUND", "Payment not found");
  return answer(200, payment_json(found->second));
}

reply nowpayments::authenticate(const json& body) {
  const bool known = !core_.set.nowpayments_email.empty();
  if (!body["email"].is_string() || !body["password"].is_string()
      || (known && (body["email"].text() != core_.set.nowpayments_email || body["password"].text() != core_.set.nowpayments_password)))
    return np_error(401, "INVALID_CREDENTIALS", "Invalid email or password");
  const std::string token = "eyJhbGciOiJIUzI1NiIsInR5cCI6IkpXVCJ9." + core_.random_hex(40) + "." + core_.random_hex(43);
  tokens_[token] = core_.now() + std::chrono::minutes(5);
  return answer(200, json::object({{"token", token}}));
}

reply nowpayments::list(const request& from) {
  const std::lock_guard lock(core_.mutex);
  const auto bearer = from.header("authorization");
  const auto token = bearer.starts_with("Bearer ") ? tokens_.find(bearer.substr(7)) : tokens_.end();
  if (token == tokens_.end() || token->second < core_.now())
    return np_error(403, "AUTH_REQUIRED", "Authorization header is empty (Bearer JWTtoken is required)");
  const auto number = [&](const char* name, std::int64_t standard) { return json(from.parameter(name)).integer().value_or(standard); };
  const auto limit = number("limit", 10);
  const auto page = number("page", 0);
  if (limit < 1 || limit > 500 || page < 0) return np_error(400, "INVALID_REQUEST_PARAMS", "limit must be from 1 to 500");
  const auto order = from.parameter("orderBy");
  if (!order.empty() && order != "asc" && order != "desc") return np_error(500, "INTERNAL_ERROR", "Internal server error");
  const auto invoice = number("invoiceId", 0);
  std::vector<const np_payment*> fitting;
  for (const auto& [id, payment] : payments_)
    if ((invoice == 0 || payment.invoice == invoice)
        && (from.parameter("dateFrom").empty() || iso_time(payment.created) >= from.parameter("dateFrom"))
        && (from.parameter("dateTo").empty() || iso_time(payment.created).substr(0, 10) <= from.parameter("dateTo")))
      fitting.push_back(&payment);
  std::stable_sort(fitting.begin(), fitting.end(), [&](const np_payment* a, const np_payment* b) {
    return order == "desc" ? b->created < a->created : a->created < b->created;
  });
  json data = json::array();
  for (auto i = static_cast<std::size_t>(page * limit); i < fitting.size() && data.size() < static_cast<std::size_t>(limit); ++i)
    data.push(payment_json(*fitting[i]));
  const auto total = static_cast<std::int64_t>(fitting.size());
  return answer(
      200, json::object({{"data", data}, {"limit", limit}, {"page", page}, {"pagesCount", (total + limit - 1) / limit}, {"total", total}}));
}

reply nowpayments::quote(const request& from, bool minimum) {
  const std::lock_guard lock(core_.mutex);
  const auto source = from.parameter("currency_from");
  const auto target = from.parameter("currency_to").empty() ? std::string("eth") : from.parameter("currency_to");
  const decimal source_usd = to_usd(1, source);
  const decimal target_usd = to_usd(1, target);
  if (source_usd == 0 || target_usd == 0) return np_error(400, "CURRENCY_UNAVAILABLE", "Currency is currently unavailable");
  if (minimum) {
    json out = json::object({{"currency_from", source}, {"currency_to", target}, {"min_amount", js(raise(decimal(1) / source_usd, 8))}});
    if (!from.parameter("fiat_equivalent").empty()) out.set("fiat_equivalent", js(decimal(1)));
    return answer(200, out);
  }
  const auto amount = parse_decimal(from.parameter("amount"));
  if (!amount || *amount <= 0) return np_error(400, "INVALID_REQUEST_PARAMS", "amount must be a number");
  return answer(200, json::object({{"currency_from", source},
                                   {"amount_from", js(*amount)},
                                   {"currency_to", target},
                                   {"estimated_amount", js(cut(*amount * source_usd / target_usd, 8))}}));
}

} // namespace sandbox
