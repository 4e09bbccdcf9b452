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
  // The subscription lets them in and tells them; the payment keeps the link for its page.
  CHECK(p.due_words() == "payout_hash tell_owner");
  CHECK(payment_kind::stuck_after(p.state).has_value());
  CHECK(p.send(access_given{"https://t.me/+abc"}) == entity_reply(ok{}));
  CHECK(p.state.invited_at == p.now);
  CHECK(std::get<payment_view>(p.send(get_payment_view{})).invite_link == "https://t.me/+abc");
  CHECK_FALSE(std::get<payment_view>(p.send(get_payment_view{})).inside);

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
  p.placed();
  const auto payout = p.question("payout:");
  CHECK(payout.to == entity_ref{entity_kind::payout, p.self.id});
  const auto& wish = std::get<request_payout>(std::get<paygate::payout_message>(payout.message));
  CHECK(wish.source == eth("0.00388"));
  CHECK(wish.net == usd("9.7"));
  CHECK(wish.address == sample_channel().payout_address);
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
      {"sending", "sssspPfrs"}, {"failed", "ffffpPfrf"},  {"partially_paid", "pppppPppp"}, {"refunded", "rrrrrPrrr"},
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
