// What the bot and the owners' channels write and read, against a real PostgreSQL: places that cannot be raced, drafts, lists, figures.
#include <catch2/catch.hpp>

#include <caf/all.hpp>

#include "tests/store/store_support.hpp"

using namespace paygate;
using namespace paygate::test;

namespace {

constexpr std::int64_t ann = 7, bob = 8;

usd_amount usd(std::string_view text) { return usd_amount::of_units(parse_decimal(text)->units); }

channel a_channel(std::int64_t id, std::int64_t owner, channel_status status, const std::string& title = "") {
  channel c;
  c.open_channel_id = id;
  c.closed_channel_id = id - 1;
  c.open_title = title.empty() ? "Open " + std::to_string(id) : title;
  c.closed_title = c.open_title + " (members)";
  c.owner_user_id = owner;
  c.status = status;
  return c;
}

step_record channel_step(const store& db, const channel& c, int version = 1) {
  return db.step_for(entity_kind::channel, std::to_string(c.open_channel_id), version, c);
}

step_record claim(const store& db, std::int64_t id, std::int64_t owner, const std::string& account = "", bool granted = false,
                  int version = 1) {
  auto step = channel_step(db, a_channel(id, owner, channel_status::claiming), version);
  step.rows = {slot_claimed{id, owner, account, granted}};
  return step;
}

void must(const commit_result& result) {
  INFO(result.error);
  REQUIRE(result.outcome == commit_outcome::committed);
}

} // namespace

TEST_CASE("an owner has at most ten places, by user or by account, and a closed channel gives its own back") {
  store db(new_database());
  const auto books = make_books_client(db.dsn);
  const auto slot = [&](std::int64_t id) { return std::get<owner_slot_seen>(books(get_owner_slot{id})); };
  CHECK(std::get<io_failure>(books(get_owner_slot{-1})).code == "not_found");
  for (std::int64_t id = -1; id >= -10; --id) must(db.commit(claim(db, id, ann, id == -10 ? "acc" : "")));
  CHECK(slot(-10) == owner_slot_seen{true, 9});
  must(db.commit(claim(db, -11, ann)));
  CHECK(slot(-11) == owner_slot_seen{false, 10});
  must(db.commit(claim(db, -12, 0, "acc"))); // The account has one only.
  CHECK(slot(-12).granted);
  must(db.commit(claim(db, -13, ann, "acc"))); // Whose two identities are joined now.
  CHECK(slot(-13) == owner_slot_seen{false, 11});
  must(db.commit(claim(db, -14, bob)));
  CHECK(slot(-14).granted);
  must(db.commit(claim(db, -15, ann, "", true))); // The operator's word.
  CHECK(slot(-15).granted);
  auto closing = channel_step(db, a_channel(-1, ann, channel_status::closed), 2);
  closing.rows = {slot_returned{-1}};
  must(db.commit(closing));
  CHECK(std::get<io_failure>(books(get_owner_slot{-1})).code == "not_found");
  must(db.commit(claim(db, -11, ann, "", false, 2)));
  CHECK_FALSE(slot(-11).granted); // Ten are left, the operator's among them.
  auto another = channel_step(db, a_channel(-2, ann, channel_status::closed), 2);
  another.rows = {slot_returned{-2}};
  must(db.commit(another));
  must(db.commit(claim(db, -11, ann, "", false, 3)));
  CHECK(slot(-11) == owner_slot_seen{true, 9});
}

TEST_CASE("channels that are asked for at once do not get the same last place") {
  store db(new_database());
  auto second = spawn_committer(db.system, {db.dsn, db.node}, db.metrics);
  constexpr int asking = 40;
  for (int n = 1; n <= asking; ++n)
    db.self->send(n % 2 ? db.committer : second, commit_atom::value, std::make_shared<const step_record>(claim(db, -n, ann)));
  for (int answered = 0; answered < asking; ++answered)
    db.self->receive([&](const committed& done) { must(done.result); }, caf::after(std::chrono::seconds(60)) >> [&] { FAIL("no answer"); });
  db.self->send_exit(second, caf::exit_reason::user_shutdown);
  second = nullptr;
  CHECK(db.value("SELECT count(*) FROM channel_slot WHERE granted") == "10");
  CHECK(db.value("SELECT count(*) FROM channel_slot") == std::to_string(asking));
}

TEST_CASE("a draft comes back until it is saved or discarded") {
  store db(new_database());
  conversation state;
  state.chat_id = state.user_id = ann;
  must(db.commit(db.step_for(entity_kind::conversation, "7", 1, state)));
  channel_draft draft;
  draft.conversation_id = "7";
  draft.open_title = "Night";
  auto step = db.step_for(entity_kind::conversation, "7", 2, state);
  step.rows = {draft};
  must(db.commit(step));
  auto loaded = std::get<conversation>(db.load({entity_kind::conversation, "7"}).entity.state);
  REQUIRE(loaded.drafts.size() == 1);
  CHECK(loaded.drafts[0] == draft);
  draft.open = false;
  step = db.step_for(entity_kind::conversation, "7", 3, state);
  step.rows = {draft};
  must(db.commit(step));
  loaded = std::get<conversation>(db.load({entity_kind::conversation, "7"}).entity.state);
  CHECK(loaded.drafts.empty());
  CHECK(db.value("SELECT conversation_type FROM legacy.conversation_state WHERE user_id = 7") == "menu");
}

TEST_CASE("the lists: one's own, in order, in pages") {
  store db(new_database());
  const auto books = make_books_client(db.dsn);
  int n = 0;
  for (const char* title : {"C", "A", "B"}) must(db.commit(channel_step(db, a_channel(-10 * ++n, ann, channel_status::offered, title))));
  auto quiet = a_channel(-40, bob, channel_status::offered, "D");
  quiet.donations = false;
  must(db.commit(channel_step(db, quiet)));
  must(db.commit(channel_step(db, a_channel(-50, ann, channel_status::closed, "Gone"))));
  must(db.commit(channel_step(db, a_channel(-60, ann, channel_status::draining, "Z"))));
  auto listed = std::get<channels_listed>(books(list_channels{ann, 0, 2}));
  REQUIRE(listed.channels.size() == 2);
  CHECK(listed.channels[0].open_title == "A");
  CHECK(listed.more);
  listed = std::get<channels_listed>(books(list_channels{ann, 2, 2}));
  REQUIRE(listed.channels.size() == 2);
  CHECK(listed.channels[1].status == "draining");
  CHECK_FALSE(listed.more);
  CHECK(std::get<channels_listed>(books(list_channels{0, 0, 5})).channels.empty());
  CHECK(std::get<channels_listed>(books(list_donation_channels{0, 10})).channels.size() == 3);

  for (const auto& [id, ends, status] : {std::tuple{-10, 3, subscription_status::active}, {-50, 1, subscription_status::expired}}) {
    subscription s;
    s.channel_id = id;
    s.user_id = ann;
    s.channel_title = "T" + std::to_string(id);
    s.status = status;
    s.starts_at = at_micros(0);
    s.ends_at = at_micros(some_micros + ends);
    must(db.commit(db.step_for(entity_kind::subscription, std::to_string(id) + ":7", 1, s)));
  }
  const auto mine = std::get<subscriptions_listed>(books(list_subscriptions{ann, 0, 5}));
  REQUIRE(mine.subscriptions.size() == 2);
  CHECK(mine.subscriptions[0] == listed_subscription{-10, "T-10", "active", at_micros(some_micros + 3), true});
  CHECK_FALSE(mine.subscriptions[1].on_sale);
  CHECK(std::get<subscriptions_listed>(books(list_subscriptions{bob, 0, 5})).subscriptions.empty());
}

TEST_CASE("an owner's figures, and what keeps a channel from its end") {
  store db(new_database());
  const auto books = make_books_client(db.dsn);
  must(db.commit(channel_step(db, a_channel(-10, ann, channel_status::offered, "A"))));
  CHECK(std::get<channel_holdings>(books(get_channel_holdings{-10})).none());
  for (int i = 1; i <= 3; ++i) {
    payment p;
    p.status = payment_status::paid;
    p.judged_at = at_micros(some_micros);
    p.channel_id = -10;
    p.donation = i == 3;
    p.invite_link = "x";
    const auto order = "o" + std::to_string(i);
    auto step = db.step_for(entity_kind::payment, order, 1, p);
    deposit d;
    d.payment_id = "d" + std::to_string(i);
    d.order_id = order;
    d.gross_usd = usd("10");
    d.settled_at = at_micros(some_micros);
    accrual_opened a;
    a.payment_id = d.payment_id;
    a.order_id = order;
    a.channel_id = -10;
    a.gross_usd = a.net_usd = usd("9.70");
    a.gross_eth = a.net_eth = eth_amount::of_units(one_coin / 100);
    step.rows = {d, a};
    must(db.commit(step));
  }
  const auto seen = std::get<stats_seen>(books(channel_stats{ann, 0, 0, 5}));
  REQUIRE(seen.channels.size() == 1);
  const auto& figures = seen.channels[0];
  CHECK(figures.title == "A");
  CHECK(figures.payments == 3);
  CHECK(figures.donations == 1);
  CHECK(figures.gross == usd("30"));
  CHECK(figures.pending == usd("29.10"));
  CHECK(figures.paid.is_zero());
  CHECK(std::get<stats_seen>(books(channel_stats{bob, 0, 0, 5})).channels.empty());
  CHECK(std::get<stats_seen>(books(channel_stats{ann, -99, 0, 5})).channels.empty());
  CHECK(std::get<channel_holdings>(books(get_channel_holdings{-10})).accruals == 3);
  payment open;
  open.status = payment_status::confirming;
  open.channel_id = -10;
  must(db.commit(db.step_for(entity_kind::payment, "o4", 1, open)));
  CHECK(std::get<channel_holdings>(books(get_channel_holdings{-10})).payments == 1);
}

TEST_CASE("the web accounts of a Telegram user are those that are joined with them and open") {
  store db(new_database());
  const auto books = make_books_client(db.dsn);
  const auto open_account = [&](const std::string& id, const std::string& name, std::int64_t user, account_status status) {
    account a;
    a.status = status;
    a.user_name = name;
    a.email = name + "@example.org";
    a.password_hash = "hash";
    a.telegram_user_id = user;
    must(db.commit(db.step_for(entity_kind::account, id, 1, a)));
  };
  open_account("A1", "zoe", ann, account_status::active);
  open_account("A2", "ann", ann, account_status::closing);
  open_account("A3", "gone", ann, account_status::closed);
  open_account("A4", "other", ann + 1, account_status::active);
  open_account("A5", "nobody's", 0, account_status::active);
  CHECK(std::get<accounts_listed>(books(list_accounts{ann})) == accounts_listed{{{"A2", "ann"}, {"A1", "zoe"}}});
  CHECK(std::get<accounts_listed>(books(list_accounts{0})) == accounts_listed{});
}

TEST_CASE("the codes of a channel are its owner's alone, open ones first, in pages") {
  store db(new_database());
  const auto books = make_books_client(db.dsn);
  must(db.commit(channel_step(db, a_channel(-10, ann, channel_status::offered, "A <b>"))));
  must(db.commit(channel_step(db, a_channel(-20, ann, channel_status::closed))));
  int n = 0;
  for (const char* code : {"ZEBRA", "ALPHA", "MIDDLE"}) {
    promo_code p;
    p.status = n == 1 ? promo_code_status::disabled : promo_code_status::open;
    p.channel_id = -10;
    p.code = code;
    p.percent = n == 0 ? 0 : 20;
    if (n == 0) p.fixed = usd("2.50"), p.expires_at = at_micros(some_micros);
    p.uses_max = 10 + n;
    const auto id = "-10:" + std::string(code);
    auto step = db.step_for(entity_kind::promo_code, id, 1, p);
    if (n == 0) step.rows = {promo_use{"o1", id, 7, usd("1"), at_micros(1), {}}, promo_use{"o2", id, 8, usd("1"), at_micros(1), at_micros(2)}};
    must(db.commit(step));
    ++n;
  }
  const auto all = std::get<promos_listed>(books(list_promos{ann, -10, 0, 5}));
  CHECK(all.channel_title == "A <b>");
  REQUIRE(all.codes.size() == 3);
  CHECK(all.codes[0] == listed_promo{"MIDDLE", false, 20, {}, 0, 12, 1, std::nullopt});
  CHECK(all.codes[1] == listed_promo{"ZEBRA", false, 0, usd("2.50"), 1, 10, 1, at_micros(some_micros)}); // The other use was given back.
  CHECK(all.codes[2] == listed_promo{"ALPHA", true, 20, {}, 0, 11, 1, std::nullopt});
  CHECK_FALSE(all.more);
  const auto page = std::get<promos_listed>(books(list_promos{ann, -10, 1, 1}));
  REQUIRE(page.codes.size() == 1);
  CHECK(page.codes[0].code == "ZEBRA");
  CHECK(page.more);
  for (const auto& [owner, channel] : {std::pair{bob, std::int64_t{-10}}, {std::int64_t{0}, std::int64_t{-10}}, {ann, std::int64_t{-20}}, {ann, std::int64_t{-30}}})
    CHECK(std::get<promos_listed>(books(list_promos{owner, channel, 0, 5})) == promos_listed{});
}

TEST_CASE("another access to the same closed channel, who waits for rights, and who is stuck") {
  store db(new_database());
  const auto books = make_books_client(db.dsn);
  const auto one = [&](std::int64_t channel, std::int64_t closed, std::int64_t user, std::int64_t ends, subscription_access access, const std::string& trouble) {
    subscription s;
    s.channel_id = channel;
    s.closed_channel_id = closed;
    s.user_id = user;
    s.ends_at = at_micros(ends);
    s.access = access;
    s.access_at = at_micros(1);
    s.trouble = trouble;
    must(db.commit(db.step_for(entity_kind::subscription, std::to_string(channel) + ":" + std::to_string(user), 1, s)));
  };
  one(-1, -9, ann, 100, subscription_access::comparing, "");
  one(-2, -9, ann, 200, subscription_access::inside, "");
  one(-3, -9, ann, 300, subscription_access::exempt, "");
  one(-4, -8, ann, 900, subscription_access::inside, "");
  one(-1, -9, bob, 900, subscription_access::banning, "no_rights: x");
  one(-1, -9, 9, 900, subscription_access::inviting, "no_rights: x");
  one(-2, -9, 9, 900, subscription_access::inviting, "no_rights: x");
  const auto other = [&](std::int64_t channel, std::int64_t at) {
    return std::get<other_access_seen>(books(find_other_access{-9, ann, channel, at_micros(at)}));
  };
  CHECK(other(-1, 50) == other_access_seen{-3, at_micros(300)});
  CHECK(other(-3, 50) == other_access_seen{-2, at_micros(200)});
  CHECK(other(-3, 199).channel_id == -2);
  CHECK(other(-3, 200) == other_access_seen{}); // What ends at that instant has ended.
  CHECK(std::get<other_access_seen>(books(find_other_access{-8, ann, -4, at_micros(0)})) == other_access_seen{});
  CHECK(std::get<waiting_seen>(books(get_waiting{-1, 0, 20})).user_ids == std::vector<std::int64_t>{bob, 9});
  CHECK(std::get<waiting_seen>(books(get_waiting{-1, 0, 1})).user_ids == std::vector<std::int64_t>{bob});
  CHECK(std::get<waiting_seen>(books(get_waiting{-1, bob, 20})).user_ids == std::vector<std::int64_t>{9});
  CHECK(std::get<waiting_seen>(books(get_waiting{-1, 9, 20})).user_ids.empty());

  db.value("INSERT INTO stuck_limit (kind, status, seconds) VALUES ('subscription', 'banning', 600), ('subscription', 'comparing', 600) RETURNING 1");
  CHECK(db.value("SELECT string_agg(id || ' ' || status, ', ' ORDER BY id) FROM stuck_entity WHERE kind = 'subscription'") == "-1:7 comparing, -1:8 banning");
  db.value("UPDATE subscription SET access_at = now() - interval '9 minutes' WHERE id = '-1:8' RETURNING 1");
  CHECK(db.value("SELECT string_agg(id, ' ') FROM stuck_entity WHERE kind = 'subscription'") == "-1:7");

  account owing;
  owing.owed_mails = "verify:1";
  must(db.commit(db.step_for(entity_kind::account, "acc", 1, owing)));
  must(db.commit(db.step_for(entity_kind::account, "calm", 1, account{})));
  db.value("INSERT INTO stuck_limit (kind, status, seconds) VALUES ('account', 'owing', 1800) RETURNING 1");
  db.value("UPDATE account SET created_at = now() - interval '2 days' RETURNING 1");
  db.value("UPDATE transition SET at = now() - interval '1 day' WHERE kind = 'account' RETURNING 1");
  CHECK(db.value("SELECT string_agg(id, ' ') FROM stuck_entity WHERE kind = 'account'") == "acc");
  // A failure that is written down is no progress; a mail that went out is.
  db.value("INSERT INTO transition (kind, id, version, at, message, from_status, to_status, note) VALUES ('account', 'acc', 2, now(), 'effect_failed', '', "
           "'', '') RETURNING 1");
  CHECK(db.value("SELECT count(*) FROM stuck_entity WHERE kind = 'account'") == "1");
  db.value("INSERT INTO transition (kind, id, version, at, message, from_status, to_status, note) VALUES ('account', 'acc', 3, now(), 'done', '', '', '') "
           "RETURNING 1");
  CHECK(db.value("SELECT count(*) FROM stuck_entity WHERE kind = 'account'") == "0");
}
