#include <catch2/catch.hpp>

#include <caf/all.hpp>

#include "persistence/queries.hpp"
#include "tests/store/store_support.hpp"

using namespace paygate;
using namespace paygate::test;

namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

step_record waking(const store& db, entity_kind kind, const std::string& id, std::int64_t micros, const std::string& quarantine = "") {
  auto step = db.step_for(kind, id, 1, filled_snapshot(kind, id));
  step.header.wake_at = at_micros(micros);
  step.header.quarantine = quarantine;
  return step;
}

std::string names(const wake_list& list) {
  std::string text;
  for (const auto& ref : list.refs) text += to_text(ref) + " ";
  return text;
}

} // namespace

TEST_CASE("the wake scan finds what is due, in order, and loses nobody between two scans") {
  store db(new_database());
  REQUIRE(db.commit(waking(db, entity_kind::payment, "a", 1'000)).error == "");
  REQUIRE(db.commit(waking(db, entity_kind::subscription, "b", 2'000)).error == "");
  REQUIRE(db.commit(waking(db, entity_kind::payout, "c", 2'000)).error == "");
  REQUIRE(db.commit(waking(db, entity_kind::payment, "d", 2'000)).error == "");
  REQUIRE(db.commit(waking(db, entity_kind::wallet, "e", 3'001)).error == "");
  REQUIRE(db.commit(waking(db, entity_kind::payment, "f", 2'500, "bad")).error == "");
  REQUIRE(db.commit(db.step_for(entity_kind::poller, "sleeps", 1, poller{})).error == "");

  auto list = db.wake(0, 3'000, 100);
  REQUIRE(list.refs.size() == 4);
  CHECK(list.refs[0] == entity_ref{entity_kind::payment, "a"});
  CHECK_FALSE(list.more);
  CHECK(list.scanned_to == at_micros(3'000));

  list = db.wake(0, 3'000, 1);
  CHECK(names(list) == "payment/a ");
  CHECK(list.more);
  CHECK(list.scanned_to == at_micros(1'000));
  list = db.wake(1'000, 3'000, 1); // Three of one instant come together.
  CHECK(list.refs.size() == 3);
  CHECK(list.scanned_to == at_micros(2'000));
  CHECK(list.more);
  list = db.wake(2'000, 3'001, 10);
  CHECK(names(list) == "wallet/e ");
  CHECK(db.wake(0, INT64_MAX, 100).refs.size() == 5);
  CHECK(db.wake(3'001, 9'999, 100).refs.empty());

  // Of some shards alone.
  const auto shard = shard_of({entity_kind::subscription, "b"});
  for (const auto& ref : db.wake(0, INT64_MAX, 100, {shard}).refs) CHECK(shard_of(ref) == shard);
  CHECK(names(db.wake(1'000, 2'000, 1, {shard})) == "subscription/b ");
  auto others = store::every_shard();
  std::erase(others, shard);
  CHECK(names(db.wake(0, INT64_MAX, 100, others)).find("subscription/b") == std::string::npos);
  CHECK(db.wake(0, INT64_MAX, 100, {}).refs.empty());
}

TEST_CASE("the operator's questions are answered in JSON") {
  store db(new_database());
  auto state = std::get<payment>(filled_snapshot(entity_kind::payment, "o1"));
  state.status = payment_status::waiting;
  state.channel_title = "a \"title\"";
  state.price = usd_amount::of_units(parse_decimal("10.50")->units);
  auto step = db.step_for(entity_kind::payment, "o1", 1, state);
  step.rows = children_of(state);
  step.rows.push_back(webhook_event{"nowpayments", "55", "o1", true, "{\"x\":1}"});
  step.rows.push_back(failure_listed{"c", "t"});
  step.entries = {{"k1", "r", {{"a", "eth", 3 * one_coin / 2}, {"b", "eth", -3 * one_coin / 2}}}};
  step.header.last_error = "timeout";
  step.header.attempts = 3;
  REQUIRE(db.commit(step).error == "");
  REQUIRE(db.commit(db.step_for(entity_kind::poller, "main", 1, poller{})).error == "");

  const auto shown = db.query("show", R"({"kind":"payment","id":"o1"})");
  INFO(shown);
  CHECK(contains(shown, R"("price_usd": "10.5")"));
  CHECK(contains(shown, R"("channel_title": "a \"title\"")"));
  CHECK(contains(shown, R"("deposit": [{)"));
  CHECK(contains(shown, R"("message": "test")"));
  CHECK(contains(shown, R"("units": "-1.5")"));
  CHECK(contains(shown, R"("failures": [{)"));
  CHECK(contains(db.query("show", R"({"kind":"wallet","id":"nobody"})"), R"("row": null)"));
  CHECK(contains(db.query("show", R"({"kind":"nonsense","id":"o1"})"), R"("code":"invalid")"));

  CHECK(contains(db.query("actors"), R"("id": "main")"));
  CHECK(contains(db.query("actors", R"({"kind":"payment","status":"waiting","limit":5})"), R"("id": "o1")"));
  CHECK(db.query("actors", R"({"kind":"payment","status":"paid"})") == "[]");
  CHECK_FALSE(contains(db.query("actors", R"({"stuck":true})"), R"("id": "main")"));
  CHECK(contains(db.query("actors", R"({"stuck":true})"), R"("attempts": 3)"));

  CHECK(contains(db.query("balances"), R"({"units": "1.5", "account": "a", "currency": "eth"})"));
  CHECK(contains(db.query("ledger_check"), R"("balanced": true)"));
  CHECK(contains(db.query("counts"), R"({"kind": "payment", "count": 1, "stuck": 1, "status": "waiting", "quarantined": 0})"));
  CHECK(contains(db.query("failed"), R"("code": "c")"));
  CHECK(contains(db.query("webhooks", R"({"order_id":"o1"})"), R"("raw": "{\"x\":1}")"));
  CHECK(db.query("webhooks", R"({"order_id":"o2"})") == "[]");
  CHECK(contains(db.query("leases"), R"("epoch": 1)"));
  CHECK(contains(db.query("tail", R"({"limit":1})"), R"("kind": "poller")"));
  CHECK(contains(db.query("tail", R"({"after_seq":0,"limit":1})"), R"("kind": "payment")"));
  CHECK(db.query("tail", R"({"after_seq":1000})") == "[]");

  CHECK(contains(db.query("no such"), R"("code":"unknown_query")"));
  CHECK(contains(db.query("actors", "no json"), R"("code":"invalid")"));
  CHECK(contains(db.query("actors"), R"("id": "main")")); // It goes on after an error.
}

TEST_CASE("the wallet is shown with what is open: its transfers without their bytes, and the nonces of others") {
  store db(new_database());
  CHECK(db.query("wallet", "{}") == "[]");
  const auto full = std::get<wallet>(filled_snapshot(entity_kind::wallet, "0xw"));
  auto step = db.step_for(entity_kind::wallet, "0xw", 1, full);
  step.rows = children_of(step.state);
  REQUIRE(db.commit(step).error == "");
  const auto shown = db.query("wallet", "{}");
  INFO(shown);
  CHECK(contains(shown, "\"next_nonce\": 12"));
  CHECK(contains(shown, "\"owed_eth\": \"123456789012345.1234567890123456"));
  CHECK(contains(shown, "\"status\": \"broadcast\""));
  CHECK(contains(shown, "\"status\": \"queued\""));
  CHECK_FALSE(contains(shown, "\"status\": \"confirmed\""));
  CHECK_FALSE(contains(shown, "\"raw\""));
  CHECK(contains(shown, "\"explained_at\""));
  CHECK(contains(db.query("show", "{\"kind\":\"wallet\",\"id\":\"0xw\"}"), "\"wallet_correction\""));
}

TEST_CASE("an operator's verb is written down before and after, and a failure is resolved once") {
  store db(new_database());
  auto step = db.step_for(entity_kind::poller, "main", 1, poller{});
  step.rows.push_back(failure_listed{"c", "t"});
  step.rows.push_back(webhook_event{"nowpayments", "55", "o1", true, "{\"x\":1}"});
  REQUIRE(db.commit(step).error == "");

  CHECK(db.query("audit",
                 R"({"operator":"ann@host","source":"n1","verb":"retry","target":"payout/p1","reason":"why","arguments":{"id":"p1"}})")
        == R"({"id": 1})");
  CHECK(db.query("audit", R"({"verb":"resolve","target":"failure/1","reason":"why"})") == R"({"id": 2})");
  CHECK(contains(db.query("audit", R"({"verb":"retry","target":"payout/p1","reason":""})"), R"("code":"invalid")"));
  CHECK(contains(db.query("audit_list"), R"("result": "")"));
  CHECK(db.query("audit_result", R"({"id":1,"code":"done","text":"well"})") == R"({"done": true})");
  CHECK(contains(db.query("audit_result", R"({"id":1,"code":"again","text":""})"), R"("code":"invalid")"));
  const auto listed = db.query("audit_list", R"({"target":"payout/p1"})");
  INFO(listed);
  for (const auto* part : {R"("operator": "ann@host")", R"("source": "n1")", R"("arguments": {"id": "p1"})", R"("result": "done")",
                           R"("result_text": "well")"})
    CHECK(contains(listed, part));
  CHECK_FALSE(contains(listed, "resolve"));
  CHECK(contains(db.query("audit_list", R"({"verb":"resolve"})"), R"("target": "failure/1")"));

  CHECK(contains(db.query("failure", R"({"id":1})"), R"("code": "c")"));
  CHECK(db.query("failure", R"({"id":77})") == "null");
  CHECK(contains(db.query("resolve", R"({"id":77,"reason":"x"})"), R"("code": "not_found")"));
  CHECK(db.query("resolve", R"({"id":1,"reason":"talked to them","operator":"ann"})") == R"({"done": true})");
  CHECK(contains(db.query("resolve", R"({"id":1,"reason":"other"})"), "already"));
  CHECK(db.value("SELECT resolution || ' ' || resolved_by FROM failed_transaction") == "talked to them ann");
  CHECK(db.query("failed") == "[]");
  CHECK(contains(db.query("failed", R"({"open":false})"), R"("resolution": "talked to them")"));

  CHECK(contains(db.query("webhook", R"({"id":1})"), R"("raw": "7b2278223a317d")"));
  CHECK(db.query("webhook", R"({"id":2})") == "null");
}

TEST_CASE("a payment is traced by its order and by the provider's id") {
  store db(new_database());
  auto state = std::get<payment>(filled_snapshot(entity_kind::payment, "o1"));
  auto& d = state.deposits[0];
  d.payment_id = "5001";
  auto step = db.step_for(entity_kind::payment, "o1", 1, state);
  step.rows = children_of(state);
  step.rows.push_back(
      accrual_opened{"5001", "o1", -5, accrual_status::paying, "o1", d.gross_usd, d.fee_usd, d.net_usd, d.gross_eth, d.fee_eth, d.net_eth});
  REQUIRE(db.commit(step).error == "");
  auto paid = std::get<payout>(filled_snapshot(entity_kind::payout, "o1"));
  paid.pot = payout_pot::eth;
  paid.refund = false;
  paid.leg = 0;
  paid.lost = 0;
  paid.source = paid.funded = d.net_eth + d.net_eth; // Half of it is this deposit's.
  paid.amount_out = 7;
  REQUIRE(db.commit(db.step_for(entity_kind::payout, "o1", 1, paid)).error == "");
  const auto by_order = db.query("trace", R"({"id":"o1"})");
  INFO(by_order);
  CHECK(db.query("trace", R"({"id":"5001"})") == by_order);
  CHECK(contains(by_order, R"("gross_eth": ")" + to_decimal(d.gross_eth) + '"'));
  CHECK(contains(by_order, R"("payout_put_in": ")" + to_decimal(d.net_eth) + '"'));
  CHECK(contains(by_order, R"("payout_amount": "0.000000000000000003")"));
  CHECK(contains(by_order, R"("conversion_id": null)"));
  CHECK(contains(db.query("trace", R"({"id":"nobody"})"), R"("code": "not_found")"));
}
