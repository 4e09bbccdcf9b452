// The way into the closed channel, and who asks for it: links, joins, requests, lost rights. Every state of access meets every message.
#include "tests/machine/subscription_support.hpp"

using namespace paygate;
using namespace paygate::test;
using namespace std::chrono_literals;

namespace {

using ann = membership_of_ann;

/// In that state of access; those with "!" in front after the end.
ann in_access(std::string name) {
  ann m;
  const auto ended = name.starts_with("!");
  if (ended) name.erase(0, 1);
  if (name == "inviting" || name == "invited") {
    m.buy();
    if (name == "invited") m.settle(false);
    return m;
  }
  if (name == "admitting") {
    m.buy();
    m.send(join_requested{++m.update, ann::who()});
    return m;
  }
  m.be_inside();
  if (name == "inside") return m;
  if (name == "outside") m.send(member_left{++m.update, false, false});
  if (name == "looking") m.buy("B");
  if (name == "exempt" && !ended) m.buy("B"), m.done_with("look", member_seen{member_status::administrator}), m.settle(true);
  if (name == "outside" || name == "looking" || (name == "exempt" && !ended)) return m;
  m.expire();
  if (name == "exempt") m.done_with("look", member_seen{member_status::creator});
  if (name == "judging" || name == "exempt") return m;
  if (name == "removed") {
    m.settle(true);
    return m;
  }
  m.done_with("look", member_seen{member_status::member});
  if (name == "comparing") return m;
  m.done_with("compare", other_access_seen{});
  if (name == "banning") return m;
  if (ended) {
    m.done_with("ban", done{}); // "!unbanning"
    return m;
  }
  m.buy("B"); // "unbanning"
  return m;
}

} // namespace

TEST_CASE("every state of access meets every message") {
  // extend, trial, ask_invite, joined (our link), joined (another way), left, banned by a person, banned by us, request, turn. "=" as before;
  // "-" refused.
  const std::vector<std::vector<std::string>> table = {
      {"inviting", "=", "-", "=", "inside", "inside", "=", "=", "=", "admitting", "="},
      {"invited", "=", "-", "=", "inside", "inside", "=", "=", "=", "admitting", "="},
      {"admitting", "=", "-", "=", "inside", "inside", "=", "=", "=", "=", "="},
      {"inside", "looking", "-", "looking", "=", "=", "outside", "outside", "=", "admitting", "="},
      {"outside", "unbanning", "-", "inviting", "inside", "inside", "=", "=", "=", "admitting", "="},
      {"looking", "=", "-", "=", "inside", "inside", "=", "=", "=", "=", "="},
      {"unbanning", "=", "-", "=", "inside", "inside", "=", "=", "=", "=", "="},
      {"exempt", "looking", "-", "looking", "inside", "inside", "outside", "outside", "=", "=", "="},
      {"!judging", "looking", "looking", "-", "=", "=", "=", "=", "=", "=", "="},
      {"!comparing", "looking", "looking", "-", "=", "=", "=", "=", "=", "=", "="},
      {"!banning", "unbanning", "unbanning", "-", "=", "=", "=", "=", "=", "=", "="},
      {"!unbanning", "=", "=", "-", "=", "=", "=", "=", "=", "=", "="},
      {"!removed", "unbanning", "unbanning", "-", "judging", "judging", "=", "=", "=", "=", "="},
      {"!exempt", "looking", "looking", "-", "=", "=", "=", "=", "=", "=", "="},
  };
  for (const auto& row : table)
    for (std::size_t i = 1; i < row.size(); ++i) {
      auto m = in_access(row[0]);
      const auto from = row[0].starts_with("!") ? row[0].substr(1) : row[0];
      REQUIRE(m.access() == from);
      const auto id = ++m.update;
      const std::vector<subscription_message> messages = {
          ann::order("Z"),          ann::trial("T"),           ask_invite{},
          member_joined{id, ann::who(), "https://t.me/+other", true}, member_joined{id, ann::who(), "", false},
          member_left{id, false, false}, member_left{id, true, false}, member_left{id, true, true},
          join_requested{id, ann::who()}, turn_phase{}};
      INFO(row[0] << " meets " << name_of(messages[i - 1]) << " (" << i << ")");
      const auto reply = m.send(messages[i - 1]);
      CHECK(std::holds_alternative<refused>(reply) == (row[i] == "-"));
      CHECK(m.access() == (row[i] == "-" || row[i] == "=" ? from : row[i]));
      // An update that comes again changes nothing.
      if (i >= 4 && i <= 9) {
        const auto before = m.state;
        CHECK(m.send(messages[i - 1]) == entity_reply(ok{}));
        CHECK(m.state == before);
      }
    }
}

TEST_CASE("in whatever state the end comes: the member is out in the end, and not before") {
  for (const auto* from : {"inviting", "invited", "admitting", "inside", "outside", "looking", "unbanning", "exempt"}) {
    auto m = in_access(from);
    m.expire();
    CHECK(m.status() == "expired");
    m.settle(true);
    INFO(from);
    CHECK(m.access() == "removed");
    CHECK(m.state.invite_link.empty());
    CHECK(m.state.spent_links.empty());
    CHECK(m.heard("has ended"));
  }
}

TEST_CASE("in whatever state they renew: they are in or have a link, and were told") {
  for (const auto* from : {"inviting", "invited", "admitting", "inside", "outside", "looking", "unbanning", "exempt", "!judging", "!comparing", "!banning",
                           "!unbanning", "!removed", "!exempt"})
    for (const bool inside : {false, true}) {
      auto m = in_access(from);
      m.said.clear();
      const auto before = m.state.periods.size();
      m.buy("Z");
      CHECK(m.state.periods.size() == before + 1);
      m.settle(inside);
      INFO(from << (inside ? " inside" : " outside"));
      CHECK((m.access() == "invited" || m.access() == "inside"));
      CHECK((m.heard("Your invite to") || m.heard("already") || m.heard("You are in")));
      CHECK(m.state.periods.back().announced);
      CHECK_FALSE(m.owes("ban"));
    }
}

TEST_CASE("one link is good: the one before is revoked first; a used one is revoked") {
  ann m;
  m.buy();
  m.settle(false);
  m.now += 60s;
  m.send(ask_invite{});
  CHECK(m.due_words() == "revoke");
  CHECK(m.request<revoke_invite>("revoke") == revoke_invite{-1002, "https://t.me/+1"});
  m.settle(false);
  CHECK(m.state.invite_link == "https://t.me/+2");
  // The page of the order shows the new one.
  CHECK(m.state.periods[0].announced);
  // Asked twice at once: the same is sent again.
  m.said.clear();
  m.now += 10s;
  m.send(ask_invite{});
  m.settle(false);
  CHECK(m.links == 2);
  CHECK(m.heard("+2"));
  CHECK_FALSE(m.heard("payment is confirmed"));
  m.send(member_joined{++m.update, ann::who(), m.state.invite_link, true});
  CHECK(m.due_words() == "revoke");
  m.settle(true);
  CHECK(m.state.invite_link.empty());
  CHECK(m.due_words() == "");
  // A link of ours that nobody bound (its answer was lost) is revoked when it is used, and so is the one that was bound.
  ann orphan;
  orphan.buy();
  orphan.settle(false);
  orphan.send(member_joined{1, ann::who(), "https://t.me/+orphan", true});
  CHECK(orphan.due_words() == "revoke revoke");
}

TEST_CASE("who asks for a link while inside is looked for, and told so") {
  auto m = in_access("inside");
  m.said.clear();
  m.send(ask_invite{});
  m.settle(true);
  CHECK(m.heard("already"));
  m.send(ask_invite{});
  m.settle(false);
  CHECK(m.access() == "invited");
}

TEST_CASE("an invite that was made in vain for long is not born dead") {
  ann m;
  m.buy();
  m.failed("invite", "no_rights");
  m.now += 100h;
  CHECK(m.request<create_invite>("invite").expires_at > m.now + 12h);
  CHECK(m.request<create_invite>("invite").expires_at <= m.now + 24h);
  m.settle(false);
  m.now = *m.state.invite_expires_at - 30min;
  m.buy("B"); // Too short to be shown again.
  m.settle(false);
  CHECK(m.links == 2);
}

TEST_CASE("a stranger who comes in by somebody's link is put out; its owner hears of it") {
  ann stranger;
  CHECK(stranger.send(member_joined{5, ann::who(), "https://t.me/+1", true}) == entity_reply(ok{}));
  CHECK(stranger.status() == "expired");
  CHECK(stranger.due_words() == "look revoke");
  stranger.settle(true);
  CHECK(stranger.access() == "removed");
  auto owner = in_access("invited");
  owner.said.clear();
  owner.send(invite_spent{owner.state.invite_link});
  CHECK(owner.access() == "outside");
  owner.settle(false);
  CHECK(owner.heard("by your invite link"));
  owner.send(ask_invite{});
  owner.settle(false);
  CHECK(owner.access() == "invited");
}

TEST_CASE("a request to join is kept, and approved for payers") {
  ann m;
  m.send(join_requested{5, ann::who()});
  CHECK(m.state.requested_at == m.now);
  CHECK(m.due_words() == "tell");
  m.settle(false);
  CHECK(m.heard("as you have paid"));
  CHECK(m.due_words() == "");
  m.now += 24h;
  m.buy();
  CHECK(m.request<approve_join>("approve") == approve_join{-1002, 7});
  m.settle(false);
  CHECK(m.access() == "inside");
  CHECK(m.links == 0);
  CHECK(m.heard("You are in"));
  CHECK_FALSE(m.state.requested_at);
  // They took it back: then by a link.
  auto gone = in_access("admitting");
  gone.failed("approve", "no_request");
  gone.settle(false);
  CHECK(gone.access() == "invited");
}

TEST_CASE("without rights the owner hears of it once and then at growing distance, and it is tried for ever") {
  auto m = in_access("!banning");
  int reports = 0;
  std::vector<std::chrono::seconds> distances;
  for (int i = 1; i <= 20; ++i) {
    m.failed("ban", "no_rights");
    REQUIRE(m.rows<failure_listed>().size() == 1);
    CHECK(m.state.tries == i);
    CHECK(m.state.trouble.find("no_rights") == 0);
    // Whether they bought access elsewhere meanwhile is asked anew before each try.
    CHECK(m.access() == "comparing");
    if (m.owes("report")) {
      const auto report = m.question("report");
      CHECK(report.to == entity_ref{entity_kind::channel, "-1001"});
      CHECK_FALSE(std::get<report_rights>(std::get<channel_message>(report.message)).lost.empty());
      m.answered("report", ok{});
      ++reports;
    }
    distances.push_back(std::chrono::duration_cast<std::chrono::seconds>(m.find("compare").not_before - m.now));
    m.now = m.find("compare").not_before;
    m.done_with("compare", other_access_seen{});
    CHECK(m.find("ban").not_before <= m.now);
    CHECK_FALSE(m.state.trouble.empty());
  }
  CHECK(reports == 5); // 1, 2, 4, 8, 16
  CHECK(std::is_sorted(distances.begin(), distances.end()));
  CHECK(distances.front() == 15s);
  CHECK(distances.back() == 1h);
  m.done_with("ban", done{});
  CHECK(m.state.trouble.empty());
  CHECK(std::get<report_rights>(std::get<channel_message>(m.question("report").message)).lost.empty());
  m.settle(true);
  CHECK(m.access() == "removed");
  CHECK_FALSE(m.state.reported);
}

TEST_CASE("a chat that refuses messages is not asked for ever; the payment's page has the link") {
  ann m;
  m.buy();
  m.done_with("invite", invite_created{"https://t.me/+1"});
  m.failed("tell", "blocked");
  CHECK(m.last.note.find("refuses") != std::string::npos);
  CHECK(m.due_words() == "announce");
}

TEST_CASE("a payment that is not there knows enough; a lost answer is asked again") {
  ann m;
  m.buy();
  m.settle(false, "announce");
  CHECK(m.owes("announce"));
  m.answered("announce", refused{refusal::not_found, "no such order"});
  CHECK_FALSE(m.owes("announce"));
}

TEST_CASE("a trial is had once") {
  ann m;
  CHECK(code_of(m.send(ann::trial("T1", 0))) == "invalid");
  const auto first = m.send(ann::trial("T1"));
  CHECK(std::get<subscription_extended>(first).ends_at == m.now + 168h);
  m.settle(false);
  CHECK(m.access() == "invited");
  CHECK(m.heard("trial has begun"));
  CHECK(m.send(ann::trial("T1")) == first);
  CHECK_FALSE(m.last.changed);
  CHECK(code_of(m.send(ann::trial("T2"))) == "conflict");
  m.expire();
  m.settle(true);
  m.now += 10'000h;
  CHECK(code_of(m.send(ann::trial("T2"))) == "conflict");
  m.buy();
  CHECK(m.state.periods.size() == 2);
  ann paid;
  paid.buy();
  CHECK(code_of(paid.send(ann::trial("T1"))) == "out_of_order");
}

TEST_CASE("an answer that nobody waits for any more changes nothing") {
  for (const auto* from : {"inviting", "admitting", "looking", "unbanning", "!judging", "!comparing", "!banning", "!unbanning"}) {
    auto m = in_access(from);
    const auto due = m.due();
    const auto old = *std::find_if(due.begin(), due.end(), [](const effect& e) { return e.key.find(':') != std::string::npos && std::holds_alternative<io_request>(e.request); });
    m.send(member_joined{++m.update, ann::who(), "", false});
    if (m.access() == std::string(from).substr(from[0] == '!')) continue; // Still waited for.
    const auto before = m.state;
    m.take(old, true);
    INFO(from);
    CHECK(m.state == before);
  }
}

TEST_CASE("who has another access to the same closed channel stays, and goes when that has ended too") {
  auto m = in_access("!comparing");
  // What ended within its grace still keeps them in: the question is as of then.
  CHECK(m.request<find_other_access>("compare").at == m.now - m.rules.grace);
  m.said.clear();
  m.elsewhere = {-1009, m.now + 240h};
  m.settle(true);
  CHECK(m.access() == "exempt");
  CHECK(m.said.empty()); // Nothing has ended for them.
  CHECK_FALSE(m.owes("ban"));
  CHECK_FALSE(m.owes("unban"));
  for (const auto at : {1h, 23h}) {
    m.now += at;
    m.done_with("sweep", member_seen{member_status::member});
    CHECK(m.access() == "comparing");
    m.settle(true);
    CHECK(m.access() == "exempt");
  }
  m.elsewhere = {};
  m.now += 144h;
  m.done_with("sweep", member_seen{member_status::member});
  m.done_with("compare", other_access_seen{});
  CHECK(m.request<ban_member>("ban") == ban_member{-1002, 7});
  m.settle(true);
  CHECK(m.access() == "removed");
  // A sweep, or a coming by another way, meets the same question.
  auto back = in_access("!removed");
  back.send(member_joined{++back.update, ann::who(), "", false});
  back.elsewhere = {-1009, back.now + 1h};
  back.settle(true);
  CHECK(back.access() == "exempt");
}

TEST_CASE("a ban of another channel's removal that hit a payer is made good") {
  auto m = in_access("inside");
  m.said.clear();
  m.send(member_left{++m.update, true, true});
  m.send(member_left{++m.update, false, true}); // Its end.
  m.done_with("recheck", member_seen{member_status::left});
  m.settle(false);
  CHECK(m.access() == "invited");
  CHECK(m.heard("Your invite to"));
  CHECK_FALSE(m.heard("payment is confirmed"));
  auto in = in_access("inside"); // They are in all the same.
  in.send(member_left{++in.update, true, true});
  in.done_with("recheck", member_seen{member_status::member});
  CHECK(in.access() == "inside");
  CHECK(in.due_words() == "");
}

TEST_CASE("rights that are back: what waits is tried at once, the rest is left alone; the failure leaves the list when it is over") {
  for (const auto* from : {"inside", "outside", "!removed", "!judging"}) {
    auto calm = in_access(from);
    calm.send(rights_returned{});
    CHECK_FALSE(calm.last.changed);
  }
  ann nobody;
  CHECK(code_of(nobody.send(rights_returned{})) == "not_found");
  auto m = in_access("!banning");
  for (int i = 0; i < 9; ++i) {
    m.failed("ban", "no_rights");
    CHECK(m.rows<failure_mended>().empty());
    m.now = m.find("compare").not_before;
    m.done_with("compare", other_access_seen{});
  }
  m.failed("ban", "no_rights");
  CHECK(m.find("compare").not_before > m.now + 30min);
  m.send(rights_returned{});
  CHECK(m.find("compare").not_before == m.now);
  m.send(rights_returned{});
  CHECK_FALSE(m.last.changed);
  m.done_with("compare", other_access_seen{});
  CHECK(m.rows<failure_mended>().empty());
  m.done_with("ban", done{});
  REQUIRE(m.rows<failure_mended>().size() == 1);
  CHECK(m.rows<failure_mended>()[0].text == "put out");
  m.settle(true);
  CHECK(m.access() == "removed");
  // What is not owed any more is no failure either: they bought again.
  auto renewed = in_access("!banning");
  renewed.failed("ban", "no_rights");
  renewed.buy("Z");
  CHECK(renewed.rows<failure_mended>().size() == 1);
  // Who waits to get in is let in as soon.
  ann payer;
  payer.buy();
  payer.failed("invite", "no_rights");
  payer.send(rights_returned{});
  CHECK(payer.find("invite").not_before <= payer.now);
}
