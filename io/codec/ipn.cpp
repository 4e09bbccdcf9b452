#include "io/codec/ipn.hpp"

namespace paygate {

namespace {

std::string lower(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

/// As a column and its index hold it. An id or a name is never near as long, and the raw body keeps what came.
std::string storable(std::string text) {
  constexpr std::size_t text_max = 256;
  for (std::size_t at = 0; (at = text.find('\0', at)) != std::string::npos;) text[at] = '?';
  if (text.size() <= text_max) return text;
  auto end = text_max;
  while ((static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end; // Between two characters.
  text.resize(end);
  return text;
}

// NOWPayments writes some nothings as the text "null".
bool is_nothing(const json_value* value) {
  if (!value) return true;
  const auto text = json_text(*value);
  return text && (text->empty() || *text == "null");
}

// Reads members and keeps the first complaint.
struct reader {
  const json_value& object;
  std::string error;

  void complain(std::string_view name, std::string_view what) {
    if (error.empty()) error = std::string(name) + " " + std::string(what);
  }

  std::string id(std::string_view name) {
    if (is_nothing(json_member(object, name))) return {};
    auto value = json_id(object, name);
    if (!value) complain(name, "is not all digits");
    return value.value_or(std::string());
  }

  std::optional<int128> amount(std::string_view name) {
    if (is_nothing(json_member(object, name))) return std::nullopt;
    auto value = json_decimal(object, name);
    if (!value) complain(name, "is no amount");
    return value;
  }

  std::string text(std::string_view name) {
    if (is_nothing(json_member(object, name))) return {};
    auto value = json_text(object, name);
    if (!value) complain(name, "is no text");
    return storable(value.value_or(std::string()));
  }
};

} // namespace

std::variant<provider_payment, std::string> parse_provider_payment(std::string_view body) {
  const auto document = parse_json(body);
  if (!document) return std::string("no JSON");
  return parse_provider_payment(*document);
}

std::variant<provider_payment, std::string> parse_provider_payment(const json_value& object) {
  if (!object.IsObject()) return std::string("no JSON object");
  reader in{object, {}};
  provider_payment payment;
  payment.payment_id = in.id("payment_id");
  if (payment.payment_id.empty()) in.complain("payment_id", "is missing");
  payment.parent_payment_id = in.id("parent_payment_id");
  payment.invoice_id = in.id("invoice_id");
  payment.order_id = in.text("order_id");
  payment.status = parse_enum<provider_status>(in.text("payment_status")).value_or(provider_status::waiting);
  payment.price_currency = lower(in.text("price_currency"));
  payment.price_amount = in.amount("price_amount");
  payment.pay_currency = lower(in.text("pay_currency"));
  payment.pay_amount = in.amount("pay_amount");
  payment.actually_paid = in.amount("actually_paid");
  payment.actually_paid_at_fiat = in.amount("actually_paid_at_fiat");
  payment.outcome_currency = lower(in.text("outcome_currency"));
  payment.outcome_amount = in.amount("outcome_amount");
  payment.payin_hash = in.text("payin_hash");
  payment.payout_hash = in.text("payout_hash");
  if (!in.error.empty()) return std::move(in.error);
  return payment;
}

} // namespace paygate
