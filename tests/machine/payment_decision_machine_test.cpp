// What an operator decides about a payment: accepted or refunded, once, whatever comes at the same time.
#include "tests/machine/payment_samples.hpp"

using namespace paygate;
using namespace paygate::test;

namespace {

std::string owner_account() { return accounts::owner_available("-1001"); }
const accept_payment good{"the owner agrees"};

refund_payment back(std::string address = "0x00000000000000000000000000000000000000aa") {
  return {{"eth", "eth"}, std::move(address), "", "too little"};
}

/// $4 of $10 came: 0.0016 ETH lies undecided.
purchase short_of(payout_strategy strategy = payout_strategy::instant) {
  purchase p(strategy);
  p.to_waiting();
  p.ipn(p.finished("4", "0.0016"));
  REQUIRE(p.status() == "underpaid");
  return p;
}

provider_payment top_up(const purchase& p, std::string id = "5002") {
  auto rest = p.finished("6", "0.0024", std::move(id));
  rest.parent_payment_id = "5001";
  rest.price_amount = usd("6").units();
  return rest;
}

void arrive(purchase& p, const std::string& id, const std::string& ether) {
  auto known = p.report(provider_status::finished, id);
  known.payout_hash = "0x" + id;
  p.done_with("payout_hash:" + id, known);
  p.done_with("arrival:" + id, transfer_seen{"0xabc", eth(ether).units(), 3, false});
}

request_payout wish(const purchase& p, const std::string& prefix) {
  return std::get<request_payout>(std::get<paygate::payout_message>(p.question(prefix).message));
}

} // namespace

TEST_CASE("accepted: what lay undecided is credited as if judged good, once") {
  auto p = short_of();
  CHECK(p.send(good) == entity_reply(ok{}));
  CHECK(p.status() == "paid");
  CHECK(p.state.decision == payment_decision::accepted);
  CHECK(p.state.decided_at == p.now);
  CHECK(p.state.decision_reason == "the owner agrees");
  CHECK(p.balance(accounts::undecided) == 0);
  CHECK(p.balance(owner_account()) == -eth("0.001552").units());
  CHECK(p.balance(accounts::fee_income) == -eth("0.000048").units());
  REQUIRE(p.rows<accrual_opened>().size() == 1);
  CHECK(p.rows<accrual_opened>()[0].net_usd == usd("3.88"));
  CHECK(p.owes("extend"));
  CHECK(p.owes("tell_owner"));
  CHECK(p.send(good) == entity_reply(ok{}));
  CHECK_FALSE(p.last.changed);
  CHECK(code_of(p.send(back())) == "out_of_order");
  arrive(p, "5001", "0.0016");
  p.placed();
  CHECK(wish(p, "payout:").source == eth("0.001552"));
  CHECK_FALSE(wish(p, "payout:").refund);
  const auto ask = p.question("extend");
  CHECK(std::get<extend_subscription>(std::get<subscription_message>(ask.message)).remark.find("accepted all the same") != std::string::npos);
}

TEST_CASE("accept and a late top-up at once: credited once, in either order") {
  for (bool accept_first : {true, false}) {
    auto p = short_of(payout_strategy::threshold);
    if (accept_first) {
      CHECK(p.send(good) == entity_reply(ok{}));
      p.ipn(top_up(p));
    } else {
      p.ipn(top_up(p));
      CHECK(p.status() == "paid");
      CHECK(code_of(p.send(good)) == "out_of_order"); // It was good by itself: nothing was decided.
      CHECK(p.state.decision == payment_decision::none);
    }
    CHECK(p.status() == "paid");
    CHECK(p.balance(accounts::undecided) == 0);
    CHECK(p.balance(accounts::incoming) == eth("0.004").units());
    CHECK(p.balance(owner_account()) == -eth("0.00388").units());
    for (const auto& d : p.state.deposits) CHECK(d.net_eth + d.fee_eth == d.gross_eth);
  }
}

TEST_CASE("refunded: by a payout of all that is undecided, when it has arrived, told once") {
  auto p = short_of();
  CHECK(p.send(back()) == entity_reply(ok{}));
  CHECK(p.status() == "refunded");
  CHECK(p.state.decision == payment_decision::refunded);
  CHECK(p.last.entries.empty()); // The payout takes it from where it lies.
  CHECK_FALSE(p.owes("refund:"));
  const auto told = p.request<send_message>("tell_refund").html;
  for (const auto* words : {"0.0016 ETH", "$4.00", "00aa", "on its way"}) CHECK(told.find(words) != std::string::npos);
  p.done_with("tell_refund", message_sent{5});
  arrive(p, "5001", "0.0016");
  const auto ask = p.question("refund:");
  CHECK(ask.to == entity_ref{entity_kind::payout, p.self.id + ".refund"});
  const auto command = wish(p, "refund:");
  CHECK(command == request_payout{-1001, 0, p.self.id, {"eth", "eth"}, back().address, "", eth("0.0016"), usd("4"), true});
  CHECK_FALSE(p.owes("payout:"));
  p.answered("refund:", refused{refusal::invalid, "no"});
  CHECK(p.rows<failure_listed>().size() == 1);
  CHECK(payment_kind::stuck_after(p.state).has_value());
  p.answered("refund:", ok{});
  CHECK(p.state.refund_started_at.has_value());
  CHECK(p.due().empty());
  CHECK(p.balance(accounts::undecided) == -eth("0.0016").units());
  CHECK(p.send(back()) == entity_reply(ok{}));
  CHECK_FALSE(p.last.changed);
  CHECK(code_of(p.send(back("0x00000000000000000000000000000000000000bb"))) == "out_of_order");
  CHECK(code_of(p.send(good)) == "out_of_order");
}

TEST_CASE("what comes after a refund is undecided again, and is refunded again") {
  auto p = short_of();
  p.send(back());
  p.done_with("tell_refund", message_sent{5});
  p.ipn(top_up(p)); // The refund has not started: the second one waits for it.
  CHECK(p.status() == "underpaid");
  CHECK(p.rows<accrual_opened>().empty());
  CHECK(p.balance(accounts::undecided) == -eth("0.004").units());
  CHECK(p.request<send_message>("tell_shortfall").html.find("was refunded before") != std::string::npos);
  CHECK(code_of(p.send(back("other"))) == "out_of_order");
  arrive(p, "5001", "0.0016");
  p.answered("refund:", ok{});
  CHECK(p.send(back("other")) == entity_reply(ok{}));
  CHECK(p.status() == "refunded");
  arrive(p, "5002", "0.0024");
  CHECK(p.question("refund:").to.id == p.self.id + ".refund2");
  CHECK(wish(p, "refund:").source == eth("0.0024"));
  CHECK(wish(p, "refund:").address == "other");
  CHECK(p.request<send_message>("tell_refund").html.find("0.0024 ETH") != std::string::npos);
  // A full price that comes now is a person's as well, who may also accept it: only what was not given back is credited.
  p.answered("refund:", ok{});
  auto full = p.finished("10", "0.004", "5003");
  full.parent_payment_id = "5001";
  p.ipn(full);
  CHECK(p.status() == "underpaid");
  p.send(good);
  CHECK(p.status() == "paid");
  CHECK(p.balance(owner_account()) == -eth("0.00388").units());
}

TEST_CASE("a decision is for underpaid, partially paid and held payments only; each needs a reason") {
  const std::vector<std::pair<std::string, std::vector<provider_status>>> others = {
      {"waiting", {}},
      {"sending", {provider_status::sending}},
      {"failed", {provider_status::failed}},
      {"refunded", {provider_status::refunded}},
      {"expired", {provider_status::expired}},
      {"paid", {provider_status::finished}},
  };
  for (const auto& [status, reports] : others) {
    purchase p;
    p.to_waiting();
    for (auto r : reports) p.ipn(p.report(r));
    CAPTURE(status);
    REQUIRE(p.status() == status);
    CHECK(code_of(p.send(good)) == "out_of_order");
    CHECK(code_of(p.send(back())) == "out_of_order");
    CHECK_FALSE(p.last.changed);
  }
  purchase nobody;
  CHECK(code_of(nobody.send(good)) == "not_found");
  CHECK(code_of(nobody.send(back())) == "not_found");
  auto p = short_of();
  CHECK(code_of(p.send(accept_payment{})) == "invalid");
  for (const auto* address : {"", "with space", "line\nbreak", "\xc3\xa4"}) CHECK(code_of(p.send(back(address))) == "invalid");
  auto no_coin = back();
  no_coin.target.network.clear();
  CHECK(code_of(p.send(no_coin)) == "invalid");
  CHECK(p.status() == "underpaid");
}

TEST_CASE("a held payment that brought no ETH: access without a posting, or given back outside") {
  const auto held = [] {
    purchase p;
    p.to_waiting();
    auto odd = p.report(provider_status::finished);
    odd.outcome_currency = "trx";
    p.ipn(odd);
    REQUIRE(p.status() == "held");
    return p;
  };
  auto p = held();
  auto odd = p.report(provider_status::finished);
  odd.outcome_currency = "trx";
  CHECK(p.send(good) == entity_reply(ok{}));
  CHECK(p.status() == "paid");
  CHECK(p.last.entries.empty());
  CHECK(p.rows<accrual_opened>().empty());
  CHECK(p.last.note.find("settled outside") != std::string::npos);
  CHECK(p.owes("extend"));
  CHECK(p.request<send_message>("tell_owner").html.find("settled outside") != std::string::npos);
  p.ipn(odd); // Said again: it stays decided.
  CHECK_FALSE(p.last.changed);
  CHECK(p.rows<failure_listed>().empty());
  CHECK_FALSE(p.owes("reread"));

  p = held();
  CHECK(code_of(p.send(back())) == "invalid");
  auto outside = back("");
  outside.outside = true;
  CHECK(p.send(outside) == entity_reply(ok{}));
  CHECK(p.status() == "refunded");
  CHECK(p.last.entries.empty());
  CHECK(p.request<send_message>("tell_refund").html.find("by hand") != std::string::npos);
  CHECK_FALSE(p.owes("refund:"));
  p.send(outside);
  CHECK_FALSE(p.last.changed);
  p.ipn(odd);
  CHECK(p.status() == "refunded");
}

TEST_CASE("a part payment lies in our wallet: booked as undecided, to be accepted, refunded or made good") {
  const auto part = [] {
    purchase p;
    p.to_waiting();
    auto r = p.finished("7", "0.0028");
    r.status = provider_status::partially_paid;
    p.ipn(r);
    CHECK(p.status() == "partially_paid"); // More than the tolerance, but the provider advises not to deliver by itself.
    CHECK(p.balance(accounts::undecided) == -eth("0.0028").units());
    CHECK(p.rows<failure_listed>().size() == 1);
    CHECK_FALSE(p.state.judged_at.has_value());
    return p;
  };
  auto p = part();
  p.send(good);
  CHECK(p.status() == "paid");
  CHECK(p.balance(accounts::undecided) == 0);
  p = part();
  p.send(back());
  arrive(p, "5001", "0.0028");
  CHECK(wish(p, "refund:").source == eth("0.0028"));

  p = part(); // The rest as a repeated deposit: both count together.
  auto rest = p.finished("3", "0.0012", "5002");
  rest.parent_payment_id = "5001";
  rest.price_amount = usd("3").units();
  p.ipn(rest);
  CHECK(p.status() == "paid");
  CHECK(p.balance(owner_account()) == -eth("0.00388").units());
  CHECK(p.rows<accrual_opened>().size() == 2);

  p = part(); // The same payment is finished after all, with more than before.
  p.ipn(p.report(provider_status::finished));
  CHECK(p.status() == "paid");
  CHECK(p.balance(accounts::undecided) == 0);
  CHECK(p.balance(accounts::incoming) == eth("0.004").units());
  CHECK(p.state.deposits[0].gross_usd == usd("10"));
  p.ipn(p.report(provider_status::finished));
  CHECK_FALSE(p.last.changed);
}

TEST_CASE("a part that has arrived keeps what the chain has shown, and the difference is shown") {
  purchase p;
  p.to_waiting();
  auto r = p.finished("7", "0.0028");
  r.status = provider_status::partially_paid;
  r.payout_hash = "0x1";
  p.ipn(r);
  p.done_with("arrival", transfer_seen{"0xabc", eth("0.0028").units(), 3, false});
  p.ipn(p.report(provider_status::finished));
  CHECK(p.status() == "paid");
  REQUIRE(p.rows<failure_listed>().size() == 1);
  CHECK(p.rows<failure_listed>()[0].code == "outcome_differs");
  CHECK(p.balance(accounts::wallet) == eth("0.0028").units());
  CHECK(p.state.deposits[0].gross_usd == usd("7"));
}

TEST_CASE("refunded by the provider between finished and the settlement: a person is called, nothing is booked") {
  purchase p;
  p.to_waiting();
  auto blank = p.report(provider_status::finished);
  blank.actually_paid_at_fiat = blank.actually_paid = 0;
  p.ipn(blank);
  REQUIRE(p.due_words() == "reread");
  p.ipn(p.report(provider_status::refunded));
  CHECK(p.status() == "held");
  REQUIRE(p.rows<failure_listed>().size() == 1);
  CHECK(p.rows<failure_listed>()[0].code == "refunded_after_finished");
  CHECK(p.last.entries.empty());
  CHECK(p.due_words() == "tell_shortfall");
  // Neither an old IPN nor a good one brings it back by itself.
  p.ipn(blank);
  p.ipn(p.report(provider_status::finished));
  CHECK(p.status() == "held");
  CHECK(p.balance(accounts::incoming) == 0);
  CHECK(p.rows<failure_listed>().empty());
  auto outside = back("");
  outside.outside = true;
  p.send(outside);
  CHECK(p.status() == "refunded");
}

TEST_CASE("refunded by the provider after it was booked as undecided: reversed when a person says so") {
  auto p = short_of();
  auto outside = back("");
  outside.outside = true;
  CHECK(code_of(p.send(outside)) == "invalid"); // Its ETH is on the way.
  p.ipn(p.report(provider_status::refunded));
  CHECK(p.rows<failure_listed>()[0].code == "refunded_after_settled");
  CHECK(p.send(outside) == entity_reply(ok{}));
  CHECK(p.status() == "refunded");
  CHECK(p.balance(accounts::incoming) == 0);
  CHECK(p.balance(accounts::undecided) == 0);
  CHECK_FALSE(p.owes("payout_hash"));
  auto here = short_of();
  arrive(here, "5001", "0.0016");
  here.ipn(here.report(provider_status::refunded));
  CHECK(code_of(here.send(outside)) == "invalid"); // Whatever the provider says: it lies in our wallet.
}

TEST_CASE("what the provider took back pays for nothing, and leaves the books of an order that other deposits paid") {
  auto p = short_of();
  p.ipn(p.report(provider_status::refunded));
  p.ipn(top_up(p)); // $6 alone: above the tolerance of a half.
  CHECK(p.status() == "paid");
  CHECK(p.balance(owner_account()) == -eth("0.002328").units());
  CHECK(p.balance(accounts::undecided) == -eth("0.0016").units());
  auto came = p;
  arrive(came, "5001", "0.0016"); // It did not go back after all: the owner's, like the rest.
  CHECK(came.balance(accounts::undecided) == 0);
  CHECK(came.balance(owner_account()) == -eth("0.00388").units());
  auto outside = back("");
  outside.outside = true;
  CHECK(p.send(outside) == entity_reply(ok{}));
  CHECK(p.status() == "paid");
  CHECK(p.balance(accounts::undecided) == 0);
  CHECK(p.balance(accounts::incoming) == eth("0.0024").units());
  CHECK(code_of(p.send(outside)) == "out_of_order"); // Nothing is left to reverse.
}

TEST_CASE("a replayed IPN is handled again and not kept a second time") {
  purchase p;
  p.to_waiting();
  CHECK(p.send(ipn_received{p.report(provider_status::finished), ""}) == entity_reply(ok{}));
  CHECK(p.status() == "paid");
  CHECK(p.rows<webhook_event>().empty());
  purchase nobody;
  CHECK(code_of(nobody.send(ipn_received{p.report(provider_status::finished), ""})) == "not_found");
}

TEST_CASE("a refund whose payout ended without having paid is asked for anew") {
  auto p = short_of();
  p.send(back());
  arrive(p, "5001", "0.0016");
  p.answered("refund:", ok{});
  auto other = back("0x00000000000000000000000000000000000000bb");
  CHECK(code_of(p.send(other)) == "out_of_order");
  other.ended = "01OTHER.refund";
  CHECK(code_of(p.send(other)) == "out_of_order");
  other.ended = p.self.id + ".refund"; // It failed, or was cancelled: what it had lies undecided again.
  CHECK(p.send(other) == entity_reply(ok{}));
  CHECK(p.question("refund:").to.id == p.self.id + ".refund2");
  CHECK(wish(p, "refund:").source == eth("0.0016"));
  CHECK(wish(p, "refund:").address == other.address);
  CHECK(p.send(other) == entity_reply(ok{})); // The answer was lost: the refund that runs is another one.
  CHECK_FALSE(p.last.changed);
}
