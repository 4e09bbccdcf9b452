// Every stage of a conversion, what each outcome does to it, and the books after each end.
#include "actors/conversion/conversion_machine.hpp"
#include "tests/machine/sales_support.hpp"

using namespace paygate;
using namespace paygate::test;
using namespace std::chrono_literals;

namespace {

const std::string usdt = "0x00000000000000000000000000000000000000dd", ours = "0x00000000000000000000000000000000000000aa",
                  payin = "0x00000000000000000000000000000000000000c0";
const int128 wei_beyond = 123; // Beyond the provider's 8 decimals.

/// A conversion walked to a stage by the outcomes that lead there.
struct world : machine<conversion_kind> {
  world() : machine("c7") {
    rules.wallet_address = ours;
    rules.usdt_contract = usdt;
  }
  claim_seen claim{3, usd("300"), eth("0.1") + eth_amount::of_units(wei_beyond), {}};
  static constexpr int128 asked = one_coin / 10;

  world& to(conversion_status goal) {
    send(open_conversion{usd("5")});
    const auto reached = [&] { return state.status == goal; };
    if (!reached()) done_with("claim", claim);
    if (!reached()) done_with("range", swap_range{asked, std::nullopt});
    if (!reached()) done_with("estimate", swap_estimate{"r1", now + 20min, asked, 295 * one_coin, one_coin / 1000, one_coin});
    if (!reached()) done_with("swap", swap_created{"s1", payin, "", asked, 295 * one_coin});
    if (!reached()) {
      done_with("expect", seen(swap_status::waiting));
      answered("transfer", transfer("broadcast"));
    }
    if (!reached()) answered("transfer", transfer("confirmed"));
    if (!reached()) done_with("follow", seen(swap_status::finished));
    if (!reached()) FAIL("the walk ends in " << to_text(state.status));
    return *this;
  }
  io_outcome seen(swap_status s, std::string hash = "0xout") const {
    return swap_state{
        "s1", s,           std::nullopt, int128(295) * one_coin, now + 20min, "", s == swap_status::finished ? std::move(hash) : "",
        "",   std::nullopt};
  }
  static entity_reply transfer(const std::string& status) {
    return transfer_view{status, "0xtx", 4, 21000, eth_amount::of_units(42), "why"};
  }
  static io_outcome receipt(std::vector<token_moved> moved, std::uint64_t confirmations = 3, bool reverted = false) {
    return token_transfer_seen{std::move(moved), confirmations, reverted};
  }
  bool closed(std::string_view received) const {
    const auto closings = rows<conversion_closed>();
    return closings.size() == 1 && to_decimal(closings[0].received) == received;
  }
};

} // namespace

TEST_CASE("opening claims all that is pending, once, and needs to know the token") {
  world w;
  CHECK(code_of(w.send(cancel_conversion{"x"})) == "not_found");
  w.send(open_conversion{usd("5")});
  const auto claims = w.rows<claim_accruals>();
  REQUIRE(claims.size() == 1);
  CHECK(claims[0].scope == claim_scope::pending);
  CHECK(claims[0].account == "liability:conversion:c7");
  CHECK(w.state.address == ours);
  w.send(open_conversion{usd("9")});
  CHECK_FALSE(w.last.changed);
  CHECK(w.last.rows.empty());
  CHECK(w.request<get_claim>("claim").claimant == "conversion/c7");
  CHECK(code_of(w.send(cancel_conversion{"too early"})) == "busy");
  world blind;
  blind.rules.usdt_contract.clear();
  CHECK(code_of(blind.send(open_conversion{usd("5")})) == "out_of_order");
}

TEST_CASE("what the outcomes before the release lead to") {
  using s = conversion_status;
  struct row {
    s from;
    std::string key;
    io_outcome outcome;
    s to;
    bool freed;
  };
  const world sample;
  const swap_estimate quote{"r1", sample.now + 20min, world::asked, 295 * one_coin, 0, 0};
  const swap_created swap{"s1", payin, "", world::asked, 295 * one_coin};
  const auto no = [](const char* code) { return io_outcome(no_way(code)); };
  for (const auto& r : {
           row{s::claiming, "claim", claim_seen{}, s::cancelled, true},
           row{s::claiming, "claim", claim_seen{1, usd("1"), eth("0.000000009"), {}}, s::cancelled, true},
           row{s::claiming, "claim", claim_seen{1, usd("1"), eth("0.1"), {}}, s::requested, false},
           row{s::requested, "range", swap_range{world::asked + 1, std::nullopt}, s::cancelled, true},
           row{s::requested, "range", swap_range{1, world::asked - 1}, s::failed, true},
           row{s::requested, "range", no("invalid_api_key"), s::requested, false},
           row{s::requested, "range", no("pair_is_inactive"), s::requested, false},
           row{s::requested, "claim", claim_seen{}, s::requested, false},
           row{s::estimating, "estimate:0", quote, s::swapping, false},
           row{s::estimating, "estimate:0", no("deposit_too_small"), s::cancelled, true},
           row{s::swapping, "swap:0", swap, s::funding, false},
           row{s::swapping, "swap:0", no("not_valid_address"), s::failed, true},
           row{s::funding, "expect:s1", sample.seen(swap_status::expired), s::estimating, false},
           row{s::funding, "expect:s1", sample.seen(swap_status::failed), s::estimating, false},
           row{s::funding, "expect:s1", sample.seen(swap_status::confirming), s::needs_attention, false},
       }) {
    INFO(to_text(r.from) << " " << r.key << " " << name_of(r.outcome));
    world w;
    w.to(r.from).send(effect_done{r.key, r.outcome});
    CHECK(to_text(w.state.status) == to_text(r.to));
    CHECK_FALSE(w.state.funding_released);
    CHECK(w.closed("0") == r.freed);
  }
}

TEST_CASE("the quote ran out before anything was signed: asked again, bounded") {
  world w;
  w.to(conversion_status::funding);
  w.now += 16min; // Less than a quarter of twenty minutes is left.
  w.done_with("expect", swap_state{"s1", swap_status::waiting, {}, {}, w.now + 4min, "", "", "", {}});
  CHECK(w.state.status == conversion_status::estimating);
  CHECK(w.state.swap_id.empty());
  CHECK(w.state.funded.is_zero());
  world last;
  last.to(conversion_status::funding);
  last.state.swap_tries = last.rules.swap_tries_max;
  last.done_with("expect", last.seen(swap_status::expired));
  CHECK(last.state.status == conversion_status::needs_attention);
  last.send(cancel_conversion{"operator"});
  CHECK(last.state.status == conversion_status::cancelled);
  CHECK(last.closed("0"));
}

TEST_CASE("the wallet funds the bound swap, and only its word that it never signed leads back") {
  world w;
  w.to(conversion_status::funding);
  w.done_with("expect", w.seen(swap_status::waiting));
  const auto ask = w.question("transfer:conversion/c7/1");
  CHECK(ask.to == entity_ref{entity_kind::wallet, ours});
  const auto& asked = std::get<request_transfer>(std::get<wallet_message>(ask.message));
  CHECK(asked.to == payin);
  CHECK(asked.value.units() == world::asked);
  CHECK(asked.debit == "assets:swap:s1");
  REQUIRE(asked.sign_before);
  CHECK(code_of(w.send(cancel_conversion{"too late"})) == "out_of_order");
  const auto before = w;
  struct row {
    const char* status;
    conversion_status to;
  };
  for (const auto& r : {row{"queued", conversion_status::funding}, row{"signed", conversion_status::funding},
                        row{"broadcast", conversion_status::confirming}, row{"confirmed", conversion_status::exchanging},
                        row{"reverted", conversion_status::needs_attention}, row{"dropped", conversion_status::estimating}}) {
    INFO(r.status);
    world each = before;
    each.answered("transfer", world::transfer(r.status));
    CHECK(to_text(each.state.status) == to_text(r.to));
    CHECK(each.rows<conversion_closed>().empty());
    CHECK(each.state.funding_released == (std::string(r.status) != "dropped"));
  }
}

TEST_CASE("expired or failed at the provider proves nothing: the accruals stay claimed") {
  for (const auto status : {swap_status::failed, swap_status::expired, swap_status::verifying}) {
    world w;
    w.to(conversion_status::exchanging).done_with("follow", w.seen(status));
    CHECK(w.state.status == conversion_status::needs_attention);
    CHECK(w.rows<conversion_closed>().empty());
    CHECK(w.rows<failure_listed>().size() == 1);
  }
  // A hold that ends well is honoured.
  world w;
  w.to(conversion_status::exchanging).done_with("follow", w.seen(swap_status::verifying));
  w.done_with("follow", w.seen(swap_status::finished));
  CHECK(w.state.status == conversion_status::receiving);
}

TEST_CASE("what the chain shows is what came, whatever the provider says") {
  world w;
  w.to(conversion_status::receiving);
  CHECK(w.request<get_token_transfer>("arrival").hash == "0xout");
  for (const auto& early : {io_outcome(world::receipt({}, 0)), io_outcome(no_way("rpc"))}) {
    world each = w;
    each.done_with("arrival", early);
    CHECK(each.state.status == conversion_status::receiving);
    CHECK(each.last.rows.empty());
  }
  const auto strange = [&](token_moved moved, bool reverted = false) {
    world each = w;
    each.done_with("arrival", world::receipt({std::move(moved)}, 3, reverted));
    return std::string(to_text(each.state.status));
  };
  CHECK(strange({payin, payin, ours, 290'000'000}) == "needs_attention"); // Another token.
  CHECK(strange({usdt, payin, payin, 290'000'000}) == "needs_attention"); // To somebody else.
  CHECK(strange({usdt, payin, ours, 0}) == "needs_attention");
  CHECK(strange({usdt, payin, ours, 290'000'000}, true) == "needs_attention");
  // The same hash again is no news for the person who was called; another one is.
  world called = w;
  called.done_with("arrival", world::receipt({}));
  called.done_with("follow", called.seen(swap_status::finished));
  CHECK_FALSE(called.last.changed);
  called.done_with("follow", called.seen(swap_status::finished, "0xother"));
  CHECK(called.state.status == conversion_status::receiving);

  w.done_with("arrival", world::receipt({{usdt, payin, ours, 290'000'001}, {payin, payin, ours, 5}}));
  CHECK(w.state.status == conversion_status::receiving);
  CHECK(w.request<find_arrival>("used") == find_arrival{"0xout", "usdt"});
  world twice = w;
  twice.done_with("used", arrival_seen{"conversion/c6"});
  CHECK(twice.state.status == conversion_status::needs_attention);
  CHECK(twice.rows<conversion_closed>().empty());
  w.done_with("used", arrival_seen{});
  CHECK(w.rows<arrival_claimed>().size() == 1);
  CHECK(w.state.status == conversion_status::completed);
  CHECK(w.closed("290.000001"));
  CHECK(w.due().size() == 1); // The wallet is still to be told that its word was heard.
  CHECK(to_decimal(w.state.amount_out) == "295");
  CHECK(to_decimal(w.state.achieved_rate) == "2900.00001");
  // (295 + 1) / (0.1 - 0.001)
  CHECK(to_fixed(w.state.market_rate, 6) == "2989.898989");
  CHECK(w.accounts["liability:conversion:c7"] == w.claim.eth.units());
  CHECK(w.accounts["assets:swap:s1"] == -world::asked);
  CHECK(w.accounts["income:rounding"] == -wei_beyond);
  const auto fee = w.accounts["expense:provider_fee"], spread = w.accounts["expense:spread"];
  CHECK(to_fixed(fee, 6) == "3.989898");
  CHECK(to_decimal(fee + spread) == "9.999999"); // $300 became 290.000001.
  CHECK(w.accounts["equity:borne_by_owners"] == -(fee + spread));
}

TEST_CASE("a finish without a hash waits for one") {
  world w;
  w.to(conversion_status::exchanging);
  w.done_with("follow", w.seen(swap_status::finished, ""));
  w.done_with("follow", w.seen(swap_status::finished, ""));
  CHECK(w.state.status == conversion_status::exchanging);
  CHECK_FALSE(w.state.reason.empty());
  w.done_with("follow", w.seen(swap_status::finished));
  CHECK(w.state.status == conversion_status::receiving);
}

TEST_CASE("late answers of an earlier stage change nothing") {
  using s = conversion_status;
  for (const auto stage : {s::exchanging, s::receiving})
    for (const auto* key : {"claim", "range", "estimate:0", "swap:0", "expect:s1"})
      for (const auto& outcome : {io_outcome(no_way("out_of_range")), io_outcome(claim_seen{})}) {
        world w;
        w.to(stage).send(effect_done{key, outcome});
        CHECK_FALSE(w.last.changed);
      }
}
