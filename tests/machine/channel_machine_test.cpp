#include "actors/channel/channel_machine.hpp"
#include "tests/machine/sales_support.hpp"

using namespace paygate;
using namespace paygate::test;

namespace {

using edit = void (*)(channel&);

machine<channel_kind> registered() {
  machine<channel_kind> m("-1001");
  m.send(register_channel{sample_channel()});
  REQUIRE(m.exists);
  return m;
}

machine<channel_kind> offered() {
  auto m = registered();
  m.done_with("offer", message_sent{55});
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
      {[](channel& c) { c.payout_asset = {"usdt", "eth"}; }, "this is a Monero address"},
      {[](channel& c) { c.payout_asset = {"coin", "nowhere"}; }, "no rule here knows"},
      {[](channel& c) { c.payout_extra_id = "12"; }, "have no memo"},
      {[](channel& c) { c.payout_asset = {"xlm", "xlm"}, c.payout_address = "GA7QYNF7SOWQ3GLR2BGMZEHXAVIRZA4KVWLTJJFC7MGXUA74P7UJVSGZ", c.payout_extra_id = "a\nb"; }, "no stellar memo"},
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
  CHECK(code_of(none.send(effect_done{"offer", io_outcome(message_sent{1})})) == "not_found");

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
  CHECK(closed.due().empty());
  closed.send(effect_done{"offer", io_outcome(message_sent{56})});
  CHECK_FALSE(closed.last.changed);
  closed.send(register_channel{sample_channel()});
  CHECK(closed.state.status == channel_status::registered);
  CHECK(closed.owes("offer"));
}

TEST_CASE("the offer has a link per tier and one for donations, and escapes what it shows") {
  auto m = registered();
  const auto post = m.request<send_message>("offer");
  CHECK(post.chat_id == -1001);
  CHECK(post.html.find("Closed &lt;club&gt;") != std::string::npos);
  REQUIRE(post.buttons.size() == 3);
  CHECK(post.buttons[0][0].text == "30 days - $10.00");
  CHECK(std::get<start_link>(post.buttons[0][0].target) == start_link{-1001, 0});
  CHECK(std::get<start_link>(post.buttons[1][0].target) == start_link{-1001, 1});
  CHECK(std::get<start_link>(post.buttons[2][0].target) == start_link{-1001, start_link::donation});
  auto terms = sample_channel();
  terms.donations = false;
  m.send(register_channel{terms});
  CHECK(m.request<send_message>("offer").buttons.size() == 2);
}

TEST_CASE("new terms keep the post unless it would read otherwise") {
  const std::vector<std::pair<edit, bool>> rows = {
      {[](channel& c) { c.tiers[0].price = usd("11"); }, true},
      {[](channel& c) { c.closed_title = "New"; }, true},
      {[](channel& c) { c.description = "New"; }, true},
      {[](channel& c) { c.donations = false; }, true},
      {[](channel& c) { c.payout_address = "888tNkZrPN6JsEgekjMnABU4TBzc2Dt29EPAvkRxbANsAnjyPbb3iQ1YBRk1UXcdRsiKc9dhwMVgN5S9cQUiyoogDavup3H"; }, false},
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
    CHECK(m.state.offer_message_id == (posts_anew ? 0 : 55));
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

TEST_CASE("a channel where the bot may not post says so and is tried again") {
  auto m = registered();
  m.done_with("offer", no_way("http_403"));
  CHECK_FALSE(m.last.changed);
  REQUIRE(m.rows<failure_listed>().size() == 1);
  CHECK(m.rows<failure_listed>()[0].code == "http_403");
  CHECK(m.owes("offer"));
  CHECK(m.find("offer").again_max > m.find("offer").again_after);
  CHECK(channel_kind::stuck_after(m.state).has_value());
}
