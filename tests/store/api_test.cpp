// The owner's API on real rows: what an owner sees, page by page, and what others do not.
#include <catch2/catch.hpp>

#include <caf/all.hpp>

#include "persistence/api_queries.hpp"
#include "tests/store/store_support.hpp"

using namespace paygate;
using namespace paygate::test;

namespace {

bool contains(const std::string& text, const std::string& part) { return text.find(part) != std::string::npos; }

/// A store with Ann's channel -100 (by her account), Bob's -200 (by his Telegram user 77), and business on Ann's.
struct shop {
  store db{new_database()};
  api_reader read = make_api_reader(db.dsn, 2);

  shop() {
    add_channel(-100, "ann", 0);
    add_channel(-200, "", 77);
    auto bob = std::get<account>(filled_snapshot(entity_kind::account, "bob"));
    bob.status = account_status::active;
    bob.telegram_user_id = 77;
    REQUIRE(db.commit(db.step_for(entity_kind::account, "bob", 1, bob)).error == "");
  }

  void add_channel(std::int64_t id, const std::string& account, std::int64_t user) {
    const auto name = std::to_string(id);
    auto state = std::get<channel>(filled_snapshot(entity_kind::channel, name));
    state.status = channel_status::offered;
    state.open_channel_id = id;
    state.tiers = {tier{usd_amount::of_units(one_coin * 30), 30}, tier{usd_amount::of_units(one_coin * 25 / 2), 7}, tier{}};
    REQUIRE(db.commit(db.step_for(entity_kind::channel, name, 1, state)).error == "");
    db.value("UPDATE channel SET owner_account = '" + account + "', owner_user_id = " + std::to_string(user)
             + ", change_token = '', change_at = NULL WHERE id = '" + name + "'");
  }

  void add_payment(const std::string& id) {
    auto state = std::get<payment>(filled_snapshot(entity_kind::payment, id));
    state.channel_id = -100;
    auto step = db.step_for(entity_kind::payment, id, 1, state);
    REQUIRE(db.commit(step).error == "");
  }

  std::string ask(std::string_view name, const std::string& more = "", const std::string& who = R"("account":"ann")") {
    return read(name, "{" + who + R"(,"id":"-100","limit":2,"now":"2026-11-21T07:00:00Z","days":3)" + more + "}", milliseconds(5'000));
  }
};

const std::vector<std::string_view> about_channel{queries::api_channel,  queries::api_tiers,       queries::api_payout,
                                                  queries::api_payments, queries::api_subscribers, queries::api_payouts,
                                                  queries::api_balance,  queries::api_stats};

/// Follows the cursors of a list; answers the ids in order.
std::vector<std::string> walk(shop& s, std::string_view name, const std::string& position, const std::string& id_name,
                              const std::string& more = "") {
  std::vector<std::string> ids;
  std::string after;
  for (int pages = 0; pages < 20; ++pages) {
    const auto page = s.ask(name, more + (after.empty() ? "" : ",\"" + position + "\":\"" + after + "\""));
    for (auto at = page.find("\"" + id_name + "\": \""); at != page.npos; at = page.find("\"" + id_name + "\": \"", at + 1)) {
      const auto from = at + id_name.size() + 5;
      ids.push_back(page.substr(from, page.find('"', from) - from));
    }
    const auto next = page.find("\"next_cursor\": \"");
    if (next == page.npos) break;
    const auto from = next + 16;
    const auto cursor = page.substr(from, page.find('"', from) - from);
    after = s.db.value("SELECT convert_from(decode(rpad(translate('" + cursor + "', '-_', '+/'), (length('" + cursor
                       + "') + 3) / 4 * 4, '='), 'base64'), 'UTF8')");
  }
  return ids;
}

} // namespace

TEST_CASE("a channel is seen by its owner and by nobody else") {
  shop s;
  for (const auto query : about_channel) {
    INFO(query);
    CHECK(s.ask(query).starts_with("{"));
    CHECK_FALSE(contains(s.ask(query), "error"));
    // Another account, nobody at all, and one who says that an empty name is theirs.
    for (const char* who : {R"("account":"bob")", R"("account":"")", R"("account":"eve")",
                            R"("account":"' OR true --")"})
      CHECK(s.ask(query, "", who) == "null");
    CHECK(s.read(query, R"({"account":"bob","id":"-200","limit":2,"now":"2026-11-21T07:00:00Z","days":3})", milliseconds(5'000))
              .starts_with("{"));
  }
  // Whoever unlinked the account has nothing of that person's any more.
  const std::string_view bobs = R"({"account":"bob","id":"-200","limit":2,"now":"2026-11-21T07:00:00Z","days":3})";
  for (const char* over : {"telegram_user_id = 0", "telegram_user_id = 77, status = 'closed'"}) {
    s.db.value(std::string("UPDATE account SET ") + over + " WHERE id = 'bob'");
    for (const auto query : about_channel) CHECK(s.read(query, std::string(bobs), milliseconds(5'000)) == "null");
  }
  const auto mine = s.ask(queries::api_channels);
  CHECK(contains(mine, R"("id": "-100")"));
  CHECK_FALSE(contains(mine, R"("id": "-200")"));
  CHECK(contains(s.ask(queries::api_channels, "", R"("account":"eve")"), R"("items": [])"));
  CHECK(contains(s.ask(queries::api_tiers), R"("tiers": [{"days": 30, "price_usd": "30"}, {"days": 7, "price_usd": "12.5"}])"));
  s.db.value("UPDATE channel SET status = 'refused' WHERE id = '-100'");
  CHECK(s.ask(queries::api_channel) == "null");
}

TEST_CASE("lists are whole and without repeats however small the pages, also while rows come in") {
  shop s;
  for (int i = 10; i < 15; ++i) s.add_payment("01J" + std::to_string(i));
  CHECK(walk(s, queries::api_payments, "before", "id") == std::vector<std::string>{"01J14", "01J13", "01J12", "01J11", "01J10"});
  // A newer one while somebody reads page 2.
  const auto first = s.ask(queries::api_payments);
  s.add_payment("01J15");
  CHECK(contains(first, R"("id": "01J13")"));
  const auto second = s.ask(queries::api_payments, R"(,"before":"01J13")");
  CHECK(contains(second, R"("id": "01J12")"));
  CHECK_FALSE(contains(second, R"("id": "01J13")"));

  for (const char* user : {"11", "2", "33"}) {
    auto state = std::get<subscription>(filled_snapshot(entity_kind::subscription, std::string("-100:") + user));
    state.channel_id = -100;
    state.user_id = std::stoll(user);
    REQUIRE(s.db.commit(s.db.step_for(entity_kind::subscription, std::string("-100:") + user, 1, state)).error == "");
  }
  CHECK(walk(s, queries::api_subscribers, "after", "user_id") == std::vector<std::string>{"11", "2", "33"});

  for (int i = 0; i < 5; ++i) {
    const auto id = "-100.eth." + std::to_string(i);
    auto state = std::get<payout>(filled_snapshot(entity_kind::payout, id));
    state.channel_id = -100;
    state.refund = i == 4;
    REQUIRE(s.db.commit(s.db.step_for(entity_kind::payout, id, 1, state)).error == "");
  }
  // Those of one instant are told apart by their ids; a refund is no payout to the owner.
  s.db.value("UPDATE payout SET created_at = '2026-11-20T00:00:00Z'");
  s.db.value("UPDATE payout SET created_at = '2026-11-20T00:00:00.000001Z' WHERE id = '-100.eth.1'");
  CHECK(walk(s, queries::api_payouts, "before", "id") == std::vector<std::string>{"-100.eth.1", "-100.eth.3", "-100.eth.2", "-100.eth.0"});
  CHECK(contains(s.ask(queries::api_payouts, R"(,"before":"no time")"), R"("code":"invalid")"));
}

TEST_CASE("the balance keeps apart what is pending, available and held") {
  shop s;
  s.add_payment("01J1");
  auto step = s.db.step_for(entity_kind::poller, "main", 1, poller{});
  step.entries = {{"k1", "r", {{"assets:incoming", "eth", 5 * one_coin}, {"owner:-100:available", "eth", -5 * one_coin}}},
                  {"k2", "r", {{"owner:-100:available", "eth", 2 * one_coin}, {"owner:-100:held", "eth", -2 * one_coin}}},
                  {"k3", "r", {{"assets:incoming", "eth", one_coin}, {"owner:-200:available", "eth", -one_coin}}}};
  REQUIRE(s.db.commit(step).error == "");
  const auto all_there = s.ask(queries::api_balance);
  INFO(all_there);
  CHECK(contains(all_there, R"("held": "2")"));
  CHECK(contains(all_there, R"("available": "3")"));
  CHECK(contains(all_there, R"("pending": "0")"));
  s.db.value("INSERT INTO deposit (payment_id, order_id, parent_payment_id, status, pay_currency, actually_paid, outcome_currency, "
             "gross_eth, fee_eth, net_eth, gross_usd, "
             "fee_usd, net_usd, payin_hash, payout_hash, settled_at, payout_id) VALUES ('9', '01J1', '', 'finished', 'btc', 1, 'eth', "
             "1.25, 0, 1.25, 10, 0, 10, '', '', now(), '')");
  const auto underway = s.ask(queries::api_balance);
  INFO(underway);
  CHECK(contains(underway, R"("pending": "1.25")"));
  CHECK(contains(underway, R"("available": "1.75")"));
}

TEST_CASE("figures by day count income, and who came and went") {
  shop s;
  const auto add = [&](const char* user, const char* created, const char* ends) {
    const auto id = std::string("-100:") + user;
    auto state = std::get<subscription>(filled_snapshot(entity_kind::subscription, id));
    state.channel_id = -100;
    REQUIRE(s.db.commit(s.db.step_for(entity_kind::subscription, id, 1, state)).error == "");
    s.db.value(std::string("UPDATE subscription SET created_at = '") + created + "', starts_at = '" + created + "', ends_at = '" + ends
               + "' WHERE id = '" + id + "'");
  };
  add("1", "2026-11-20T01:00:00Z", "2026-12-20T01:00:00Z"); // New and in.
  add("2", "2026-10-20T01:00:00Z", "2026-11-19T23:59:59Z"); // Gone on the first day.
  add("3", "2026-11-21T01:00:00Z", "2026-11-21T06:00:00Z"); // New and gone today.
  add("4", "2026-09-01T01:00:00Z", "2026-11-18T23:59:59Z"); // Gone before.
  const auto figures = s.ask(queries::api_stats);
  INFO(figures);
  CHECK(contains(figures, R"("active": 1)"));
  CHECK(contains(figures, R"("new": 2, "days")"));
  CHECK(contains(figures, R"({"day": "2026-11-19", "new": 0, "churned": 1, "net_usd": "0", "payments": 0, "gross_usd": "0"})"));
  CHECK(contains(figures, R"({"day": "2026-11-21", "new": 1, "churned": 1, "net_usd": "0", "payments": 0, "gross_usd": "0"})"));
  CHECK_FALSE(contains(figures, "2026-11-18"));
}

TEST_CASE("a creating request has one first answer") {
  shop s;
  const auto begin = [&](const char* hash) {
    return s.read(queries::api_begin, std::string(R"({"account":"ann","key":"k","body_sha256":")") + hash + "\"}", milliseconds(5'000));
  };
  const auto first = begin("h1");
  CHECK(contains(first, R"("state": "taken")"));
  CHECK(contains(begin("h1"), R"("state": "running")"));
  CHECK(contains(begin("h2"), R"("state": "other")"));
  // Whoever was to answer crashed: the same body may take over after a minute, and goes by the same seed.
  s.db.value("UPDATE api_answer SET tried_at = now() - interval '2 minutes'");
  CHECK(contains(begin("h2"), R"("state": "other")"));
  CHECK(begin("h1") == first);
  CHECK(s.read(queries::api_end, R"({"account":"ann","key":"k","status":201,"answer":"{\"a\":1}","etag":"\"1\"","location":"/x"})",
               milliseconds(5'000))
        == "true");
  const auto again = begin("h1");
  CHECK(contains(again, R"("state": "done")"));
  CHECK(contains(again, R"("status": 201)"));
  CHECK(contains(again, R"("answer": "{\"a\":1}")"));
  CHECK(contains(begin("h2"), R"("state": "other")"));
  // Another owner's key is another key.
  CHECK(contains(s.read(queries::api_begin, R"({"account":"bob","key":"k","body_sha256":"h2"})", milliseconds(5'000)), "taken"));
  CHECK(s.read(queries::api_forget, R"({"account":"bob","key":"k"})", milliseconds(5'000)) == "true");
  CHECK(contains(s.read(queries::api_begin, R"({"account":"bob","key":"k","body_sha256":"h3"})", milliseconds(5'000)), "taken"));
  // After a day the key is free, and stands for something else.
  s.db.value("UPDATE api_answer SET first_at = now() - interval '25 hours' WHERE account = 'ann'");
  const auto anew = begin("h2");
  CHECK(contains(anew, R"("state": "taken")"));
  CHECK(anew != first);
}

TEST_CASE("one change of a channel's terms at a time, and its edition tells the terms apart") {
  shop s;
  CHECK(contains(s.ask(queries::api_lock), R"("taken": true)"));
  CHECK(contains(s.ask(queries::api_lock), R"("taken": false)"));
  CHECK(s.ask(queries::api_unlock) == "true");
  CHECK(contains(s.ask(queries::api_lock), R"("taken": true)"));
  s.db.value("UPDATE api_lock SET at = now() - interval '1 minute'");
  CHECK(contains(s.ask(queries::api_lock), R"("taken": true)"));
  const auto edition = [&] {
    const auto json = s.ask(queries::api_tiers);
    const auto at = json.find("\"edition\": \"") + 12;
    return json.substr(at, 32);
  };
  const auto before = edition();
  s.db.value("UPDATE channel SET offer_message_id = 99, updated_at = now(), status = 'registered' WHERE id = '-100'");
  CHECK(edition() == before);
  s.db.value("UPDATE channel SET tier_2_days = 8 WHERE id = '-100'");
  CHECK(edition() != before);
}

TEST_CASE("broadcasts are listed over all of one's channels, or of one") {
  shop s;
  s.add_channel(-101, "ann", 0);
  int n = 0;
  for (const std::int64_t channel : {-100, -101, -200, -100}) {
    const auto id = "01JB" + std::to_string(n++);
    auto state = std::get<broadcast>(filled_snapshot(entity_kind::broadcast, id));
    state.channel_id = channel;
    REQUIRE(s.db.commit(s.db.step_for(entity_kind::broadcast, id, 1, state)).error == "");
    s.db.value("UPDATE broadcast SET created_at = '2026-11-20T00:00:0" + std::to_string(n) + "Z' WHERE id = '" + id + "'");
  }
  CHECK(walk(s, queries::api_broadcasts, "before", "id") == std::vector<std::string>{"01JB3", "01JB1", "01JB0"});
  CHECK(walk(s, queries::api_broadcasts, "before", "id", R"(,"channel":"-101")") == std::vector<std::string>{"01JB1"});
  CHECK(walk(s, queries::api_broadcasts, "before", "id", R"(,"channel":"-200")").empty());
  const auto read = [&](const char* id) { return s.read(queries::api_broadcast, std::string(R"({"account":"ann","id":")") + id + "\"}", milliseconds(5'000)); };
  CHECK(contains(read("01JB0"), R"("id": "01JB0")"));
  CHECK(read("01JB2") == "null");
  CHECK(contains(s.ask(queries::api_schedule), R"("cadence")"));
  CHECK(s.ask(queries::api_schedule, "", R"("account":"eve")") == "null");
}

TEST_CASE("log-ins of one network are counted together, and come back with time") {
  shop s;
  const auto take = [&](const char* network) {
    return s.read(queries::auth_token, std::string(R"({"network":")") + network + R"(","most":3,"seconds":900})", milliseconds(5'000));
  };
  for (int i = 0; i < 3; ++i) CHECK(contains(take("a"), R"("granted": true)"));
  const auto refused_one = take("a");
  CHECK(contains(refused_one, R"("granted": false)"));
  CHECK(contains(refused_one, R"("retry_after": 300)"));
  CHECK(contains(take("b"), R"("granted": true)"));
  s.db.value("UPDATE auth_bucket SET at = at - interval '301 seconds' WHERE network = 'a'");
  CHECK(contains(take("a"), R"("granted": true)"));
  CHECK(contains(take("a"), R"("granted": false)"));
  s.db.value("UPDATE auth_bucket SET at = at - interval '10 days' WHERE network = 'a'");
  for (int i = 0; i < 3; ++i) CHECK(contains(take("a"), R"("granted": true)"));
  CHECK(contains(take("a"), R"("granted": false)"));
}

TEST_CASE("a nonce is taken once") {
  shop s;
  const auto use = [&](const char* nonce) {
    return s.read(queries::internal_nonce, std::string(R"({"nonce":")") + nonce + "\"}", milliseconds(5'000));
  };
  CHECK(contains(use("n1"), R"("fresh": true)"));
  CHECK(contains(use("n1"), R"("fresh": false)"));
  CHECK(contains(use("n2"), R"("fresh": true)"));
  s.db.value("UPDATE internal_nonce SET at = now() - interval '16 minutes'");
  CHECK(contains(use("n3"), R"("fresh": true)"));
  CHECK(s.db.value("SELECT count(*) FROM internal_nonce") == "1");
}

TEST_CASE("the exchange's currencies are read once a day by one, and stay when it is away") {
  shop s;
  const auto ask = [&](std::string_view name, const std::string& arguments) { return s.read(name, arguments, milliseconds(5'000)); };
  CHECK(contains(ask(queries::currency_networks, "{}"), R"("items": [])"));
  CHECK(contains(ask(queries::currencies_due, R"({"older_than":86400})"), R"("due": true)"));
  CHECK(contains(ask(queries::currencies_due, R"({"older_than":86400})"), R"("due": false)"));
  CHECK(contains(
      ask(queries::currencies_read,
          R"({"items":[{"ticker":"usdt","network":"eth","legacy_ticker":"usdterc20","name":"Tether","has_memo":false},{"ticker":"xrp","network":"xrp","legacy_ticker":"xrp","name":"Ripple","has_memo":true}]})"),
      R"("known": 2)"));
  CHECK(contains(ask(queries::currencies_due, R"({"older_than":86400})"), R"("due": false)"));
  s.db.value("UPDATE currency_list SET read_at = now() - interval '2 days', tried_at = now() - interval '1 hour'");
  CHECK(contains(ask(queries::currencies_due, R"({"older_than":86400})"), R"("due": true)"));
  CHECK(ask(queries::currencies_failed, R"({"error":"away"})") == "true");
  CHECK(contains(ask(queries::currency_networks, "{}"), R"("legacy_ticker": "usdterc20")"));
  // The predecessor's table has them too, with what is in use though the exchange does not list it.
  const auto names = [&](const std::string& coin, const std::string& network) {
    return s.db.value("SELECT string_agg(currency_name || ' on ' || network_name, ',') FROM legacy.currency_to_network WHERE currency = '" + coin
                      + "' AND network = '" + network + "'");
  };
  CHECK(names("USDT", "ETH") == "Tether on ETH");
  CHECK(names("XRP", "XRP") == "Ripple on Ripple");
  CHECK(names("ETH", "ETH") == "ETH on ETH");
  s.db.value("UPDATE channel SET payout_ticker = 'rare', payout_network = 'own' WHERE id = '-100'");
  CHECK(names("RARE", "OWN") == "RARE on OWN");
  CHECK(contains(
      ask(queries::currencies_read, R"({"items":[{"ticker":"xrp","network":"xrp","legacy_ticker":"xrp","name":"XRP","has_memo":true}]})"),
      R"("known": 1)"));
  CHECK_FALSE(contains(ask(queries::currency_networks, "{}"), "usdt"));
  CHECK(contains(ask(queries::currency_networks, "{}"), R"("name": "XRP")"));
  CHECK(names("XRP", "XRP") == "XRP on XRP");
}

TEST_CASE("a notice of the chain names those who wait for it") {
  shop s;
  s.add_payment("01J1");
  s.add_payment("01J2");
  const auto add = [&](const char* id, const char* order, const char* hash) {
    s.db.value(std::string("INSERT INTO deposit (payment_id, order_id, parent_payment_id, status, pay_currency, actually_paid, "
                           "outcome_currency, gross_eth, fee_eth, net_eth, "
                           "gross_usd, fee_usd, net_usd, payin_hash, payout_hash, settled_at, payout_id) VALUES ('")
               + id + "', '" + order
               + "', '', 'finished', 'btc', 1, 'eth', 1, 0, 1, 10, "
                 "0, 10, '', '"
               + hash + "', now(), '')");
  };
  add("1", "01J1", "0xAA");
  add("2", "01J2", "");
  auto state = std::get<wallet>(filled_snapshot(entity_kind::wallet, "0xwallet"));
  REQUIRE(s.db.commit(s.db.step_for(entity_kind::wallet, "0xwallet", 1, state)).error == "");
  const auto ask = [&](const std::string& arguments) { return s.read(queries::ethereum_concerned, arguments, milliseconds(5'000)); };
  CHECK(ask(R"({"hashes":["0xaA"],"to":[]})") == R"([{"id": "01J1", "kind": "payment"}])");
  CHECK(ask(R"({"hashes":["0xbb"],"to":["0xother"]})") == "[]");
  CHECK(contains(ask(R"({"hashes":["0xbb"],"to":["0xWallet"]})"), R"({"id": "01J2", "kind": "payment"})"));
  s.db.value("UPDATE deposit SET arrived_at = now() WHERE payment_id = '1'");
  s.db.value("UPDATE payment SET quarantine = 'x' WHERE id = '01J2'");
  CHECK_FALSE(contains(ask(R"({"hashes":["0xaa"],"to":["0xwallet"]})"), "payment"));
}

TEST_CASE("without a database or a free connection the answer says so in time") {
  const auto away = make_api_reader("host=127.0.0.1 port=1 connect_timeout=1", 1);
  CHECK(contains(away(queries::api_channels, "{}", milliseconds(100)), "unavailable"));
  shop s;
  CHECK(contains(s.read("no_such", "{}", milliseconds(100)), "unknown_query"));
  CHECK(contains(s.read(queries::api_channels, "{", milliseconds(100)), "invalid"));
  const auto none = make_api_reader(s.db.dsn, 0);
  CHECK(contains(none(queries::api_channels, "{}", milliseconds(1)), "unavailable"));
}
