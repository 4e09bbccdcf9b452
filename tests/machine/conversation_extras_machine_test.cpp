// Promo codes and trials beside an offer.
#include "tests/machine/conversation_samples.hpp"

using namespace paygate;
using namespace paygate::test;

TEST_CASE("a code lowers the price that is shown, and goes with the order") {
  chat c;
  c.to_offer();
  const auto button = c.seen().data("I have a code");
  c.settled();
  c.presses(button);
  CHECK(c.status() == "entering_code");
  c.settled();
  c.says(" spring-26 ");
  const auto ask = c.question("quote");
  CHECK(ask.to == entity_ref{entity_kind::promo_code, "-1001:SPRING-26"});
  const auto quote = std::get<quote_promo>(std::get<promo_code_message>(ask.message));
  CHECK(quote.price == usd("10"));
  CHECK(quote.user_id == 7);
  c.answered("quote", promo_price{usd("7.50"), "25 % off"});
  CHECK(c.status() == "offered");
  CHECK(c.seen().has("$7.50 with the code SPRING-26 (instead of $10.00)"));
  const auto pay = c.seen().data("Pay $7.50");
  c.settled();
  c.presses(pay);
  c.channel_answers("terms");
  const auto order = std::get<create_payment>(std::get<payment_message>(c.question("order").message));
  CHECK(order.promo_code == "SPRING-26");
  CHECK(order.tier == 0);
}

TEST_CASE("a code that cannot be, is not there or cannot be used is said to be so; without it the offer stands") {
  chat c;
  c.to_offer();
  c.settled();
  const auto order = c.state.order_id;
  c.presses("code:" + order);
  for (const char* text : {"", "ab", "no spaces here", "<b>", "ABCDEFGHIJKLMNOPQRSTUVWXYZ"}) {
    c.says(text);
    CHECK(c.status() == "entering_code");
    CHECK(c.seen().has("Expected:"));
  }
  c.says("SPRING");
  c.answered("quote", refused{refusal::not_found, ""});
  CHECK(c.status() == "entering_code");
  CHECK(c.seen().has("no such code"));
  c.says("SPRING");
  c.answered("quote", refused{refusal::out_of_order, "it was used up on <Monday>"});
  CHECK(c.seen().has("used up on &lt;Monday&gt;"));
  c.settled();
  c.presses("back:" + order);
  CHECK(c.status() == "offered");
  CHECK(c.seen().data("Pay $10.00") == pay_data(order));
  c.settled();
  c.presses(pay_data(order));
  c.channel_answers("terms");
  CHECK(std::get<create_payment>(std::get<payment_message>(c.question("order").message)).promo_code.empty());
  const auto late = c.presses("code:" + order);
  CHECK(c.said(late) == "This offer is no longer valid.");
}

TEST_CASE("a link may bring a code along; a new price is quoted anew") {
  chat c;
  c.follows({-1001, 0, "SPRING"});
  c.channel_answers("look_up");
  CHECK(c.status() == "quoting");
  c.answered("quote", promo_price{usd("5"), "half"});
  CHECK(c.seen().has("$5.00 with the code SPRING"));
  c.settled();
  c.presses(pay_data(c.state.order_id));
  auto dearer = sample_channel();
  dearer.tiers[0].price = usd("12");
  c.channel_answers("terms", dearer);
  CHECK(c.status() == "quoting");
  CHECK(std::get<quote_promo>(std::get<promo_code_message>(c.question("quote").message)).price == usd("12"));
}

TEST_CASE("a trial is asked of the subscription, with the terms of now") {
  chat c;
  c.to_trial();
  c.channel_answers("trial_terms", trial_channel());
  const auto ask = c.question("trial");
  CHECK(ask.to == entity_ref{entity_kind::subscription, "-1001:7"});
  const auto command = std::get<start_trial>(std::get<subscription_message>(ask.message));
  CHECK(command.days == 7);
  CHECK(command.closed_channel_id == -1002);
  CHECK(command.chat_id == 7);
  CHECK_FALSE(command.order_id.empty());
  auto used = c;
  c.answered("trial", subscription_extended{});
  CHECK(c.seen().has("trial has begun"));
  used.answered("trial", refused{refusal::conflict, "the trial was used before"});
  CHECK(used.seen().has("used before"));

  chat gone;
  gone.to_trial();
  gone.channel_answers("trial_terms"); // No trial any more.
  CHECK(gone.status() == "idle");
  CHECK(gone.seen().has("offers none"));
  chat none;
  none.to_offer();
  none.settled();
  CHECK(none.said(none.presses("trial:" + none.state.order_id)) == "There is no trial here.");
}
