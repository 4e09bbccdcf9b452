#include "actors/channel/channel_machine.hpp"
#include "actors/channel/channel_posts.hpp"
#include "tests/machine/sales_support.hpp"

using namespace paygate;
using namespace paygate::test;
using namespace std::chrono_literals;

namespace {

using edit = void (*)(channel&);

/// "2026-11-21T07:30:00"
timestamp at(const std::string& text) {
  int y = 0, mo = 0, d = 0, h = 0, mi = 0, s = 0;
  REQUIRE(std::sscanf(text.c_str(), "%d-%d-%dT%d:%d:%d", &y, &mo, &d, &h, &mi, &s) == 6);
  const auto day = std::chrono::year(y) / std::chrono::month(static_cast<unsigned>(mo)) / std::chrono::day(static_cast<unsigned>(d));
  return timestamp(std::chrono::sys_days(day)) + std::chrono::hours(h) + std::chrono::minutes(mi) + std::chrono::seconds(s);
}

machine<channel_kind> registered() {
  machine<channel_kind> m("-1001");
  m.send(register_channel{sample_channel()});
  REQUIRE(m.exists);
  return m;
}

machine<channel_kind> offered() {
  auto m = registered();
  m.send(post_placed{offer_broadcast(m.state)->id, broadcast_what::offer, 55});
  REQUIRE(m.state.status == channel_status::offered);
  return m;
}

} // namespace

TEST_CASE("terms that cannot be are refused, each with its word") {
  struct row {
    edit change;
    std::string word;
  };
  const std::vector<row> rows = {
      {[](channel& c) { c.open_channel_id = 0; }, "open channel"},
      {[](channel& c) { c.open_channel_id = -77; }, "open channel"},
      {[](channel& c) { c.closed_channel_id = 0; }, "closed channel"},
      {[](channel& c) { c.closed_channel_id = c.open_channel_id; }, "same"},
      {[](channel& c) { c.open_title.clear(); }, "title"},
      {[](channel& c) { c.closed_title.clear(); }, "title"},
      {[](channel& c) { c.closed_title = std::string(300, 'x'); }, "title"},
      {[](channel& c) { c.description = std::string(2001, 'x'); }, "description"},
      {[](channel& c) { c.description = std::string("a\0b", 3); }, "characters"},
      {[](channel& c) { c.open_title = "\xff\xfe"; }, "characters"},
      {[](channel& c) { c.open_title = "\xed\xa0\x80"; }, "characters"},
      {[](channel& c) { c.open_title = "caf\xc3"; }, "characters"},
      {[](channel& c) { c.tiers = {}; }, "tier 1"},
      {[](channel& c) { c.tiers[2] = c.tiers[1], c.tiers[1] = {}; }, "tier 3"},
      {[](channel& c) { c.tiers[0].price = {}; }, "tier 1"},
      {[](channel& c) { c.tiers[0].price = usd("-1"); }, "tier 1"},
      {[](channel& c) { c.tiers[0].price = usd("9.999"); }, "decimals"},
      {[](channel& c) { c.tiers[0].price = usd("1000000.01"); }, "tier 1"},
      {[](channel& c) { c.tiers[1].days = -1; }, "tier 2"},
      {[](channel& c) { c.tiers[1].days = 0; }, "tier 2"},
      {[](channel& c) { c.tiers[1].days = 4000; }, "tier 2"},
      {[](channel& c) { c.payout_asset.ticker.clear(); }, "ticker"},
      {[](channel& c) { c.payout_asset.ticker = "XMR"; }, "ticker"},
      {[](channel& c) { c.payout_asset.network.clear(); }, "network"},
      {[](channel& c) { c.payout_address.clear(); }, "address"},
      {[](channel& c) { c.payout_address = "44 owner"; }, "address"},
      {[](channel& c) { c.payout_address.back() = 'B'; }, "wrong checksum"},
      {[](channel& c) {
         c.payout_asset = {"usdt", "eth"};
       },
       "this is a Monero address"},
      {[](channel& c) {
         c.payout_asset = {"coin", "nowhere"};
       },
       "no rule here knows"},
      {[](channel& c) { c.payout_extra_id = "12"; }, "have no memo"},
      {[](channel& c) {
         c.payout_asset = {"xlm", "xlm"}, c.payout_address = "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ",
         c.payout_extra_id = "a\nb";
       },
       "no stellar memo"},
      {[](channel& c) { c.strategy = payout_strategy::threshold; }, "threshold"},
      {[](channel& c) { c.threshold = usd("-1"); }, "threshold"},
  };
  for (const auto& r : rows) {
    auto terms = sample_channel();
    r.change(terms);
    machine<channel_kind> m("-1001");
    const auto reply = m.send(register_channel{terms});
    CAPTURE(r.word);
    REQUIRE(code_of(reply) == "invalid");
    CHECK(std::get<refused>(reply).text.find(r.word) != std::string::npos);
    CHECK_FALSE(m.exists);
  }
}

TEST_CASE("every pair of status and message") {
  machine<channel_kind> none("-1001");
  CHECK(code_of(none.send(get_channel{})) == "not_found");
  CHECK(code_of(none.send(get_channel{true})) == "not_found");
  CHECK(code_of(none.send(effect_done{"offer", io_outcome(message_sent{1})})) == "not_found");
  CHECK(code_of(none.send(claim_broadcast{"b", broadcast_what::message, false})) == "not_found");
  CHECK(code_of(none.send(post_placed{"b", broadcast_what::message, 7})) == "not_found");
  CHECK(code_of(none.send(schedule_posts{})) == "not_found");

  auto fresh = registered();
  CHECK(std::get<channel_view>(fresh.send(get_channel{})).terms->closed_channel_id == -1002);
  CHECK_FALSE(fresh.last.changed);
  fresh.send(register_channel{sample_channel()});
  CHECK_FALSE(fresh.last.changed);

  auto posted = offered();
  CHECK(posted.state.offer_message_id == 55);
  CHECK(posted.due().empty());
  CHECK(std::get<channel_view>(posted.send(get_channel{})).terms->offer_message_id == 55);
  posted.send(effect_done{"offer", io_outcome(message_sent{56})}); // A late answer.
  CHECK_FALSE(posted.last.changed);
  posted.send(register_channel{sample_channel()});
  CHECK_FALSE(posted.last.changed);

  auto closed = offered();
  closed.state.status = channel_status::closed;
  CHECK(code_of(closed.send(get_channel{})) == "not_found");
  CHECK(std::holds_alternative<channel_view>(closed.send(get_channel{true}))); // Coins may still come for it.
  CHECK(code_of(closed.send(claim_broadcast{"b", broadcast_what::message, false})) == "not_found");
  CHECK(code_of(closed.send(schedule_posts{})) == "not_found");
  CHECK(closed.due().empty());
  closed.send(effect_done{"offer", io_outcome(message_sent{56})});
  CHECK_FALSE(closed.last.changed);
  closed.send(register_channel{sample_channel()});
  CHECK(closed.state.status == channel_status::registered);
  CHECK(closed.owes("offer"));
}

TEST_CASE("the offer has a link per tier and one for donations, and escapes what it shows") {
  auto terms = sample_channel();
  CHECK(offer_text(terms).find("Closed &lt;club&gt;") != std::string::npos);
  const auto buttons = offer_buttons(terms);
  REQUIRE(buttons.size() == 3);
  CHECK(buttons[0][0].text == "30 days - $10.00");
  CHECK(std::get<start_link>(buttons[0][0].target) == start_link{-1001, 0});
  CHECK(std::get<start_link>(buttons[1][0].target) == start_link{-1001, 1});
  CHECK(std::get<start_link>(buttons[2][0].target) == start_link{-1001, start_link::donation});
  terms.donations = false;
  CHECK(offer_buttons(terms).size() == 2);
}

TEST_CASE("new terms keep the post unless it would read otherwise") {
  const std::vector<std::pair<edit, bool>> rows = {
      {[](channel& c) { c.tiers[0].price = usd("11"); }, true},
      {[](channel& c) { c.closed_title = "New"; }, true},
      {[](channel& c) { c.description = "New"; }, true},
      {[](channel& c) { c.donations = false; }, true},
      {[](channel& c) {
         c.payout_address = "888tNkZrPN6JsEgekjMnABU4TBzc2Dt29EPAvkRxbANsAnjyPbb3iQ1YBRk1UXcdRsiKc9dhwMVgN5S9cQUiyoogDavup3H";
       },
       false},
      {[](channel& c) { c.owner_chat_id = 0; }, false},
      {[](channel& c) { c.strategy = payout_strategy::threshold, c.threshold = usd("50"); }, false},
  };
  for (const auto& [change, posts_anew] : rows) {
    auto m = offered();
    auto terms = sample_channel();
    change(terms);
    m.send(register_channel{terms});
    CHECK(m.last.changed);
    CHECK(m.owes("offer") == posts_anew);
    CHECK(m.state.offer_message_id == 55); // It stands until the new one does.
    if (posts_anew) {
      m.send(post_placed{offer_broadcast(m.state)->id, broadcast_what::offer, 60});
      CHECK(m.request<delete_message>("retire") == delete_message{-1001, 55});
    }
    CHECK(m.state.payout_address == terms.payout_address);
  }
}

TEST_CASE("where a network has memos, its owner gives one or says that none is needed") {
  auto terms = sample_channel();
  terms.payout_asset = {"xrp", "xrp"};
  terms.payout_address = "rHb9CJAWyB4rj91VRWn96DkukG4bwdtyTh";
  machine<channel_kind> m("-1001");
  const auto reply = m.send(register_channel{terms});
  REQUIRE(std::holds_alternative<refused>(reply));
  CHECK(std::get<refused>(reply).text.find("a memo is required") != std::string::npos);
  terms.payout_extra_id = "77";
  m.send(register_channel{terms});
  CHECK(m.state.payout_extra_id == "77");
  terms.payout_extra_id = "none";
  m.send(register_channel{terms});
  CHECK(m.state.payout_extra_id.empty());
  m.send(register_channel{terms});
  CHECK_FALSE(m.last.changed);
}

TEST_CASE("the offer is a broadcast, named by when it is due, and asked for until it stands") {
  auto m = registered();
  const auto asked = m.question("offer");
  CHECK(asked.to.kind == entity_kind::broadcast);
  CHECK(asked.to.id == scheduled_broadcast_id(-1001, broadcast_what::offer, start_of_time()));
  CHECK(std::get<start_broadcast>(std::get<broadcast_message>(asked.message)).scheduled);
  m.answered("offer", ok{});
  CHECK(m.owes("offer"));
  CHECK(channel_kind::stuck_after(m.state).has_value());
  m.send(post_placed{asked.to.id, broadcast_what::offer, 0}); // It came to nothing: another one, later.
  CHECK(m.state.status == channel_status::registered);
  CHECK(m.find("offer").not_before == m.now + 10min);
  CHECK(m.question("offer").to.id != asked.to.id);
}

TEST_CASE("a post replaces the one before, whatever order the broadcasts come in") {
  auto m = offered();
  CHECK(m.state.posts.offer_due_at == m.now + 24h);
  const auto due = scheduled_broadcast_id(-1001, broadcast_what::offer, *m.state.posts.offer_due_at);
  m.now += 24h;
  m.send(post_placed{due, broadcast_what::offer, 80});
  CHECK(m.state.offer_message_id == 80);
  CHECK(m.state.posts.retired == "o55");
  CHECK(m.state.posts.offer_due_at == m.now + 24h);
  m.send(post_placed{due, broadcast_what::offer, 80}); // A repeat.
  CHECK_FALSE(m.last.changed);
  m.send(post_placed{"late", broadcast_what::offer, 70}); // It was posted before the one that stands.
  CHECK(m.state.offer_message_id == 80);
  CHECK(m.state.posts.retired == "o55,o70");
  m.done_with("retire:o55", done{});
  m.done_with("retire:o70", no_way("bad_request")); // Telegram will not: it stays.
  CHECK(m.state.posts.retired.empty());
  CHECK(m.due().empty());
  m.send(post_placed{"x", broadcast_what::donation, 5});
  m.send(post_placed{"y", broadcast_what::donation, 6});
  CHECK(m.request<delete_message>("retire") == delete_message{-1002, 5});
  m.send(post_placed{"z", broadcast_what::message, 81});
  CHECK(m.state.posts.words_message_id == 81);
  CHECK(m.state.offer_message_id == 80);
}

TEST_CASE("broadcasts of an owner keep their distance, and the next time is told") {
  auto m = offered();
  CHECK(std::holds_alternative<channel_view>(m.send(claim_broadcast{"a", broadcast_what::message, false})));
  CHECK(std::holds_alternative<channel_view>(m.send(claim_broadcast{"a", broadcast_what::message, false})));
  CHECK_FALSE(m.last.changed);
  m.now += 4min + 59s;
  const auto no = m.send(claim_broadcast{"b", broadcast_what::message, false});
  REQUIRE(code_of(no) == "conflict");
  CHECK(std::get<refused>(no).text == "broadcasts of a channel are at least 5 minutes apart: the next one is possible at 00:05:00 UTC");
  CHECK(std::holds_alternative<channel_view>(m.send(claim_broadcast{"s", broadcast_what::offer, true})));
  CHECK_FALSE(m.last.changed);
  m.now += 1s;
  CHECK(std::holds_alternative<channel_view>(m.send(claim_broadcast{"b", broadcast_what::message, false})));
  auto terms = sample_channel();
  terms.donations = false;
  m.send(register_channel{terms});
  CHECK(m.state.posts.manual_id == "b");
  CHECK_FALSE(m.state.posts.donation_due_at.has_value());
  CHECK(code_of(m.send(claim_broadcast{"c", broadcast_what::donation, true})) == "conflict");
}

TEST_CASE("a schedule says when the next post is due") {
  struct row {
    schedule_posts wanted;
    std::string now, next;
  };
  const std::vector<row> rows = {
      {{post_cadence::automatic, 1, 9}, "2026-11-21T07:30:00", "2026-11-22T07:30:00"},
      {{post_cadence::daily, 1, 9}, "2026-11-21T07:30:00", "2026-11-21T09:00:00"},
      {{post_cadence::daily, 1, 9}, "2026-11-21T09:00:00", "2026-11-22T09:00:00"},
      {{post_cadence::daily, 1, 0}, "2026-12-31T23:59:59", "2027-01-01T00:00:00"},
      {{post_cadence::weekly, 6, 9}, "2026-11-21T08:59:59", "2026-11-21T09:00:00"}, // A Saturday.
      {{post_cadence::weekly, 6, 9}, "2026-11-21T09:00:00", "2026-11-28T09:00:00"},
      {{post_cadence::weekly, 1, 9}, "2026-11-21T09:00:00", "2026-11-23T09:00:00"},
      {{post_cadence::weekly, 7, 23}, "2026-11-21T09:00:00", "2026-11-22T23:00:00"},
      {{post_cadence::monthly, 28, 9}, "2026-11-21T09:00:00", "2026-11-28T09:00:00"},
      {{post_cadence::monthly, 1, 9}, "2026-11-21T09:00:00", "2026-12-01T09:00:00"},
      {{post_cadence::monthly, 21, 9}, "2026-12-21T09:00:00", "2027-01-21T09:00:00"},
      {{post_cadence::off, 1, 9}, "2026-11-21T09:00:00", ""},
  };
  for (const auto& r : rows) {
    CAPTURE(r.now, to_text(r.wanted.cadence), r.wanted.day, r.wanted.hour);
    auto m = offered();
    m.now = at(r.now);
    m.send(schedule_posts{post_cadence::off, 1, 8}); // Differs from each row.
    m.send(r.wanted);
    CHECK((m.state.posts.offer_due_at ? to_text(*m.state.posts.offer_due_at).substr(0, 19) : "") == r.next);
    CHECK(m.state.posts.donation_due_at == m.state.posts.offer_due_at);
  }
  for (const auto& [wanted, word] : {std::pair{schedule_posts{post_cadence::daily, 1, 24}, "hour"},
                                     {schedule_posts{post_cadence::weekly, 8, 9}, "week"},
                                     {schedule_posts{post_cadence::monthly, 29, 9}, "month"}}) {
    auto m = offered();
    const auto reply = m.send(wanted);
    REQUIRE(code_of(reply) == "invalid");
    CHECK(std::get<refused>(reply).text.find(word) != std::string::npos);
  }
}

TEST_CASE("a channel that is closed to new sales takes its posts down") {
  auto m = offered();
  m.send(post_placed{"d", broadcast_what::donation, 9});
  m.send(post_placed{"w", broadcast_what::message, 60});
  m.send(close_channel{});
  CHECK(m.state.posts.retired == "o55,c9");
  CHECK(m.state.posts.words_message_id == 60); // The owner's own words stay.
  CHECK(m.state.offer_message_id == 0);
  CHECK_FALSE(m.state.posts.offer_due_at.has_value());
  m.done_with("retire:o55", done{});
  CHECK(m.request<delete_message>("retire") == delete_message{-1002, 9});
}
