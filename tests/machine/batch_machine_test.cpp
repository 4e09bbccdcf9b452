// Payouts of what has gathered, from either pot, and the wallet's transfers of tokens.
#include "actors/payout/payout_machine.hpp"
#include "actors/wallet/wallet_machine.hpp"
#include "tests/machine/sales_support.hpp"

using namespace paygate;
using namespace paygate::test;
using namespace std::chrono_literals;

namespace {

const std::string token = "0x00000000000000000000000000000000000000dd", ours = "0x00000000000000000000000000000000000000aa",
                  owner = "0x00000000000000000000000000000000000000b0", payin = "0x00000000000000000000000000000000000000c0";
usdt_amount usdt(std::string_view text) { return usdt_amount::of_units(parse_decimal(text)->units); }

struct batch : machine<payout_kind> {
  explicit batch(asset target, payout_pot pot = payout_pot::usdt) : machine("-100.usdt.3") {
    rules.wallet_address = ours;
    rules.usdt_contract = token;
    send(request_batch{{-100, 0, std::move(target), owner, "", pot}});
  }
};

} // namespace

TEST_CASE("a batch claims its channel's pot, and learns from the claim what it pays") {
  batch b({"btc", "btc"});
  REQUIRE(b.rows<claim_accruals>().size() == 1);
  CHECK(b.rows<claim_accruals>()[0].scope == claim_scope::converted_of_channel);
  CHECK(b.rows<claim_accruals>()[0].channel_id == -100);
  CHECK(b.rows<claim_accruals>()[0].account == "owner:-100:held");
  CHECK(b.request<get_claim>("claim").claimant == "payout/-100.usdt.3");
  CHECK(code_of(b.send(cancel_payout{"too early"})) == "busy");
  b.send(request_batch{{-100, 0, {"xmr", "xmr"}, "other", "", payout_pot::usdt}});
  CHECK_FALSE(b.last.changed);
  auto nothing = b;
  nothing.done_with("claim", claim_seen{});
  CHECK(nothing.state.status == payout_status::cancelled);
  b.done_with("claim", claim_seen{3, usd("51.2"), eth("0.02"), usdt("50.1")});
  CHECK(b.state.status == payout_status::requested);
  CHECK(b.state.source.is_zero()); // The ETH was sold: it is spent already.
  CHECK(to_decimal(b.state.source_usdt) == "50.1");
  CHECK(b.request<get_swap_range>("range") == get_swap_range{{"usdt", "eth"}, {"btc", "btc"}});
  b.done_with("range", swap_range{60 * one_coin, std::nullopt});
  CHECK(b.state.status == payout_status::cancelled);
  CHECK(to_decimal(b.state.pair_minimum) == "60");
  CHECK(b.rows<accrual_closed>()[0].status == accrual_status::converted);
  CHECK(b.accounts["owner:-100:available"] == -usdt("50.1").units());
  CHECK(b.accounts["owner:-100:held"] == usdt("50.1").units());
}

TEST_CASE("a batch from the ETH pot of an instant channel goes back to pending") {
  batch b({"btc", "btc"}, payout_pot::eth);
  CHECK(b.rows<claim_accruals>()[0].scope == claim_scope::pending_of_channel);
  b.done_with("claim", claim_seen{2, usd("6"), eth("0.002"), {}});
  CHECK(b.request<get_swap_range>("range").from == asset{"eth", "eth"});
  b.done_with("range", no_way("deposit_too_small"));
  CHECK(b.rows<accrual_closed>()[0].status == accrual_status::pending);
  batch big({"btc", "btc"});
  big.rules.payout_max = usd("50");
  big.done_with("claim", claim_seen{3, usd("51.2"), {}, usdt("50.1")});
  CHECK(big.state.status == payout_status::awaiting_approval);
}

TEST_CASE("USDT that the owner wants is sent as it is, else through a swap that is paid in USDT") {
  batch direct({"usdt", "eth"});
  direct.done_with("claim", claim_seen{3, usd("51.2"), {}, usdt("50.1")});
  CHECK(direct.state.funding_released);
  const auto asked_of = [](const batch& b) { return std::get<request_transfer>(std::get<wallet_message>(b.question("transfer").message)); };
  const auto plain = asked_of(direct);
  CHECK(plain.to == owner);
  CHECK(plain.value.is_zero());
  CHECK(plain.token == token);
  CHECK(plain.token_value == usdt("50.1"));
  CHECK(plain.debit == "owner:-100:held");
  direct.answered("transfer", transfer_view{"confirmed", "0xtx", 4, 60000, {}, ""});
  CHECK(direct.state.status == payout_status::completed);
  CHECK(to_decimal(direct.state.amount_out) == "50.1");

  batch b({"btc", "btc"});
  b.done_with("claim", claim_seen{3, usd("51.2"), {}, usdt("50.1")});
  b.done_with("range", swap_range{1, std::nullopt});
  const auto asked = usdt("50.1").units();
  CHECK(b.request<estimate_swap>("estimate").from_amount == asked);
  b.done_with("estimate", swap_estimate{"r1", b.now + 20min, asked, one_coin / 1000, one_coin / 10, 0});
  b.done_with("swap", swap_created{"s1", payin, "", asked, one_coin / 1000});
  b.done_with("expect", swap_state{"s1", swap_status::waiting, {}, {}, b.now + 20min, "", "", "", {}});
  const auto deposit = asked_of(b);
  CHECK(deposit.to == payin);
  CHECK(deposit.token_value.units() == asked);
  CHECK(deposit.debit == "assets:swap:s1");
  b.answered("transfer", transfer_view{"confirmed", "0xtx", 4, 60000, {}, ""});
  b.done_with("follow", swap_state{"s1", swap_status::finished, {}, one_coin / 1000, {}, "", "hash", "", {}});
  CHECK(b.state.status == payout_status::completed);
  CHECK(b.accounts["owner:-100:held"] == asked);
  CHECK(b.accounts["assets:swap:s1"] == -asked);
  CHECK(b.rows<accrual_closed>()[0].status == accrual_status::paid);
}

namespace {

struct token_wallet : machine<wallet_kind> {
  token_wallet() : machine(ours) {
    rules.chain_id = 31337;
    rules.confirmations = 1;
    rules.gas_float_low = eth("0.005");
    send(open_wallet{ours});
    done_with("open", wallet_seen{one_coin, 4, 10});
  }
  entity_reply ask(usdt_amount amount, std::string to = owner) {
    request_transfer m;
    m.intent = "payout/1/0";
    m.to = std::move(to);
    m.debit = "owner:-100:held";
    m.token = token;
    m.token_value = amount;
    auto reply = send(m);
    if (std::holds_alternative<transfer_view>(reply)) done_with("books", wallet_books_seen{one_coin, 0, 0, 0});
    return reply;
  }
  static chain_quote quote(int128 tokens, int128 balance = one_coin) {
    chain_quote q{31337, 4, 60'000, 1'000'000'000, 1'000'000'000, balance};
    q.token_balance = tokens;
    return q;
  }
  receipts_read mined(std::vector<token_moved> moved) const {
    return {20, 5, {{"0xhash", 20, false, 50'000, 1'000'000'000, std::move(moved)}}};
  }
};

} // namespace

TEST_CASE("a token transfer calls the contract, needs the tokens and the gas, and is proved by its Transfer") {
  token_wallet w;
  for (const auto& bad : {usdt("0"), usdt("0.0000001")}) CHECK(code_of(w.ask(bad)) == "invalid");
  CHECK(code_of(w.ask(usdt("1"), token)) == "invalid");
  w.ask(usdt("50.1"));
  const auto asked = w.request<get_chain_quote>("quote");
  CHECK(asked.to == token);
  CHECK(asked.value == 0);
  CHECK(asked.token == token);
  CHECK(asked.data.size() == 68);
  CHECK(asked.data.substr(0, 4) == "\xa9\x05\x9c\xbb");
  CHECK(static_cast<unsigned char>(asked.data[35]) == 0xb0);
  CHECK(asked.data.substr(64) == std::string("\x02\xfc\x77\x20", 4)); // 50'100'000
  w.done_with("quote", token_wallet::quote(50'099'999));
  CHECK(w.state.alert == "token balance too low: 50.1 USDT to send, 50.099999 USDT free");
  w.done_with("quote", token_wallet::quote(50'100'000, one_coin / 1000));
  CHECK(w.state.alert.starts_with("gas float too low"));
  w.done_with("quote", token_wallet::quote(50'100'000));
  const auto tx = w.request<sign_tx>("sign").tx;
  CHECK(tx.to == token);
  CHECK(tx.value == 0);
  CHECK(tx.data == asked.data);
  w.done_with("sign", tx_signed{"0xraw1", "0xhash"});
  w.done_with("broadcast", tx_broadcast{});
  const token_moved right{token, ours, owner, 50'100'000};
  const auto before = w;
  struct row {
    std::vector<token_moved> moved;
    transfer_status to;
  };
  auto less = right, foreign = right;
  less.units -= 1;
  foreign.token = payin;
  for (const auto& r : {row{{right}, transfer_status::confirmed}, row{{}, transfer_status::reverted},
                        row{{less}, transfer_status::reverted}, row{{foreign}, transfer_status::reverted}}) {
    auto each = before;
    each.done_with("receipts", each.mined(r.moved));
    CHECK(to_text(each.state.transfers.at(0).status) == to_text(r.to));
    const bool sent = r.to == transfer_status::confirmed;
    CHECK(each.accounts["owner:-100:held"] == (sent ? usdt("50.1").units() : 0));
    CHECK(each.accounts["expense:gas"] == int128(50'000) * 1'000'000'000);
  }
}
