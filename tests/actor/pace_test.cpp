// Telegram's limits on a manual clock: who goes next, and when.
#include <catch2/catch.hpp>

#include <algorithm>
#include <set>

#include "actors/runtime/pace.hpp"

using namespace paygate;
using namespace std::chrono_literals;
using moment = message_pace::moment;

namespace {

pace_limits telegram() {
  pace_limits limits;
  limits.per_second = 30;
  return limits;
}

struct sent_call {
  moment at;
  paced_call call;
};

struct player {
  message_pace pace{telegram()};
  moment now = 1h;
  std::uint64_t tickets = 0;

  std::uint64_t add(urgency importance, std::int64_t chat, std::uint64_t sender = 1, bool message = true) {
    pace.add({++tickets, importance, sender, chat, message});
    return tickets;
  }
  /// All that goes out until then, going by `again_in`.
  std::vector<sent_call> run_until(moment end) {
    std::vector<sent_call> all;
    for (int i = 0; i < 1'000'000; ++i) {
      if (const auto call = pace.take(now)) {
        all.push_back({now, *call});
        continue;
      }
      const auto pause = pace.again_in(now);
      if (!pause || now + *pause > end) break;
      now += *pause;
    }
    now = std::max(now, end);
    return all;
  }
};

/// The most calls within any span of this length.
std::size_t most_within(const std::vector<sent_call>& all, moment span) {
  std::size_t most = 0;
  for (std::size_t first = 0, last = 0; last < all.size(); ++last) {
    while (all[last].at - all[first].at >= span) ++first;
    most = std::max(most, last - first + 1);
  }
  return most;
}

std::vector<sent_call> to_chat(const std::vector<sent_call>& all, std::int64_t chat) {
  std::vector<sent_call> some;
  for (const auto& s : all)
    if (s.call.chat == chat) some.push_back(s);
  return some;
}

} // namespace

TEST_CASE("no second has more than 30 calls, and a broadcast loses less than 5 % to that") {
  player p;
  for (int i = 1; i <= 3000; ++i) p.add(urgency::broadcast, i);
  const auto all = p.run_until(p.now + 10min);
  REQUIRE(all.size() == 3000);
  CHECK(most_within(all, 1s) <= 30);
  CHECK(all.back().at - all.front().at < moment(100s) * 105 / 100);
}

TEST_CASE("a broadcast that stands still between two chunks makes up for it") {
  player p;
  std::vector<sent_call> all;
  const auto began = p.now;
  for (int chunk = 0; chunk < 40; ++chunk) {
    for (int i = 1; i <= 50; ++i) p.add(urgency::broadcast, chunk * 50 + i);
    while (p.pace.size() > 0) {
      auto some = p.run_until(p.now + 1ms);
      all.insert(all.end(), some.begin(), some.end());
    }
    p.now += 150ms;
  }
  REQUIRE(all.size() == 2000);
  CHECK(most_within(all, 1s) <= 30);
  CHECK(p.now - began < moment(2000s) / 30 * 105 / 100);
}

TEST_CASE("who is more urgent does not wait for a broadcast") {
  for (const auto importance : {urgency::answer, urgency::access, urgency::notice}) {
    player p;
    for (int i = 1; i <= 100'000; ++i) p.add(urgency::broadcast, i);
    p.run_until(p.now + 10s);
    const auto asked = p.now;
    const auto ticket = p.add(importance, 500'000, 2);
    const auto all = p.run_until(p.now + 2s);
    const auto at = std::find_if(all.begin(), all.end(), [&](const auto& s) { return s.call.ticket == ticket; });
    REQUIRE(at != all.end());
    CHECK(at->at - asked <= 100ms);
  }
}

TEST_CASE("a flood in one class leaves every other one its share") {
  for (const auto flood : {urgency::answer, urgency::access, urgency::notice, urgency::broadcast}) {
    player p;
    for (int i = 1; i <= 20'000; ++i) p.add(flood, i);
    for (const auto other : {urgency::answer, urgency::access, urgency::notice, urgency::broadcast})
      if (other != flood)
        for (int i = 1; i <= 1000; ++i) p.add(other, 100'000 * (1 + static_cast<int>(other)) + i, 2);
    const auto all = p.run_until(p.now + 60s);
    std::map<urgency, int> count;
    for (const auto& s : all) ++count[s.call.importance];
    CHECK(count[urgency::access] >= 400);
    CHECK(count[urgency::answer] >= 400);
    CHECK(count[urgency::notice] >= 200);
    CHECK(count[urgency::broadcast] >= 30);
  }
}

TEST_CASE("senders of one class take turns") {
  player p;
  for (int i = 1; i <= 1000; ++i) p.add(urgency::broadcast, i, 1);
  for (int i = 1; i <= 10; ++i) p.add(urgency::broadcast, 5000 + i, 2);
  const auto all = p.run_until(p.now + 1s);
  CHECK(std::count_if(all.begin(), all.end(), [](const auto& s) { return s.call.sender == 2; }) == 10);
}

TEST_CASE("a chat gets a short burst, then a message a second, in order; what is no message does not count") {
  player p;
  for (int i = 0; i < 10; ++i) p.add(urgency::answer, 7);
  p.add(urgency::answer, 7, 1, false);
  const auto all = p.run_until(p.now + 60s);
  const auto mine = to_chat(all, 7);
  REQUIRE(mine.size() == 11);
  std::vector<sent_call> messages;
  for (const auto& s : mine)
    if (s.call.message) messages.push_back(s);
  for (std::size_t i = 0; i < messages.size(); ++i) {
    CHECK(messages[i].call.ticket == i + 1);
    CHECK(messages[i].at - messages[0].at == (i < 4 ? 0s : 1s * static_cast<int>(i - 3)));
  }
  CHECK(mine[4].call.ticket == 11);
}

TEST_CASE("a group or channel gets 20 messages in any minute") {
  player p;
  for (int i = 0; i < 70; ++i) p.add(urgency::broadcast, -100, static_cast<std::uint64_t>(i));
  const auto all = p.run_until(p.now + 5min);
  REQUIRE(all.size() == 70);
  CHECK(most_within(all, 60s) == 20);
  CHECK(all.back().at - all.front().at < 3min + 20s);
}

TEST_CASE("a chat that waits holds up nobody else, and its urgent call goes first") {
  player p;
  for (int i = 0; i < 6; ++i) p.add(urgency::notice, 7);
  p.add(urgency::notice, 8);
  auto first = p.run_until(p.now + 100ms);
  CHECK(first.size() == 5);
  const auto urgent = p.add(urgency::access, 7);
  CHECK(p.pace.waiting_for(7, urgency::notice) == std::vector<std::uint64_t>{5, 6});
  const auto rest = p.run_until(p.now + 10s);
  REQUIRE(rest.size() == 3);
  CHECK(rest[0].call.ticket == urgent);
}

TEST_CASE("retry_after holds its chat; two chats within a second, or none, hold everybody") {
  player p;
  p.pace.put_off(7, 10s, p.now);
  p.add(urgency::answer, 7);
  p.add(urgency::answer, 8);
  const auto began = p.now;
  auto all = p.run_until(p.now + 20s);
  REQUIRE(all.size() == 2);
  CHECK(all[0].call.chat == 8);
  CHECK(all[1].at - began >= 10s);
  for (const bool named : {true, false}) {
    player q;
    if (named) q.pace.put_off(1, 5s, q.now);
    q.pace.put_off(named ? 2 : 0, 5s, q.now + 500ms);
    q.add(urgency::answer, 9);
    const auto start = q.now;
    all = q.run_until(q.now + 20s);
    REQUIRE(all.size() == 1);
    CHECK(all[0].at - start >= 5s);
  }
  player r;
  r.pace.put_off(1, 5s, r.now);
  r.pace.put_off(2, 5s, r.now + 1500ms);
  r.add(urgency::answer, 9);
  CHECK(r.pace.take(r.now + 1500ms).has_value());
}

TEST_CASE("all that waited for a held chat goes on, whatever kinds of calls they are") {
  player p;
  p.pace.put_off(7, 10s, p.now);
  for (const bool message : {false, true, false, true, true}) p.add(urgency::answer, 7, 1, message);
  const auto all = p.run_until(p.now + 60s);
  CHECK(all.size() == 5);
  CHECK(p.pace.size() == 0);
}

TEST_CASE("nodes share the limit over all") {
  for (const std::size_t nodes : {2u, 3u, 7u, 60u}) {
    player p;
    p.pace.shared_by(nodes);
    for (int i = 1; i <= 500; ++i) p.add(urgency::answer, i);
    const auto all = p.run_until(p.now + 10s);
    CHECK(most_within(all, 10s) * nodes <= 300 + nodes * 10);
    CHECK(most_within(all, 1s) * nodes <= std::max<std::size_t>(30, nodes));
    CHECK(all.size() >= (nodes > 30 ? 4u : 10 * (30 / nodes) - 3));
  }
}

TEST_CASE("what was answered otherwise is passed over, and those behind it go on") {
  player p;
  for (int i = 0; i < 7; ++i) p.add(urgency::notice, 7);
  p.run_until(p.now + 10ms);
  p.pace.remove(5);
  p.pace.remove(99);
  const auto rest = p.run_until(p.now + 10s);
  REQUIRE(rest.size() == 2);
  CHECK(rest[0].call.ticket == 6);
  CHECK(p.pace.size() == 0);
}

TEST_CASE("only chats of the last window are remembered") {
  player p;
  for (int i = 1; i <= 3000; ++i) p.add(urgency::broadcast, i % 2 ? i : -i);
  p.run_until(p.now + 110s);
  CHECK(p.pace.chats() <= 30 * 62);
  p.now += 62s;
  p.add(urgency::answer, 1);
  p.run_until(p.now + 5s);
  p.pace.take(p.now);
  CHECK(p.pace.chats() <= 1);
}

TEST_CASE("without a pace everybody goes at once, in order") {
  message_pace pace{pace_limits{}};
  for (std::uint64_t i = 1; i <= 100; ++i) pace.add({i, urgency::answer, 0, 0, false});
  for (std::uint64_t i = 1; i <= 100; ++i) CHECK(pace.take(moment(1s))->ticket == i);
  CHECK_FALSE(pace.again_in(moment(1s)).has_value());
}

TEST_CASE("requests count as what they are") {
  CHECK(paced(send_message{7, "x", {}, urgency::notice}, 1, 9).importance == urgency::notice);
  CHECK(paced(send_message{7, "x", {}}, 1, 9).message);
  CHECK(paced(create_invite{-5, "n", {}}, 1, 9).importance == urgency::access);
  CHECK_FALSE(paced(create_invite{-5, "n", {}}, 1, 9).message);
  CHECK(paced(ban_member{-5, 6}, 1, 9).importance == urgency::notice);
  CHECK(paced(approve_join{-5, 6}, 1, 9).importance == urgency::access);
  CHECK(paced(delete_message{-5, 6}, 1, 9).chat == -5);
  CHECK(paced(answer_callback{"c", ""}, 1, 9).chat == 0);
}
