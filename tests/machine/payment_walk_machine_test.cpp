#include <random>

#include "tests/machine/payment_samples.hpp"

// Goal: whatever arrives in whatever order, money is booked once and never lost. Method: seeded random walks over all messages, outcomes
// and lies, with the invariants checked after every step; a failing seed is printed. machine::send checks zero-sum and unique keys itself.
using namespace paygate;
using namespace paygate::test;

namespace {

struct walk : purchase {
  std::mt19937_64 dice;
  std::set<std::string> settled_keys;
  bool was_held = false;

  explicit walk(std::uint64_t seed)
      : purchase(seed % 3 == 0 ? payout_strategy::threshold : payout_strategy::instant, seed % 5 == 0), dice(seed) {}

  std::size_t roll(std::size_t sides) { return dice() % sides; }
  bool chance(std::size_t percent) { return roll(100) < percent; }

  provider_payment any_report() {
    auto r = report(static_cast<provider_status>(roll(9)), std::to_string(5001 + roll(3)));
    if (r.payment_id != "5001" && chance(60)) r.parent_payment_id = "5001";
    r.actually_paid_at_fiat =
        chance(20) ? int128(0) : static_cast<int128>(roll(12'000)) * (one_coin / 1'000) + static_cast<int128>(roll(999'999'937));
    r.actually_paid = static_cast<int128>(roll(120'000'000'000'000));
    if (chance(5)) r.actually_paid.reset();
    r.outcome_amount = static_cast<int128>(roll(5'000'000'000'000'000));
    if (chance(5)) r.outcome_amount.reset();
    if (chance(3)) r.outcome_currency = chance(50) ? "trx" : "";
    if (chance(3)) r.price_amount = usd("1").units();
    if (chance(2)) r.payment_id = "0";
    if (chance(2)) r.order_id = "01OTHER";
    if (chance(30)) r.payout_hash = "0x" + r.payment_id;
    return r;
  }

  io_outcome any_outcome(const io_request& request) {
    if (chance(10)) return no_way(chance(50) ? "no_credentials" : "http_403");
    if (std::holds_alternative<create_invoice>(request))
      return invoice_created{std::to_string(roll(1000)), "https://pay/" + std::to_string(roll(1000))};
    if (std::holds_alternative<send_message>(request)) return message_sent{static_cast<std::int64_t>(1 + roll(1000))};
    if (std::holds_alternative<find_payments>(request)) return payments_listed{{any_report(), any_report()}};
    if (std::holds_alternative<get_usd_price>(request)) return usd_price{static_cast<int128>(roll(4000)) * one_coin, "x"};
    if (const auto* get = std::get_if<get_payment>(&request)) {
      auto r = any_report();
      if (chance(80)) r.payment_id = get->payment_id, r.order_id = self.id, r.payout_hash = "0x" + get->payment_id;
      return r;
    }
    if (const auto* get = std::get_if<get_transfer>(&request)) {
      transfer_seen seen{"0xABC", 1, roll(3), chance(5)};
      for (const auto& d : state.deposits)
        if (d.payout_hash == get->hash && chance(70)) seen.value = d.gross_eth.units();
      return seen;
    }
    return done{};
  }

  entity_reply any_answer(const ask_entity& ask) {
    if (chance(15)) return refused{refusal::conflict, "no"};
    if (ask.to.kind == entity_kind::subscription) return subscription_extended{now, now + std::chrono::days(30)};
    if (ask.to.kind == entity_kind::channel) {
      auto terms = order.terms;
      if (chance(30)) terms.payout_address = "0x742d35Cc6634C0532925a3b844Bc454e4438f44e", terms.payout_asset = {"usdt", "eth"};
      if (chance(10)) terms.owner_chat_id = 901;
      return channel_view{std::make_shared<const channel>(std::move(terms))};
    }
    return ok{};
  }

  void act() {
    const auto due_now = due();
    if (due_now.empty() || chance(40)) {
      if (chance(10))
        send(payment_poked{});
      else if (chance(5))
        send(order);
      else if (chance(5))
        send(effect_done{"tell_owner:paid:1", io_outcome(message_sent{1})});
      else if (chance(5) && state.ends_at)
        send(access_given{"https://t.me/+" + std::to_string(roll(1000))});
      else if (chance(5))
        send(accept_payment{"why"});
      else if (chance(5))
        send(refund_payment{{"eth", "eth"}, chance(50) ? "0xaa" : "0xbb", "", "why", chance(20)});
      else
        ipn(any_report());
      return;
    }
    const auto& e = due_now[roll(due_now.size())];
    if (e.not_before > now) now = e.not_before;
    if (const auto* request = std::get_if<io_request>(&e.request))
      send(effect_done{e.key, any_outcome(*request)});
    else
      send(effect_done{e.key, any_answer(std::get<ask_entity>(e.request))});
  }

  void check(const payment& before) {
    was_held = was_held || state.status == payment_status::held;
    if (before.status == payment_status::paid && state.status != payment_status::paid) FAIL("paid is not final");
    if (!state.invite_link.empty() && !state.ends_at) FAIL("a link without a subscription");
    if (before.ends_at && state.ends_at != before.ends_at) FAIL("extended twice");
    if (!before.invoice_url.empty() && state.invoice_url != before.invoice_url) FAIL("the invoice changed");
    std::set<timestamp> times;
    std::set<std::string> payouts;
    int128 undecided = 0, credited_net = 0, fees = 0, incoming = 0, wallet = 0;
    std::map<std::string, int128> refunds;
    for (const auto& d : state.deposits) {
      if (!d.settled_at) {
        if (d.arrived_at || !d.payout_id.empty()) FAIL("unsettled, but on its way");
        continue;
      }
      if (!times.insert(*d.settled_at).second) FAIL("two settlements at one time");
      if (!d.payout_id.empty() && !payouts.insert(d.payout_id).second) FAIL("two deposits in one payout");
      if (d.refund_id == "outside") continue; // Reversed: it never came.
      const auto credited = d.net_eth + d.fee_eth == d.gross_eth;
      if (credited && !d.refund_id.empty()) FAIL("credited and refunded");
      if (!d.refund_id.empty()) refunds[d.refund_id] += d.gross_eth.units();
      const auto taken_back = d.by_hand && !d.arrived_at;
      if (state.status == payment_status::paid && !credited && d.refund_id.empty() && !taken_back) FAIL("paid, but not credited");
      if (state.status != payment_status::paid && credited) FAIL("credited, but not paid");
      (d.arrived_at ? wallet : incoming) += d.gross_eth.units();
      if (credited)
        credited_net += d.net_eth.units(), fees += d.fee_eth.units();
      else
        undecided += d.gross_eth.units();
    }
    for (const auto& d : before.deposits) {
      const auto after =
          std::find_if(state.deposits.begin(), state.deposits.end(), [&](const deposit& x) { return x.payment_id == d.payment_id; });
      if (after == state.deposits.end()) FAIL("a deposit was lost");
      const auto completed = d.status == provider_status::partially_paid && after->status == provider_status::finished;
      if (d.settled_at && !completed
          && (after->settled_at != d.settled_at || after->gross_eth != d.gross_eth || after->gross_usd != d.gross_usd))
        FAIL("a settlement changed");
      if (d.arrived_at && after->gross_eth != d.gross_eth) FAIL("what the chain has shown changed");
      if (!d.refund_id.empty() && (after->refund_id != d.refund_id || after->gross_eth != d.gross_eth)) FAIL("a refunded deposit changed");
      if (!d.payout_id.empty() && after->payout_id != d.payout_id) FAIL("a deposit changed its payout");
    }
    for (const auto& e : due())
      if (const auto* ask = std::get_if<ask_entity>(&e.request); ask && e.key.starts_with("refund:")) {
        const auto& command = std::get<request_payout>(std::get<paygate::payout_message>(ask->message));
        if (!command.refund || command.source.units() != refunds[ask->to.id]) FAIL("a refund of another amount");
      }
    if (before.refund_started_at && state.refunds == before.refunds && !state.refund_address.empty()
        && state.refund_started_at != before.refund_started_at)
      FAIL("a refund started twice");
    // The books say what the deposits say.
    if (balance(accounts::incoming) != incoming || balance(accounts::wallet) != wallet) FAIL("assets differ");
    if (balance(accounts::undecided) != -undecided || balance(accounts::fee_income) != -fees) FAIL("undecided or fees differ");
    if (balance(accounts::owner_available("-1001")) != -credited_net) FAIL("the owner's balance differs");
    if (last.changed) {
      // The rows written are exactly the deposits that changed.
      for (const auto& d : state.deposits) {
        const auto same = std::find(before.deposits.begin(), before.deposits.end(), d) != before.deposits.end();
        const auto written = rows<deposit>();
        if ((std::find(written.begin(), written.end(), d) != written.end()) == same) FAIL("rows and state drifted apart");
      }
    }
  }
};

} // namespace

TEST_CASE("random walks keep the books") {
  int paid = 0, underpaid = 0, held = 0, home = 0, accepted = 0, refunded = 0;
  for (std::uint64_t seed = 1; seed <= 1500; ++seed) {
    INFO("seed " << seed);
    walk w(seed);
    w.send(w.order);
    for (int i = 0; i < 60; ++i) {
      const auto before = w.state;
      w.act();
      w.check(before);
      if (w.chance(30)) w.now += seconds(w.roll(100));
    }
    paid += w.state.status == payment_status::paid;
    underpaid += w.state.status == payment_status::underpaid;
    held += w.was_held;
    accepted += w.state.decision == payment_decision::accepted;
    refunded += w.state.refund_started_at.has_value();
    home += std::any_of(w.state.deposits.begin(), w.state.deposits.end(), [](const deposit& d) { return !d.payout_id.empty(); });
  }
  // The walks go everywhere, or they prove nothing.
  CHECK(paid > 300);
  CHECK(underpaid > 20);
  CHECK(held > 20);
  CHECK(home > 100);
  CHECK(accepted > 50);
  CHECK(refunded > 50);
}
