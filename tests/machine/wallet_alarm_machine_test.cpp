// The nonce alarm and its way back, and whose the coins are: nothing is paid a second time after a restored backup, nor from another's pot.
#include "actors/wallet/wallet_machine.hpp"
#include "tests/machine/sales_support.hpp"

using namespace paygate;
using namespace paygate::test;
using namespace std::chrono_literals;

namespace {

const std::string ours = "0x00000000000000000000000000000000000000aa", owner = "0x00000000000000000000000000000000000000b0",
                  other = "0x00000000000000000000000000000000000000c0", token = "0x00000000000000000000000000000000000000dd";
constexpr int128 gwei = 1'000'000'000;
std::string hash_of(char c) { return "0x" + std::string(64, c); }

struct alarmed : machine<wallet_kind> {
  alarmed() : machine(ours) {
    rules.chain_id = 31337;
    rules.confirmations = 3;
    rules.gas_float_low = eth("0.01");
    rules.gas_float_high = eth("0.1");
    send(open_wallet{ours});
    done_with("open", wallet_seen{3 * one_coin, 5, 100});
  }
  static request_transfer wish(const std::string& intent, const std::string& to = owner, eth_amount value = eth("1")) {
    return {intent, to, value, "owner:-100:held", std::nullopt};
  }
  entity_reply ask(const std::string& intent, const std::string& to = owner, eth_amount value = eth("1")) {
    return send(wish(intent, to, value));
  }
  void weigh(wallet_books_seen books = {3 * one_coin, 0, 0, 0}) { done_with("books", books); }
  static chain_quote quote(std::uint64_t nonce, int128 balance = 3 * one_coin) { return {31337, nonce, 21'000, 10 * gwei, gwei, balance}; }
  void sign_and_send(const std::string& hash) {
    done_with("sign:", tx_signed{"0x02" + hash.substr(2, 4), hash});
    done_with("broadcast", tx_broadcast{});
  }
  void sign_off(std::int64_t nonce) {
    REQUIRE(std::holds_alternative<ok>(send(sign_off_wallet{nonce, "the backup of Monday was restored"})));
    done_with("sign_off", wallet_seen{3 * one_coin, static_cast<std::uint64_t>(nonce), 200, 0, static_cast<std::uint64_t>(nonce)});
  }
  static transaction_seen sent(std::uint64_t nonce, const std::string& to = owner, int128 value = one_coin) {
    return {ours, to, nonce, value, "0x", 3, 190, false, 21'000, 10 * gwei};
  }
  void explain(std::int64_t nonce, const std::string& hash, const std::string& intent, transaction_seen seen) {
    REQUIRE(std::holds_alternative<ok>(send(explain_nonce{nonce, hash, intent, "looked it up"})));
    done_with("explain:", seen);
  }
  const wallet_transfer& transfer(const std::string& intent) const {
    for (const auto& t : state.transfers)
      if (t.intent == intent) return t;
    FAIL("no transfer " << intent);
    return state.transfers.at(0);
  }
  /// Two payouts wait; the chain has used nonces 5 and 6.
  void restored() {
    ask("payout/A/1");
    ask("payout/B/1", other, eth("0.5"));
    weigh();
    done_with("quote", quote(7));
    REQUIRE(state.status == wallet_status::paused);
  }
};

} // namespace

TEST_CASE("what waits in the pool and is not ours keeps the next nonce from being given") {
  alarmed w;
  w.ask("payout/A/1");
  w.weigh();
  auto pooled = alarmed::quote(5);
  pooled.pending_nonce = 6;
  w.done_with("quote", pooled);
  CHECK(w.state.alert.find("the node's pool holds nonce 5 of this wallet") == 0);
  CHECK(w.transfer("payout/A/1").nonce == -1);
  pooled.pending_nonce = 5;
  w.done_with("quote", pooled);
  CHECK(w.transfer("payout/A/1").nonce == 5);
  CHECK(w.state.alert.empty());
}

TEST_CASE("a sign-off is taken only for the chain's own nonce, and only when it is final") {
  alarmed w;
  CHECK(code_of(w.send(sign_off_wallet{5, "why not"})) == "out_of_order");
  w.restored();
  CHECK(w.due_words() == "");
  const auto alarm = w.state.alert;
  CHECK(code_of(w.send(sign_off_wallet{7, ""})) == "invalid");
  CHECK(code_of(w.send(sign_off_wallet{-1, "x"})) == "invalid");
  w.send(sign_off_wallet{6, "guessed"});
  CHECK(w.request<get_wallet>("sign_off") == get_wallet{ours, "", 3});
  w.done_with("sign_off", wallet_seen{1, 7, 200, 0, 7});
  CHECK(w.state.status == wallet_status::paused);
  CHECK(w.state.alert == alarm + ". The sign-off was refused: the chain's nonce is 7, not 6");
  CHECK(w.due_words() == "");
  w.send(sign_off_wallet{7, "read the explorer"});
  CHECK(w.state.alert == alarm);
  w.done_with("sign_off", wallet_seen{1, 7, 200, 0, 6}); // The last one is not deep enough yet.
  CHECK(w.state.status == wallet_status::paused);
  CHECK(w.owes("sign_off"));
  w.done_with("sign_off", wallet_seen{1, 7, 202, 0, 7});
  CHECK(w.state.status == wallet_status::ready);
  CHECK(w.state.next_nonce == 7);
  CHECK(w.state.alert.empty());
  REQUIRE(w.state.foreign.size() == 2);
  CHECK(w.rows<foreign_nonce>() == w.state.foreign);
  CHECK(w.state.foreign[0].key == ours + "/5");
  CHECK(w.state.foreign[1].nonce == 6);
}

TEST_CASE("after the sign-off nothing is sent that may have been paid, until each unknown nonce is explained") {
  alarmed w;
  w.restored();
  w.sign_off(7);
  CHECK(w.due_words() == "");
  for (const auto* intent : {"payout/A/1", "payout/B/1"}) CHECK_FALSE(w.transfer(intent).held.empty());
  // One that the backup had forgotten is asked for anew: it waits as well.
  w.ask("payout/C/1", other, eth("0.25"));
  CHECK(w.due_words() == "");
  CHECK(w.transfer("payout/C/1").held.find("nonce 5 was used by a transaction that we do not know") == 0);
  CHECK(std::get<transfer_view>(w.ask("payout/C/1", other, eth("0.25"))).alert == w.transfer("payout/C/1").held);
  CHECK(wallet_kind::stuck_after(w.state) == 0s);

  // Nonce 5 was A: settled by its transaction, posted, never sent again.
  w.explain(5, hash_of('a'), "payout/A/1", alarmed::sent(5));
  CHECK(w.transfer("payout/A/1").status == transfer_status::confirmed);
  CHECK(w.transfer("payout/A/1").nonce == 5);
  CHECK(w.transfer("payout/A/1").hash == hash_of('a'));
  CHECK(w.accounts["owner:-100:held"] == one_coin);
  CHECK(w.accounts["expense:gas"] == 210'000 * gwei);
  CHECK(w.accounts["assets:wallet"] == 2 * one_coin - 210'000 * gwei);
  // Nonce 6 was somebody else's.
  w.explain(6, hash_of('f'), "", alarmed::sent(6, other, 7));
  CHECK(w.state.foreign[1].explained_at);
  // Explained: what waits still waits for a word, and what is new goes on.
  CHECK_FALSE(w.transfer("payout/B/1").held.empty());
  w.ask("payout/D/1");
  CHECK(w.transfer("payout/D/1").held.empty());
  w.weigh();
  w.done_with("quote", alarmed::quote(7));
  CHECK(w.transfer("payout/D/1").nonce == 7);
  w.sign_and_send(hash_of('d'));
  CHECK(code_of(w.send(release_transfer{"payout/B/1", ""})) == "invalid");
  CHECK(code_of(w.send(release_transfer{"payout/X/1", "paid?"})) == "not_found");
  CHECK(code_of(w.send(release_transfer{"payout/D/1", "paid?"})) == "out_of_order");
  w.send(release_transfer{"payout/B/1", "the owner has nothing of it"});
  w.weigh();
  w.done_with("quote", alarmed::quote(7));
  CHECK(w.transfer("payout/B/1").nonce == 8);
}

TEST_CASE("an intent that the backup had forgotten is settled before it is asked for") {
  alarmed w;
  w.restored();
  w.sign_off(7);
  w.explain(5, hash_of('c'), "payout/C/1", alarmed::sent(5, other, one_coin / 4));
  CHECK(w.last.entries.empty()); // Which account pays it, only the one who asks knows.
  w.explain(6, hash_of('e'), "", alarmed::sent(6, other, one_coin / 8));
  // Asked for with other content it is refused: a new swap's address must not be paid for the old one.
  CHECK(code_of(w.ask("payout/C/1", owner, eth("0.25"))) == "conflict");
  const auto view = std::get<transfer_view>(w.ask("payout/C/1", other, eth("0.25")));
  CHECK(view.status == "confirmed");
  CHECK(view.tx_hash == hash_of('c'));
  CHECK(w.accounts["owner:-100:held"] == one_coin / 4);
  CHECK(w.due_words() == "");
  // Just as much as the disowned one sent, to whomever: a person looks at it. Anything else goes on.
  w.ask("payout/E/1", owner, eth("0.125"));
  CHECK(w.transfer("payout/E/1").held.find("nonce 6 sent just as much") != std::string::npos);
  CHECK(w.due_words() == "");
  w.ask("payout/G/1", owner, eth("0.126"));
  CHECK(w.owes("books:payout/G/1"));
  w.now += 241h; // What was forgotten has turned up by now.
  w.ask("payout/H/1", owner, eth("0.125"));
  CHECK(w.transfer("payout/H/1").held.empty());
}

TEST_CASE("an explanation must fit the chain") {
  alarmed w;
  w.restored();
  CHECK(code_of(w.send(explain_nonce{5, hash_of('a'), "", "x"})) == "not_found"); // Not listed before the sign-off.
  w.sign_off(7);
  for (const auto& bad :
       {explain_nonce{5, "0xabc", "", "x"}, explain_nonce{5, hash_of('a'), "", ""}, explain_nonce{5, hash_of('a'), "a b", "x"}})
    CHECK(code_of(w.send(bad)) == "invalid");
  CHECK(code_of(w.send(explain_nonce{7, hash_of('a'), "", "x"})) == "not_found");
  const auto refusal_of = [&](std::int64_t nonce, const std::string& intent, transaction_seen seen) {
    w.explain(nonce, hash_of('a'), intent, seen);
    const auto& f = w.state.foreign[static_cast<std::size_t>(nonce - 5)];
    CHECK_FALSE(f.explained_at);
    CHECK(w.last.entries.empty());
    CHECK(w.due_words() == "");
    return f.refusal;
  };
  auto stranger = alarmed::sent(5);
  stranger.from = other;
  CHECK(refusal_of(5, "payout/A/1", stranger) == "the transaction is nonce 5 of " + other);
  CHECK(refusal_of(5, "payout/A/1", alarmed::sent(6)) == "the transaction is nonce 6 of " + ours);
  CHECK(refusal_of(5, "payout/A/1", alarmed::sent(5, other)) == "it does not pay what payout/A/1 wants: 1 ETH to " + owner);
  CHECK(refusal_of(5, "payout/A/1", alarmed::sent(5, owner, one_coin - 1)).find("it does not pay") == 0);
  auto reverted = alarmed::sent(5);
  reverted.reverted = true;
  CHECK(refusal_of(5, "payout/A/1", reverted) == "it was mined without effect: disown it");
  CHECK(refusal_of(5, "", alarmed::sent(5)) == "it is just what payout/A/1 wants: settle that one by it");
  // Not deep enough: asked again. Then once, and never otherwise.
  w.send(explain_nonce{5, hash_of('a'), "payout/A/1", "x"});
  auto young = alarmed::sent(5);
  young.confirmations = 2;
  w.done_with("explain:", young);
  CHECK_FALSE(w.state.foreign[0].explained_at);
  w.done_with("explain:", alarmed::sent(5));
  CHECK(w.state.foreign[0].explained_at);
  w.send(explain_nonce{5, hash_of('a'), "payout/A/1", "again"});
  CHECK_FALSE(w.last.changed);
  CHECK(code_of(w.send(explain_nonce{5, hash_of('a'), "", "x"})) == "conflict");
  // One transaction an intent, and one intent a transaction.
  CHECK(refusal_of(6, "payout/A/1", alarmed::sent(6)).find("nonce 5 carried that out") == 0);
}

TEST_CASE("a transfer whose nonce a stranger used goes back only by an explanation, for it could have been ours") {
  const auto stolen = [](alarmed& w) {
    w.ask("payout/A/1");
    w.weigh();
    w.done_with("quote", alarmed::quote(5));
    w.sign_and_send(hash_of('1'));
    w.done_with("receipts", receipts_read{110, 6, {}});
    w.now += 2min;
    w.done_with("receipts", receipts_read{120, 6, {}});
    REQUIRE(w.state.status == wallet_status::paused);
    w.sign_off(6);
    REQUIRE(w.state.foreign.size() == 1);
    CHECK(w.state.next_nonce == 6);
    CHECK(w.due_words() == "receipts");
    // It stays listed, and is no alarm a second time.
    w.now += 10min;
    w.done_with("receipts", receipts_read{120, 6, {}});
    CHECK(w.state.status == wallet_status::ready);
    CHECK(code_of(w.send(release_transfer{"payout/A/1", "send it"})) == "out_of_order");
  };
  alarmed raised; // A version that the backup lacks: same call, other hash.
  stolen(raised);
  raised.explain(5, hash_of('2'), "", alarmed::sent(5));
  CHECK(raised.state.foreign[0].refusal == "it is just what payout/A/1 wants: settle that one by it");
  raised.explain(5, hash_of('2'), "payout/A/1", alarmed::sent(5));
  CHECK(raised.transfer("payout/A/1").status == transfer_status::confirmed);
  CHECK(raised.transfer("payout/A/1").old_hashes == hash_of('1'));

  alarmed foreign; // Really somebody else's: spec 5, way back (a).
  stolen(foreign);
  CHECK(foreign.transfer("payout/A/1").status == transfer_status::broadcast);
  foreign.explain(5, hash_of('3'), "payout/B/1", alarmed::sent(5, other));
  CHECK(foreign.state.foreign[0].refusal.find("the nonce belongs to payout/A/1") == 0);
  foreign.explain(5, hash_of('3'), "", alarmed::sent(5, other));
  CHECK(foreign.transfer("payout/A/1").status == transfer_status::dropped);
  CHECK(foreign.transfer("payout/A/1").reason.find(hash_of('3')) != std::string::npos);
  CHECK(foreign.due_words() == "");
  CHECK(std::holds_alternative<ok>(foreign.send(acknowledge_transfer{"payout/A/1"})));

  alarmed late; // The node had lagged behind: its receipt is there after all.
  stolen(late);
  late.done_with("receipts", receipts_read{120, 6, {{hash_of('1'), 110, false, 21'000, 11 * gwei}}});
  CHECK(late.transfer("payout/A/1").status == transfer_status::confirmed);
  CHECK(late.state.foreign[0].intent == "payout/A/1");
  late.ask("payout/B/1");
  CHECK(late.transfer("payout/B/1").held.empty());
}

TEST_CASE("a transfer that had a nonce in the backup, but no signature yet, is not signed under a nonce that is used") {
  alarmed w;
  w.ask("payout/A/1");
  w.weigh();
  w.done_with("quote", alarmed::quote(5));
  w.sign_and_send(hash_of('1'));
  w.ask("payout/B/1", other, eth("0.5"));
  w.weigh();
  w.done_with("quote", alarmed::quote(5));
  REQUIRE(w.transfer("payout/B/1").status == transfer_status::prepared);
  w.done_with("receipts", receipts_read{110, 7, {}});
  w.now += 2min;
  w.done_with("receipts", receipts_read{120, 7, {}});
  w.sign_off(7);
  CHECK(w.state.foreign.size() == 2);
  CHECK(w.due_words() == "receipts"); // Of A. B is neither signed nor sent.
  CHECK(code_of(w.send(release_transfer{"payout/B/1", "send it"})) == "out_of_order");
  w.explain(6, hash_of('b'), "payout/B/1", alarmed::sent(6, other, one_coin / 2));
  CHECK(w.transfer("payout/B/1").status == transfer_status::confirmed);
  CHECK(w.transfer("payout/B/1").raw.empty());
}

TEST_CASE("the ETH of pending accruals is never spent for anybody else, nor for gas") {
  alarmed w;
  w.ask("payout/A/1");
  const auto waits = [&](wallet_books_seen books, int128 balance) {
    w.weigh(books);
    w.done_with("quote", alarmed::quote(5, balance));
    CHECK(w.transfer("payout/A/1").status == transfer_status::queued);
    CHECK(w.state.next_nonce == 5);
    return w.state.alert;
  };
  const auto milli = one_coin / 1000;
  // 1 ETH is A's, 1.5 lie pending for others, and the float is gone: the chain has enough ETH, but not of A's and ours.
  CHECK(waits({5 * one_coin / 2, 5 * one_coin / 2, 0, 0}, 5 * one_coin / 2)
        == "gas float too low: 0 ETH beside the transfer and 1.5 ETH of others, 0.01 ETH wanted");
  CHECK(waits({5 * one_coin / 2, 5 * one_coin / 2, 0, 0}, 5 * one_coin / 2 + 9 * milli).find("gas float too low: 0.009 ETH") == 0);
  // A's own ETH never came: the others' would pay it.
  CHECK(waits({5 * one_coin / 2, 5 * one_coin / 2, 0, 0}, 3 * one_coin / 2 + 50 * milli).find("gas float too low: -0.95 ETH") == 0);
  // What the chain has more than the ledger is as much as is coming to owners; only beyond that it is a refill.
  const wallet_books_seen arriving{5 * one_coin / 2, 5 * one_coin / 2, 20 * milli, 0};
  CHECK(waits(arriving, 5 * one_coin / 2 + 25 * milli).find("gas float too low: 0.005 ETH") == 0);
  CHECK(w.state.gas_float == eth("0.005"));
  CHECK(waits({5 * one_coin, 5 * one_coin, 0, 0}, milli) == "balance too low: 1 ETH to send, 0.001 ETH free");
  w.weigh(arriving);
  w.done_with("quote", alarmed::quote(5, 5 * one_coin / 2 + 30 * milli));
  CHECK(w.transfer("payout/A/1").status == transfer_status::prepared);
  CHECK(w.state.alert.empty());
}

TEST_CASE("in flight: a transfer's value is not counted twice, before or after it is mined") {
  alarmed w;
  w.ask("payout/A/1");
  const wallet_books_seen books{5 * one_coin / 2 + one_coin / 50, 5 * one_coin / 2, 0, 0}; // A 1, B 0.5, others 1, ours 0.02.
  w.weigh(books);
  w.done_with("quote", alarmed::quote(5, books.ledger));
  w.sign_and_send(hash_of('1'));
  w.ask("payout/B/1", other, eth("0.5"));
  w.weigh(books);
  w.done_with("quote", alarmed::quote(5, books.ledger));
  CHECK(w.transfer("payout/B/1").nonce == 6);

  alarmed mined;
  mined.ask("payout/A/1");
  mined.weigh(books);
  mined.done_with("quote", alarmed::quote(5, books.ledger));
  mined.sign_and_send(hash_of('1'));
  mined.ask("payout/B/1", other, eth("0.5"));
  mined.weigh(books); // The ledger does not know yet that A is mined, the chain does.
  mined.done_with("quote", alarmed::quote(6, books.ledger - one_coin - 210'000 * gwei));
  CHECK(mined.transfer("payout/B/1").nonce == 6);
}

TEST_CASE("USDT of other owners is not sent either") {
  alarmed w;
  auto m = alarmed::wish("payout/A/1", owner, {});
  m.token = token;
  m.token_value = usdt_amount::of_units(50 * one_coin);
  w.send(m);
  w.weigh({3 * one_coin, 0, 0, 80 * one_coin});
  auto quote = alarmed::quote(5);
  quote.token_balance = 79'999'999;
  w.done_with("quote", quote);
  CHECK(w.state.alert == "token balance too low: 50 USDT to send, 79.999999 USDT free, 30 USDT of it of others");
  quote.token_balance = 80'000'000;
  w.done_with("quote", quote);
  CHECK(w.transfer("payout/A/1").nonce == 5);
}

TEST_CASE("the float's alert begins below the low mark and ends at the high one; transfers go on at the low one") {
  alarmed w;
  const auto pays = [&](const std::string& intent, const char* left) {
    w.ask(intent);
    w.weigh({0, 0, 0, 0});
    w.done_with("quote", alarmed::quote(static_cast<std::uint64_t>(w.state.next_nonce), one_coin + eth(left).units()));
    if (w.transfer(intent).nonce < 0) return false;
    w.sign_and_send(hash_of(intent[7]));
    w.done_with("receipts",
                receipts_read{200, static_cast<std::uint64_t>(w.state.next_nonce), {{hash_of(intent[7]), 150, false, 21'000, gwei}}});
    return true;
  };
  CHECK(pays("payout/a/1", "0.05"));
  CHECK(w.state.float_alert.empty());
  CHECK_FALSE(pays("payout/b/1", "0.0099"));
  CHECK(w.state.float_alert == "gas float too low: it was 0.0099 ETH, to be refilled to 0.1 ETH");
  w.done_with("quote", alarmed::quote(6, one_coin + eth("0.01").units()));
  CHECK(w.transfer("payout/b/1").nonce == 6);
  CHECK(w.state.alert.empty());
  CHECK_FALSE(w.state.float_alert.empty());
  CHECK(wallet_kind::stuck_after(w.state) == 0s);
  w.sign_and_send(hash_of('b'));
  w.done_with("receipts", receipts_read{200, 7, {{hash_of('b'), 150, false, 21'000, gwei}}});
  CHECK(pays("payout/c/1", "0.1"));
  CHECK(w.state.float_alert.empty());
}
