// What broadcasts ask of the database, and the visits of landing pages, against a real PostgreSQL.
#include <catch2/catch.hpp>

#include <caf/all.hpp>
#include <pqxx/pqxx>

#include "persistence/visits.hpp"
#include "tests/store/store_support.hpp"

using namespace paygate;
using namespace paygate::test;
using namespace std::chrono_literals;

namespace {

const auto now = at_micros(some_micros);

void subscribe(store& db, std::int64_t channel, std::int64_t user, timestamp from, timestamp to,
               subscription_status status = subscription_status::active) {
  subscription s;
  s.status = status;
  s.channel_id = channel;
  s.closed_channel_id = channel - 1;
  s.user_id = user;
  s.chat_id = user + 1000;
  s.starts_at = from;
  s.ends_at = to;
  REQUIRE(db.commit(db.step_for(entity_kind::subscription, std::to_string(channel) + ":" + std::to_string(user), 1, s)).error == "");
}

channel offered(std::int64_t id, std::optional<timestamp> offer, std::optional<timestamp> donation) {
  channel c;
  c.status = channel_status::offered;
  c.open_channel_id = id;
  c.closed_channel_id = id - 1;
  c.tiers[0] = {usd_amount::of_units(one_coin), 30};
  c.posts.offer_due_at = offer;
  c.posts.donation_due_at = donation;
  return c;
}

} // namespace

TEST_CASE("the subscribers of a channel are read in the order of their ids, page by page") {
  store db(new_database());
  const auto ask = make_books_client(db.dsn);
  for (std::int64_t user = 1; user <= 7; ++user) subscribe(db, -100, user, now - 1h, now + 1h);
  subscribe(db, -100, 8, now + 1min, now + 1h); // Begins later.
  subscribe(db, -100, 9, now - 2h, now - 1h);   // Has ended.
  subscribe(db, -100, 3'000'000'000'000, now - 1h, now + 1h);
  subscribe(db, -200, 5, now - 1h, now + 1h); // Another channel's.
  CHECK(std::get<audience_seen>(ask(get_audience{-100, now})).recipients == 8);
  std::vector<std::int64_t> seen;
  for (std::int64_t after = 0;;) {
    const auto page = std::get<recipients_seen>(ask(get_recipients{-100, now, after, 3}));
    if (page.people.empty()) break;
    CHECK(page.people.size() <= 3);
    for (const auto& p : page.people) {
      CHECK(p.chat_id == p.user_id + 1000);
      seen.push_back(p.user_id);
    }
    after = seen.back();
  }
  CHECK(seen == std::vector<std::int64_t>{1, 2, 3, 4, 5, 6, 7, 3'000'000'000'000});
  auto gone = db.load({entity_kind::subscription, "-100:4"}).entity;
  std::get<subscription>(gone.state).status = subscription_status::expired;
  REQUIRE(db.commit(db.step_for(entity_kind::subscription, "-100:4", 2, gone.state)).error == "");
  CHECK(std::get<recipients_seen>(ask(get_recipients{-100, now, 3, 1})).people.front().user_id == 5);
}

TEST_CASE("a post is due until its broadcast exists") {
  store db(new_database());
  const auto ask = make_books_client(db.dsn);
  REQUIRE(db.commit(db.step_for(entity_kind::channel, "-100", 1, offered(-100, now - 1h, now + 1h))).error == "");
  REQUIRE(db.commit(db.step_for(entity_kind::channel, "-200", 1, offered(-200, now, now - 2h))).error == "");
  REQUIRE(db.commit(db.step_for(entity_kind::channel, "-300", 1, offered(-300, std::nullopt, std::nullopt))).error == "");
  auto closed = offered(-400, now - 1h, now - 1h);
  closed.status = channel_status::closed;
  REQUIRE(db.commit(db.step_for(entity_kind::channel, "-400", 1, closed)).error == "");
  using enum broadcast_what;
  CHECK(std::get<due_posts_seen>(ask(get_due_posts{now, 10})).due
        == std::vector<due_post>{{-200, donation, now - 2h}, {-100, offer, now - 1h}, {-200, offer, now}});
  CHECK(std::get<due_posts_seen>(ask(get_due_posts{now, 1})).due.size() == 1);
  broadcast b;
  b.channel_id = -100;
  b.what = offer;
  REQUIRE(db.commit(db.step_for(entity_kind::broadcast, scheduled_broadcast_id(-100, offer, now - 1h), 1, b)).error == "");
  CHECK(std::get<due_posts_seen>(ask(get_due_posts{now, 10})).due == std::vector<due_post>{{-200, donation, now - 2h}, {-200, offer, now}});
}

TEST_CASE("the predecessor's table shows a channel's broadcasts") {
  store db(new_database());
  REQUIRE(db.commit(db.step_for(entity_kind::channel, "-100", 1, offered(-100, now + 1h, now + 2h))).error == "");
  auto sent = broadcast{};
  sent.channel_id = -100;
  sent.html = "x";
  sent.status = broadcast_status::completed;
  sent.sent = 5;
  sent.ended_at = now;
  auto failed = sent;
  failed.status = broadcast_status::failed;
  failed.sent = 0;
  failed.started_at = now;
  failed.reason = "no rights";
  REQUIRE(db.commit(db.step_for(entity_kind::broadcast, "A", 1, sent)).error == "");
  REQUIRE(db.commit(db.step_for(entity_kind::broadcast, "B", 1, failed)).error == "");
  CHECK(db.value("SELECT broadcast_status || total_broadcasts || successful_broadcasts || failed_broadcasts || last_error_message FROM "
                 "legacy.broadcast_manager")
        == "failed211no rights");
  CHECK(db.value("SELECT next_send_time = '" + to_text(now + 1h) + "' AND last_sent_time = '" + to_text(now)
                 + "' FROM legacy.broadcast_manager")
        == "t");
}

TEST_CASE("visits come together in memory and are added to their day") {
  store db(new_database());
  visit_book book(db.dsn);
  for (int i = 0; i < 3; ++i) book.add(-100, now);
  book.add(-100, now + 24h);
  book.add(-200, now);
  CHECK(db.value("SELECT count(*) FROM landing_visit") == "0");
  CHECK(book.flush());
  book.add(-100, now + 1s);
  CHECK(book.flush());
  CHECK(book.flush()); // Nothing to write.
  CHECK(db.value("SELECT string_agg(channel_id || ':' || day || ':' || visits, ' ' ORDER BY channel_id, day) FROM landing_visit")
        == "-200:2026-11-21:1 -100:2026-11-21:4 -100:2026-11-22:1");
  CHECK(db.value("SELECT visits FROM legacy.landing_page WHERE open_channel_id = '-100'") == "5");
  visit_book lost("host=/nowhere dbname=none connect_timeout=1");
  lost.add(-100, now);
  CHECK_FALSE(lost.flush());
  CHECK_FALSE(lost.flush()); // It is still there to be written.
}
