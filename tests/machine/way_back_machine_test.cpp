// The way back of spec 5: a refund is believed by the chain alone, its shortfall is the owner's, what is left is tried again, bounded, and
// goes back with what it really is. For payouts of either pot and for conversions.
#include "actors/conversion/conversion_machine.hpp"
#include "actors/payout/payout_machine.hpp"
#include "tests/machine/sales_support.hpp"

using namespace paygate;
using namespace paygate::test;
using namespace std::chrono_literals;

namespace {

const std::string usdt_token = "0x00000000000000000000000000000000000000dd", ours = "0x00000000000000000000000000000000000000aa",
                  owner = "0x00000000000000000000000000000000000000b0", payin = "0x00000000000000000000000000000000000000c0";
usdt_amount usdt(std::string_view text) { return usdt_amount::of_units(parse_decimal(text)->units); }

/// One that sells through swaps: what a payout and a conversion have in common.
template <class Kind>
struct seller : machine<Kind> {
  using machine<Kind>::machine, machine<Kind>::done_with, machine<Kind>::answered, machine<Kind>::state, machine<Kind>::now;
  using status = decltype(Kind::state::status);

  void prepare() {
    this->rules.wallet_address = ours;
    this->rules.usdt_contract = usdt_token;
    this->rules.swap_tries_max = 3;
  }
  io_outcome seen(const std::string& swap, swap_status s, const std::string& hash = "", std::optional<int128> refund = {}) const {
    return swap_state{swap,  s, {}, {}, now + 20min, "", s == swap_status::finished ? hash : "", s == swap_status::refunded ? hash : "",
                      refund};
  }
  /// From `requested` through a new swap until the provider has the deposit.
  void fund(const std::string& swap, int128 asked) {
    done_with("range", swap_range{1, std::nullopt});
    quote(swap, asked);
  }
  void quote(const std::string& swap, int128 asked, int128 to = 5 * one_coin) {
    done_with("estimate", swap_estimate{"r-" + swap, now + 20min, asked, to, 0, 0});
    done_with("swap", swap_created{swap, payin, "", asked, to});
    done_with("expect", seen(swap, swap_status::waiting));
    answered("transfer", transfer_view{"confirmed", "0xtx-" + swap, 4, 21000, {}, ""});
    answered("ack", ok{});
    if (state.status != status::exchanging) FAIL("the walk ends in " << to_text(state.status));
  }
  static io_outcome eth_came(int128 units, std::uint64_t depth = 9, std::string to = ours) {
    return transfer_seen{std::move(to), units, depth, false};
  }
  static io_outcome usdt_came(int128 units, std::string to = ours) {
    return token_transfer_seen{{{usdt_token, payin, std::move(to), units}}, 9, false};
  }
  /// The deposit of `swap` is back on the chain.
  void refund(const std::string& swap, const std::string& hash, io_outcome came) {
    done_with("follow", seen(swap, swap_status::refunded, hash));
    done_with("arrival", std::move(came));
    done_with("used", arrival_seen{});
  }
};

struct payout_of : seller<payout_kind> {
  explicit payout_of(asset target = {"btc", "btc"}) : seller("-100.eth.3") {
    prepare();
    send(request_payout{-100, 7, "order", std::move(target), owner, "", eth("0.1"), usd("200")});
  }
};
struct batch_of : seller<payout_kind> {
  explicit batch_of(asset target = {"btc", "btc"}, bool two_legs = false) : seller("-100.usdt.3") {
    prepare();
    rules.payout_funding_eth = two_legs;
    send(request_batch{{-100, 7, std::move(target), owner, "memo", payout_pot::usdt}});
    done_with("claim", claim_seen{3, usd("51"), eth("0.02"), usdt("50")});
  }
};
struct conversion_of : seller<conversion_kind> {
  conversion_of() : seller("c7") {
    prepare();
    send(open_conversion{usd("5")});
    done_with("claim", claim_seen{3, usd("300"), eth("0.1"), {}});
  }
};
const int128 tenth = one_coin / 10;

} // namespace

TEST_CASE("a refund that the chain shows comes back less its cost, and a new swap is tried with the rest") {
  payout_of p;
  p.fund("s1", tenth);
  const auto first_intent = transfer_intent(p.state, p.self);
  p.done_with("follow", p.seen("s1", swap_status::refunded, "0xback", eth("0.0995").units()));
  CHECK(p.state.status == payout_status::refunding);
  CHECK(p.request<get_transfer>("arrival").hash == "0xback");
  CHECK(p.last.entries.empty());
  CHECK(code_of(p.send(cancel_payout{"now"})) == "out_of_order");
  for (const auto& early : {payout_of::eth_came(tenth, 0), io_outcome(no_way("rpc"))}) {
    auto each = p;
    each.done_with("arrival", early);
    CHECK(each.state.status == payout_status::refunding);
    CHECK(each.state.incoming_units == 0);
  }
  p.done_with("arrival", payout_of::eth_came(eth("0.0995").units()));
  CHECK(p.last.entries.empty()); // Not before the books were asked.
  CHECK(p.request<find_arrival>("used") == find_arrival{"0xback", "eth"});
  p.done_with("used", arrival_seen{});
  CHECK(p.state.status == payout_status::requested);
  CHECK_FALSE(p.state.funding_released);
  CHECK(p.state.tx_hash.empty());
  REQUIRE(p.rows<arrival_claimed>().size() == 1);
  CHECK(p.rows<arrival_claimed>()[0].hash == "0xback");
  CHECK(p.accounts[accounts::wallet] == eth("0.0995").units());
  CHECK(p.accounts["assets:swap:s1"] == -tenth);
  CHECK(p.accounts["owner:-100:held"] == -eth("0.0995").units()); // Of 0.1 that were held, 0.0005 are gone.
  CHECK(p.accounts["owner:-100:spread"] == 0);
  // The request is still the same one.
  CHECK(code_of(p.send(request_payout{-100, 7, "order", {"btc", "btc"}, owner, "", eth("0.1"), usd("200")})).empty());
  p.done_with("range", swap_range{1, std::nullopt});
  CHECK(p.request<estimate_swap>("estimate").from_amount == eth("0.0995").units());
  p.quote("s2", eth("0.0995").units());
  CHECK(transfer_intent(p.state, p.self) != first_intent);
  p.done_with("follow", p.seen("s2", swap_status::finished, "0xout"));
  CHECK(p.state.status == payout_status::completed);
  CHECK(p.accounts["owner:-100:held"] == 0);
  CHECK(p.rows<accrual_closed>()[0].status == accrual_status::paid);
}

TEST_CASE("what the provider says of a refund is only a hint: anything odd calls a person, and the money stays held") {
  struct row {
    const char* what;
    io_outcome came;
    std::optional<int128> named;
    std::string used;
  };
  for (const auto& r : {
           row{"to somebody else", payout_of::eth_came(tenth, 9, owner), {}, ""},
           row{"nothing", payout_of::eth_came(0), {}, ""},
           row{"more than was sent", payout_of::eth_came(tenth + 1), {}, ""},
           row{"less than half", payout_of::eth_came(tenth / 2 - 1), {}, ""},
           row{"not what is named", payout_of::eth_came(eth("0.09").units()), eth("0.0995").units(), ""},
           row{"counted already", payout_of::eth_came(eth("0.0995").units()), {}, "payment/01J"},
           row{"counted for itself", payout_of::eth_came(eth("0.0995").units()), {}, "payout/-100.eth.3"},
           row{"without effect", transfer_seen{ours, tenth, 9, true}, {}, ""},
       }) {
    INFO(r.what);
    payout_of p;
    p.fund("s1", tenth);
    p.done_with("follow", p.seen("s1", swap_status::refunded, "0xback", r.named));
    p.done_with("arrival", r.came);
    if (p.state.status == payout_status::refunding) p.done_with("used", arrival_seen{r.used});
    CHECK(p.state.status == payout_status::needs_attention);
    CHECK(p.state.funding_released);
    CHECK(p.rows<failure_listed>().size() == 1);
    CHECK(p.rows<arrival_claimed>().empty());
    CHECK(p.accounts[accounts::wallet] == 0);
    CHECK(p.accounts["owner:-100:held"] == -tenth);
    CHECK(p.owes("tell_end"));
    CHECK(code_of(p.send(cancel_payout{"now"})) == "out_of_order");
  }
}

TEST_CASE("a refund without a transaction waits visibly, and is no refund when the swap ends well after all") {
  payout_of p;
  p.fund("s1", tenth);
  p.done_with("follow", p.seen("s1", swap_status::failed));
  CHECK(p.state.status == payout_status::needs_attention);
  p.done_with("follow", p.seen("s1", swap_status::refunded)); // A person was called; its later words are still heard.
  CHECK(p.state.status == payout_status::refunding);
  CHECK(p.state.reason.find("names no transaction") != std::string::npos);
  CHECK(payout_kind::stuck_after(p.state) == 30min);
  for (const auto s : {swap_status::failed, swap_status::waiting, swap_status::expired, swap_status::refunded}) {
    p.done_with("follow", p.seen("s1", s));
    CHECK(p.state.status == payout_status::refunding);
    CHECK(p.last.entries.empty());
  }
  auto well = p;
  well.done_with("follow", well.seen("s1", swap_status::finished, "0xout"));
  CHECK(well.state.status == payout_status::completed);
  p.done_with("follow", p.seen("s1", swap_status::refunded, "0xback"));
  CHECK(p.request<get_transfer>("arrival").hash == "0xback");
}

TEST_CASE("an operator names the transaction that the exchange does not name, and the chain is asked as ever") {
  const std::string hash = "0x" + std::string(64, 'b');
  payout_of p;
  CHECK(code_of(p.send(name_arrival{hash, "x"})) == "out_of_order"); // Nothing was sent to an exchange.
  p.fund("s1", tenth);
  CHECK(code_of(p.send(name_arrival{hash, "x"})) == "out_of_order"); // It is exchanging: nothing comes back.
  p.done_with("follow", p.seen("s1", swap_status::failed));
  REQUIRE(p.state.status == payout_status::needs_attention);
  for (const auto* wrong : {"", "0xback", "b"}) CHECK(code_of(p.send(name_arrival{wrong, "x"})) == "invalid");
  CHECK(code_of(p.send(name_arrival{hash, "their support says so"})).empty());
  CHECK(p.state.status == payout_status::refunding);
  CHECK(p.last.entries.empty());
  CHECK(p.request<get_transfer>("arrival").hash == hash);
  auto elsewhere = p;
  elsewhere.done_with("arrival", payout_of::eth_came(tenth, 9, payin)); // It is no transfer to us: a word moves no money.
  CHECK(elsewhere.state.status == payout_status::needs_attention);
  CHECK(elsewhere.accounts[accounts::wallet] == 0);
  p.done_with("arrival", payout_of::eth_came(tenth));
  CHECK(code_of(p.send(name_arrival{hash, "again"})) == "out_of_order"); // The books are being asked.
  p.done_with("used", arrival_seen{});
  CHECK(p.state.status == payout_status::requested);

  conversion_of c;
  c.fund("s1", tenth);
  c.done_with("follow", c.seen("s1", swap_status::finished, "0xodd"));
  c.done_with("arrival", conversion_of::usdt_came(290'000'000, payin));
  REQUIRE(c.state.status == conversion_status::needs_attention);
  CHECK(code_of(c.send(name_arrival{hash, "the provider's list names this one"})).empty());
  CHECK(c.request<get_token_transfer>("arrival").hash == hash);
  c.done_with("arrival", conversion_of::usdt_came(290'000'000));
  c.done_with("used", arrival_seen{});
  CHECK(c.state.status == conversion_status::completed);

  payout_of paid;
  paid.fund("s1", tenth);
  paid.done_with("follow", paid.seen("s1", swap_status::finished, "0xout"));
  CHECK(code_of(paid.send(name_arrival{hash, "x"})) == "out_of_order");
}

TEST_CASE("tries are bounded, and what cannot be swapped any more is back with what it really is") {
  payout_of p;
  int128 left = tenth;
  for (int n = 1; n <= 3; ++n) {
    const auto swap = "s" + std::to_string(n);
    p.fund(swap, left);
    left -= one_coin / 1000;
    p.refund(swap, "0xback" + std::to_string(n), payout_of::eth_came(left));
    CHECK(p.state.status == (n < 3 ? payout_status::requested : payout_status::failed));
    CHECK(p.state.lost == tenth - left);
    CHECK(p.state.lost + p.state.funded.units() <= tenth); // The row's own rule (funded_within_rest).
  }
  REQUIRE(p.rows<accrual_closed>().size() == 1);
  CHECK(p.rows<accrual_closed>()[0].status == accrual_status::pending);
  CHECK(p.rows<accrual_closed>()[0].left == left);
  CHECK(p.rows<failure_listed>().size() == 1);
  CHECK(p.accounts["owner:-100:held"] == 0);
  CHECK(p.accounts["owner:-100:available"] == tenth - left); // 0.1 were promised, 0.097 came back: the difference is gone.

  batch_of b;
  b.fund("s1", usdt("50").units());
  b.done_with("follow", b.seen("s1", swap_status::refunded, "0xback"));
  CHECK(b.request<get_token_transfer>("arrival").hash == "0xback");
  b.done_with("arrival", batch_of::usdt_came(48'000'000));
  CHECK(b.request<find_arrival>("used").currency == "usdt");
  b.done_with("used", arrival_seen{});
  b.done_with("range", swap_range{usdt("49").units(), std::nullopt});
  CHECK(b.state.status == payout_status::cancelled);
  CHECK(b.rows<accrual_closed>()[0].status == accrual_status::converted);
  CHECK(b.rows<accrual_closed>()[0].left == usdt("48").units());
  CHECK(b.accounts["owner:-100:held"] == usdt("50").units());       // Claimed by the database's own posting; all of it is off again,
  CHECK(b.accounts["owner:-100:available"] == -usdt("48").units()); // and what is left is free.

  payout_of untouched;
  untouched.send(cancel_payout{"x"});
  CHECK_FALSE(untouched.rows<accrual_closed>()[0].left);
}

TEST_CASE("a conversion's refund is tried again, and what is left is shared out when it ends") {
  conversion_of c;
  c.fund("s1", tenth);
  c.done_with("follow", c.seen("s1", swap_status::refunded, "0xback"));
  CHECK(c.request<get_transfer>("arrival").hash == "0xback");
  auto odd = c;
  odd.done_with("arrival", conversion_of::eth_came(tenth, 9, payin));
  CHECK(odd.state.status == conversion_status::needs_attention);
  CHECK(odd.rows<conversion_closed>().empty());
  c.done_with("arrival", conversion_of::eth_came(eth("0.099").units()));
  c.done_with("used", arrival_seen{});
  CHECK(c.state.status == conversion_status::requested);
  CHECK(c.accounts[accounts::converting("c7")] == eth("0.001").units());
  CHECK(c.accounts[accounts::provider_fee] == eth("0.001").units());
  CHECK(c.accounts["assets:swap:s1"] == -tenth);
  auto ends = c;
  ends.done_with("range", swap_range{tenth, std::nullopt});
  CHECK(ends.state.status == conversion_status::cancelled);
  REQUIRE(ends.rows<conversion_closed>().size() == 1);
  CHECK(ends.rows<conversion_closed>()[0].received.is_zero());
  CHECK(ends.rows<conversion_closed>()[0].left == eth("0.099"));

  c.fund("s2", eth("0.099").units());
  c.done_with("follow", c.seen("s2", swap_status::finished, "0xout"));
  c.done_with("arrival", conversion_of::usdt_came(290'000'000));
  c.done_with("used", arrival_seen{});
  CHECK(c.state.status == conversion_status::completed);
  CHECK(c.rows<conversion_closed>()[0].received == usdt("290"));
  CHECK(c.accounts[accounts::converting("c7")] == tenth); // Claimed by the database's own posting: all of it is off again.
  CHECK(c.accounts[accounts::wallet] == eth("0.099").units());
}

TEST_CASE("a transfer that was finally dropped leads back, also when it was on the wire") {
  for (const bool on_the_wire : {false, true}) {
    payout_of p;
    p.done_with("range", swap_range{1, std::nullopt});
    p.done_with("estimate", swap_estimate{"r1", p.now + 20min, tenth, one_coin, 0, 0});
    p.done_with("swap", swap_created{"s1", payin, "", tenth, one_coin});
    p.done_with("expect", p.seen("s1", swap_status::waiting));
    if (on_the_wire) p.answered("transfer", transfer_view{"broadcast", "0xtx", 4, 0, {}, ""});
    p.answered("transfer", transfer_view{"dropped", "0xtx", 4, 0, {}, "its nonce was used by another transaction"});
    CHECK(p.state.status == payout_status::estimating);
    CHECK_FALSE(p.state.funding_released);
    CHECK(p.state.tx_hash.empty());
    CHECK(p.accounts["owner:-100:held"] == -tenth);
    CHECK(code_of(p.send(cancel_payout{"enough"})).empty());
    CHECK(p.accounts["owner:-100:held"] == 0);
  }
}

TEST_CASE("two legs: the USDT is sold to ourselves, the ETH that came pays the owner") {
  batch_of b({"btc", "btc"}, true);
  CHECK(b.state.leg == 1);
  CHECK(b.request<get_swap_range>("second_range") == get_swap_range{{"eth", "eth"}, {"btc", "btc"}});
  b.done_with("second_range", swap_range{one_coin / 100, std::nullopt});
  CHECK(b.request<get_swap_range>("range") == get_swap_range{{"usdt", "eth"}, {"eth", "eth"}});
  auto thin = b;
  thin.done_with("range", swap_range{1, std::nullopt});
  thin.done_with("estimate", swap_estimate{"r1", b.now + 20min, usdt("50").units(), one_coin / 100, 0, 0});
  CHECK(thin.state.status == payout_status::cancelled); // It could be sold, but what came could not be sent on.
  CHECK(to_decimal(thin.state.pair_minimum) == "52.5");
  b.done_with("range", swap_range{1, std::nullopt});
  CHECK(b.request<estimate_swap>("estimate").to == eth_on_eth);
  b.done_with("estimate", swap_estimate{"r1", b.now + 20min, usdt("50").units(), one_coin / 50, 0, one_coin / 1000});
  const auto made = b.request<create_swap>("swap");
  CHECK(made.address == ours);
  CHECK(made.extra_id.empty());
  b.done_with("swap", swap_created{"s1", payin, "", usdt("50").units(), one_coin / 50});
  b.done_with("expect", b.seen("s1", swap_status::waiting));
  b.answered("transfer", transfer_view{"confirmed", "0xtx1", 4, 60000, {}, ""});
  CHECK_FALSE(b.owes("tell_sent")); // Nothing goes to the owner yet.
  b.answered("ack", ok{});
  b.done_with("follow", b.seen("s1", swap_status::finished, "0xsold"));
  CHECK(b.state.status == payout_status::receiving);
  CHECK(b.request<get_transfer>("arrival").hash == "0xsold");
  auto lie = b;
  lie.done_with("arrival", batch_of::eth_came(one_coin / 50, 9, owner));
  CHECK(lie.state.status == payout_status::needs_attention);
  std::map<std::string, int128> eth_books;
  b.done_with("arrival", batch_of::eth_came(one_coin / 50 + 3));
  b.done_with("used", arrival_seen{});
  for (const auto& e : b.last.entries)
    for (const auto& p : e.postings) eth_books[p.account + " " + p.currency] += p.units;
  CHECK(eth_books["owner:-100:held usdt"] == usdt("50").units());
  CHECK(eth_books["assets:swap:s1 usdt"] == -usdt("50").units());
  CHECK(eth_books["assets:wallet eth"] == one_coin / 50 + 3);
  CHECK(eth_books["owner:-100:held eth"] == -(one_coin / 50 + 3));
  CHECK(eth_books["expense:provider_fee eth"] == one_coin / 1000);
  CHECK(b.state.leg == 2);
  CHECK(b.state.pot == payout_pot::eth);
  CHECK(b.state.first_swap_id == "s1");
  CHECK(b.state.status == payout_status::requested);
  CHECK(b.request<get_swap_range>("range") == get_swap_range{{"eth", "eth"}, {"btc", "btc"}});
  CHECK(b.state.funded_usdt == usdt("50")); // Kept for the trace.

  auto back = b;
  back.done_with("range", no_way("not_valid_address"));
  REQUIRE(back.rows<accrual_closed>().size() == 1);
  CHECK(back.rows<accrual_closed>()[0].status == accrual_status::pending);
  CHECK(back.rows<accrual_closed>()[0].left == one_coin / 50 + 3);
  CHECK(back.rows<accrual_closed>()[0].resold);

  b.fund("s2", one_coin / 50);
  CHECK(b.owes("tell_sent"));
  b.done_with("follow", b.seen("s2", swap_status::finished, "0xout"));
  CHECK(b.state.status == payout_status::completed);
  CHECK(b.rows<accrual_closed>()[0].status == accrual_status::paid);
}

TEST_CASE("two legs to ETH itself need one swap, and USDT needs none") {
  batch_of b(eth_on_eth, true);
  b.fund("s1", usdt("50").units());
  const auto first = transfer_intent(b.state, b.self);
  b.done_with("follow", b.seen("s1", swap_status::finished, "0xsold"));
  b.done_with("arrival", batch_of::eth_came(one_coin / 50));
  b.done_with("used", arrival_seen{});
  CHECK(b.state.status == payout_status::funding);
  CHECK(b.state.funding_released);
  CHECK(transfer_intent(b.state, b.self) != first);
  const auto asked = std::get<request_transfer>(std::get<wallet_message>(b.question("transfer").message));
  CHECK(asked.to == owner);
  CHECK(asked.value.units() == one_coin / 50);
  CHECK(asked.debit == "owner:-100:held");
  b.answered("transfer", transfer_view{"confirmed", "0xtx2", 5, 21000, {}, ""});
  CHECK(b.state.status == payout_status::completed);
  batch_of direct(usdt_on_eth, true);
  CHECK(direct.state.leg == 0);
  CHECK(direct.state.funding_released);
}

TEST_CASE("the daily limit is asked of the books, and above it the operator decides") {
  seller<payout_kind> p("01JPAY");
  p.prepare();
  p.rules.payout_daily_max = usd("100");
  p.rules.payout_daily_total_max = usd("500");
  p.send(request_payout{-100, 7, "01JPAY", {"btc", "btc"}, owner, "", eth("0.01"), usd("30")});
  CHECK(p.state.status == payout_status::limiting);
  REQUIRE(p.rows<allowance_claimed>().size() == 1);
  CHECK(p.rows<allowance_claimed>()[0].channel_max == usd("100"));
  CHECK_FALSE(p.rows<allowance_claimed>()[0].approved);
  CHECK(p.request<get_allowance>("allowance").payout_id == "01JPAY");
  auto granted = p, refused_one = p, cancelled = p;
  granted.done_with("allowance", allowance_seen{true, usd("70"), usd("70")});
  CHECK(granted.state.status == payout_status::requested);
  granted.done_with("range", no_way("not_valid_address"));
  CHECK(granted.rows<allowance_returned>().size() == 1);
  cancelled.send(cancel_payout{"x"});
  CHECK(cancelled.rows<allowance_returned>().size() == 1);
  refused_one.done_with("allowance", allowance_seen{false, usd("70.5"), usd("71")});
  CHECK(refused_one.state.status == payout_status::awaiting_approval);
  CHECK(refused_one.state.reason.find("$70.50") != std::string::npos);
  refused_one.send(approve_payout{"seen"});
  CHECK(refused_one.state.status == payout_status::requested);
  REQUIRE(refused_one.rows<allowance_claimed>().size() == 1);
  CHECK(refused_one.rows<allowance_claimed>()[0].approved);
}
