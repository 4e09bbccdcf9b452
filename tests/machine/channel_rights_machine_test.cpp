#include "actors/channel/channel_machine.hpp"
#include "actors/channel/channel_posts.hpp"
#include "tests/machine/sales_support.hpp"

using namespace paygate;
using namespace paygate::test;
using namespace std::chrono_literals;

namespace {

struct offered : machine<channel_kind> {
  offered() : machine("-1001") {
    send(register_channel{sample_channel()});
    send(post_placed{offer_broadcast(state)->id, broadcast_what::offer, 5});
  }
  rights_changed rights(std::int64_t group, bool administrator = true) {
    return {++update, group, administrator, administrator, administrator, administrator};
  }
  /// The next offer is due some day, whatever the rights are.
  bool owes_words() const {
    const auto all = due();
    return std::any_of(all.begin(), all.end(), [](const effect& e) { return e.key.starts_with("rights"); });
  }
  std::string told() const { return request<send_message>("rights").html; }
  std::int64_t update = 10;
};

} // namespace

TEST_CASE("lost rights are told at once, then at growing distance, and once when they are back") {
  offered c;
  auto lost = c.rights(-1002);
  lost.can_restrict = false;
  c.send(lost);
  CHECK(c.rows<failure_listed>().size() == 1);
  CHECK(c.request<send_message>("rights").chat_id == 900);
  CHECK(c.told().find("may not ban users in the closed channel") != std::string::npos);
  c.send(lost);
  CHECK_FALSE(c.last.changed);
  for (const auto distance : {1h, 6h, 24h, 24h, 24h}) {
    CHECK(c.find("rights").not_before <= c.now);
    c.done_with("rights", message_sent{1});
    CHECK(c.find("rights").not_before == c.now + distance);
    c.now += distance;
  }
  c.send(c.rights(-1001)); // The other side was never in trouble.
  CHECK_FALSE(c.state.rights_lost.empty());
  c.send(c.rights(-1002));
  CHECK(c.state.rights_lost.empty());
  CHECK(c.told().find("again") != std::string::npos);
  c.done_with("rights", message_sent{1});
  CHECK_FALSE(c.owes_words());
}

TEST_CASE("many subscriptions in trouble are one message; the first that gets through ends it") {
  offered c;
  for (int i = 0; i < 100; ++i) c.send(report_rights{"no_rights: not enough rights"});
  CHECK(c.owes_words());
  CHECK(c.told().find("not enough rights") != std::string::npos);
  c.done_with("rights", message_sent{1});
  for (int i = 0; i < 100; ++i) {
    c.send(report_rights{"no_rights: not enough rights"});
    CHECK_FALSE(c.last.changed);
  }
  c.send(report_rights{""});
  c.done_with("rights", message_sent{1});
  CHECK_FALSE(c.owes_words());
  // Trouble that was over before the owner heard of it is none.
  c.send(report_rights{"no_rights: x"});
  c.send(report_rights{""});
  CHECK_FALSE(c.owes_words());
}

TEST_CASE("what each side needs") {
  const std::vector<std::pair<rights_changed, bool>> rows = {
      {{1, -1002, true, true, true, false}, true},  {{1, -1002, true, false, true, true}, false}, {{1, -1002, true, true, false, true}, false},
      {{1, -1001, true, false, false, true}, true}, {{1, -1001, true, true, true, false}, false}, {{1, -1002, false, false, false, false}, false},
      {{1, -1001, false, false, false, false}, false}};
  for (const auto& [event, fine] : rows) {
    offered c;
    c.send(event);
    CHECK(c.state.rights_lost.empty() == fine);
  }
  machine<channel_kind> nobody("-1001");
  CHECK(code_of(nobody.send(rights_changed{})) == "not_found");
  CHECK(code_of(nobody.send(report_rights{"x"})) == "not_found");
}

TEST_CASE("new terms leave alone what is lost; a trial has its limits") {
  offered c;
  c.send(c.rights(-1002, false));
  auto terms = sample_channel();
  terms.trial_days = 7;
  c.send(register_channel{terms});
  CHECK(c.state.trial_days == 7);
  CHECK_FALSE(c.state.rights_lost.empty());
  terms.trial_days = 366;
  CHECK(code_of(c.send(register_channel{terms})) == "invalid");
  terms.trial_days = -1;
  CHECK(code_of(c.send(register_channel{terms})) == "invalid");
}

TEST_CASE("an owner who refuses messages is asked again at the same distance") {
  offered c;
  c.send(c.rights(-1002, false));
  c.done_with("rights", no_way("blocked"));
  CHECK(c.find("rights").not_before == c.now + 1h);
}

TEST_CASE("what is wrong is kept in whole characters") {
  offered whole;
  whole.send(report_rights{"no rights…"});
  CHECK(whole.state.rights_lost == "no rights…");
  offered cut;
  cut.send(report_rights{std::string(299, 'x') + "…"});
  CHECK(cut.state.rights_lost == std::string(299, 'x'));
}

TEST_CASE("rights that are back: all who wait are told, page by page, each once") {
  offered c;
  c.send(c.rights(-1002, false));
  CHECK_FALSE(c.owes("waiting"));
  c.send(c.rights(-1001)); // The other side says nothing of the closed one.
  CHECK_FALSE(c.owes("waiting"));
  c.send(c.rights(-1002));
  REQUIRE(c.rows<failure_mended>().size() == 1);
  CHECK(c.request<get_waiting>("waiting") == get_waiting{-1001, 0, 20});
  c.done_with("waiting", waiting_seen{{7, 8, 9}});
  CHECK_FALSE(c.owes("waiting"));
  const auto first = c.question("wake:7");
  CHECK(first.to == entity_ref{entity_kind::subscription, "-1001:7"});
  CHECK(std::holds_alternative<rights_returned>(std::get<subscription_message>(first.message)));
  // In whatever order they answer, and whatever.
  c.answered("wake:9", ok{});
  CHECK_FALSE(c.owes("wake:9"));
  c.answered("wake:7", refused{refusal::not_found, "there is no such subscription"});
  CHECK_FALSE(c.owes("waiting"));
  c.answered("wake:8", ok{});
  CHECK(c.request<get_waiting>("waiting").after == 9);
  c.done_with("waiting", waiting_seen{});
  CHECK_FALSE(c.owes("waiting"));
  CHECK_FALSE(c.state.waking_after);
}

TEST_CASE("who gets through first wakes the others; rights that come again in between begin anew") {
  offered c;
  c.send(report_rights{"no_rights: x"});
  c.send(report_rights{""});
  CHECK(c.owes("waiting:0"));
  c.done_with("waiting", waiting_seen{{7, 8}});
  c.answered("wake:8", ok{});
  c.send(c.rights(-1002));
  CHECK(c.owes("waiting:0"));
  CHECK_FALSE(c.owes("wake"));
  c.done_with("waiting", waiting_seen{});
  // A call that was taken while nothing was lost is no news.
  c.send(report_rights{""});
  CHECK_FALSE(c.last.changed);
}
