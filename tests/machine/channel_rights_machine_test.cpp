#include "actors/channel/channel_machine.hpp"
#include "tests/machine/sales_support.hpp"

using namespace paygate;
using namespace paygate::test;
using namespace std::chrono_literals;

namespace {

struct offered : machine<channel_kind> {
  offered() : machine("-1001") {
    send(register_channel{sample_channel()});
    done_with("offer", message_sent{5});
  }
  rights_changed rights(std::int64_t group, bool administrator = true) {
    return {++update, group, administrator, administrator, administrator, administrator};
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
  CHECK(c.due().empty());
}

TEST_CASE("many subscriptions in trouble are one message; the first that gets through ends it") {
  offered c;
  for (int i = 0; i < 100; ++i) c.send(report_rights{"no_rights: not enough rights"});
  CHECK(c.due_words() == "rights");
  CHECK(c.told().find("not enough rights") != std::string::npos);
  c.done_with("rights", message_sent{1});
  for (int i = 0; i < 100; ++i) {
    c.send(report_rights{"no_rights: not enough rights"});
    CHECK_FALSE(c.last.changed);
  }
  c.send(report_rights{""});
  c.done_with("rights", message_sent{1});
  CHECK(c.due().empty());
  // Trouble that was over before the owner heard of it is none.
  c.send(report_rights{"no_rights: x"});
  c.send(report_rights{""});
  CHECK(c.due().empty());
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
