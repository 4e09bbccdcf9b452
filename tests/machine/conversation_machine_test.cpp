#include "tests/machine/conversation_samples.hpp"

using namespace paygate;
using namespace paygate::test;

TEST_CASE("from a link to an order") {
  chat c;
  c.follows({-1001, 0});
  CHECK(c.state.status == conversation_status::looking_up);
  CHECK(c.question("look_up").to == entity_ref{entity_kind::channel, "-1001"});
  c.channel_answers("look_up");
  CHECK(c.view() == "offer");
  const auto shown = c.request<send_message>("view");
  CHECK(shown.html.find("$10.00") != std::string::npos);
  CHECK(shown.html.find("30 days") != std::string::npos);
  CHECK(shown.html.find("Closed &lt;club&gt;") != std::string::npos);
  const auto data = std::get<std::string>(shown.buttons[0][0].target);
  CHECK(data.size() <= 64);
  c.done_with("view", message_sent{1});
  CHECK(c.due().empty());
  c.presses(data);
  CHECK(c.due_words() == "answer terms");
  CHECK(c.request<answer_callback>("answer").text.empty());
  c.done_with("answer", done{});
  c.channel_answers("terms");
  const auto ask = c.question("order");
  CHECK(ask.to == entity_ref{entity_kind::payment, c.state.order_id});
  const auto& order = std::get<create_payment>(std::get<payment_message>(ask.message));
  CHECK(order.tier == 0);
  CHECK(order.user_name == "@ann");
  CHECK(order.chat_id == 7);
  CHECK(order.terms == sample_channel());
  c.answered("order", payment_view{c.state.order_id, "created", "", "", ""});
  CHECK(c.state.status == conversation_status::idle);
  CHECK(c.due().empty());
  // A second press of the same button is the same order.
  const auto id = c.state.order_id;
  c.presses(data);
  CHECK(c.state.status == conversation_status::ordering);
  CHECK(c.state.order_id == id);
}

TEST_CASE("every status meets every word of the person") {
  struct row {
    std::string from, word, status, view;
  };
  const std::vector<row> rows = {
      {"none", "link", "looking_up", "none"},
      {"none", "start", "idle", "help"},
      {"none", "bad", "idle", "unknown_link"},
      {"none", "text", "idle", "help"},
      {"none", "help", "idle", "help"},
      {"none", "stale", "idle", "help"},
      {"idle", "link", "looking_up", "none"},
      {"idle", "start", "idle", "help"},
      {"idle", "bad", "idle", "unknown_link"},
      {"idle", "text", "idle", "help"},
      {"idle", "help", "idle", "help"},
      {"idle", "stale", "idle", "help"},
      {"looking_up", "link", "looking_up", "none"},
      {"looking_up", "start", "idle", "help"},
      {"looking_up", "bad", "idle", "unknown_link"},
      {"looking_up", "text", "looking_up", "help"},
      {"looking_up", "help", "looking_up", "help"},
      {"looking_up", "stale", "looking_up", "help"},
      {"offered", "link", "looking_up", "none"},
      {"offered", "start", "idle", "help"},
      {"offered", "bad", "idle", "unknown_link"},
      {"offered", "text", "offered", "use_buttons"},
      {"offered", "help", "offered", "help"},
      {"offered", "stale", "offered", "help"},
      {"offered", "pay", "ordering", "none"},
      {"ordering", "link", "looking_up", "none"},
      {"ordering", "start", "idle", "help"},
      {"ordering", "bad", "idle", "unknown_link"},
      {"ordering", "text", "ordering", "help"},
      {"ordering", "help", "ordering", "help"},
      {"ordering", "stale", "ordering", "help"},
      {"ordering", "pay", "ordering", "none"},
  };
  for (const auto& r : rows) {
    chat c;
    if (r.from == "idle") c.says("/start");
    if (r.from == "looking_up") c.follows({-1001, 1});
    if (r.from == "offered") c.to_offer();
    if (r.from == "ordering") c.to_ordering();
    if (r.word == "link") c.follows({-1001, 0});
    if (r.word == "start") c.says("/start");
    if (r.word == "text") c.says("hello <b>");
    if (r.word == "help") c.says("/help");
    if (r.word == "stale") c.presses("pay:01OLD");
    if (r.word == "pay") c.presses(pay_data(c.state.order_id));
    if (r.word == "bad") c.follows_forged();
    CAPTURE(r.from, r.word);
    CHECK(to_text(c.state.status) == r.status);
    CHECK(c.view() == r.view);
    CHECK(c.state.last_update_id == c.next_update - 1);
  }
}

TEST_CASE("an update is handled once, and only in its own chat") {
  chat c;
  c.to_offer();
  const auto before = c.state;
  for (std::int64_t id : {c.state.last_update_id, c.state.last_update_id - 1, std::int64_t(1)}) {
    auto u = c.update();
    u.update_id = id;
    u.text = "/start";
    CHECK(c.send(update_received{u}) == entity_reply(ok{}));
    CHECK_FALSE(c.last.changed);
  }
  CHECK(c.state == before);
  auto foreign = c.update();
  foreign.chat_id = 8;
  CHECK(code_of(c.send(update_received{foreign})) == "invalid");
  chat empty;
  CHECK(code_of(empty.send(effect_done{"view:1", io_outcome(message_sent{1})})) == "not_found");
}

TEST_CASE("old, foreign and malformed callback data order nothing") {
  for (const std::string& data : {std::string(), std::string("pay:"), std::string("pay:01OTHER"), std::string("don:5:"),
                                  std::string("don:1000000:x"), std::string(500, 'x')}) {
    chat c;
    c.to_offer();
    c.presses(data);
    CHECK(c.state.status == conversation_status::offered);
    CHECK(c.request<answer_callback>("answer").text == "This offer is no longer valid.");
    CHECK_FALSE(c.owes("terms"));
    c.done_with("view", message_sent{1});
    CHECK(c.request<answer_callback>("answer").text == "This offer is no longer valid.");
    c.done_with("answer", done{});
    CHECK(c.due().empty());
  }
  // Before any offer the open order is the empty one: "pay:" must not match it.
  chat c;
  c.presses("pay:");
  CHECK(c.state.status == conversation_status::idle);
}

TEST_CASE("what is not sold is said to be so") {
  chat gone;
  gone.follows({-1001, 0});
  gone.answered("look_up", refused{refusal::not_found, ""});
  CHECK(gone.view() == "not_for_sale");
  CHECK(gone.state.status == conversation_status::idle);

  chat no_tier;
  no_tier.follows({-1001, 2});
  no_tier.channel_answers("look_up");
  CHECK(no_tier.view() == "not_for_sale");

  chat no_donations;
  auto terms = sample_channel();
  terms.donations = false;
  no_donations.follows({-1001, start_link::donation});
  no_donations.channel_answers("look_up", terms);
  CHECK(no_donations.view() == "not_for_sale");

  chat closing;
  closing.to_ordering();
  closing.answered("terms", refused{refusal::not_found, ""});
  CHECK(closing.view() == "not_for_sale");

  chat refusing;
  refusing.to_ordering();
  refusing.channel_answers("terms");
  refusing.answered("order", refused{refusal::invalid, ""});
  CHECK(refusing.view() == "not_for_sale");
  CHECK(refusing.state.order_id.empty());

  chat odd;
  odd.follows({0, 5});
  CHECK(odd.view() == "unknown_link");
}

TEST_CASE("a price that changed after it was shown is offered anew, never charged") {
  chat c;
  c.to_ordering();
  const auto old_order = c.state.order_id;
  auto dearer = sample_channel();
  dearer.tiers[0].price = usd("12");
  c.channel_answers("terms", dearer);
  CHECK(c.state.status == conversation_status::offered);
  CHECK(c.view() == "offer");
  CHECK(c.state.price == usd("12"));
  CHECK(c.state.order_id != old_order);
  c.presses(pay_data(old_order));
  CHECK(c.state.status == conversation_status::offered);
}

TEST_CASE("terms are not stored: after a restart they are asked for again") {
  chat c;
  c.to_ordering();
  c.channel_answers("terms");
  CHECK(c.owes("order"));
  c.state.terms.reset();
  CHECK_FALSE(c.owes("order"));
  CHECK(c.owes("terms"));
}

TEST_CASE("a donation is a choice of amounts") {
  chat c;
  c.to_offer(start_link::donation);
  const auto shown = c.request<send_message>("view");
  std::size_t count = 0;
  for (const auto& row : shown.buttons) count += row.size();
  CHECK(count == 6);
  for (const auto& row : shown.buttons)
    for (const auto& b : row) CHECK(std::get<std::string>(b.target).size() <= 64);
  c.presses(pay_data(c.state.order_id)); // Not how one donates.
  CHECK(c.state.status == conversation_status::offered);
  c.presses(donation_data(7, c.state.order_id)); // None of ours.
  CHECK(c.state.status == conversation_status::offered);
  c.presses(donation_data(25, c.state.order_id));
  CHECK(c.state.status == conversation_status::writing_message);
  c.presses("skip:" + c.state.order_id);
  CHECK(c.state.status == conversation_status::ordering);
  c.channel_answers("terms");
  const auto ask = c.question("order");
  const auto& order = std::get<create_payment>(std::get<payment_message>(ask.message));
  CHECK(order.tier == start_link::donation);
  CHECK(order.donation_price == usd("25"));
  const auto used = c.state.order_id;
  c.answered("order", payment_view{});
  const auto stale = c.presses(donation_data(50, used));
  CHECK(c.state.status == conversation_status::idle);
  CHECK(c.said(stale) == "This offer is no longer valid.");
}

TEST_CASE("a chat that refuses messages is left alone, and late answers find nobody") {
  chat c;
  c.to_offer();
  const auto old_view = c.find("view").key;
  c.done_with("view", no_way());
  CHECK(c.due().empty());
  c.presses("stale");
  c.done_with("answer", no_way());
  CHECK_FALSE(c.owes("answer"));
  c.send(effect_done{old_view, io_outcome(message_sent{1})});
  CHECK_FALSE(c.last.changed);
  CHECK(c.owes("view"));
  c.done_with("view", done{}); // Not an answer to this.
  CHECK_FALSE(c.last.changed);

  chat twice;
  twice.follows({-1001, 0});
  const auto first = twice.find("look_up").key;
  twice.follows({-1003, 0});
  twice.send(effect_done{first, entity_reply(channel_view{std::make_shared<const channel>(sample_channel())})});
  CHECK_FALSE(twice.last.changed);
  twice.channel_answers("look_up"); // Another channel's terms.
  CHECK(twice.view() == "not_for_sale");
}

TEST_CASE("names are bounded and without control characters") {
  chat c;
  auto u = c.update();
  u.user_name = std::string("a\0\n", 3) + std::string(127, 'b') + "\xc3\xa9";
  u.text = "hi";
  c.send(update_received{u});
  CHECK(c.state.user_name == "a" + std::string(127, 'b'));
  CHECK(conversation_kind::stuck_after(c.state).has_value());
  c.done_with("view", message_sent{1});
  CHECK_FALSE(conversation_kind::stuck_after(c.state).has_value());
}
