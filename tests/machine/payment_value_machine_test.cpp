// What a payment is worth, by whom, and what becomes of what is not the order.
#include "tests/machine/payment_samples.hpp"

using namespace paygate;
using namespace paygate::test;

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
  p.send(access_given{"https://t.me/+abc"});
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
  p.placed();
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

TEST_CASE("an instant payout goes where its owner is paid when the coins have come") {
  purchase p;
  auto now_at = sample_channel();
  now_at.payout_asset = {"usdt", "eth"};
  now_at.payout_address = "0x742d35Cc6634C0532925a3b844Bc454e4438f44e";
  now_at.payout_extra_id = "7";
  const auto wish = [&] { return std::get<request_payout>(std::get<paygate::payout_message>(p.question("payout:").message)); };
  const auto is_moved = [&] { return wish().target == now_at.payout_asset && wish().address == now_at.payout_address && wish().extra_id == "7"; };
  const auto is_as_ordered = [&] {
    return wish().target == p.order.terms.payout_asset && wish().address == p.order.terms.payout_address && wish().extra_id.empty();
  };
  const auto arrive = [&](const std::string& payment_id, const std::string& ether) {
    auto r = p.finished("10", ether, payment_id);
    if (payment_id != "5001") r.parent_payment_id = "5001";
    r.payout_hash = "0x" + payment_id;
    p.ipn(r);
    p.done_with("arrival:" + payment_id, transfer_seen{"0xabc", eth(ether).units(), 3, false});
  };
  SECTION("to the same place") {
    p.to_waiting();
    arrive("5001", "0.004");
    const auto question = p.question("place:");
    CHECK(question.to == entity_ref{entity_kind::channel, "-1001"});
    CHECK(std::get<get_channel>(std::get<channel_message>(question.message)).to_pay_out);
    CHECK_FALSE(p.owes("payout:"));
    p.placed();
    CHECK(is_as_ordered());
    CHECK_FALSE(p.owes("place:"));
  }
  SECTION("to another one since the order") {
    p.to_waiting();
    arrive("5001", "0.004");
    p.placed(now_at);
    CHECK(is_moved());
    CHECK(p.last.note.find(now_at.payout_address) != std::string::npos);
  }
  SECTION("each time that coins come") {
    p.to_waiting();
    arrive("5001", "0.004");
    p.placed();
    p.answered("payout:", ok{});
    p.now += std::chrono::minutes(5);
    arrive("5002", "0.0008");
    CHECK_FALSE(p.owes("payout:"));
    p.placed(now_at);
    CHECK(is_moved());
  }
  SECTION("not to the next owner of the channel") {
    p.to_waiting();
    arrive("5001", "0.004");
    now_at.owner_chat_id = 901;
    p.placed(now_at);
    CHECK(is_as_ordered());
  }
  SECTION("not to a client of the operator's who has the same account, or the same group") {
    p.order.terms.owner_account = now_at.owner_account = "01ACCOUNT";
    SECTION("the chats tell them apart") { now_at.owner_chat_id = 901; }
    SECTION("a group tells nobody apart") {
      p.order.terms.owner_chat_id = now_at.owner_chat_id = -5;
      p.order.terms.owner_account.clear();
    }
    p.to_waiting();
    arrive("5001", "0.004");
    if (p.owes("place:")) p.placed(now_at);
    CHECK(is_as_ordered());
  }
  SECTION("a clock that is behind asks once, too") {
    p.to_waiting();
    arrive("5001", "0.004");
    p.now -= std::chrono::minutes(5);
    p.placed(now_at);
    CHECK(is_moved());
  }
  SECTION("an owner on the web is known by the account alone") {
    p.order.terms.owner_chat_id = 0;
    p.order.terms.owner_account = "01ACCOUNT";
    p.to_waiting();
    arrive("5001", "0.004");
    now_at.owner_chat_id = 0;
    SECTION("the same") {
      now_at.owner_account = "01ACCOUNT";
      p.placed(now_at);
      CHECK(is_moved());
    }
    SECTION("another") {
      now_at.owner_account = "01OTHER";
      p.placed(now_at);
      CHECK(is_as_ordered());
    }
  }
  SECTION("of an owner whom nothing tells apart nothing is asked") {
    p.order.terms.owner_chat_id = 0;
    p.to_waiting();
    arrive("5001", "0.004");
    CHECK_FALSE(p.owes("place:"));
    CHECK(is_as_ordered());
  }
  SECTION("the channel does not know itself any more") {
    p.to_waiting();
    arrive("5001", "0.004");
    p.answered("place:", refused{refusal::not_found, "no such channel"});
    CHECK(is_as_ordered());
    CHECK(p.rows<failure_listed>().empty());
  }
}
