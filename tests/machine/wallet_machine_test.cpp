// Every (status, message) pair of a transfer and its wallet, the fee rules, and the pauses with what ends them.
#include <catch2/catch.hpp>

#include "actors/wallet/wallet_machine.hpp"

using namespace paygate;
using namespace std::chrono_literals;

namespace {

const timestamp now{std::chrono::seconds(1'800'000'000)};
const std::string us = "0x00000000000000000000000000000000000000aa", them = "0x00000000000000000000000000000000000000b0";
const entity_ref self{entity_kind::wallet, us};
constexpr int128 gwei = 1'000'000'000;

policy rules() {
  policy p;
  p.wallet_address = us;
  p.gas_float_low = eth_amount::of_units(one_coin / 100);
  return p;
}
verdict<wallet> apply(const wallet& w, const wallet_message& m, bool exists = true, timestamp at = now, policy r = rules()) {
  return wallet_kind::apply(w, exists, m, step_context{self, at, r});
}
decision<wallet> must(const verdict<wallet>& v) {
  REQUIRE(std::holds_alternative<decision<wallet>>(v));
  return std::get<decision<wallet>>(v);
}
decision<wallet> on(const wallet& w, const std::string& key, io_outcome outcome, timestamp at = now, policy r = rules()) {
  return must(apply(w, effect_done{key, std::move(outcome)}, true, at, r));
}
request_transfer wish(const std::string& intent = "payout/A/1") {
  return {intent, them, eth_amount::of_units(one_coin), "assets:swap:s1", now + 10min};
}
wallet ready() {
  const auto opened = must(apply({}, open_wallet{us}, false)).next;
  return on(opened, "open", wallet_seen{3 * one_coin, 5, 100}).next;
}
wallet queued() { return must(apply(ready(), wish())).next; }
chain_quote quote() { return {1, 5, 21'000, 10 * gwei, gwei, 3 * one_coin}; }
wallet prepared() { return on(queued(), "quote:payout/A/1", quote()).next; }
wallet signed_one() { return on(prepared(), "sign:payout/A/1:0", tx_signed{"0x02aa", "0xh1"}).next; }
wallet sent() { return on(signed_one(), "broadcast:payout/A/1:1", tx_broadcast{}).next; }
wallet raising() { return on(sent(), "reprice:payout/A/1:1", quote(), now + 61s).next; }
wallet raised() { return on(raising(), "sign:payout/A/1:1", tx_signed{"0x02bb", "0xh2"}, now + 62s).next; }
io_outcome in_block(const std::string& hash, std::uint64_t block, std::uint64_t head, bool reverted = false) {
  return receipts_read{head, 6, {{hash, block, reverted, 21'000, 11 * gwei}}};
}
io_outcome not_found(std::uint64_t nonce) { return receipts_read{110, nonce, {}}; }
const wallet_transfer& first(const wallet& w) { return w.transfers.at(0); }
bool owes(const wallet& w, const std::string& key, timestamp at = now) {
  for (const auto& e : wallet_kind::effects_due(w, self, at, rules()))
    if (e.key == key) return true;
  return false;
}
int128 posted(const decision<wallet>& d, const std::string& account) {
  int128 sum = 0;
  for (const auto& e : d.entries) {
    int128 zero = 0;
    for (const auto& p : e.postings) {
      zero += p.units;
      if (p.account == account) sum += p.units;
    }
    CHECK(zero == 0);
  }
  return sum;
}

} // namespace

TEST_CASE("a wallet opens under its own address and takes over nonce and balance") {
  CHECK(std::get<refused>(apply({}, open_wallet{them}, false)).code == refusal::invalid);
  CHECK(std::get<refused>(apply({}, wish(), false)).code == refusal::not_found);
  const auto opened = must(apply({}, open_wallet{us}, false)).next;
  CHECK(owes(opened, "open"));
  CHECK_FALSE(must(apply(opened, open_wallet{us})).changed);
  const auto d = on(opened, "open", wallet_seen{3 * one_coin, 5, 100});
  CHECK(d.next.status == wallet_status::ready);
  CHECK(d.next.next_nonce == 5);
  CHECK(d.entries.at(0).key == "wallet/" + us + "/opened");
  CHECK(posted(d, "assets:wallet") == 3 * one_coin);
  CHECK_FALSE(on(d.next, "open", wallet_seen{one_coin, 9, 100}).changed);
}

TEST_CASE("an intent is taken once; a repeat answers how far it is") {
  const auto d = must(apply(ready(), wish()));
  CHECK(std::get<transfer_view>(d.reply).status == "queued");
  REQUIRE(d.rows.size() == 1);
  for (const auto& w : {queued(), prepared(), signed_one(), sent(), raising()}) {
    const auto again = must(apply(w, wish()));
    CHECK_FALSE(again.changed);
    CHECK(again.rows.empty());
    CHECK(std::get<transfer_view>(again.reply).status == to_text(first(w).status));
  }
  auto other = wish();
  other.value = eth_amount::of_units(2);
  CHECK(std::get<refused>(apply(queued(), other)).code == refusal::conflict);
  for (auto change :
       {+[](request_transfer& m) { m.to = "0x1"; }, +[](request_transfer& m) { m.to = us; }, +[](request_transfer& m) { m.value = {}; },
        +[](request_transfer& m) { m.intent.clear(); }, +[](request_transfer& m) { m.debit.clear(); }}) {
    auto bad = wish();
    change(bad);
    CHECK(std::get<refused>(apply(ready(), bad)).code == refusal::invalid);
  }
}

TEST_CASE("from queued to broadcast: nonce, signature and bytes are stored before they are used") {
  auto w = queued();
  CHECK(owes(w, "quote:payout/A/1"));
  CHECK_FALSE(owes(w, "sign:payout/A/1:0"));
  w = prepared();
  CHECK(first(w).nonce == 5);
  CHECK(w.next_nonce == 6);
  CHECK(first(w).max_fee == 21 * gwei);
  CHECK(owes(w, "sign:payout/A/1:0"));
  CHECK_FALSE(owes(w, "quote:payout/A/1"));
  w = signed_one();
  CHECK(first(w).status == transfer_status::signed_tx);
  CHECK(owes(w, "broadcast:payout/A/1:1"));
  CHECK_FALSE(owes(w, "sign:payout/A/1:0"));
  CHECK_FALSE(on(w, "sign:payout/A/1:0", tx_signed{"0x02cc", "0xother"}).changed);
  w = sent();
  CHECK(first(w).status == transfer_status::broadcast);
  for (const auto* key : {"rebroadcast:payout/A/1:1", "reprice:payout/A/1:1", "receipts:payout/A/1"}) CHECK(owes(w, key));
}

TEST_CASE("one transfer at a time between nonce and broadcast, several afterwards") {
  auto two = must(apply(queued(), wish("payout/B/1"), true, now + 1s)).next;
  CHECK(owes(two, "quote:payout/A/1"));
  CHECK_FALSE(owes(two, "quote:payout/B/1"));
  CHECK_FALSE(on(two, "quote:payout/B/1", quote()).changed);
  two = on(two, "quote:payout/A/1", quote()).next;
  CHECK_FALSE(owes(two, "quote:payout/B/1"));
  two = on(two, "sign:payout/A/1:0", tx_signed{"0x02aa", "0xh1"}).next;
  CHECK_FALSE(owes(two, "quote:payout/B/1"));
  two = on(two, "broadcast:payout/A/1:1", tx_broadcast{}).next;
  CHECK(owes(two, "quote:payout/B/1"));
  // What is under way is not free: 3 - 1 - 1 leaves one, less gas, which the second one's gas float does not fit into.
  auto poor = quote();
  poor.balance = 2 * one_coin;
  CHECK(on(two, "quote:payout/B/1", poor).next.alert.find("balance too low") == 0);
  // Mined already by the node's own word: then the balance is without it.
  poor.latest_nonce = 6;
  poor.balance = 2 * one_coin;
  CHECK(on(two, "quote:payout/B/1", poor).next.transfers.at(1).nonce == 6);
}

TEST_CASE("what keeps a transfer waiting, and says so") {
  const auto with = [](auto change) {
    auto q = quote();
    change(q);
    return on(queued(), "quote:payout/A/1", q, now, [] {
      auto r = rules();
      r.max_fee_wei = 30 * gwei;
      return r;
    }());
  };
  struct row {
    const char* alert;
    decision<wallet> d;
  };
  for (const auto& r : {row{"balance too low: 1 ETH to send, 0.5 ETH free", with([](auto& q) { q.balance = one_coin / 2; })},
                        row{"gas float too low: 0.001 ETH beside", with([](auto& q) { q.balance = one_coin + one_coin / 1000; })},
                        row{"fee cap", with([](auto& q) { q.base_fee = 30 * gwei; })},
                        row{"the node speaks for chain 5", with([](auto& q) { q.chain_id = 5; })},
                        row{"the node is behind", with([](auto& q) { q.latest_nonce = 4; })}}) {
    INFO(r.alert << " / " << r.d.next.alert);
    CHECK(r.d.next.alert.find(r.alert) == 0);
    CHECK(first(r.d.next).status == transfer_status::queued);
    CHECK(r.d.next.next_nonce == 5);
    CHECK(std::get<transfer_view>(must(apply(r.d.next, wish())).reply).alert == r.d.next.alert);
    CHECK(wallet_kind::stuck_after(r.d.next) == 0s);
    // Refilled, or the market calmed: it goes on by itself.
    const auto on_again = on(r.d.next, "quote:payout/A/1", quote()).next;
    CHECK(first(on_again).status == transfer_status::prepared);
    CHECK(on_again.alert.empty());
  }
  CHECK_FALSE(with([](auto& q) { q.gas_limit = 0; }).changed);
}

TEST_CASE("a nonce ahead of ours pauses the wallet: nothing is signed") {
  auto q = quote();
  q.latest_nonce = 6;
  const auto d = on(queued(), "quote:payout/A/1", q);
  CHECK(d.next.status == wallet_status::paused);
  CHECK(d.next.alert.find("is ahead of ours") != std::string::npos);
  CHECK(wallet_kind::effects_due(d.next, self, now, rules()).empty());
  CHECK_FALSE(on(d.next, "quote:payout/A/1", quote()).changed);
  CHECK(std::get<transfer_view>(must(apply(d.next, wish("payout/B/1"))).reply).status == "queued");
}

TEST_CASE("what is never signed is dropped for ever, and does not keep the others waiting") {
  const auto late = must(apply(queued(), wish(), true, now + 11min));
  CHECK(std::get<transfer_view>(late.reply).status == "dropped");
  CHECK(on(queued(), "quote:payout/A/1", quote(), now + 11min).next.transfers.at(0).status == transfer_status::dropped);
  const auto reverts = on(queued(), "quote:payout/A/1", io_failure{fault::permanent, "reverted", "no ETH here", std::nullopt}).next;
  CHECK(first(reverts).status == transfer_status::dropped);
  CHECK(first(reverts).reason.find("no ETH here") != std::string::npos);
  for (const auto* key : {"quote:payout/A/1", "sign:payout/A/1:0"}) {
    CHECK_FALSE(owes(reverts, key));
    CHECK_FALSE(on(reverts, key, quote()).changed);
    CHECK_FALSE(on(reverts, key, tx_signed{"0x02aa", "0xh1"}).changed);
  }
  // With a nonce it is not dropped any more, however late.
  CHECK(first(must(apply(prepared(), wish(), true, now + 1h)).next).status == transfer_status::prepared);
  const auto node = on(queued(), "quote:payout/A/1", io_failure{fault::permanent, "method_not_found", "no", std::nullopt}).next;
  CHECK(first(node).status == transfer_status::queued);
}

TEST_CASE("answers to a broadcast") {
  struct row {
    broadcast_answer answer;
    transfer_status to;
    bool alert;
  };
  for (const auto& r : {row{broadcast_answer::accepted, transfer_status::broadcast, false},
                        row{broadcast_answer::nonce_too_low, transfer_status::broadcast, false},
                        row{broadcast_answer::underpriced, transfer_status::broadcast, false},
                        row{broadcast_answer::insufficient_funds, transfer_status::signed_tx, true}}) {
    const auto d = on(signed_one(), "broadcast:payout/A/1:1", tx_broadcast{r.answer});
    CHECK(first(d.next).status == r.to);
    CHECK(first(d.next).nonce == 5);
    CHECK(first(d.next).hash == "0xh1");
    CHECK(d.next.alert.empty() != r.alert);
    CHECK_FALSE(on(d.next, r.alert ? "broadcast:payout/A/1:1" : "rebroadcast:payout/A/1:1", tx_broadcast{r.answer}).changed);
  }
}

TEST_CASE("fees are raised by at least an eighth, under the cap, and the old version is not forgotten") {
  CHECK(first_fees(quote(), 0) == gas_fees{21 * gwei, gwei});
  CHECK(first_fees(quote(), 15 * gwei) == gas_fees{15 * gwei, gwei});
  CHECK_FALSE(first_fees(quote(), 10 * gwei));
  CHECK(raised_fees({1000, 100}, {}, 0) == gas_fees{1125, 113});
  CHECK(raised_fees({1000, 0}, {}, 0)->priority_fee == 1);
  CHECK(raised_fees({21 * gwei, gwei}, {1, 5, 21'000, 40 * gwei, 3 * gwei, 0}, 0) == gas_fees{83 * gwei, 3 * gwei});
  CHECK_FALSE(raised_fees({1000, 100}, {}, 1124));
  CHECK_FALSE(raised_fees({1000, 990}, {}, 1125)->priority_fee < 1114);
  auto w = raising();
  CHECK(first(w).raising);
  CHECK(first(w).hash == "0xh1");
  CHECK(owes(w, "sign:payout/A/1:1"));
  CHECK(owes(w, "rebroadcast:payout/A/1:1"));
  CHECK_FALSE(owes(w, "reprice:payout/A/1:1"));
  w = raised();
  CHECK(hashes_of(first(w)) == std::vector<std::string>{"0xh1", "0xh2"});
  CHECK(first(w).nonce == 5);
  CHECK(owes(w, "broadcast:payout/A/1:2"));
  CHECK_FALSE(on(w, "broadcast:payout/A/1:1", tx_broadcast{}).changed);
}

TEST_CASE("only depth in the chain settles, whichever version was mined") {
  CHECK_FALSE(first(on(sent(), "receipts:payout/A/1", in_block("0xh1", 110, 110)).next).status == transfer_status::confirmed);
  CHECK_FALSE(first(on(sent(), "receipts:payout/A/1", in_block("0xh1", 111, 110)).next).status == transfer_status::confirmed);
  CHECK_FALSE(on(sent(), "receipts:payout/A/1", not_found(5)).changed);
  auto seen = on(sent(), "receipts:payout/A/1", in_block("0xh1", 110, 110)).next;
  CHECK_FALSE(owes(seen, "rebroadcast:payout/A/1:1"));
  // A reorg takes it out again: it is broadcast on.
  seen = on(seen, "receipts:payout/A/1", not_found(5)).next;
  CHECK(owes(seen, "rebroadcast:payout/A/1:1"));
  for (const auto* hash : {"0xh1", "0xh2"}) {
    const auto d = on(raised(), "receipts:payout/A/1", in_block(hash, 110, 111));
    CHECK(first(d.next).status == transfer_status::confirmed);
    CHECK(first(d.next).hash == hash);
    CHECK(posted(d, "assets:wallet") == -(one_coin + 231'000 * gwei));
    CHECK(posted(d, "assets:swap:s1") == one_coin);
    CHECK(posted(d, "expense:gas") == 231'000 * gwei);
    CHECK_FALSE(on(d.next, "receipts:payout/A/1", in_block(hash, 110, 111)).changed);
    CHECK(wallet_kind::effects_due(d.next, self, now, rules()).empty());
  }
  const auto reverted = on(sent(), "receipts:payout/A/1", in_block("0xh1", 110, 111, true));
  CHECK(first(reverted.next).status == transfer_status::reverted);
  CHECK(posted(reverted, "assets:wallet") == -231'000 * gwei);
  CHECK(posted(reverted, "assets:swap:s1") == 0);
  // Signed, sent, and the node died before it could say so: the receipts find it all the same.
  CHECK(first(on(signed_one(), "receipts:payout/A/1", in_block("0xh1", 110, 111)).next).status == transfer_status::confirmed);
}

TEST_CASE("a nonce used by a stranger pauses the wallet, but only when it stays so") {
  const auto missing = on(sent(), "receipts:payout/A/1", not_found(6)).next;
  CHECK(missing.status == wallet_status::ready);
  CHECK_FALSE(owes(missing, "reprice:payout/A/1:1"));
  CHECK_FALSE(on(missing, "receipts:payout/A/1", not_found(6), now + 119s).changed);
  const auto paused = on(missing, "receipts:payout/A/1", not_found(6), now + 120s);
  CHECK(paused.next.status == wallet_status::paused);
  CHECK(first(paused.next).nonce == 5);
  CHECK(owes(paused.next, "receipts:payout/A/1"));
  CHECK_FALSE(owes(paused.next, "rebroadcast:payout/A/1:1"));
  const auto found = on(paused.next, "receipts:payout/A/1", in_block("0xh1", 110, 110), now + 10min).next;
  CHECK(found.status == wallet_status::ready);
  CHECK(found.alert.empty());
}

TEST_CASE("an acknowledged transfer is remembered for a while, so that a late question finds it") {
  CHECK(std::get<refused>(apply(sent(), acknowledge_transfer{"payout/A/1"})).code == refusal::out_of_order);
  CHECK_FALSE(must(apply(sent(), acknowledge_transfer{"unknown"})).changed);
  const auto confirmed = on(sent(), "receipts:payout/A/1", in_block("0xh1", 110, 111)).next;
  const auto told = must(apply(confirmed, acknowledge_transfer{"payout/A/1"}));
  REQUIRE(told.rows.size() == 1);
  CHECK(std::get<wallet_transfer>(told.rows[0]).acknowledged_at == now);
  CHECK_FALSE(must(apply(told.next, acknowledge_transfer{"payout/A/1"}, true, now + 1s)).changed);
  CHECK(std::get<transfer_view>(must(apply(told.next, wish(), true, now + 1min)).reply).status == "confirmed");
  const auto later = must(apply(told.next, wish("payout/B/1"), true, now + 11min));
  REQUIRE(later.next.transfers.size() == 1);
  CHECK(first(later.next).intent == "payout/B/1");
  CHECK(later.rows.size() == 1);
}

TEST_CASE("USDT that is found at the opening is posted as ETH is") {
  const auto opening = must(apply({}, open_wallet{us}, false)).next;
  auto with_usdt = rules();
  with_usdt.usdt_contract = them;
  bool asked = false;
  for (const auto& e : wallet_kind::effects_due(opening, self, now, with_usdt))
    asked |= std::get<io_request>(e.request) == io_request(get_wallet{us, them});
  CHECK(asked);
  const auto d = on(opening, "open", wallet_seen{3, 5, 100, 2'500'000});
  REQUIRE(d.entries.size() == 1);
  const std::vector<posting> wanted{{"assets:wallet", "eth", 3},
                                    {"equity:float", "eth", -3},
                                    {"assets:wallet", "usdt", 5 * one_coin / 2},
                                    {"equity:float", "usdt", -5 * one_coin / 2}};
  CHECK(d.entries[0].postings == wanted);
  CHECK(on(opening, "open", wallet_seen{0, 5, 100, 0}).entries.empty());
}

TEST_CASE("a correction is booked once per key, against the platform's accounts only") {
  const book_correction refill{"exception/7", "eth", one_coin, "equity:float", "gas float refilled by hand"};
  const auto d = must(apply(ready(), refill));
  REQUIRE(d.entries.size() == 1);
  CHECK(d.entries[0].key == "wallet/" + us + "/correction/exception/7");
  CHECK(d.entries[0].reason == refill.reason);
  CHECK(posted(d, "assets:wallet") == one_coin);
  CHECK(posted(d, "equity:float") == -one_coin);
  REQUIRE(d.rows.size() == 1);
  CHECK(std::get<wallet_correction>(d.rows[0]) == d.next.corrections.at(0));
  CHECK(d.next.corrections.at(0).booked_at == now);
  CHECK(d.next.next_nonce == ready().next_nonce);

  // Repeated for ever: nothing. The same key for something else: refused.
  auto again = refill;
  again.reason = "said in other words";
  CHECK_FALSE(must(apply(d.next, again, true, now + 10000h)).changed);
  for (auto change : {+[](book_correction& m) { m.units += 1; }, +[](book_correction& m) { m.counter_account = "expense:gas"; },
                      +[](book_correction& m) { m.currency = "usdt"; }}) {
    auto other = refill;
    change(other);
    CHECK(std::get<refused>(apply(d.next, other)).code == refusal::conflict);
  }
  // A transfer by hand takes away; a deposit of nobody waits for its owner.
  CHECK(posted(must(apply(d.next, book_correction{"2", "usdt", -one_coin / 1'000'000, "expense:loss", "sent by hand"})), "assets:wallet")
        == -one_coin / 1'000'000);
  CHECK(posted(must(apply(d.next, book_correction{"3", "eth", 5, "liability:unattributed", "from nobody"})), "liability:unattributed")
        == -5);

  for (auto change : {+[](book_correction& m) { m.key.clear(); }, +[](book_correction& m) { m.key = "a b"; },
                      +[](book_correction& m) { m.reason.clear(); }, +[](book_correction& m) { m.units = 0; },
                      +[](book_correction& m) { m.currency = "btc"; }, +[](book_correction& m) { m.currency = "usdt", m.units = 1; },
                      +[](book_correction& m) { m.counter_account = "owner:-100:available"; },
                      +[](book_correction& m) { m.counter_account = "assets:wallet"; },
                      +[](book_correction& m) { m.counter_account = "assets:incoming"; }}) {
    auto bad = refill;
    change(bad);
    CHECK(std::get<refused>(apply(ready(), bad)).code == refusal::invalid);
  }
  CHECK(std::get<refused>(apply(must(apply({}, open_wallet{us}, false)).next, refill)).code == refusal::unavailable);
  CHECK(std::get<refused>(apply({}, refill, false)).code == refusal::not_found);
}
