// Every (status, message) pair of a payout, and what each outcome does to it. Rows name the status they begin in and the one they end in.
#include <catch2/catch.hpp>

#include "actors/payout/payout_machine.hpp"
#include "actors/payout/payout_texts.hpp"

using namespace paygate;
using namespace std::chrono_literals;

namespace {

const timestamp now{std::chrono::seconds(1'800'000'000)};
const entity_ref self{entity_kind::payout, "01JPAY"};
const std::string owner = "0x00000000000000000000000000000000000000b0", payin = "0x00000000000000000000000000000000000000c0";
const int128 source = one_coin / 10 + 123; // 123 wei beyond 8 decimals.
const int128 asked = one_coin / 10;

policy rules() {
  policy p;
  p.wallet_address = "0x00000000000000000000000000000000000000aa";
  return p;
}

request_payout request(asset target = {"xmr", "xmr"}) {
  return {-100, 7, "01JPAY", target, owner, "", eth_amount::of_units(source), usd_amount::of_units(200 * one_coin)};
}

verdict<payout> apply(const payout& p, const payout_message& m, bool exists = true, timestamp at = now, policy r = rules()) {
  return payout_kind::apply(p, exists, m, step_context{self, at, r});
}
decision<payout> must(const verdict<payout>& v) {
  REQUIRE(std::holds_alternative<decision<payout>>(v));
  return std::get<decision<payout>>(v);
}
decision<payout> on(const payout& p, const std::string& key, decltype(effect_done::outcome) outcome, timestamp at = now) {
  return must(apply(p, effect_done{key, std::move(outcome)}, true, at));
}
io_outcome refusal_of(const std::string& code) { return io_failure{fault::permanent, code, "words of <theirs>", std::nullopt}; }
io_outcome swap_seen(swap_status s, timestamp valid_until = now + 20min) {
  return swap_state{"s1", s, std::nullopt, std::nullopt, valid_until, "", s == swap_status::finished ? "0xout" : "", "", std::nullopt};
}
entity_reply view(const std::string& status) { return transfer_view{status, "0xtx", 4, 21000, eth_amount::of_units(42), "why"}; }

/// A payout in the status, with all that belongs to it.
payout at(payout_status status) {
  auto p = must(apply({}, request(), false)).next;
  p.status = status;
  if (status == payout_status::estimating) return p;
  if (status >= payout_status::swapping && status != payout_status::failed && status != payout_status::cancelled) {
    p.rate_id = "r1";
    p.quoted_at = now;
    p.valid_until = now + 20min;
    p.quoted_amount = 300 * one_coin;
    p.deposit_fee = one_coin / 1000;
  }
  if (status >= payout_status::funding && status != payout_status::failed && status != payout_status::cancelled) {
    p.swap_tries = 1;
    p.swap_id = "s1";
    p.payin_address = payin;
    p.funded = eth_amount::of_units(asked);
  }
  if (status == payout_status::confirming || status == payout_status::exchanging || status == payout_status::completed) {
    p.funding_released = true;
    p.wallet_address = rules().wallet_address;
    p.tx_hash = "0xtx";
    p.provider_status = swap_status::waiting;
  }
  return p;
}
payout released() {
  auto p = at(payout_status::funding);
  p.funding_released = true;
  p.wallet_address = rules().wallet_address;
  p.provider_status = swap_status::waiting;
  return p;
}
int128 posted(const decision<payout>& d, const std::string& account) {
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
template <class Row>
const Row* row_of(const decision<payout>& d) {
  for (const auto& r : d.rows)
    if (auto* found = std::get_if<Row>(&r)) return found;
  return nullptr;
}
const effect* due(const std::vector<effect>& all, const std::string& key) {
  for (const auto& e : all)
    if (e.key == key) return &e;
  return nullptr;
}
std::vector<effect> effects(const payout& p) { return payout_kind::effects_due(p, self, now, rules()); }

} // namespace

TEST_CASE("a request holds the money once, and a repeat is the first") {
  const auto first = must(apply({}, request(), false));
  CHECK(first.next.status == payout_status::requested);
  CHECK(posted(first, "owner:-100:available") == source);
  CHECK(posted(first, "owner:-100:held") == -source);
  CHECK(first.entries.at(0).key == "payout/01JPAY/held");
  const auto again = must(apply(first.next, request()));
  CHECK_FALSE(again.changed);
  CHECK(again.entries.empty());
  auto other = request();
  other.source = eth_amount::of_units(1);
  CHECK(std::get<refused>(apply(first.next, other)).code == refusal::conflict);
  other.source = {};
  CHECK(std::get<refused>(apply({}, other, false)).code == refusal::invalid);
  // Its owner may be paid elsewhere since then.
  auto moved = request({"usdt", "eth"});
  moved.address = "elsewhere";
  moved.extra_id = "7";
  CHECK_FALSE(must(apply(first.next, moved)).changed);
  moved.refund = true;
  CHECK(std::get<refused>(apply(first.next, moved)).code == refusal::conflict);
}

TEST_CASE("above the limit it waits for the operator") {
  auto r = rules();
  r.payout_max = usd_amount::of_units(100 * one_coin);
  const auto waiting = must(apply({}, request(), false, now, r)).next;
  CHECK(waiting.status == payout_status::awaiting_approval);
  CHECK(effects(waiting).empty());
  const auto approved = must(apply(waiting, approve_payout{"known owner"}, true, now, r));
  CHECK(approved.next.status == payout_status::requested);
  CHECK_FALSE(must(apply(approved.next, approve_payout{"again"})).changed);
}

TEST_CASE("ETH on its own chain needs no swap") {
  const auto p = must(apply({}, request({"eth", "eth"}), false)).next;
  CHECK(p.status == payout_status::funding);
  CHECK(p.funding_released);
  const auto all = effects(p);
  REQUIRE(all.size() == 1);
  const auto& ask = std::get<ask_entity>(all[0].request);
  CHECK(ask.to == entity_ref{entity_kind::wallet, rules().wallet_address});
  const auto& transfer = std::get<request_transfer>(std::get<wallet_message>(ask.message));
  CHECK(transfer == request_transfer{"payout/01JPAY/0", owner, eth_amount::of_units(source), "owner:-100:held", std::nullopt});
  const auto done = on(p, all[0].key, view("confirmed"));
  CHECK(done.next.status == payout_status::completed);
  CHECK(done.next.payout_hash == "0xtx");
  CHECK(done.entries.empty());
  CHECK(row_of<accrual_closed>(done)->status == accrual_status::paid);
  const auto bad = [] {
    auto m = request({"eth", "eth"});
    m.address = "0xnonsense";
    return must(apply({}, m, false));
  }();
  CHECK(bad.next.status == payout_status::failed);
  CHECK(posted(bad, "owner:-100:held") == 0);
  CHECK(on(p, all[0].key, view("dropped")).next.status == payout_status::failed);
}

TEST_CASE("what the outcomes before the release lead to") {
  using s = payout_status;
  const swap_estimate quote{"r1", now + 20min, asked, 300 * one_coin, one_coin / 1000, 0};
  const swap_created swap{"s1", payin, "", asked, 300 * one_coin};
  const auto changed = [](auto value, auto change) { return change(value), io_outcome(value); };
  struct row {
    s from;
    std::string key;
    io_outcome outcome;
    s to;
  };
  for (const auto& r : {
           row{s::requested, "range", swap_range{asked, std::nullopt}, s::estimating},
           row{s::requested, "range", swap_range{asked + 1, std::nullopt}, s::cancelled},
           row{s::requested, "range", swap_range{1, asked - 1}, s::failed},
           row{s::requested, "range", refusal_of("out_of_range"), s::cancelled},
           row{s::requested, "range", refusal_of("pair_is_inactive"), s::requested},
           row{s::requested, "range", refusal_of("invalid_api_key"), s::requested},
           row{s::requested, "estimate:0", quote, s::requested},
           row{s::estimating, "estimate:0", quote, s::swapping},
           row{s::estimating, "estimate:1", quote, s::estimating},
           row{s::estimating, "range", swap_range{asked + 1, std::nullopt}, s::estimating},
           row{s::estimating, "estimate:0", changed(quote, [](auto& q) { q.rate_id.clear(); }), s::estimating},
           row{s::estimating, "estimate:0", changed(quote, [](auto& q) { q.from_amount += 1; }), s::estimating},
           row{s::estimating, "estimate:0", changed(quote, [](auto& q) { q.valid_until = now; }), s::estimating},
           row{s::estimating, "estimate:0", refusal_of("deposit_too_small"), s::cancelled},
           row{s::estimating, "estimate:0", refusal_of("not_valid_address"), s::failed},
           row{s::swapping, "swap:0", swap, s::funding},
           row{s::swapping, "swap:1", swap, s::swapping},
           row{s::swapping, "swap:0", changed(swap, [](auto& x) { x.from_amount -= 1; }), s::estimating},
           row{s::swapping, "swap:0", changed(swap, [](auto& x) { x.payin_address = "addr1"; }), s::estimating},
           row{s::swapping, "swap:0", changed(swap, [](auto& x) { x.to_amount /= 2; }), s::estimating},
           row{s::swapping, "swap:0", changed(swap, [](auto& x) { x.payin_extra_id = "memo"; }), s::needs_attention},
           row{s::swapping, "swap:0", refusal_of("not_valid_address"), s::failed},
           row{s::funding, "expect:s1", swap_seen(swap_status::new_swap), s::funding},
           row{s::funding, "expect:s1", swap_seen(swap_status::expired), s::estimating},
           row{s::funding, "expect:s1", swap_seen(swap_status::failed), s::estimating},
           row{s::funding, "expect:s1", swap_seen(swap_status::confirming), s::needs_attention},
           row{s::funding, "expect:s1", swap_seen(swap_status::waiting, now - 1s), s::estimating},
           row{s::funding, "expect:s1", refusal_of("not_valid_params"), s::estimating},
           row{s::cancelled, "swap:0", swap, s::cancelled},
           row{s::failed, "estimate:0", quote, s::failed},
       }) {
    INFO(to_text(r.from) << " " << r.key << " " << name_of(r.outcome));
    const auto d = on(at(r.from), r.key, r.outcome);
    CHECK(to_text(d.next.status) == to_text(r.to));
    CHECK_FALSE(d.next.funding_released);
    const bool back = d.next.status != r.from && (r.to == s::failed || r.to == s::cancelled);
    CHECK(posted(d, "owner:-100:available") == (back ? -source : 0));
    CHECK((row_of<accrual_closed>(d) != nullptr) == back);
    CHECK((row_of<failure_listed>(d) != nullptr) == (d.next.status != r.from && (r.to == s::failed || r.to == s::needs_attention)));
    if (r.to == s::estimating && r.from >= s::swapping) CHECK(d.next.swap_id.empty());
  }
}

TEST_CASE("a pair that stays inactive is given up after ten minutes, a provider that ran out of tries is handed over") {
  const auto first = on(at(payout_status::requested), "range", refusal_of("pair_is_inactive")).next;
  CHECK(on(first, "range", refusal_of("pair_is_inactive"), now + 9min).next.status == payout_status::requested);
  CHECK(on(first, "range", refusal_of("pair_is_inactive"), now + 10min).next.status == payout_status::failed);
  auto last = at(payout_status::funding);
  last.swap_tries = rules().swap_tries_max;
  const auto d = on(last, "expect:s1", swap_seen(swap_status::expired));
  CHECK(d.next.status == payout_status::needs_attention);
  CHECK(must(apply(d.next, cancel_payout{"operator"})).next.status == payout_status::cancelled);
}

TEST_CASE("the money is released only while enough of the rate's life is left") {
  struct row {
    std::chrono::minutes after;
    bool released;
  };
  for (const auto& r : {row{0min, true}, row{15min, true}, row{16min, false}, row{21min, false}}) {
    const auto d = on(at(payout_status::funding), "expect:s1", swap_seen(swap_status::waiting), now + r.after);
    CHECK(d.next.funding_released == r.released);
    CHECK((d.next.status == payout_status::funding) == r.released);
  }
  const auto p = on(at(payout_status::funding), "expect:s1", swap_seen(swap_status::waiting)).next;
  const auto all = effects(p);
  const auto* effect = due(all, "transfer:payout/01JPAY/1");
  REQUIRE(effect);
  const auto& asked_for = std::get<request_transfer>(std::get<wallet_message>(std::get<ask_entity>(effect->request).message));
  CHECK(asked_for.intent == "payout/01JPAY/1");
  CHECK(asked_for.to == payin);
  CHECK(asked_for.value.units() == asked);
  CHECK(asked_for.debit == "assets:swap:s1");
  REQUIRE(asked_for.sign_before);
  CHECK(to_text(*asked_for.sign_before) == to_text(now + 20min - 150s));
}

TEST_CASE("after the release nothing leads back but the wallet's word that it never signed") {
  using s = payout_status;
  const std::string key = "transfer:payout/01JPAY/1";
  struct row {
    std::string status;
    s to;
    bool released;
  };
  for (const auto& r :
       {row{"queued", s::funding, true}, row{"prepared", s::funding, true}, row{"signed", s::funding, true},
        row{"broadcast", s::confirming, true}, row{"confirmed", s::exchanging, true}, row{"reverted", s::needs_attention, true},
        row{"dropped", s::estimating, false}, row{"nonsense", s::funding, true}}) {
    INFO(r.status);
    const auto d = on(released(), key, view(r.status));
    CHECK(to_text(d.next.status) == to_text(r.to));
    CHECK(d.next.funding_released == r.released);
    CHECK(d.entries.empty());
    const bool settled = r.status == "confirmed" || r.status == "reverted" || r.status == "dropped";
    CHECK(d.next.settled_intent == (settled ? "payout/01JPAY/1" : ""));
    CHECK((due(effects(d.next), "ack:payout/01JPAY/1") != nullptr) == settled);
  }
  CHECK(on(released(), key, refused{refusal::conflict, "other"}).next.status == s::needs_attention);
  CHECK(on(released(), key, refused{refusal::not_found, "not open"}).next.status == s::funding);
  // Late answers of an earlier stage change nothing.
  for (const auto status : {s::confirming, s::exchanging, s::completed})
    for (const auto* late : {"expect:s1", "swap:0", "estimate:0", "estimate:1", "range"})
      for (const auto& outcome : {swap_seen(swap_status::expired), refusal_of("out_of_range")})
        CHECK_FALSE(on(at(status), late, outcome).changed);
  for (const auto late : {"queued", "broadcast", "dropped", "reverted"}) CHECK_FALSE(on(at(s::exchanging), key, view(late)).changed);
  for (const auto status : {s::confirming, s::exchanging, s::completed, s::failed})
    CHECK(std::get<refused>(apply(at(status), cancel_payout{"x"})).code == refusal::out_of_order);
  CHECK(std::get<refused>(apply(released(), cancel_payout{"x"})).code == refusal::out_of_order);
}

TEST_CASE("the swap is followed to its end") {
  using s = payout_status;
  struct row {
    swap_status seen;
    s to;
    bool listed;
  };
  for (const auto& r : {row{swap_status::waiting, s::exchanging, false}, row{swap_status::confirming, s::exchanging, false},
                        row{swap_status::sending, s::exchanging, false}, row{swap_status::finished, s::completed, false},
                        row{swap_status::failed, s::needs_attention, true}, row{swap_status::refunded, s::refunding, false},
                        row{swap_status::verifying, s::needs_attention, true}, row{swap_status::expired, s::needs_attention, true}}) {
    INFO(to_text(r.seen));
    const auto d = on(at(s::exchanging), "follow:s1", swap_seen(r.seen));
    CHECK(to_text(d.next.status) == to_text(r.to));
    CHECK((row_of<failure_listed>(d) != nullptr) == r.listed);
    CHECK(d.next.funding_released);
    CHECK(posted(d, "owner:-100:held") == (r.to == s::completed ? source : 0));
    CHECK(posted(d, "assets:swap:s1") == (r.to == s::completed ? -asked : 0));
    CHECK(posted(d, "owner:-100:available") == (r.to == s::completed ? -(source - asked) : 0));
  }
  // A hold that ends well is still honoured; the end is told.
  auto hold = on(at(s::exchanging), "follow:s1", swap_seen(swap_status::verifying)).next;
  hold.end_told_at = now;
  REQUIRE(due(effects(hold), "follow:s1"));
  CHECK_FALSE(on(hold, "follow:s1", swap_seen(swap_status::waiting)).changed);
  const auto done = on(hold, "follow:s1", swap_seen(swap_status::finished)).next;
  CHECK(done.status == s::completed);
  CHECK(due(effects(done), "tell_end:completed"));
  CHECK(on(at(s::exchanging), "follow:s1", refusal_of("not_valid_params")).next.status == s::exchanging);
  // "Finished" without a hash is believed the second time.
  auto bare = std::get<swap_state>(swap_seen(swap_status::finished));
  bare.payout_hash.clear();
  const auto once = on(at(s::exchanging), "follow:s1", io_outcome(bare)).next;
  CHECK(once.status == s::exchanging);
  CHECK(on(once, "follow:s1", io_outcome(bare)).next.status == s::completed);
}

TEST_CASE("operators may cancel until the release, and the money is back at once") {
  using s = payout_status;
  for (const auto status : {s::requested, s::awaiting_approval, s::estimating, s::swapping, s::funding}) {
    const auto d = must(apply(at(status), cancel_payout{"owner asked"}));
    CHECK(d.next.status == s::cancelled);
    CHECK(posted(d, "owner:-100:available") == -source);
    CHECK_FALSE(must(apply(d.next, cancel_payout{"again"})).changed);
    CHECK(effects(d.next).empty());
  }
  for (const auto& m :
       {payout_message(approve_payout{}), payout_message(cancel_payout{}), payout_message(effect_done{"range", io_outcome{}})})
    CHECK(std::get<refused>(apply({}, m, false)).code == refusal::not_found);
}

TEST_CASE("owners are told once, escaped, and a blocked chat is no obstacle") {
  auto p = at(payout_status::confirming);
  REQUIRE(due(effects(p), "tell_sent"));
  p = on(p, "tell_sent", io_outcome(message_sent{1})).next;
  CHECK_FALSE(due(effects(p), "tell_sent"));
  auto failed = at(payout_status::failed);
  failed.reason = "words of <theirs>";
  const auto text = payout_texts::ended(failed, self);
  CHECK(text.find("words of &lt;theirs&gt;") != text.npos);
  CHECK(text.find("$200.00") != text.npos);
  CHECK_FALSE(due(effects(on(failed, "tell_end:failed", refusal_of("403")).next), "tell_end:failed"));
  failed.owner_chat_id = 0;
  CHECK(effects(failed).empty());
}
