// Payouts that give a subscriber's money back: they spend what lies undecided, touch no owner's balance, and return what they did not send.
#include "actors/payout/payout_machine.hpp"
#include "tests/machine/sales_support.hpp"

using namespace paygate;
using namespace paygate::test;
using namespace std::chrono_literals;

namespace {

const std::string ours = "0x00000000000000000000000000000000000000aa", subscriber = "0x00000000000000000000000000000000000000b0",
                  payin = "0x00000000000000000000000000000000000000c0";

struct refund : machine<payout_kind> {
  explicit refund(asset target, std::string_view amount = "0.0016", std::string_view worth = "4") : machine("01JPAY.refund") {
    rules.wallet_address = ours;
    rules.payout_max = usd("50");
    reply = send(request_payout{-100, 7, "01JPAY", std::move(target), subscriber, "", eth(amount), usd(worth), true});
  }
  entity_reply reply;
};

} // namespace

TEST_CASE("a refund of ETH is a plain transfer out of what lies undecided, and the owner hears nothing of it") {
  refund r({"eth", "eth"});
  CHECK(r.accounts[accounts::undecided] == eth("0.0016").units());
  CHECK(r.accounts[accounts::refunding] == -eth("0.0016").units());
  CHECK(r.state.funding_released);
  const auto asked = std::get<request_transfer>(std::get<wallet_message>(r.question("transfer").message));
  CHECK(asked.to == subscriber);
  CHECK(asked.value == eth("0.0016"));
  CHECK(asked.debit == accounts::refunding);
  r.answered("transfer", transfer_view{"broadcast", "0xtx", 4, 0, {}, ""});
  for (const auto& e : payout_kind::effects_due(r.state, r.self, r.now, r.rules)) CHECK(e.key.substr(0, 4) != "tell");
  r.answered("transfer", transfer_view{"confirmed", "0xtx", 4, 21000, {}, ""});
  CHECK(r.state.status == payout_status::completed);
  CHECK(r.rows<accrual_closed>().empty());
  for (const auto& e : payout_kind::effects_due(r.state, r.self, r.now, r.rules)) CHECK(e.key.substr(0, 4) != "tell");
  for (const auto& [account, units] : r.accounts) CHECK(account.substr(0, 6) != "owner:");
}

TEST_CASE("a refund in another coin takes the way of every swap; what its decimals cannot hold is no debt any more") {
  refund r({"btc", "btc"}, "0.001600000000000007");
  r.done_with("range", swap_range{1, std::nullopt});
  const auto asked = eth("0.0016").units();
  r.done_with("estimate", swap_estimate{"r1", r.now + 20min, asked, one_coin / 1000, one_coin / 10'000, 0});
  r.done_with("swap", swap_created{"s1", payin, "", asked, one_coin / 1000});
  r.done_with("expect", swap_state{"s1", swap_status::waiting, {}, {}, r.now + 20min, "", "", "", {}});
  r.answered("transfer", transfer_view{"confirmed", "0xtx", 4, 21000, {}, ""});
  r.done_with("follow", swap_state{"s1", swap_status::finished, {}, one_coin / 1000, {}, "", "hash", "", {}});
  CHECK(r.state.status == payout_status::completed);
  CHECK(r.accounts[accounts::undecided] == asked + 7);
  CHECK(r.accounts[accounts::refunding] == 0);
  CHECK(r.accounts[accounts::in_swap("s1")] == -asked);
  CHECK(r.accounts[accounts::rounding] == -7);
  CHECK(r.rows<accrual_closed>().empty());
}

TEST_CASE("a refund that ends without a transfer lies undecided again, and a repeat with other content is refused") {
  refund cancelled({"btc", "btc"}), failed({"btc", "btc"}), big({"eth", "eth"}, "0.02", "50.01");
  cancelled.send(cancel_payout{"the subscriber paid the rest"});
  CHECK(cancelled.state.status == payout_status::cancelled);
  failed.done_with("range", no_way("not_valid_address"));
  CHECK(failed.state.status == payout_status::failed);
  for (auto* r : {&cancelled, &failed}) {
    CHECK(r->accounts[accounts::undecided] == 0);
    CHECK(r->accounts[accounts::refunding] == 0);
    CHECK(r->rows<accrual_closed>().empty());
  }
  CHECK(big.state.status == payout_status::awaiting_approval);
  big.send(approve_payout{"seen"});
  CHECK(big.state.funding_released);
  CHECK(code_of(big.send(request_payout{-100, 7, "01JPAY", {"eth", "eth"}, subscriber, "", eth("0.02"), usd("50.01"), false}))
        == "conflict");
  CHECK(code_of(big.send(request_payout{-100, 7, "01JPAY", {"eth", "eth"}, subscriber, "", eth("0.02"), usd("50.01"), true})).empty());
}
