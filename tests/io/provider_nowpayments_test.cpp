// NOWPayments' client against a scripted server that speaks the wire format of provider-apis 1.
#include <catch2/catch.hpp>

#include "io/codec/success_token.hpp"
#include "io/providers/nowpayments.hpp"
#include "tests/io/provider_fake.hpp"

using namespace paygate;
using fake::fault_of;

namespace {

nowpayments_settings at(const std::string& url) {
  nowpayments_settings settings;
  settings.http = {.base_url = url, .connect_timeout = fake::time_out, .read_timeout = fake::time_out};
  settings.public_url = "https://pay.example.org/";
  settings.api_key = [] { return std::string("np-key"); };
  settings.success_url_key = [] { return std::string("url-key"); };
  return settings;
}

create_invoice order(std::string_view price) {
  return {"01J0000000000000000000000A", usd_amount::of_units(parse_decimal(price)->units), "Gold \"tier\", 30 days"};
}

const char* const invoice_answer = R"({"id":"4522625843","token_id":"1","order_id":"01J0000000000000000000000A","price_amount":"10.5",
  "invoice_url":"https://nowpayments.io/payment/?iid=4522625843","pay_currency":null})";

const char* const payment_answer = R"({"payment_id":5745459419,"parent_payment_id":null,"invoice_id":4522625843,"payment_status":"finished",
  "pay_address":"0xabc","price_amount":10.5,"price_currency":"usd","pay_amount":0.003000000000000001,"actually_paid":1e-7,"pay_currency":"eth",
  "order_id":"01J0000000000000000000000A","outcome_amount":0.002910000000000000,"outcome_currency":"eth","payout_hash":"0xfeed",
  "burning_percent":"null","type":"crypto2crypto"})";

} // namespace

TEST_CASE("an invoice carries the exact price, our addresses and a signed token") {
  fake::provider server;
  const auto client = make_nowpayments_client(at(server.url()));
  server.script({201, invoice_answer, "application/json", {}});
  const auto outcome = client(order("10.50"));
  CHECK(std::get<invoice_created>(outcome) == invoice_created{"4522625843", "https://nowpayments.io/payment/?iid=4522625843"});
  const auto seen = server.last();
  CHECK(seen.method == "POST");
  CHECK(seen.path == "/v1/invoice");
  CHECK(seen.header("x-api-key") == "np-key");
  CHECK(seen.body.find("\"price_amount\":10.5,") != std::string::npos); // A JSON number.
  const auto body = seen.json();
  CHECK(json_text_or_empty(body, "price_currency") == "usd");
  CHECK(json_text_or_empty(body, "order_id") == "01J0000000000000000000000A");
  CHECK(json_text_or_empty(body, "order_description") == "Gold \"tier\", 30 days");
  CHECK(json_text_or_empty(body, "ipn_callback_url") == "https://pay.example.org/webhooks/nowpayments-ipn");
  const auto success = json_text_or_empty(body, "success_url");
  const std::string before = "https://pay.example.org/webhooks/success?token=";
  REQUIRE(success.starts_with(before));
  CHECK(read_success_token(success.substr(before.size()), "url-key") == "01J0000000000000000000000A");
  CHECK(
      json_text_or_empty(body, "cancel_url").starts_with("https://pay.example.org/payment-processing?order_id=01J0000000000000000000000A"));
}

TEST_CASE("a price keeps all its decimals on the wire") {
  fake::provider server;
  const auto client = make_nowpayments_client(at(server.url()));
  for (const std::string price : {"14848580.123456789012345678", "0.0000001", "100"}) {
    server.script({201, invoice_answer, "application/json", {}});
    client(order(price));
    CHECK(server.last().body.find("\"price_amount\":" + price + ",") != std::string::npos);
  }
  CHECK(fault_of(client(create_invoice{"x", {}, ""})) == "permanent not_positive");
  CHECK(server.requests().size() == 3);
}

TEST_CASE("each way an invoice can fail has its kind") {
  fake::provider server;
  const auto client = make_nowpayments_client(at(server.url()));
  const auto with = [&](fake::answer answer) {
    server.script(std::move(answer));
    return fault_of(client(order("1")));
  };
  CHECK(with({400, R"({"status":false,"statusCode":400,"code":"AMOUNT_MINIMAL_ERROR","message":"too little"})", "application/json", {}})
        == "permanent AMOUNT_MINIMAL_ERROR");
  CHECK(with({400, R"({"message":"bad"})", "application/json", {}}) == "permanent http_400");
  CHECK(with({401, R"({"code":"INVALID_API_KEY","message":"Invalid api key"})", "application/json", {}}) == "transient credentials");
  CHECK(with({403, "<html>Cloudflare</html>", "text/html", {}}) == "transient credentials");
  CHECK(with({429, "<html>slow down</html>", "text/html", {{"Retry-After", "3"}}}) == "transient http_429");
  CHECK(with({502, "<html>bad gateway</html>", "text/html", {}}) == "unknown http_502");
  CHECK(with({404, "<html>nginx</html>", "text/html", {}}) == "transient http_404");
  CHECK(with({200, "<html>hello</html>", "text/html", {}}) == "unknown nonsense");
  CHECK(with({201, "{}", "application/json", {}}) == "unknown nonsense");
  CHECK(with({201, R"({"id":"12x","invoice_url":"https://a"})", "application/json", {}}) == "unknown nonsense");
  CHECK(with({201, R"({"id":"12","invoice_url":"javascript:x"})", "application/json", {}}) == "unknown nonsense");
  CHECK(with({201, R"({"id":"12","invoice_url":"https://a","order_id":"other"})", "application/json", {}}) == "unknown nonsense");
  server.script({429, "", "text/html", {{"Retry-After", "3"}}});
  CHECK(fake::failure(client(order("1"))).retry_after == milliseconds(3000));
  server.script({400, R"({"message":"key np-key is odd"})", "application/json", {}});
  CHECK(fake::failure(client(order("1"))).text == "key *** is odd");
}

TEST_CASE("a lost answer to an invoice is unknown") {
  fake::rude_server silent(fake::misbehaviour::hold);
  CHECK(fault_of(make_nowpayments_client(at(silent.url()))(order("1"))) == "unknown timeout");
  fake::rude_server closing(fake::misbehaviour::close);
  CHECK(fault_of(make_nowpayments_client(at(closing.url()))(order("1"))) == "unknown broken");
  CHECK(fault_of(make_nowpayments_client(at(fake::dead_url()))(order("1"))) == "transient connection");
}

TEST_CASE("a payment is read with exact amounts") {
  fake::provider server;
  const auto client = make_nowpayments_client(at(server.url()));
  server.script({200, payment_answer, "application/json", {}});
  const auto payment = std::get<provider_payment>(client(get_payment{"5745459419"}));
  CHECK(server.last().path == "/v1/payment/5745459419");
  CHECK(payment.payment_id == "5745459419");
  CHECK(payment.status == provider_status::finished);
  CHECK(payment.pay_amount == 3'000'000'000'000'001);
  CHECK(payment.actually_paid == 100'000'000'000);
  CHECK(payment.outcome_amount == 2'910'000'000'000'000);
  CHECK(payment.payout_hash == "0xfeed");
  server.script({200, payment_answer, "application/json", {}});
  CHECK(fault_of(client(get_payment{"1"})) == "transient nonsense"); // Another payment's answer.
  server.script({404, R"({"code":"NOT_FOUND","message":"no"})", "application/json", {}});
  CHECK(fault_of(client(get_payment{"1"})) == "permanent NOT_FOUND");
  server.script({500, R"({"code":"INTERNAL_ERROR","message":"x"})", "application/json", {}});
  CHECK(fault_of(client(get_payment{"1"})) == "transient http_500");
}

TEST_CASE("payments are listed with a token that is asked for once") {
  fake::provider server;
  auto settings = at(server.url());
  CHECK(fault_of(make_nowpayments_client(settings)(find_payments{"4522625843"})) == "permanent no_credentials");
  settings.email = [] { return std::string("a@b.c"); };
  settings.password = [] { return std::string("secret-pw"); };
  const auto client = make_nowpayments_client(settings);
  const std::string foreign = R"({"payment_id":7,"invoice_id":1,"payment_status":"waiting"})";
  server.script({200, R"({"token":"jwt-1"})", "application/json", {}});
  server.script({200,
                 R"({"data":[)" + std::string(payment_answer) + "," + foreign + R"(],"limit":100,"page":0,"pagesCount":2,"total":3})",
                 "application/json",
                 {}});
  server.script(
      {200, R"({"data":[{"payment_id":8,"invoice_id":4522625843,"payment_status":"waiting"}],"pagesCount":2})", "application/json", {}});
  const auto listed = std::get<payments_listed>(client(find_payments{"4522625843"}));
  REQUIRE(listed.payments.size() == 2);
  CHECK(listed.payments[0].payment_id == "5745459419");
  CHECK(listed.payments[1].payment_id == "8");
  auto seen = server.requests();
  REQUIRE(seen.size() == 3);
  CHECK(seen[0].path == "/v1/auth");
  CHECK(json_text_or_empty(seen[0].json(), "password") == "secret-pw");
  CHECK(seen[1].path == "/v1/payment/");
  CHECK(seen[1].header("Authorization") == "Bearer jwt-1");
  CHECK(seen[1].parameter("invoiceId") == "4522625843");
  CHECK(seen[2].parameter("page") == "1");
  // A token that is refused is forgotten; the next try asks for a new one.
  server.script({401, R"({"message":"Unauthorized"})", "application/json", {}});
  CHECK(fault_of(client(find_payments{"4522625843"})) == "transient credentials");
  server.script({401, R"({"message":"wrong secret-pw"})", "application/json", {}});
  const auto failure = fake::failure(client(find_payments{"4522625843"}));
  CHECK(failure.code == "credentials");
  CHECK(failure.text == "wrong ***");
  CHECK(server.last().path == "/v1/auth");
}

TEST_CASE("a request of another provider is refused") {
  fake::provider server;
  CHECK(fault_of(make_nowpayments_client(at(server.url()))(get_swap{"x"})) == "permanent wrong_lane");
}
