// The wire formats of NOWPayments, ChangeNOW, SendGrid and the price sources, field by field, without a chain.
#include "tests/sandbox/sandbox_fixture.hpp"

#include "sandbox/http.hpp"

using sandbox::json;
using kind = sandbox::json::kind;

namespace {

const httplib::Headers np_key = {{"x-api-key", "k"}};
const httplib::Headers cn_key = {{"x-changenow-api-key", "k"}};

std::string invoice_body(const std::string& ipn_url) {
  return json::object({{"price_amount", json::number("10.00")},
                       {"price_currency", "usd"},
                       {"order_id", "o-1"},
                       {"order_description", "Zoë / 1"},
                       {"ipn_callback_url", ipn_url}})
      .dump();
}

void check_types(const json& body, const std::vector<std::pair<const char*, kind>>& wanted) {
  for (const auto& [name, type] : wanted) {
    INFO(name);
    CHECK(body.has(name));
    CHECK(body[name].type() == type);
  }
}

} // namespace

TEST_CASE_METHOD(sandbox_fixture, "an_invoice_has_the_fields_and_types_of_the_real_one") {
  const auto made = post("/nowpayments/v1/invoice", invoice_body("http://127.0.0.1:1/x"), np_key);
  CHECK(made.status == 201);
  check_types(made.body, {{"id", kind::string},
                          {"price_amount", kind::string},
                          {"pay_currency", kind::null},
                          {"order_id", kind::string},
                          {"invoice_url", kind::string},
                          {"is_fixed_rate", kind::boolean},
                          {"created_at", kind::string}});
  CHECK(made.body["price_amount"].text() == "10");
  CHECK(post("/nowpayments/v1/invoice", R"({"price_amount":0,"price_currency":"usd"})", np_key).status == 400);
  CHECK(post("/nowpayments/v1/invoice", "{", np_key).status == 400);
  CHECK(post("/nowpayments/v1/invoice", invoice_body("http://x")).status == 401);
}

TEST_CASE_METHOD(sandbox_fixture, "a_payment_sends_signed_ipns_in_order") {
  ipn_receiver daemon;
  daemon.answers = {503}; // The first one is sent again.
  const auto made = post("/nowpayments/v1/invoice", invoice_body(daemon.url()), np_key);
  const auto paid = post("/control/invoices/" + made.body["id"].text() + "/pay", R"({"status":"finished","pay_currency":"eth"})");
  REQUIRE(paid.status == 200);
  const std::vector<std::string> order = {"waiting", "waiting", "confirming", "confirmed", "sending", "finished"};
  REQUIRE(daemon.taken.size() == order.size());
  for (std::size_t i = 0; i < order.size(); ++i) CHECK(json::parse(daemon.taken[i].body)->operator[]("payment_status").text() == order[i]);
  const auto last = *json::parse(daemon.taken.back().body);
  check_types(last, {{"payment_id", kind::number},
                     {"parent_payment_id", kind::null},
                     {"invoice_id", kind::number},
                     {"purchase_id", kind::string},
                     {"price_amount", kind::number},
                     {"outcome_amount", kind::number},
                     {"fee", kind::object}});
  CHECK(last["outcome_amount"].text() == "0.00331");
  // The canonical text, written by hand from the fields: keys sorted, those of fee as well.
  std::string text =
      R"({"actually_paid":0.00333334,"actually_paid_at_fiat":10,"fee":{"currency":"eth","depositFee":0,"serviceFee":0.00002333,"withdrawalFee":0},"invoice_id":)";
  text +=
      last["invoice_id"].text()
      + R"(,"order_description":"Zoë / 1","order_id":"o-1","outcome_amount":0.00331,"outcome_currency":"eth","parent_payment_id":null,"pay_address":")";
  text += last["pay_address"].text()
          + R"(","pay_amount":0.00333334,"pay_currency":"eth","payin_extra_id":null,"payment_extra_ids":null,"payment_id":)";
  text += last["payment_id"].text() + R"(,"payment_status":"finished","price_amount":10,"price_currency":"usd","purchase_id":")"
          + last["purchase_id"].text() + R"("})";
  CHECK(sandbox::hmac_sha512_hex("ipn-secret-1", text) == daemon.taken.back().signature);
  CHECK(daemon.taken.back().body.substr(0, 14) == R"({"payment_id":)");

  const auto read = get("/nowpayments/v1/payment/" + last["payment_id"].text(), np_key);
  CHECK(read.status == 200);
  check_types(
      read.body,
      {{"payment_id", kind::number}, {"purchase_id", kind::number}, {"burning_percent", kind::string}, {"payout_hash", kind::string}});
  CHECK(post("/control/invoices/" + made.body["id"].text() + "/pay", "{}").status == 409);
  const auto again = post("/control/invoices/" + made.body["id"].text() + "/pay", R"({"repeat":true})");
  CHECK(again.status == 200);
  CHECK(json::parse(daemon.taken.back().body)->operator[]("parent_payment_id").text() == last["payment_id"].text());
}

TEST_CASE_METHOD(sandbox_fixture, "a_late_finished_after_expired_goes_on_with_the_same_payment") {
  ipn_receiver daemon;
  const auto made = post("/nowpayments/v1/invoice", invoice_body(daemon.url()), np_key);
  const auto path = "/control/invoices/" + made.body["id"].text() + "/pay";
  const auto first = post(path, R"({"status":"expired"})");
  CHECK(daemon.taken.size() == 2);
  const auto second = post(path, R"({"status":"finished"})");
  CHECK(second.body["payment_id"] == first.body["payment_id"]);
  CHECK(json::parse(daemon.taken[2].body)->operator[]("payment_status").text() == "confirming");
}

TEST_CASE_METHOD(sandbox_fixture, "the_list_of_payments_needs_the_token") {
  const auto made = post("/nowpayments/v1/invoice", invoice_body(""), np_key);
  CHECK(made.status == 201);
  post("/control/invoices/" + made.body["id"].text() + "/pay", R"({"status":"waiting"})");
  CHECK(get("/nowpayments/v1/payment/?limit=5", np_key).status == 403);
  const auto token = post("/nowpayments/v1/auth", R"({"email":"a@b.c","password":"x"})").body["token"].text();
  const auto list = get("/nowpayments/v1/payment/?limit=5&invoiceId=" + made.body["id"].text(),
                        {{"x-api-key", "k"}, {"Authorization", "Bearer " + token}});
  CHECK(list.status == 200);
  CHECK(list.body["total"].text() == "1");
}

TEST_CASE_METHOD(sandbox_fixture, "a_swap_is_made_from_a_fixed_rate") {
  const std::string pair = "fromCurrency=eth&fromNetwork=eth&toCurrency=btc&toNetwork=btc&flow=fixed-rate";
  const auto estimate = get("/changenow/v2/exchange/estimated-amount?" + pair + "&fromAmount=0.01&useRateId=true", cn_key);
  REQUIRE(estimate.status == 200);
  check_types(estimate.body, {{"rateId", kind::string},
                              {"validUntil", kind::string},
                              {"depositFee", kind::number},
                              {"withdrawalFee", kind::number},
                              {"userId", kind::null},
                              {"toAmount", kind::number}});
  // (0.01 - 0.00001666) * 3000/60000 * 0.995 - 0.000005, cut at 8 places.
  CHECK(estimate.body["toAmount"].text() == "0.00049167");
  CHECK(estimate.body["depositFee"].text() == "0.00001666");
  CHECK(estimate.body["withdrawalFee"].text() == "0.000005");
  json wish = json::object({{"fromCurrency", "eth"},
                            {"fromNetwork", "eth"},
                            {"toCurrency", "btc"},
                            {"toNetwork", "btc"},
                            {"fromAmount", "0.01"},
                            {"toAmount", ""},
                            {"address", "bc1qar0srrr7xfkvy5l643lydnw9re59gtzzwf5mdq"},
                            {"extraId", ""},
                            {"refundAddress", "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F"},
                            {"flow", "fixed-rate"},
                            {"type", "direct"},
                            {"rateId", estimate.body["rateId"]}});
  const auto made = post("/changenow/v2/exchange", wish.dump(), cn_key);
  REQUIRE(made.status == 200);
  check_types(made.body, {{"id", kind::string}, {"fromAmount", kind::number}, {"payinAddress", kind::string}});
  CHECK_FALSE(made.body.has("status"));
  const auto second = post("/changenow/v2/exchange", wish.dump(), cn_key);
  CHECK(second.body["payinAddress"].text() != made.body["payinAddress"].text());
  const auto read = get("/changenow/v2/exchange/by-id?id=" + made.body["id"].text(), cn_key);
  check_types(read.body, {{"status", kind::string},
                          {"expectedAmountFrom", kind::number},
                          {"amountFrom", kind::null},
                          {"payinHash", kind::null},
                          {"validUntil", kind::string}});
  CHECK(get("/changenow/v2/exchange/by-id?id=nobody", cn_key).body["message"].text() == "Not valid ID");
  wish.set("address", "0x9d8A62f656a8d1615C1294fd71e9CFb3E4855A4F");
  CHECK(post("/changenow/v2/exchange", wish.dump(), cn_key).body["error"].text() == "not_valid_address");
  CHECK(get("/changenow/v2/exchange/estimated-amount?" + pair + "&fromAmount=0.0001", cn_key).body["error"].text() == "out_of_range");
  CHECK(get("/changenow/v2/exchange/range?" + pair, cn_key).body["minAmount"].text() == "0.00066667");
  CHECK(get("/changenow/v2/exchange/range?" + pair).status == 401);
}

TEST_CASE_METHOD(sandbox_fixture, "faults_strike_as_asked") {
  post("/control/faults", R"({"provider":"nowpayments","mode":"error","rate":1,"count":1})");
  CHECK(get("/nowpayments/v1/status").status == 500);
  CHECK(get("/nowpayments/v1/status").status == 200);
  post("/control/faults", R"({"provider":"nowpayments","mode":"timeout_after_success","path":"/v1/invoice","ms":1})");
  CHECK(post("/nowpayments/v1/invoice", invoice_body(""), np_key).status == 0);
  CHECK(get("/control/invoices").body.size() == 1);
  post("/control/faults", R"({"provider":"nowpayments","mode":"timeout","path":"/v1/invoice","ms":1})");
  CHECK(post("/nowpayments/v1/invoice", invoice_body(""), np_key).status == 0);
  CHECK(get("/control/invoices").body.size() == 1);
  post("/control/faults", R"({"provider":"nowpayments","mode":"duplicate","path":"/v1/invoice"})");
  CHECK(post("/nowpayments/v1/invoice", invoice_body(""), np_key).status == 201);
  CHECK(get("/control/invoices").body.size() == 3);
  post("/control/reset", "");
  CHECK(get("/control/invoices").body.size() == 0);
}

TEST_CASE_METHOD(sandbox_fixture, "the_clock_moves_the_deadlines") {
  CHECK(post("/control/clock", R"({"advance":"72h"})").status == 200);
  CHECK(post("/control/clock", R"({"advance":"soon"})").status == 400);
  CHECK(get("/control/state").body["shift_ms"].text() == "259200000");
}

TEST_CASE_METHOD(sandbox_fixture, "price_sources_can_disagree") {
  post("/control/prices", R"({"eth":"2900"})");
  post("/control/prices", R"({"source":"cryptocompare","eth":2500.5})");
  const auto gecko = get("/coingecko/api/v3/simple/price?ids=ethereum,nothing&vs_currencies=usd&include_last_updated_at=true");
  CHECK(gecko.body["ethereum"]["usd"].text() == "2900");
  CHECK(gecko.body.size() == 1);
  CHECK(get("/cryptocompare/data/price?fsym=ETH&tsyms=USD").body.dump() == R"({"USD":2500.5})");
  CHECK(get("/cryptocompare/data/price?fsym=NOPE&tsyms=USD").body["Response"].text() == "Error");
  CHECK(get("/1inch/price/v1.1/1/0xEeeeeEeeeEeEeeEeEeEeeEEEeeeeEeeeeeeeEEeE?currency=USD")
            .body["0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee"]
            .text()
        == "2900");
}

TEST_CASE_METHOD(sandbox_fixture, "mail_is_kept") {
  const httplib::Headers key = {{"Authorization", "Bearer SG.x"}};
  const std::string mail =
      R"({"personalizations":[{"to":[{"email":"a@b.c"}]}],"from":{"email":"x@y.z"},"subject":"s","content":[{"type":"text/plain","value":"v"}]})";
  CHECK(post("/sendgrid/v3/mail/send", mail).status == 401);
  CHECK(post("/sendgrid/v3/mail/send", mail, key).status == 202);
  CHECK(post("/sendgrid/v3/mail/send", "{}", key).status == 400);
  CHECK(get("/control/mails?to=a@b.c").body.size() == 1);
}

TEST_CASE_METHOD(sandbox_fixture, "mail_that_sendgrid_would_refuse_is_refused") {
  const httplib::Headers key = {{"Authorization", "Bearer SG.x"}};
  const auto mail = [&](const std::string& content, const std::string& to = R"([{"email":"a@b.c"}])") {
    return post("/sendgrid/v3/mail/send",
                R"({"personalizations":[{"to":)" + to + R"(}],"from":{"email":"x@y.z"},"subject":"s","content":)" + content + "}", key);
  };
  const std::string plain = R"({"type":"text/plain","value":"t"})";
  const std::string html = R"({"type":"text/html","value":"<p>t</p>"})";
  CHECK(mail("[" + plain + "," + html + "]").status == 202);
  CHECK(mail("[" + html + "," + plain + "]").status == 400);
  CHECK(mail("[]").status == 400);
  CHECK(mail(R"([{"type":"text/plain","value":""}])").status == 400);
  CHECK(mail("[" + plain + "]", R"([{"email":"a@b.c"},{"email":"a@b.c"}])").status == 400);
  CHECK(mail("[" + plain + "]", R"([{"email":"nobody"}])").body["errors"].items()[0]["message"].text()
        == "Does not contain a valid address.");
  CHECK(get("/control/mails?to=a@b.c").body.size() == 1);
}
