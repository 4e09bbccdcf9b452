// What NOWPayments says of a payment, with ids and amounts exactly as they stand in the body.
#include <catch2/catch.hpp>

#include "io/codec/ipn.hpp"

using namespace paygate;

namespace {

provider_payment read(std::string_view body) {
  auto result = parse_provider_payment(body);
  if (const auto* error = std::get_if<std::string>(&result)) FAIL(*error);
  return std::get<provider_payment>(result);
}

std::string error_of(std::string_view body) {
  const auto result = parse_provider_payment(body);
  const auto* error = std::get_if<std::string>(&result);
  return error ? *error : "none";
}

} // namespace

TEST_CASE("an IPN is read whole") {
  const auto payment = read(R"({"payment_id":5077125051,"parent_payment_id":null,"invoice_id":4522625843,"payment_status":"finished",
    "pay_address":"0xd1cDE08A07cD25adEbEd35c3867a59228C09B606","payin_extra_id":null,"price_amount":15.00,"price_currency":"USD","pay_amount":0.0050,
    "actually_paid":0.0051,"actually_paid_at_fiat":0,"pay_currency":"eth","order_id":"01JD6Z3K8Q0000000000000000","order_description":"x",
    "purchase_id":"5312822613","outcome_amount":0.00493,"outcome_currency":"ETH","payment_extra_ids":[5513339153],
    "fee":{"currency":"btc","depositFee":0.09853637216235617,"withdrawalFee":0,"serviceFee":0}})");
  provider_payment wanted;
  wanted.payment_id = "5077125051";
  wanted.invoice_id = "4522625843";
  wanted.order_id = "01JD6Z3K8Q0000000000000000";
  wanted.status = provider_status::finished;
  wanted.price_currency = "usd";
  wanted.price_amount = one_coin * 15;
  wanted.pay_currency = "eth";
  wanted.pay_amount = one_coin * 5 / 1000;
  wanted.actually_paid = one_coin * 51 / 10000;
  wanted.actually_paid_at_fiat = 0;
  wanted.outcome_currency = "eth";
  wanted.outcome_amount = one_coin * 493 / 100000;
  CHECK(payment == wanted);
}

TEST_CASE("an answer of the API is read with its hashes, and ids of either type") {
  const auto payment = read(R"({"payment_id":"5077125052","parent_payment_id":5077125051,"invoice_id":"7","payment_status":"partially_paid",
    "price_amount":"12.5","price_currency":"usd","payin_hash":"0xaa","payout_hash":"0xbb","burning_percent":"null","type":"crypto2crypto",
    "actually_paid":"null","order_id":12345,"outcome_amount":null})");
  CHECK(payment.payment_id == "5077125052");
  CHECK(payment.parent_payment_id == "5077125051");
  CHECK(payment.invoice_id == "7");
  CHECK(payment.status == provider_status::partially_paid);
  CHECK(payment.price_amount == one_coin * 25 / 2);
  CHECK(payment.payin_hash == "0xaa");
  CHECK(payment.payout_hash == "0xbb");
  CHECK(payment.order_id == "12345");
  CHECK_FALSE(payment.actually_paid);
  CHECK_FALSE(payment.outcome_amount);
}

TEST_CASE("zero is zero and nothing is nothing") {
  const auto payment = read(R"({"payment_id":1,"payment_status":"finished","actually_paid":0,"pay_amount":null,"payin_hash":null})");
  CHECK(payment.actually_paid == int128{0});
  CHECK_FALSE(payment.pay_amount);
  CHECK_FALSE(payment.price_amount);
  CHECK(payment.payin_hash.empty());
  CHECK(payment.order_id.empty());
}

TEST_CASE("every status word is known, an unknown one proves nothing") {
  for (auto word : enum_names<provider_status>::values)
    CHECK(to_text(read(R"({"payment_id":1,"payment_status":")" + std::string(word) + "\"}").status) == word);
  for (const auto* word : {"cancelled", "FINISHED", "paid", ""})
    CHECK(read(R"({"payment_id":1,"payment_status":")" + std::string(word) + "\"}").status == provider_status::waiting);
  CHECK(read(R"({"payment_id":1})").status == provider_status::waiting);
}

TEST_CASE("digits beyond 18 decimals are cut off and the payment is kept") {
  CHECK(read(R"({"payment_id":1,"outcome_amount":0.1234567890123456789999})").outcome_amount == int128{123456789012345678});
  CHECK(read(R"({"payment_id":1,"actually_paid":14848580.123456789012345678})").actually_paid
        == parse_decimal("14848580.123456789012345678")->units);
  CHECK(read(R"({"payment_id":1,"actually_paid":1e-7})").actually_paid == one_coin / 10'000'000);
}

TEST_CASE("an id that is not all digits is refused: it may verify under another's signature") {
  CHECK(error_of(R"({"payment_id":5745459419.0})") == "payment_id is not all digits");
  CHECK(error_of(R"({"payment_id":5.745459419e9})") == "payment_id is not all digits");
  CHECK(error_of(R"({"payment_id":1,"parent_payment_id":5077125051.0})") == "parent_payment_id is not all digits");
  CHECK(error_of(R"({"payment_id":1,"invoice_id":-5})") == "invoice_id is not all digits");
  CHECK(error_of(R"({"payment_id":1,"parent_payment_id":[5]})") == "parent_payment_id is not all digits");
  CHECK(error_of(R"({"payment_id":true})") == "payment_id is not all digits");
}

TEST_CASE("what is no payment says why") {
  CHECK(error_of("") == "no JSON");
  CHECK(error_of("{\"payment_id\":1") == "no JSON");
  CHECK(error_of("[]") == "no JSON object");
  CHECK(error_of("{}") == "payment_id is missing");
  // A payout's webhook, which may come to the same address.
  CHECK(error_of(R"({"id":"5000","batch_withdrawal_id":"1","status":"CREATING","currency":"eth","amount":"50"})")
        == "payment_id is missing");
  CHECK(error_of(R"({"payment_id":1,"price_amount":"much"})") == "price_amount is no amount");
  CHECK(error_of(R"({"payment_id":1,"price_amount":1e30})") == "price_amount is no amount");
  CHECK(error_of(R"({"payment_id":1,"order_id":{}})") == "order_id is no text");
  CHECK(error_of(std::string(100000, '[')) == "no JSON");
}

TEST_CASE("a text comes as a column and its index can hold it") {
  CHECK(std::get<provider_payment>(parse_provider_payment(R"({"payment_id":1,"order_id":"a\u0000b"})")).order_id == "a?b");
  const auto long_id = "{\"payment_id\":1,\"order_id\":\"" + std::string(255, 'x') + "\u00e9" + std::string(60'000, 'y') + "\"}";
  CHECK(std::get<provider_payment>(parse_provider_payment(long_id)).order_id == std::string(255, 'x'));
}
