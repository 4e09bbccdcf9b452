#include "tests/machine/subscription_support.hpp"

using namespace paygate;
using namespace paygate::test;
using namespace std::chrono_literals;

namespace {

using ann = membership_of_ann;
subscription_extended extended(const entity_reply& reply) { return std::get<subscription_extended>(reply); }
extend_subscription order(std::string id, int days = 30) { return ann::order(std::move(id), days); }

} // namespace

TEST_CASE("the first order starts a subscription now, and the way in") {
  ann m;
  const auto reply = extended(m.send(order("A")));
  CHECK(reply.starts_at == m.now);
  CHECK(reply.ends_at == m.now + std::chrono::days(30));
  CHECK(m.rows<subscription_period>().size() == 1);
  CHECK(m.state.ends_at == reply.ends_at);
  CHECK(m.state.user_name == "@ann");
  CHECK(m.due_words() == "invite");
  const auto invite = m.request<create_invite>("invite");
  CHECK(invite.chat_id == -1002);
  CHECK(invite.name == "s7-1.1001");
  CHECK(invite.expires_at == m.now + 24h);
  m.done_with("invite", invite_created{"https://t.me/+abc"});
  CHECK(m.due_words() == "announce");
  CHECK(m.find("tell").not_before == m.now + 2s); // The page has it first, but holds nobody up.
  const auto told = m.request<send_message>("tell");
  CHECK(told.html.find("2026-12-21 00:00 UTC") != std::string::npos);
  CHECK(told.html.find("https://t.me/+abc") != std::string::npos);
  CHECK(told.html.find("Closed &lt;club&gt;") != std::string::npos);
  const auto announced = m.question("announce");
  CHECK(announced.to == entity_ref{entity_kind::payment, "A"});
  CHECK(std::get<access_given>(std::get<payment_message>(announced.message)).link == "https://t.me/+abc");
  m.settle(false);
  CHECK(m.state.periods[0].announced);
  CHECK(m.due_words() == "");
}

TEST_CASE("an order while it runs extends from the end, one after the end from now") {
  ann m;
  const auto begin = m.now;
  m.send(order("A"));
  m.now += std::chrono::days(10);
  CHECK(extended(m.send(order("B", 90))).starts_at == begin + std::chrono::days(30));
  CHECK(m.state.ends_at == begin + std::chrono::days(120));
  CHECK(m.state.starts_at == begin);
  m.now = begin + std::chrono::days(200);
  CHECK(extended(m.send(order("C", 1))).starts_at == m.now);
  CHECK(m.state.starts_at == m.now);
  CHECK(m.state.periods.size() == 3);
}

TEST_CASE("an order in grace extends from the end, unless grace would eat it up") {
  ann m;
  m.rules.grace = 72h;
  m.send(order("A", 30));
  const auto end = m.state.ends_at;
  m.now = end + 48h;
  CHECK(m.status() == "active"); // Nothing has turned it yet;
  CHECK(extended(m.send(order("B", 1))).starts_at == m.now); // one day from the end would be over.
  m.now = m.state.ends_at + 1h;
  CHECK(extended(m.send(order("C", 30))).starts_at == m.state.periods[1].ends_at);
}

TEST_CASE("a repeated order answers its own period and changes nothing, however late") {
  ann m;
  const auto first = m.send(order("A"));
  m.send(order("B"));
  const auto before = m.state;
  m.now += std::chrono::days(500);
  CHECK(m.send(order("A")) == first);
  CHECK_FALSE(m.last.changed);
  CHECK(m.last.rows.empty());
  CHECK(m.state == before);
}

TEST_CASE("what cannot be an extension is refused") {
  ann m;
  auto foreign = order("A");
  foreign.user_id = 8;
  CHECK(code_of(m.send(foreign)) == "invalid");
  CHECK(code_of(m.send(order(""))) == "invalid");
  CHECK(code_of(m.send(order("A", 0))) == "invalid");
  CHECK(code_of(m.send(order("A", -1))) == "invalid");
  CHECK(code_of(m.send(order("A", 36'601))) == "invalid");
  CHECK(code_of(m.send(effect_done{"x", io_outcome(done{})})) == "not_found");
  CHECK(code_of(m.send(ask_invite{})) == "not_found");
  CHECK(code_of(m.send(turn_phase{})) == "not_found");
  CHECK(code_of(m.send(member_left{5, false, false})) == "not_found");
  CHECK(code_of(m.send(invite_spent{"x"})) == "not_found");
  CHECK(code_of(m.send(member_joined{5, ann::who(), "", false})) == "not_found");
  CHECK_FALSE(m.exists);
  m.send(order("A"));
  m.send(effect_done{"x", io_outcome(done{})});
  CHECK_FALSE(m.last.changed);
}

TEST_CASE("the phase is a function of dates, and turned by them") {
  struct row {
    std::chrono::microseconds before_end;
    std::chrono::seconds grace;
    const char* phase;
  };
  const std::vector<row> rows = {{72h + 1us, 0h, "active"},  {72h, 0h, "expiring"},   {1us, 0h, "expiring"},   {0us, 0h, "expired"},
                                 {0us, 10h, "grace"},        {-10h + 1us, 10h, "grace"}, {-10h, 10h, "expired"}, {1us, 10h, "expiring"},
                                 {-500h, 10h, "expired"}};
  for (const auto& r : rows) {
    ann m;
    m.rules.grace = r.grace;
    m.send(order("A"));
    const auto at = m.state.ends_at - r.before_end;
    CHECK(to_text(phase(m.state, at, m.rules)) == r.phase);
    m.now = at;
    CHECK(m.owes("turn:") == (std::string(r.phase) != "active"));
    m.send(turn_phase{});
    CHECK(m.status() == r.phase);
    m.send(turn_phase{});
    CHECK_FALSE(m.last.changed);
    CHECK_FALSE(m.owes("turn:"));
  }
  // Less than the first reminder was bought: it expires from the next reminder on, or is active to the end.
  ann two, one;
  two.send(order("A", 2));
  CHECK(two.find("turn@").not_before == two.state.ends_at - 24h);
  one.send(order("A", 1));
  CHECK(one.find("turn@").not_before == one.state.ends_at);
}

TEST_CASE("each date is the row's alone: what comes later says when") {
  ann m;
  m.be_inside();
  CHECK(m.due_words() == "");
  CHECK(m.find("remind").not_before == m.state.ends_at - 72h);
  CHECK(m.find("turn").not_before == m.state.ends_at - 72h);
  m.now = m.state.ends_at - 72h;
  m.settle(true);
  CHECK(m.find("turn").not_before == m.state.ends_at - 0h);
  m.expire();
  m.settle(false);
  CHECK(m.find("sweep").not_before == m.now + 1h);
}

TEST_CASE("a reminder goes out once per period, with a button; renewing begins anew") {
  ann m;
  m.be_inside();
  auto reminders = [&] { return std::count_if(m.said.begin(), m.said.end(), [](auto& s) { return s.find(" ends on ") != std::string::npos; }); };
  m.now = m.state.ends_at - 72h;
  const auto first = m.request<send_message>("remind");
  CHECK(std::get<std::string>(first.buttons.at(0).at(0).target) == "renew:-1001");
  m.settle(true);
  m.settle(true);
  CHECK(reminders() == 1);
  m.now += 47h;
  m.settle(true);
  CHECK(reminders() == 1);
  m.now = m.state.ends_at - 24h;
  m.settle(true);
  CHECK(reminders() == 2);
  m.now = m.state.ends_at - 1h;
  m.settle(true);
  CHECK(reminders() == 2);
  m.buy("B");
  m.settle(true);
  CHECK(m.status() == "active");
  CHECK(reminders() == 2);
  m.now = m.state.ends_at - 72h;
  m.settle(true);
  CHECK(reminders() == 3);
  // Both were missed: the newer one says it all.
  m.buy("C");
  m.settle(true);
  m.now = m.state.ends_at - 2h;
  m.settle(true);
  CHECK(reminders() == 4);
  // A chat that refuses it is not asked again.
  m.buy("D");
  m.settle(true);
  m.now = m.state.ends_at - 72h;
  m.send(turn_phase{});
  m.failed("remind", "blocked");
  CHECK_FALSE(m.due_words().find("remind") != std::string::npos);
}

TEST_CASE("a late answer to the reminder of the old end reminds of nothing") {
  ann m;
  m.be_inside();
  m.now = m.state.ends_at - 72h;
  const auto key = m.find("remind").key;
  m.buy("B");
  m.settle(true);
  const auto before = m.state;
  m.send(effect_done{key, io_outcome(message_sent{1})});
  CHECK(m.state == before);
}

TEST_CASE("at the end the member is looked for, put out, may come back, and is told once") {
  ann m;
  m.be_inside();
  m.expire();
  CHECK(m.status() == "expired");
  CHECK(m.access() == "judging");
  CHECK(m.due_words() == "look");
  CHECK(m.request<get_member>("look") == get_member{-1002, 7});
  m.done_with("look", member_seen{member_status::member});
  CHECK(m.due_words() == "compare");
  CHECK(m.request<find_other_access>("compare") == find_other_access{-1002, 7, -1001, m.now - m.rules.grace});
  m.done_with("compare", other_access_seen{});
  CHECK(m.due_words() == "ban");
  m.done_with("ban", done{});
  CHECK(m.due_words() == "unban");
  m.done_with("unban", done{});
  CHECK(m.access() == "removed");
  CHECK(m.due_words() == "tell");
  const auto told = m.request<send_message>("tell");
  CHECK(told.html.find("has ended") != std::string::npos);
  CHECK(std::get<std::string>(told.buttons.at(0).at(0).target) == "renew:-1001");
  m.done_with("tell", message_sent{1});
  CHECK(m.due_words() == "");
}

TEST_CASE("who is not in is not put out: every word of Telegram at the end") {
  const std::vector<std::tuple<member_status, std::string, bool>> rows = {
      {member_status::creator, "exempt", false}, {member_status::administrator, "exempt", false}, {member_status::member, "comparing", false},
      {member_status::left, "removed", true},    {member_status::kicked, "removed", true}};
  for (const auto& [status, access, told] : rows) {
    ann m;
    m.be_inside();
    m.expire();
    m.done_with("look", member_seen{status});
    CHECK(m.access() == access);
    CHECK(m.owes("tell") == told);
  }
  ann late; // Made an administrator between the look and the ban.
  late.be_inside();
  late.expire();
  late.be_found_inside();
  late.failed("ban", "administrator");
  CHECK(late.access() == "exempt");
  ann gone;
  gone.be_inside();
  gone.expire();
  gone.be_found_inside();
  gone.failed("ban", "not_member");
  CHECK(gone.access() == "removed");
}

TEST_CASE("members that have expired are looked at three times, and put out again") {
  ann m;
  m.be_inside();
  m.expire();
  const auto end = m.now;
  m.settle(false);
  m.said.clear();
  for (const auto at : {1h, 24h, 168h}) {
    CHECK(m.find("sweep").not_before == end + at);
    m.now = end + at;
    m.done_with("sweep", member_seen{at == 24h ? member_status::member : member_status::left});
    if (at == 24h) CHECK(m.access() == "comparing");
    m.settle(true, "sweep");
    CHECK(m.access() == "removed");
  }
  CHECK_FALSE(m.owes("sweep"));
  CHECK(m.said.empty()); // They were told the first time.
  // An administrator who is none any more is a member whose time is over.
  ann chief;
  chief.be_inside();
  chief.expire();
  chief.done_with("look", member_seen{member_status::administrator});
  chief.now += 1h;
  chief.done_with("sweep", member_seen{member_status::member});
  CHECK(chief.access() == "comparing");
}

TEST_CASE("renewed while the ban is in flight: let in again and told, whenever the ban lands") {
  for (const bool lands_late : {false, true})
    for (const bool update_lost : {false, true}) {
      ann m;
      m.be_inside();
      m.expire();
      m.be_found_inside();
      const auto ban = m.find("ban").key;
      m.buy("B");
      CHECK(m.access() == "unbanning");
      m.send(effect_done{ban, io_outcome(done{})}); // Its answer comes too late for anybody.
      CHECK(m.access() == "unbanning");
      m.settle(false, "recheck");
      CHECK(m.access() == "invited");
      CHECK(m.heard("Your invite to"));
      m.said.clear();
      if (lands_late && !update_lost) {
        m.send(member_left{++m.update, true, true});
        CHECK(m.find("recheck").not_before <= m.now);
      }
      m.now += 200s;
      m.done_with("recheck", member_seen{lands_late ? member_status::kicked : member_status::left});
      m.settle(false);
      CHECK(m.access() == "invited");
      CHECK(m.heard("Your invite to") == lands_late);
      CHECK(m.state.periods.size() == 2);
      CHECK_FALSE(m.owes("ban"));
    }
  // A ban of ours that is seen while its end is on the way: its end has to come after it.
  ann m;
  m.be_inside();
  m.expire();
  m.be_found_inside();
  m.buy("B");
  const auto first = m.find("unban").key;
  m.send(member_left{++m.update, true, true});
  CHECK(m.find("unban").key != first);
}

TEST_CASE("renewed after the removal: unbanned, and a fresh link; renewed before anything was done: looked at") {
  ann m;
  m.be_inside();
  m.expire();
  m.settle(true);
  CHECK(m.access() == "removed");
  m.buy("B");
  CHECK(m.due_words() == "unban");
  m.settle(false);
  CHECK(m.access() == "invited");
  CHECK(m.state.invite_link == "https://t.me/+2");
  CHECK_FALSE(m.owes("sweep"));
  ann quick;
  quick.be_inside();
  quick.expire();
  quick.buy("B");
  CHECK(quick.access() == "looking");
  quick.settle(true);
  CHECK(quick.access() == "inside");
  CHECK(quick.heard("You are in already"));
  CHECK(quick.links == 1); // No useless link.
}
