#include "tests/machine/payment_samples.hpp"

using namespace paygate;
using namespace paygate::test;

namespace {

constexpr provider_status all_reports[] = {provider_status::waiting, provider_status::confirming,     provider_status::confirmed,
                                           provider_status::sending, provider_status::partially_paid, provider_status::finished,
                                           provider_status::failed,  provider_status::refunded,       provider_status::expired};

std::string owner_account() { return accounts::owner_available("-1001"); }

} // namespace

TEST_CASE("from order to payout") {
  purchase p;
  const auto view = std::get<payment_view>(p.send(p.order));
  CHECK(view.order_id == p.self.id);
  CHECK(view.status == "created");
  CHECK(p.due_words() == "invoice");
  const auto invoice = p.request<create_invoice>("invoice");
  CHECK(invoice.price == usd("10"));
  CHECK(invoice.order_id == p.self.id);
  p.done_with("invoice", invoice_created{"111", "https://pay/111"});
  CHECK(p.due_words() == "pay_link");
  const auto link = p.request<send_message>("pay_link");
  CHECK(std::get<std::string>(link.buttons[0][0].target) == "https://pay/111");
  CHECK(link.buttons[0][0].is_url);
  p.done_with("pay_link", message_sent{1});
  CHECK(p.status() == "waiting");
  CHECK(p.due_words() == "");

  p.ipn(p.report(provider_status::waiting));
  p.ipn(p.report(provider_status::confirming));
  CHECK(p.status() == "confirming");
  CHECK(p.balance(accounts::incoming) == 0);
  p.ipn(p.report(provider_status::finished));
  CHECK(p.status() == "paid");
  CHECK(p.due_words() == "extend payout_hash tell_owner");

  // 3 % of $10.00 and of 0.004 ETH.
  const auto& d = p.state.deposits.at(0);
  CHECK(d.gross_usd == usd("10"));
  CHECK(d.fee_usd == usd("0.3"));
  CHECK(d.net_usd == usd("9.7"));
  CHECK(d.fee_eth == eth("0.00012"));
  CHECK(d.net_eth == eth("0.00388"));
  CHECK(p.balance(accounts::incoming) == eth("0.004").units());
  CHECK(p.balance(owner_account()) == -eth("0.00388").units());
  CHECK(p.balance(accounts::fee_income) == -eth("0.00012").units());
  REQUIRE(p.rows<accrual_opened>().size() == 1);
  CHECK(p.rows<accrual_opened>()[0].status == accrual_status::paying);
  CHECK(p.rows<accrual_opened>()[0].payout_id == p.self.id);
  REQUIRE(p.rows<deposit>().size() == 1);
  CHECK(p.rows<deposit>()[0] == d);

  const auto ask = p.question("extend");
  CHECK(ask.to == entity_ref{entity_kind::subscription, "-1001:7"});
  const auto& extend = std::get<extend_subscription>(std::get<subscription_message>(ask.message));
  CHECK(extend.order_id == p.self.id);
  CHECK(extend.days == 30);
  p.answered("extend", subscription_extended{p.now, p.now + std::chrono::days(30)});
  const auto invite = p.request<create_invite>("invite_link");
  CHECK(invite.chat_id == -1002);
  CHECK(invite.name
        == "o-00000000"
           "0ABC");
  CHECK(invite.name.size() <= 32);
  CHECK(invite.expires_at == p.now + std::chrono::hours(24));
  p.done_with("invite_link", invite_created{"https://t.me/+abc"});
  CHECK(std::get<payment_view>(p.send(get_payment_view{})).invite_link == "https://t.me/+abc");
  const auto granted = p.request<send_message>("tell_subscriber");
  CHECK(granted.html.find("2026-12-21 00:00 UTC") != std::string::npos);
  CHECK(granted.html.find("https://t.me/+abc") != std::string::npos);
  p.done_with("tell_subscriber", message_sent{2});

  const auto told = p.request<send_message>("tell_owner");
  CHECK(told.chat_id == 900);
  for (const auto* words : {"💰 <b>New Subscription Payment Received!</b>", "$10.00 USD (0.004 ETH)", "@ann&lt;", "Tier 1 (30 days)", "5001",
                            "Status: Confirmed ✅", "Payout: "})
    CHECK(told.html.find(words) != std::string::npos);
  p.done_with("tell_owner", message_sent{3});
  CHECK(p.due_words() == "payout_hash");

  auto known = p.report(provider_status::finished);
  known.payout_hash = "0xfeed";
  p.done_with("payout_hash", known);
  CHECK(p.request<get_transfer>("arrival").hash == "0xfeed");
  p.done_with("arrival", transfer_seen{"0xABC", eth("0.004").units(), 0, false});
  CHECK_FALSE(p.last.changed);
  p.done_with("arrival", transfer_seen{"0xABC", eth("0.004").units(), 1, false});
  CHECK(p.balance(accounts::incoming) == 0);
  CHECK(p.balance(accounts::wallet) == eth("0.004").units());
  const auto payout = p.question("payout:");
  CHECK(payout.to == entity_ref{entity_kind::payout, p.self.id});
  const auto& wish = std::get<request_payout>(std::get<paygate::payout_message>(payout.message));
  CHECK(wish.source == eth("0.00388"));
  CHECK(wish.net == usd("9.7"));
  CHECK(wish.address == "44owner");
  p.answered("payout:", ok{});
  CHECK(p.state.deposits[0].payout_id == p.self.id);
  CHECK(p.due().empty());
  CHECK_FALSE(payment_kind::stuck_after(p.state).has_value());
}

TEST_CASE("every status meets every report of the provider") {
  // One column per provider status, in all_reports' order; w waiting, c confirming, C confirmed, s sending, p partially_paid, P paid,
  // f failed, r refunded, x expired, u underpaid, h held.
  const std::map<char, std::string> words = {{'w', "waiting"},        {'c', "confirming"}, {'C', "confirmed"}, {'s', "sending"},
                                             {'p', "partially_paid"}, {'P', "paid"},       {'f', "failed"},    {'r', "refunded"},
                                             {'x', "expired"},        {'u', "underpaid"},  {'h', "held"}};
  const std::vector<std::pair<std::string, std::string>> table = {
      {"created", "wcCspPfrx"}, {"waiting", "wcCspPfrx"}, {"confirming", "ccCspPfrc"},     {"confirmed", "CCCspPfrC"},
      {"sending", "sssspPfrs"}, {"failed", "ffffpPfrf"},  {"partially_paid", "pppppPprp"}, {"refunded", "rrrrrPrrr"},
      {"expired", "xcCspPfrx"}, {"paid", "PPPPPPPPP"},    {"underpaid", "uuuuuuuuu"},      {"held", "hhhhhhhhh"},
  };
  for (const auto& [from, row] : table)
    for (std::size_t i = 0; i < row.size(); ++i) {
      purchase p;
      p.send(p.order);
      if (from != "created") p.done_with("invoice", invoice_created{"111", "u"}), p.done_with("pay_link", message_sent{1});
      if (from == "paid")
        p.ipn(p.report(provider_status::finished));
      else if (from == "underpaid")
        p.ipn(p.finished("4", "0.001"));
      else if (from == "held") {
        auto odd = p.report(provider_status::finished);
        odd.outcome_currency = "trx";
        p.ipn(odd);
      } else if (from != "created" && from != "waiting")
        p.ipn(p.report(*parse_enum<provider_status>(from)));
      REQUIRE(p.status() == from);
      auto next = p.report(all_reports[i]);
      if (from == "held") next.outcome_currency = "trx";
      CAPTURE(from, to_text(all_reports[i]));
      CHECK(p.ipn(next) == entity_reply(ok{}));
      CHECK(p.status() == words.at(row[i]));
      // The same again changes nothing.
      p.ipn(next);
      CHECK_FALSE(p.last.changed);
      CHECK(p.rows<webhook_event>().size() == 1);
      CHECK(p.state.late == (row[i] == 'P' && (from == "failed" || from == "refunded" || from == "expired")));
      // Other messages, in every status.
      CHECK(std::get<payment_view>(p.send(p.order)).status == p.status());
      CHECK_FALSE(p.last.changed);
      CHECK(std::get<payment_view>(p.send(get_payment_view{})).order_id == p.self.id);
      CHECK_FALSE(p.last.changed);
      p.send(effect_done{"long gone", io_outcome(done{})});
      CHECK_FALSE(p.last.changed);
      CHECK(p.send(payment_poked{}) == entity_reply(ok{}));
    }
}

TEST_CASE("without an order: IPNs are kept, all else is not found") {
  purchase p;
  CHECK(p.ipn(p.report(provider_status::finished)) == entity_reply(ok{}));
  CHECK_FALSE(p.exists);
  REQUIRE(p.rows<webhook_event>().size() == 1);
  CHECK_FALSE(p.rows<webhook_event>()[0].order_known);
  CHECK(p.last.entries.empty());
  CHECK(code_of(p.send(get_payment_view{})) == "not_found");
  CHECK(code_of(p.send(payment_poked{})) == "not_found");
  CHECK(code_of(p.send(effect_done{"invoice", io_outcome(invoice_created{"1", "u"})})) == "not_found");
}

TEST_CASE("what the channel does not sell is refused") {
  const std::vector<void (*)(create_payment&)> edits = {
      [](create_payment& c) { c.tier = 2; },
      [](create_payment& c) { c.tier = 3; },
      [](create_payment& c) { c.tier = -2; },
      [](create_payment& c) { c.terms.status = channel_status::closed; },
      [](create_payment& c) { c.chat_id = 0; },
      [](create_payment& c) { c.tier = start_link::donation, c.donation_price = usd("4.99"); },
      [](create_payment& c) { c.tier = start_link::donation, c.donation_price = usd("10000.01"); },
      [](create_payment& c) { c.tier = start_link::donation, c.donation_price = usd("10"), c.terms.donations = false; },
  };
  for (auto change : edits) {
    purchase p;
    change(p.order);
    CHECK(code_of(p.send(p.order)) == "invalid");
    CHECK_FALSE(p.exists);
  }
}

TEST_CASE("IPNs in every order end the same, and settle once") {
  std::vector<provider_status> order = {provider_status::waiting, provider_status::confirming, provider_status::confirmed,
                                        provider_status::sending, provider_status::finished};
  std::optional<payment> end;
  int permutations = 0;
  do {
    purchase p;
    p.to_waiting();
    int settled = 0;
    for (int round = 0; round < 2; ++round)
      for (auto status : order) {
        p.ipn(p.report(status));
        settled += static_cast<int>(p.last.entries.size());
      }
    CHECK(settled == 1);
    if (!end) end = p.state;
    CHECK(p.state == *end);
    ++permutations;
  } while (std::next_permutation(order.begin(), order.end()));
  CHECK(permutations == 120);
}

TEST_CASE("the value is the provider's, then by proportion, then estimated") {
  purchase fiat;
  fiat.to_waiting();
  fiat.ipn(fiat.finished("9.87", "0.004"));
  CHECK(fiat.state.deposits[0].gross_usd == usd("9.87"));

  purchase share;
  share.to_waiting();
  auto half = share.report(provider_status::finished);
  half.actually_paid_at_fiat = 0;
  half.actually_paid = eth("0.00006").units();
  share.ipn(half);
  CHECK(share.status() == "paid");
  CHECK(share.state.deposits[0].gross_usd == usd("6"));

  for (const auto& [per_coin, status] : std::vector<std::pair<std::string, std::string>>{{"1875", "paid"}, {"1874.99", "underpaid"}}) {
    purchase guess;
    guess.to_waiting();
    auto blank = guess.report(provider_status::finished);
    blank.actually_paid_at_fiat.reset();
    blank.actually_paid = 0;
    guess.ipn(blank);
    CHECK(guess.status() == "sending");
    CHECK(guess.due_words() == "reread"); // Zero is unknown: the API is asked first.
    guess.done_with("reread", blank);
    CHECK(guess.due_words() == "price");
    guess.done_with("price", usd_price{0, "x"});
    CHECK_FALSE(guess.last.changed);
    guess.done_with("price", usd_price{usd(per_coin).units(), "coingecko"});
    CHECK(guess.status() == status);
    CHECK(guess.state.estimated);
  }
}

TEST_CASE("a reread that has the figures needs no price source; one without an outcome is read again") {
  purchase p;
  p.to_waiting();
  auto blank = p.report(provider_status::finished);
  blank.outcome_amount.reset();
  p.ipn(blank);
  p.done_with("reread", blank);
  CHECK_FALSE(p.last.changed);
  p.done_with("reread", no_way("http_404"));
  CHECK(p.rows<failure_listed>().size() == 1);
  CHECK(p.due_words() == "reread");
  p.done_with("reread", p.report(provider_status::finished));
  CHECK(p.status() == "paid");
  CHECK_FALSE(p.state.estimated);
}

TEST_CASE("tolerance, overpaying and the fee") {
  struct row {
    std::string dollars, status;
    bool overpaid;
  };
  for (const auto& r : std::vector<row>{
           {"5", "paid", false}, {"4.999999999999999999", "underpaid", false}, {"10.5", "paid", false}, {"10.51", "paid", true}}) {
    purchase p;
    p.to_waiting();
    p.ipn(p.finished(r.dollars, "0.003333333333333333"));
    CHECK(p.status() == r.status);
    CHECK(p.state.overpaid == r.overpaid);
  }
  purchase p;
  p.to_waiting();
  p.ipn(p.finished("9.999999999999999999", "0.003333333333333333"));
  const auto& d = p.state.deposits[0];
  CHECK(d.fee_usd == usd("0.29999999")); // Down at the 8th decimal.
  CHECK(d.fee_usd + d.net_usd == d.gross_usd);
  CHECK(d.fee_eth + d.net_eth == d.gross_eth);
  CHECK(d.fee_eth.units() == mul_div_floor(d.gross_eth.units(), d.fee_usd.units(), d.gross_usd.units()));
  purchase free;
  free.rules.platform_bps = 0;
  free.to_waiting();
  free.ipn(free.report(provider_status::finished));
  CHECK(free.state.deposits[0].net_eth == eth("0.004"));
  CHECK(free.last.entries[0].postings.size() == 2);
}

TEST_CASE("underpaid: told once, nothing granted, and a top-up makes it good") {
  purchase p;
  p.to_waiting();
  p.ipn(p.finished("4", "0.0016"));
  CHECK(p.status() == "underpaid");
  CHECK(p.rows<failure_listed>().size() == 1);
  CHECK(p.rows<accrual_opened>().empty());
  CHECK(p.balance(accounts::undecided) == -eth("0.0016").units());
  CHECK(p.due_words() == "payout_hash tell_owner tell_shortfall");
  CHECK(p.request<send_message>("tell_shortfall").html.find("$6.00 is missing") != std::string::npos);
  p.done_with("tell_shortfall", message_sent{1});
  p.done_with("tell_owner", message_sent{1});
  p.ipn(p.finished("4", "0.0016"));
  CHECK(p.due_words() == "payout_hash");
  auto rest = p.finished("3", "0.0012", "5002");
  rest.parent_payment_id = "5001";
  rest.price_amount = usd("3").units();
  p.ipn(rest);
  CHECK(p.status() == "paid");
  CHECK(p.balance(accounts::undecided) == 0);
  CHECK(p.balance(accounts::incoming) == eth("0.0028").units());
  CHECK(p.rows<accrual_opened>().size() == 2);
  CHECK(p.request<send_message>("tell_owner").html.find("$7.00 USD (0.0028 ETH)") != std::string::npos);
  CHECK(p.owes("extend"));
}

TEST_CASE("a repeated deposit goes to the owner like the first, and grants nothing a second time") {
  purchase p;
  p.to_waiting();
  p.ipn(p.report(provider_status::finished));
  p.answered("extend", subscription_extended{p.now, p.now + std::chrono::days(30)});
  p.done_with("invite_link", invite_created{"https://t.me/+abc"});
  p.done_with("tell_subscriber", message_sent{1});
  p.done_with("tell_owner", message_sent{1});
  auto again = p.finished("2", "0.0008", "5002");
  again.parent_payment_id = "5001";
  again.price_amount = usd("2").units();
  p.ipn(again);
  CHECK(p.status() == "paid");
  CHECK(p.state.deposits.size() == 2);
  CHECK(p.balance(accounts::incoming) == eth("0.0048").units());
  CHECK(p.due_words() == "payout_hash payout_hash tell_owner");
  REQUIRE(p.rows<accrual_opened>().size() == 1);
  CHECK(p.rows<accrual_opened>()[0].payout_id == p.self.id + ".2");
  again.payout_hash = "0x2";
  p.done_with("payout_hash:5002", again);
  p.done_with("arrival:5002", transfer_seen{"0xabc", eth("0.0008").units(), 3, false});
  CHECK(p.question("payout:").to.id == p.self.id + ".2");
  p.answered("payout:", ok{});
  CHECK(p.state.deposits[1].payout_id == p.self.id + ".2");
  CHECK(p.state.deposits[0].payout_id.empty());
}

TEST_CASE("what is not the order is kept and granted to nobody, until the truth comes") {
  const std::vector<void (*)(provider_payment&)> edits = {
      [](provider_payment& r) { r.price_amount = usd("1").units(); },
      [](provider_payment& r) { r.price_currency = "eur"; },
      [](provider_payment& r) { r.payment_id.clear(); },
      [](provider_payment& r) { r.payment_id = "0"; },
      [](provider_payment& r) { r.outcome_currency = "usdttrc20"; },
      [](provider_payment& r) { r.outcome_amount = one_coin * 2'000'000'000; },
      [](provider_payment& r) { r.actually_paid_at_fiat = one_coin * 2'000'000'000; },
  };
  for (auto change : edits) {
    purchase p;
    p.to_waiting();
    auto wrong = p.report(provider_status::finished);
    change(wrong);
    CHECK(p.ipn(wrong) == entity_reply(ok{}));
    CHECK(p.status() == "held");
    CHECK(p.last.entries.empty());
    CHECK(p.rows<failure_listed>().size() == 1);
    CHECK(p.rows<webhook_event>().size() == 1);
    CHECK(p.due_words() == "tell_shortfall");
    p.done_with("tell_shortfall", message_sent{1});
    p.ipn(wrong);
    CHECK_FALSE(p.last.changed);
    p.ipn(p.report(provider_status::finished));
    CHECK(p.status() == "paid");
  }
  purchase early;
  early.to_waiting();
  auto wrong = early.report(provider_status::confirming);
  wrong.price_amount = usd("1").units();
  early.ipn(wrong);
  CHECK_FALSE(early.last.changed);
  CHECK(early.status() == "waiting");
  auto foreign = early.report(provider_status::finished);
  foreign.order_id = "01OTHER";
  early.ipn(foreign);
  CHECK_FALSE(early.last.changed);
}

TEST_CASE("figures at the edge of 128 bits neither throw nor grant by mistake") {
  purchase p;
  p.to_waiting();
  auto odd = p.report(provider_status::finished);
  odd.actually_paid_at_fiat = 0;
  odd.actually_paid = ~(int128(1) << 127);
  odd.pay_amount = 1;
  p.ipn(odd);
  CHECK(p.status() == "sending");
  CHECK(p.state.deposits[0].actually_paid == int128(100) * one_coin * one_coin - 1);
  p.done_with("reread", odd);
  p.done_with("price", usd_price{~(int128(1) << 127), "x"});
  CHECK(p.status() == "held");
}

TEST_CASE("the wrong ETH on the chain is shown to the operator and not booked") {
  const std::vector<transfer_seen> wrong = {
      {"0xdef", eth("0.004").units(), 5, false}, {"0xabc", eth("0.0039").units(), 5, false}, {"0xabc", eth("0.004").units(), 5, true}};
  for (const auto& seen : wrong) {
    purchase p;
    p.to_waiting();
    auto r = p.report(provider_status::finished);
    r.payout_hash = "0x1";
    p.ipn(r);
    p.done_with("arrival", seen);
    CHECK_FALSE(p.last.changed);
    CHECK(p.rows<failure_listed>().size() == 1);
    CHECK(p.owes("arrival"));
    CHECK_FALSE(p.owes("payout:"));
  }
}

TEST_CASE("threshold channels accrue; channels without an owner's chat tell nobody") {
  purchase p(payout_strategy::threshold);
  p.order.terms.owner_chat_id = 0;
  p.to_waiting();
  auto r = p.report(provider_status::finished);
  r.payout_hash = "0x1";
  p.ipn(r);
  REQUIRE(p.rows<accrual_opened>().size() == 1);
  CHECK(p.rows<accrual_opened>()[0].status == accrual_status::pending);
  CHECK(p.rows<accrual_opened>()[0].payout_id.empty());
  CHECK_FALSE(p.owes("tell_owner"));
  p.done_with("arrival", transfer_seen{"0xabc", eth("0.004").units(), 1, false});
  CHECK(p.due_words() == "extend");
}

TEST_CASE("a donation grants no access, thanks the donor and tells the owner") {
  purchase p(payout_strategy::instant, true);
  p.to_waiting();
  p.ipn(p.report(provider_status::finished));
  CHECK(p.due_words() == "payout_hash tell_owner tell_subscriber");
  CHECK(p.request<send_message>("tell_owner").html.find("🎁 <b>New Donation Received!</b>") != std::string::npos);
  p.done_with("tell_subscriber", message_sent{1});
  CHECK_FALSE(p.owes("tell_subscriber"));
}

TEST_CASE("the provider is asked at a growing distance when it is silent") {
  purchase p;
  p.to_waiting();
  auto find = p.find("find@");
  CHECK(find.not_before == p.now + p.rules.payment_poll_first);
  auto distance = p.rules.payment_poll_first;
  for (int i = 0; i < 10; ++i) {
    p.now = p.find("find@").not_before;
    p.done_with("find@", payments_listed{});
    distance = std::min(distance * 2, p.rules.payment_poll_max);
    CHECK(p.find("find@").not_before == p.now + distance);
  }
  // The list knows the payment that no IPN told us of; from then on it is read by its id, and the distance starts anew.
  p.done_with("find@", payments_listed{{p.report(provider_status::confirming)}});
  CHECK(p.status() == "confirming");
  CHECK(p.rows<webhook_event>().empty());
  CHECK(p.request<get_payment>("poll:").payment_id == "5001");
  CHECK(p.find("poll:").not_before == p.now + p.rules.payment_poll_first);
  p.now = p.find("poll:").not_before;
  p.done_with("poll:", p.report(provider_status::finished, "6666")); // About another payment.
  CHECK(p.status() == "confirming");
  p.done_with("poll:", no_way("http_404"));
  CHECK(p.state.polls == 2);
  p.done_with("poll:", p.report(provider_status::finished));
  CHECK(p.status() == "paid");
  CHECK_FALSE(p.owes("poll:"));
}

TEST_CASE("a poke makes the poll due, but not twice in a moment") {
  purchase p;
  p.to_waiting();
  p.now += seconds(10);
  p.done_with("find@", no_way("no_credentials"));
  CHECK_FALSE(p.owes("find@")); // Nobody to ask.
  p.send(payment_poked{});
  CHECK_FALSE(p.last.changed);
  p.now += seconds(6);
  p.send(payment_poked{});
  CHECK(p.last.changed);
  CHECK(p.due_words() == "find");
  p.send(payment_poked{});
  CHECK_FALSE(p.last.changed);
  p.done_with("find@", payments_listed{{p.report(provider_status::sending)}});
  p.send(payment_poked{});
  CHECK_FALSE(p.last.changed);
  p.now += seconds(6);
  p.send(payment_poked{});
  CHECK(p.due_words() == "poll");
  p.ipn(p.report(provider_status::finished));
  p.now += seconds(60);
  p.send(payment_poked{});
  CHECK_FALSE(p.last.changed);
}

TEST_CASE("a chat that refuses messages is not asked for ever; the link stays on the page") {
  purchase p;
  p.send(p.order);
  p.done_with("invoice", invoice_created{"111", "u"});
  p.done_with("pay_link", no_way());
  CHECK(p.status() == "waiting");
  p.ipn(p.report(provider_status::finished));
  p.answered("extend", subscription_extended{p.now, p.now + std::chrono::days(30)});
  p.done_with("invite_link", invite_created{"https://t.me/+abc"});
  p.done_with("tell_subscriber", no_way());
  CHECK(p.last.note.find("refuses") != std::string::npos);
  p.done_with("tell_owner", no_way());
  CHECK(p.due_words() == "payout_hash");
  CHECK(std::get<payment_view>(p.send(get_payment_view{})).invite_link == "https://t.me/+abc");
}

TEST_CASE("what only a person can mend is listed and goes on being tried") {
  purchase p;
  p.send(p.order);
  p.done_with("invoice", no_way("INVALID_API_KEY"));
  CHECK(p.rows<failure_listed>().size() == 1);
  CHECK(p.owes("invoice"));
  p.done_with("invoice", invoice_created{"111", "u"});
  p.ipn(p.report(provider_status::finished));
  p.answered("extend", refused{refusal::invalid, "no"});
  CHECK(p.rows<failure_listed>().size() == 1);
  p.answered("extend", subscription_extended{p.now, p.now + std::chrono::days(30)});
  p.done_with("invite_link", no_way("http_400"));
  CHECK(p.rows<failure_listed>().size() == 1);
  p.now += std::chrono::hours(100);
  CHECK(p.request<create_invite>("invite_link").expires_at > p.now + std::chrono::hours(12));
  CHECK(p.request<create_invite>("invite_link").expires_at <= p.now + std::chrono::hours(24));
  CHECK(payment_kind::stuck_after(p.state).has_value());
}

TEST_CASE("a refund after the settlement is shown; a part payment asks for the rest once") {
  purchase p;
  p.to_waiting();
  p.ipn(p.report(provider_status::finished));
  p.ipn(p.report(provider_status::refunded));
  CHECK(p.status() == "paid");
  REQUIRE(p.rows<failure_listed>().size() == 1);
  CHECK(p.rows<failure_listed>()[0].code == "refunded_after_settled");
  purchase part;
  part.to_waiting();
  part.ipn(part.report(provider_status::partially_paid));
  CHECK(part.due_words() == "tell_shortfall");
  part.done_with("tell_shortfall", message_sent{1});
  part.ipn(part.report(provider_status::partially_paid));
  CHECK(part.due_words() == "");
}
