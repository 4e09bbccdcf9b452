// Whatever becomes of a swap, the wallet that was asked to fund it is told that its last word was heard: else it is asked nothing more, and
// a payout waits for ever. Found by the whole-node simulation (seed 82).
#include "actors/conversion/conversion_machine.hpp"
#include "actors/payout/payout_machine.hpp"
#include "tests/machine/sales_support.hpp"

using namespace paygate;
using namespace paygate::test;
using namespace std::chrono_literals;

namespace {

const std::string ours = "0x00000000000000000000000000000000000000aa", payin = "0x00000000000000000000000000000000000000c0";

template <class Kind>
struct seller : machine<Kind> {
  using machine<Kind>::done_with;
  seller(std::string id, typename Kind::message first) : machine<Kind>(std::move(id)) {
    this->rules.wallet_address = ours;
    this->rules.usdt_contract = "0x00000000000000000000000000000000000000dd";
    this->send(first);
  }
  void release(const std::string& swap) {
    done_with("estimate", swap_estimate{"r", this->now + 20min, one_coin / 10, 5 * one_coin, 0, 0});
    done_with("swap", swap_created{swap, payin, "", one_coin / 10, 5 * one_coin});
    done_with("expect", swap_state{swap, swap_status::waiting, {}, {}, this->now + 20min, "", "", "", {}});
  }
  std::string told() const { return std::get<ask_entity>(this->find("ack").request).to.id; }
};

template <class Kind>
void is_told_and_goes_on(seller<Kind> s) {
  s.done_with("range", swap_range{1, std::nullopt});
  s.release("s1");
  s.answered("transfer", transfer_view{"dropped", "", -1, 0, {}, "its time ran out"});
  CHECK(s.told() == ours);
  s.release("s2"); // The answer to it takes its time.
  CHECK(s.told() == ours);
  s.answered("ack", ok{});
  s.answered("transfer", transfer_view{"confirmed", "0xtx", 4, 21000, {}, ""});
  // The deposit comes back before the wallet was told that its transfer was seen.
  s.done_with("follow", swap_state{"s2", swap_status::refunded, {}, {}, s.now + 20min, "", "", "0xback", {}});
  s.done_with("arrival", transfer_seen{ours, one_coin / 10, 9, false});
  s.done_with("used", arrival_seen{});
  CHECK(s.told() == ours);
}

} // namespace

TEST_CASE("a wallet is told that its word was heard, although the swap it was for is forgotten") {
  is_told_and_goes_on(seller<payout_kind>("o", request_payout{-100, 7, "o", {"btc", "btc"}, payin, "", eth("0.1"), usd("200")}));
  seller<conversion_kind> c("c7", open_conversion{usd("5"), {}});
  c.done_with("claim", claim_seen{3, usd("200"), eth("0.1"), {}});
  is_told_and_goes_on(c);
}
