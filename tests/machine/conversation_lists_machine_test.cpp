// Donations by keypad, one's subscriptions, lists with pages, and the buttons that ask another entity.
#include "tests/machine/conversation_samples.hpp"

using namespace paygate;
using namespace paygate::test;

TEST_CASE("the keypad: each key against what stands there") {
  struct row {
    std::string keys, amount, answer;
  };
  const std::vector<row> rows = {
      {"1", "1", ""},
      {"12", "12", ""},
      {"1.", "1.", ""},
      {"1.5", "1.5", ""},
      {"1.55", "1.55", ""},
      {"1.555", "1.55", "two decimals"},
      {"1..", "1.", "cannot follow"},
      {".5", "0.5", ""},
      {"05", "5", ""},
      {"00", "0", "cannot follow"},
      {"12b", "1", ""},
      {"b", "", "nothing to delete"},
      {"12c", "", ""},
      {"c", "", "nothing to delete"},
      {"12345678", "1234567", "cannot follow"},
  };
  for (const auto& r : rows) {
    chat c;
    c.to_keypad();
    std::string last;
    for (char key : r.keys) last = c.presses(key_data(std::string(1, key), c.state.order_id));
    CAPTURE(r.keys);
    CHECK(c.state.amount == r.amount);
    if (r.answer.empty())
      CHECK(c.said(last).empty());
    else
      CHECK(c.said(last).find(r.answer) != std::string::npos);
    // Every press is answered, also those that came before the first answer was out.
    std::size_t answers = 0;
    for (const auto& e : c.due()) answers += e.key.starts_with("answer:") ? 1 : 0;
    CHECK(answers == r.keys.size());
  }
}

TEST_CASE("a donation by the keypad, with a message, is the same order as any") {
  chat c;
  c.to_keypad();
  for (const char* key : {"1", "2", ".", "5"}) c.presses(key_data(key, c.state.order_id));
  CHECK(c.seen().edited);
  CHECK(c.seen().has("<b>$12.5</b>"));
  c.settled();
  c.presses(key_data("ok", c.state.order_id));
  CHECK(c.status() == "writing_message");
  CHECK(c.seen().has("$12.50"));
  c.settled();
  const auto order = c.state.order_id;
  c.says("  for you <3 ");
  c.channel_answers("terms");
  const auto ask = c.question("order");
  CHECK(ask.to == entity_ref{entity_kind::payment, order});
  const auto& made = std::get<create_payment>(std::get<payment_message>(ask.message));
  CHECK(made.tier == start_link::donation);
  CHECK(made.donation_price == usd("12.5"));
  CHECK(made.donation_message == "for you <3");
  c.answered("order", payment_view{});
  CHECK(c.status() == "idle");
  CHECK(c.state.donation_message.empty());
}

TEST_CASE("an amount is within the limits, and they can be set") {
  chat c;
  c.rules.donation_min = usd("20");
  c.rules.donation_max = usd("60");
  c.to_offer(start_link::donation);
  std::string shown;
  for (const auto& row : c.seen().buttons)
    for (const auto& b : row) shown += b.text + " ";
  CHECK(shown == "$25 $50 Another amount ");
  c.settled();
  const auto too_much = c.presses(donation_data(100, c.state.order_id));
  CHECK(c.said(too_much).find("$60.00") != std::string::npos);
  CHECK(c.status() == "offered");
  c.presses("amt:" + c.state.order_id);
  c.presses(key_data("9", c.state.order_id));
  const auto too_little = c.presses(key_data("ok", c.state.order_id));
  CHECK(c.said(too_little).find("$20.00") != std::string::npos);
  CHECK(c.status() == "typing_amount");
  c.presses(key_data("9", c.state.order_id));
  CHECK(c.said(c.presses(key_data("ok", c.state.order_id))).find("$60.00") != std::string::npos);
  c.says("60.01");
  CHECK(c.seen().has("$60.00"));
  c.says("59.99"); // Typed instead of pressed.
  CHECK(c.status() == "writing_message");
  CHECK(c.state.price == usd("59.99"));
}

TEST_CASE("the message to the owner: at most 200 characters, whatever they are") {
  chat c;
  c.to_message();
  std::string long_one, exact;
  for (int i = 0; i < 201; ++i) long_one += "é";
  exact = long_one.substr(0, 400);
  c.says(long_one);
  CHECK(c.status() == "writing_message");
  CHECK(c.seen().has("201 characters"));
  c.says("\xff");
  CHECK(c.status() == "writing_message");
  c.says("");
  CHECK(c.seen().has("Only a text"));
  c.says(exact);
  CHECK(c.status() == "ordering");
  c.channel_answers("terms");
  const auto order = std::get<create_payment>(std::get<payment_message>(c.question("order").message));
  CHECK(order.donation_message == exact);
  CHECK(order.donation_price == usd("25"));
}

TEST_CASE("cancelling a donation, and its buttons afterwards") {
  chat c;
  c.to_keypad();
  const auto order = c.state.order_id;
  c.presses(key_data("x", order));
  CHECK(c.status() == "idle");
  CHECK(c.seen().edited);
  CHECK(c.view() == "cancelled");
  c.settled();
  for (const auto& data : {key_data("1", order), key_data("ok", order), "amt:" + order, "skip:" + order, donation_data(5, order)}) {
    const auto callback = c.presses(data);
    CHECK(c.said(callback) == "This offer is no longer valid.");
    CHECK(c.status() == "idle");
    c.settled();
  }
}

TEST_CASE("one's subscriptions: their ends, a fresh invite, renewing") {
  chat c;
  c.says("/subscriptions");
  CHECK(c.request<list_subscriptions>("list").user_id == 7);
  c.done_with("list", subscriptions_listed{{{-1001, "A & B", "active", start_of_time(), true},
                                            {-1003, "Gone", "expired", start_of_time(), false},
                                            {-1005, "Old", "expired", start_of_time(), true}},
                                           true});
  const auto list = c.seen();
  CHECK(list.has("<b>A &amp; B</b>\nUntil 2026-11-21 00:00 UTC"));
  CHECK(list.has("Ended 2026-11-21"));
  CHECK(list.data("New invite: A & B") == "inv:-1001");
  CHECK(list.data("Renew: Old") == "renew:-1005");
  for (const auto& row : list.buttons)
    for (const auto& b : row) CHECK(b.text.find("Gone") == std::string::npos);
  CHECK(list.data("More") == "page:subscriptions:1");
  c.settled();
  CHECK(c.status() == "idle");
  c.presses("page:subscriptions:1");
  CHECK(c.request<list_subscriptions>("list").offset == 5);
  c.done_with("list", subscriptions_listed{});
  CHECK(c.seen().edited);
  CHECK(c.seen().data("Back") == "page:subscriptions:0");
  c.settled();

  c.presses("inv:-1001");
  CHECK(c.question("errand").to == entity_ref{entity_kind::subscription, "-1001:7"});
  const auto twice = c.presses("inv:-1001");
  CHECK(c.said(twice).find("One moment") != std::string::npos);
  auto refused_one = c;
  c.answered("errand", ok{});
  CHECK_FALSE(c.owes("errand"));
  CHECK_FALSE(c.owes("view")); // The subscription sends the link.
  refused_one.answered("errand", refused{refusal::not_found, ""});
  CHECK(refused_one.seen().has("no subscription"));
}

TEST_CASE("renewing shows what the channel sells; an only tier at once") {
  chat c;
  c.presses("renew:-1001");
  CHECK(c.question("look_up").to == entity_ref{entity_kind::channel, "-1001"});
  c.channel_answers("look_up");
  CHECK(c.view() == "choice");
  CHECK(c.seen().data("90 days - $25.00") == "tier:-1001:1");
  CHECK(c.seen().data("Donate") == "give:-1001");
  c.settled();
  CHECK(c.status() == "idle");
  c.presses("tier:-1001:1");
  c.channel_answers("look_up");
  CHECK(c.status() == "offered");
  CHECK(c.state.price == usd("25"));

  chat single;
  auto terms = sample_channel();
  terms.tiers[1] = {};
  single.presses("renew:-1001");
  single.channel_answers("look_up", terms);
  CHECK(single.status() == "offered");
  CHECK(single.state.price == usd("10"));
}

TEST_CASE("help that comes in between does not cost the list") {
  chat c;
  c.says("/stats");
  c.says("/help");
  CHECK(c.view() == "help");
  c.done_with("list", stats_seen{{{-1001, "A & B", "draining", 3, 12, 2, 4, usd("120.5"), usd("40"), usd("9.99"), usd("100")}}, false});
  CHECK(c.view() == "list");
  CHECK(c.seen().has("A &amp; B</b> (draining)"));
  CHECK(c.seen().has("$120.50"));
  c.says("/help");
  c.shown();
  CHECK(c.view() == "list");
  c.shown();
  CHECK(c.status() == "idle");
}

TEST_CASE("donating without a link: the channels to choose from") {
  chat c;
  c.says("/donate");
  c.done_with("list", channels_listed{{{-1001, -1002, "Open", "Closed <club>", "offered"}}, false});
  CHECK(c.seen().data("Closed <club>") == "give:-1001");
  c.settled();
  c.presses("give:-1001");
  c.channel_answers("look_up");
  CHECK(c.status() == "offered");
  CHECK(c.state.tier == start_link::donation);
}

TEST_CASE("the buttons under a notice about the payout address name whose they are") {
  for (const auto& [data, confirms] : {std::pair{"payc:-1001:t3", true}, {"payx:-1001:t3", false}}) {
    chat c;
    c.presses(data);
    const auto ask = c.question("errand");
    const auto& message = std::get<channel_message>(ask.message);
    if (confirms)
      CHECK((std::get<confirm_payout_change>(message).token == "t3" && std::get<confirm_payout_change>(message).user_id == 7));
    else
      CHECK((std::get<cancel_payout_change>(message).token == "t3" && std::get<cancel_payout_change>(message).user_id == 7));
    c.answered("errand", refused{refusal::conflict, "no such change of the payout address is under way"});
    CHECK(c.seen().has("cannot be done"));
  }
}
