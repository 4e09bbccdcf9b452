#pragma once
#include <map>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "sandbox/chain_client.hpp"
#include "sandbox/core.hpp"
#include "sandbox/http.hpp"

namespace sandbox {

/// What the merchant created. Texts stay as they came.
struct np_invoice {
  std::int64_t id = 0;
  decimal price;
  std::string price_currency;
  json pay_currency, order_id, order_description, ipn_callback_url, success_url, cancel_url, partially_paid_url, payout_currency;
  bool is_fixed_rate = false, is_fee_paid_by_user = false;
  time_point created;
};

/// One payment of a payer. `invoice` is 0 for a payment made without one.
struct np_payment {
  std::int64_t id = 0, invoice = 0, purchase = 0, parent = 0;
  std::string status = "waiting", pay_address, pay_currency, price_currency, outcome_currency = "eth", payin_hash, payout_hash;
  json order_id, order_description, ipn_callback_url;
  decimal price, pay_amount, actually_paid, actually_paid_at_fiat, outcome_amount, service_fee;
  bool is_fixed_rate = false, is_fee_paid_by_user = false;
  bool busy = false;  ///< A payer is just paying it.
  bool exact = false; ///< Its amounts are told with every digit, as a provider without doubles would: more than JavaScript prints.
  time_point created, updated;
};

/// Stand-in for NOWPayments (provider-apis.md, section 1): its API, its IPNs, and the payer's page.
class nowpayments {
public:
  nowpayments(core& shared, chain_client* chain) : core_(shared), chain_(chain) {}

  /// A request of the merchant; `path` without the base, for instance "/v1/invoice".
  reply handle(const request& from, const std::string& path);
  /// The payer's page of an invoice.
  reply page(const std::string& invoice);

  // The control interface.
  json list_invoices();
  json list_payments();
  /// Makes or continues a payment of the invoice (or of the payment given by id), transfers the outcome, sends the IPNs.
  reply pay(std::int64_t invoice_or_payment, const json& wish);
  /// Changes the record of the invoice's last payment (or of the payment given by id) without moving anything: outcome_amount,
  /// outcome_currency, status, payout_hash. What a provider does that corrects itself, or lies.
  reply alter(std::int64_t invoice_or_payment, const json& wish);
  /// Sends any body as an IPN, rightly or wrongly signed.
  reply send_any_ipn(const json& wish);
  json ipns(std::size_t limit);
  json summary();
  void reset();

private:
  struct ipn_result {
    int status = 0;
    int tries = 0;
    std::string answer;
  };
  struct ipn_record {
    time_point at;
    std::string url, body, signature;
    ipn_result result;
  };
  struct plan {
    std::vector<std::string> statuses; ///< In the order of their IPNs.
    decimal fraction = 1;
    bool ipn = true;
  };

  reply create_invoice(const json& body);
  reply create_payment(const json& body);
  reply create_invoice_payment(const json& body);
  reply read_payment(const std::string& id);
  reply list(const request& from);
  reply authenticate(const json& body);
  reply quote(const request& from, bool minimum);
  std::optional<reply> bad_key(const request& from, const std::string& path) const;

  np_payment& open_payment(const np_invoice& of, const std::string& pay_currency, std::int64_t parent);
  decimal to_usd(const decimal& amount, const std::string& currency) const;
  json invoice_json(const np_invoice& of) const;
  json created_json(const np_payment& of) const;
  json payment_json(const np_payment& of) const;
  json ipn_json(const np_payment& of) const;
  static std::variant<plan, std::string> plan_of(const json& wish, const std::string& now);
  void set_amounts(np_payment& paid, const plan& how, const json& wish);
  std::string transfer_outcome(std::int64_t payment, std::string& error);
  ipn_result deliver(const std::string& url, const std::string& body, const std::string& signature);
  json ipn_answer(const std::string& status, const ipn_result& result) const;

  core& core_;
  chain_client* chain_;
  std::map<std::int64_t, np_invoice> invoices_;
  std::map<std::int64_t, np_payment> payments_;
  std::map<std::string, time_point> tokens_;
  std::vector<ipn_record> ipns_;
};

/// The error body of NOWPayments.
reply np_error(int status, const std::string& code, const std::string& message);

} // namespace sandbox
