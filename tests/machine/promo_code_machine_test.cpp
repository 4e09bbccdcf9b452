#include "actors/promo_code/promo_code_machine.hpp"

#include "tests/machine/payment_samples.hpp"

using namespace paygate;
using namespace paygate::test;
using namespace std::chrono_literals;

namespace {

struct code : machine<promo_code_kind> {
  code() : machine("-1001:SPRING") { terms = {-1001, "SPRING", 20, {}, 3, 1, std::nullopt}; }
  entity_reply redeem(std::string order, std::int64_t user, bool anyway = false) { return send(redeem_promo{std::move(order), user, usd("10"), anyway}); }
  set_promo terms;
};

usd_amount price(const entity_reply& reply) { return std::get<promo_price>(reply).price; }

} // namespace

TEST_CASE("what a code makes of a price: to the cent, never below the least but to nothing") {
  struct row { const char* price; int percent; const char* fixed; const char* left; };
  const std::vector<row> rows = {{"10", 20, "0", "8"},    {"9.99", 33, "0", "6.70"}, {"10", 95, "0", "1"},   {"10", 100, "0", "0"},
                                 {"10", 0, "3.5", "6.5"}, {"10", 0, "9.5", "1"},      {"10", 0, "10", "0"},   {"10", 0, "50", "0"},
                                 {"0.5", 10, "0", "0.5"}, {"0.03", 1, "0", "0.03"},   {"1000000", 1, "0", "990000"}};
  for (const auto& r : rows) {
    promo_code terms;
    terms.percent = r.percent;
    terms.fixed = usd(r.fixed);
    CHECK(discounted(terms, usd(r.price), usd("1")) == usd(r.left));
  }
}

TEST_CASE("terms that cannot be are refused") {
  std::vector<set_promo> bad(10, code().terms);
  bad[0].code = "spring";
  bad[1].code = "SP";
  bad[2].channel_id = -1;
  bad[3].fixed = usd("1");
  bad[4].percent = 0;
  bad[5].percent = 101;
  bad[6].uses_max = 0;
  bad[7].uses_max = promo_code::uses_limit + 1;
  bad[8].uses_per_user = 4;
  bad[9].expires_at = start_of_time();
  for (const auto& terms : bad) {
    code c;
    CHECK(code_of(c.send(terms)) == "invalid");
    CHECK_FALSE(c.exists);
  }
}

TEST_CASE("a use is counted once per order, up to the limits, and released with its order") {
  code c;
  CHECK(code_of(c.redeem("A", 1)) == "not_found");
  CHECK(c.send(release_promo{"A"}) == entity_reply(ok{}));
  c.send(c.terms);
  CHECK(price(c.send(quote_promo{1, usd("10")})) == usd("8"));
  CHECK_FALSE(c.last.changed);
  CHECK(price(c.redeem("A", 1)) == usd("8"));
  CHECK(c.rows<promo_use>().size() == 1);
  CHECK(price(c.redeem("A", 1)) == usd("8"));
  CHECK_FALSE(c.last.changed);
  CHECK(code_of(c.redeem("B", 1)) == "out_of_order"); // Once per user.
  CHECK(price(c.redeem("B", 2)) == usd("8"));
  CHECK(price(c.redeem("C", 3)) == usd("8"));
  CHECK(code_of(c.redeem("D", 4)) == "out_of_order"); // Used up.
  CHECK(code_of(c.send(quote_promo{4, usd("10")})) == "out_of_order");
  c.send(release_promo{"B"});
  c.send(release_promo{"B"});
  CHECK_FALSE(c.last.changed);
  CHECK(price(c.redeem("D", 4)) == usd("8"));
  // What was released and paid all the same counts again, beyond the limit.
  CHECK(code_of(c.redeem("B", 2)) == "out_of_order");
  CHECK(price(c.redeem("B", 2, true)) == usd("8"));
  CHECK(c.state.uses.size() == 4);
  CHECK(code_of(c.redeem("E", 5)) == "out_of_order");
}

TEST_CASE("a code that is disabled or has expired sells nothing new; what was redeemed keeps its price") {
  code c;
  c.terms.expires_at = c.now + 24h;
  c.send(c.terms);
  c.redeem("A", 1);
  c.send(disable_promo{});
  c.send(disable_promo{});
  CHECK_FALSE(c.last.changed);
  CHECK(code_of(c.redeem("B", 2)) == "out_of_order");
  CHECK(price(c.redeem("A", 1)) == usd("8"));
  c.send(c.terms);
  c.now += 24h;
  CHECK(code_of(c.redeem("B", 2)) == "out_of_order");
  CHECK(price(c.redeem("A", 1)) == usd("8"));
  CHECK(c.due().empty());
}

namespace {

purchase with_code() {
  purchase p(payout_strategy::threshold);
  p.order.promo_code = "SPRING";
  p.send(p.order);
  return p;
}

} // namespace

TEST_CASE("a payment asks its code for the price before there is an invoice, and is judged by it") {
  auto p = with_code();
  CHECK(p.due_words() == "promo");
  const auto ask = p.question("promo");
  CHECK(ask.to == entity_ref{entity_kind::promo_code, "-1001:SPRING"});
  const auto& redeem = std::get<redeem_promo>(std::get<promo_code_message>(ask.message));
  CHECK((redeem.order_id == p.self.id && redeem.price == usd("10") && redeem.user_id == 7 && !redeem.anyway));
  p.answered("promo", promo_price{usd("8"), "SPRING: 20 % off"});
  CHECK(p.state.price == usd("8"));
  CHECK(p.request<create_invoice>("invoice").price == usd("8"));
  p.done_with("invoice", invoice_created{"111", "https://pay/111"});
  CHECK(p.request<send_message>("pay_link").html.find("has taken off $2.00") != std::string::npos);
  p.done_with("pay_link", message_sent{1});
  auto report = p.finished("4.1", "0.002"); // More than half of $8.
  report.price_amount = usd("8").units();
  p.ipn(report);
  CHECK(p.status() == "paid");
  CHECK_FALSE(p.owes("promo"));
}

TEST_CASE("a code that cannot be used leaves the price, and the person hears why") {
  auto p = with_code();
  p.answered("promo", refused{refusal::out_of_order, "this code has expired"});
  CHECK(p.state.price == usd("10"));
  p.done_with("invoice", invoice_created{"111", "https://pay/111"});
  CHECK(p.request<send_message>("pay_link").html.find("this code has expired") != std::string::npos);
  CHECK_FALSE(p.owes("promo"));
}

TEST_CASE("a code that makes it free gives access without a payment, once") {
  auto p = with_code();
  p.answered("promo", promo_price{{}, "FREE"});
  CHECK(p.status() == "paid");
  CHECK(p.due_words() == "extend tell_owner");
  CHECK(p.request<send_message>("tell_owner").html.find("nothing was to be paid") != std::string::npos);
  CHECK(p.accounts.empty());
  p.answered("extend", subscription_extended{p.now, p.now + 720h});
  CHECK(p.due_words() == "tell_owner");
}

TEST_CASE("the use is free again when the order dies, and counts again when it is paid all the same") {
  auto p = with_code();
  p.answered("promo", promo_price{usd("8"), ""});
  p.done_with("invoice", invoice_created{"111", "u"});
  p.done_with("pay_link", message_sent{1});
  CHECK(p.find("promo_release").not_before == p.now + 24h); // Nobody has begun to pay.
  auto report = p.report(provider_status::waiting);
  report.price_amount = usd("8").units();
  p.ipn(report);
  CHECK_FALSE(p.owes("promo"));
  report.status = provider_status::expired;
  p.ipn(report);
  CHECK(p.find("promo_release").not_before <= p.now);
  p.answered("promo_release", ok{});
  CHECK_FALSE(p.owes("promo"));
  report.status = provider_status::finished;
  p.ipn(report);
  CHECK(p.status() == "paid");
  CHECK(std::get<redeem_promo>(std::get<promo_code_message>(p.question("promo_again").message)).anyway);
  p.answered("promo_again", promo_price{usd("8"), ""});
  CHECK_FALSE(p.owes("promo"));
  CHECK(p.state.price == usd("8"));
}
