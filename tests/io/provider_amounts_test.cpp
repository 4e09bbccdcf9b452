// Fifteen digits before the point and eighteen behind it pass every provider's wire as they are, in both directions. What a provider takes
// with 8 decimals only is asked for with 8.
#include <catch2/catch.hpp>

#include "io/codec/ipn.hpp"
#include "io/providers/changenow.hpp"
#include "io/providers/nowpayments.hpp"
#include "tests/io/provider_fake.hpp"

using namespace paygate;

namespace {

const std::string big = "123456789012345.123456789012345678", big_of_8 = "123456789012345.12345678";
const int128 big_units = parse_decimal(big)->units, big_of_8_units = parse_decimal(big_of_8)->units;
const asset eth{"eth", "eth"}, shib{"shib", "eth"};

io_client changenow_at(const std::string& url) {
  return make_changenow_client(
      {{.base_url = url, .connect_timeout = fake::time_out, .read_timeout = fake::time_out}, [] { return std::string("cn-key"); }});
}

io_client nowpayments_at(const std::string& url) {
  nowpayments_settings settings;
  settings.http = {.base_url = url, .connect_timeout = fake::time_out, .read_timeout = fake::time_out};
  settings.public_url = "https://pay.example.org/";
  settings.api_key = [] { return std::string("np-key"); };
  settings.success_url_key = [] { return std::string("url-key"); };
  return make_nowpayments_client(settings);
}

std::string payment_with(const std::string& token) {
  return R"({"payment_id":5745459419,"invoice_id":4522625843,"payment_status":"finished","price_amount":)" + token
         + R"(,"price_currency":"usd","pay_amount":)" + token + R"(,"actually_paid":)" + token + R"(,"actually_paid_at_fiat":)" + token
         + R"(,"pay_currency":"shib","order_id":"01J0000000000000000000000A","outcome_amount":)" + token + R"(,"outcome_currency":"eth"})";
}

void is_big(const provider_payment& seen) {
  CHECK(seen.price_amount == big_units);
  CHECK(seen.pay_amount == big_units);
  CHECK(seen.actually_paid == big_units);
  CHECK(seen.actually_paid_at_fiat == big_units);
  CHECK(seen.outcome_amount == big_units);
}

} // namespace

TEST_CASE("amounts of 15 and 18 digits come whole from NOWPayments, as number or text, by IPN or by API, and go there whole") {
  CHECK(to_decimal(big_units) == big);
  fake::provider server;
  const auto client = nowpayments_at(server.url());
  for (const auto& token : {big, '"' + big + '"', std::string("1.23456789012345123456789012345678e14")}) {
    INFO(token);
    const auto ipn = parse_provider_payment(payment_with(token));
    REQUIRE(std::holds_alternative<provider_payment>(ipn));
    is_big(std::get<provider_payment>(ipn));
    server.script({200, payment_with(token), "application/json", {}});
    is_big(std::get<provider_payment>(client(get_payment{"5745459419"})));
  }
  server.script({201, R"({"id":"1","invoice_url":"https://nowpayments.io/payment/?iid=1"})", "application/json", {}});
  CHECK(std::holds_alternative<invoice_created>(
      client(create_invoice{"01J0000000000000000000000A", usd_amount::of_units(big_units), "Tier"})));
  CHECK(server.last().body.find("\"price_amount\":" + big + ",") != std::string::npos);
}

TEST_CASE("amounts of 15 and 18 digits come whole from ChangeNOW") {
  fake::provider server;
  const auto client = changenow_at(server.url());
  const auto answer = [&](const std::string& body) { server.script({200, body, "application/json", {}}); };
  for (const auto& token : {big, '"' + big + '"'}) {
    INFO(token);
    answer(R"({"minAmount":)" + token + R"(,"maxAmount":)" + token + "}");
    CHECK(std::get<swap_range>(client(get_swap_range{eth, shib})) == swap_range{big_units, big_units});
    answer(R"({"rateId":"r","validUntil":"2026-11-21T07:20:00.000Z","depositFee":)" + token + R"(,"withdrawalFee":)" + token
           + R"(,"fromAmount":)" + big_of_8 + R"(,"toAmount":)" + token + "}");
    const auto quote = std::get<swap_estimate>(client(estimate_swap{eth, shib, big_of_8_units}));
    CHECK(quote.from_amount == big_of_8_units);
    CHECK(quote.to_amount == big_units);
    CHECK(quote.deposit_fee == big_units);
    CHECK(quote.withdrawal_fee == big_units);
    answer(R"({"id":"abc","fromAmount":)" + token + R"(,"toAmount":)" + token + R"(,"payinAddress":"0xpayin","payinExtraId":""})");
    const auto made = std::get<swap_created>(client(create_swap{eth, shib, big_of_8_units, "0xowner", "", "0xus", "r"}));
    CHECK(made.from_amount == big_units);
    CHECK(made.to_amount == big_units);
    answer(R"({"id":"abc","status":"finished","amountFrom":)" + token + R"(,"amountTo":)" + token + R"(,"payoutHash":"0x1"})");
    const auto end = std::get<swap_state>(client(get_swap{"abc"}));
    CHECK(end.amount_from == big_units);
    CHECK(end.amount_to == big_units);
  }
}

TEST_CASE("ChangeNOW is asked for 15 digits and its 8 decimals exactly, and for no more of them") {
  fake::provider server;
  const auto client = changenow_at(server.url());
  CHECK(truncate_to(big_units, 8) == big_of_8_units);
  client(estimate_swap{eth, shib, big_of_8_units});
  CHECK(server.last().parameter("fromAmount") == big_of_8);
  client(create_swap{eth, shib, big_of_8_units, "0xowner", "", "0xus", "r"});
  CHECK(server.last().body.find("\"fromAmount\":\"" + big_of_8 + "\"") != std::string::npos);
  CHECK(fake::fault_of(client(create_swap{eth, shib, big_units, "0xowner", "", "0xus", "r"})) == "permanent too_precise");
}
