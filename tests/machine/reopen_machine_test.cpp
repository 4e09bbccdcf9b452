// Goal: an operator puts a payout or a conversion back only while its money is proven to lie in our wallet. Method: each status and each
// way to come to need a person, told to reopen.
#include <catch2/catch.hpp>

#include "actors/conversion/conversion_machine.hpp"
#include "actors/payout/payout_machine.hpp"

using namespace paygate;

namespace {

const timestamp now{std::chrono::seconds(1'800'000'000)};

payout troubled() {
  payout p;
  p.status = payout_status::needs_attention;
  p.channel_id = -100;
  p.order_id = "01J";
  p.target = {"xmr", "xmr"};
  p.address = "44owner";
  p.source = eth_amount::of_units(one_coin / 10);
  p.net = usd_amount::of_units(200 * one_coin);
  p.swap_tries = 5;
  p.swap_id = "s5";
  p.payin_address = "0x00000000000000000000000000000000000000c0";
  p.funded = p.source;
  p.reason = "why";
  return p;
}

template <class Kind>
verdict<typename Kind::state> tell(const typename Kind::state& state, const typename Kind::message& message) {
  policy rules;
  rules.wallet_address = "0x00000000000000000000000000000000000000aa";
  return Kind::apply(state, true, message, step_context{{Kind::kind, "01J"}, now, rules});
}

std::string code_of(const verdict<payout>& v) {
  const auto* no = std::get_if<refused>(&v);
  return no ? std::string(to_text(no->code)) : "";
}

} // namespace

TEST_CASE("nothing was released: it is asked for a new quote, under an intent of its own") {
  const auto before = troubled();
  const auto made = tell<payout_kind>(before, reopen_payout{"the provider is back"});
  REQUIRE(code_of(made) == "");
  const auto& after = std::get<decision<payout>>(made);
  CHECK(after.next.status == payout_status::requested);
  CHECK(after.next.swap_id.empty());
  CHECK(after.next.swap_tries == 6);
  CHECK(transfer_intent(after.next, {entity_kind::payout, "01J"}) != transfer_intent(before, {entity_kind::payout, "01J"}));
  CHECK(after.entries.empty());
  CHECK(after.note.find("the provider is back") != std::string::npos);
}

TEST_CASE("a transfer that was mined without effect moved nothing: it is sent anew") {
  auto p = troubled();
  p.funding_released = true;
  p.tx_hash = "0xreverted";
  p.nonce = 7;
  p.gas_used = 21'000;
  p.provider_status = swap_status::waiting;
  const auto made = tell<payout_kind>(p, reopen_payout{"x"});
  REQUIRE(code_of(made) == "");
  const auto& next = std::get<decision<payout>>(made).next;
  CHECK(next.status == payout_status::requested);
  CHECK_FALSE(next.funding_released);
  CHECK(next.nonce == -1);
  // The wallet is told of the old one first; a direct payout is released at once, under a new intent.
  p.settled_intent = "payout/01J/5";
  CHECK(code_of(tell<payout_kind>(p, reopen_payout{"x"})) == "out_of_order");
  p.settled_intent.clear();
  p.target = {"eth", "eth"};
  p.address = "0x00000000000000000000000000000000000000b0";
  p.swap_id.clear();
  const auto direct = std::get<decision<payout>>(tell<payout_kind>(p, reopen_payout{"x"})).next;
  CHECK(direct.status == payout_status::funding);
  CHECK(direct.funding_released);
  CHECK(direct.swap_tries == 6);
  CHECK(direct.gas_used == 0);
}

TEST_CASE("money that may be elsewhere is not put back") {
  auto p = troubled();
  p.funding_released = true; // Perhaps signed: the wallet refused, or has not said.
  CHECK(code_of(tell<payout_kind>(p, reopen_payout{"x"})) == "out_of_order");
  p.tx_hash = "0x1";
  p.gas_used = 21'000;
  for (auto status : {swap_status::confirming, swap_status::exchanging, swap_status::sending, swap_status::finished, swap_status::failed,
                      swap_status::refunded, swap_status::verifying, swap_status::expired}) {
    p.provider_status = status;
    CHECK(code_of(tell<payout_kind>(p, reopen_payout{"x"})) == "out_of_order");
  }
}

TEST_CASE("no other status is put back; what failed says where its money went") {
  for (std::size_t i = 0; i < std::size(enum_names<payout_status>::values); ++i) {
    auto p = troubled();
    p.status = static_cast<payout_status>(i);
    if (p.status == payout_status::needs_attention) continue;
    CAPTURE(to_text(p.status));
    const auto made = tell<payout_kind>(p, reopen_payout{"x"});
    CHECK(code_of(made) == "out_of_order");
    if (p.status == payout_status::failed) CHECK(std::get<refused>(made).text.find("failed resolve") != std::string::npos);
  }
  CHECK(code_of(payout_kind::apply({}, false, reopen_payout{"x"}, step_context{{entity_kind::payout, "01J"}, now, policy{}}))
        == "not_found");
}

TEST_CASE("a conversion is put back by the same rule") {
  conversion c;
  c.status = conversion_status::needs_attention;
  c.source = c.funded = eth_amount::of_units(one_coin);
  c.swap_tries = 5;
  c.swap_id = "s5";
  const auto made = tell<conversion_kind>(c, reopen_conversion{"x"});
  REQUIRE(std::holds_alternative<decision<conversion>>(made));
  CHECK(std::get<decision<conversion>>(made).next.status == conversion_status::requested);
  CHECK(std::get<decision<conversion>>(made).next.swap_tries == 6);
  c.funding_released = true;
  CHECK(std::holds_alternative<refused>(tell<conversion_kind>(c, reopen_conversion{"x"})));
  c.funding_released = false;
  c.status = conversion_status::failed;
  CHECK(std::holds_alternative<refused>(tell<conversion_kind>(c, reopen_conversion{"x"})));
}
