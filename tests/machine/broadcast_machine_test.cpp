#include "actors/broadcast/broadcast_machine.hpp"
#include "tests/machine/sales_support.hpp"

using namespace paygate;
using namespace paygate::test;
using namespace std::chrono_literals;

namespace {

using bot = machine<broadcast_kind>;

bot started(broadcast_target target = broadcast_target::subscribers, broadcast_what what = broadcast_what::message,
            bool scheduled = false) {
  bot m("B");
  m.send(start_broadcast{-1001, what, target, what == broadcast_what::message ? "<b>News</b>" : "", scheduled});
  REQUIRE(m.exists);
  return m;
}

entity_reply terms() { return channel_view{std::make_shared<const channel>(sample_channel())}; }

bot sending(std::int64_t recipients) {
  auto m = started();
  m.answered("claim", terms());
  m.done_with("count", audience_seen{recipients});
  REQUIRE(m.state.status == broadcast_status::sending);
  return m;
}

recipients_seen people(std::int64_t first, std::int64_t last) {
  recipients_seen page;
  for (auto user = first; user <= last; ++user) page.people.push_back({user, user + 1000});
  return page;
}

batch_sent result(const bot& m, std::vector<delivery> head, delivery rest = delivery::sent, std::string words = "") {
  head.resize(next_chunk(m.state).size(), rest);
  return {std::move(head), std::move(words)};
}

/// Everything that Telegram was asked to send, by a machine whose chunks all succeed.
std::vector<std::int64_t> play(bot& m, std::int64_t last) {
  std::vector<std::int64_t> sent;
  for (int i = 0; i < 10'000 && m.state.status == broadcast_status::sending; ++i) {
    if (m.owes("read"))
      m.done_with("read",
                  people(m.request<get_recipients>("read").after + 1, std::min(last, m.request<get_recipients>("read").after + 500)));
    else {
      const auto chunk = m.request<send_batch>("chunk").chats;
      sent.insert(sent.end(), chunk.begin(), chunk.end());
      m.now = std::max(m.now, m.find("chunk").not_before);
      m.done_with("chunk", result(m, {}));
    }
  }
  return sent;
}

} // namespace

TEST_CASE("what cannot be sent is refused, each with its word") {
  struct row {
    start_broadcast wanted;
    std::string word;
  };
  using enum broadcast_what;
  using enum broadcast_target;
  for (const auto& r : {row{{0, message, channel, "x", false}, "channel"}, row{{-1, offer, channel, "x", false}, "own"},
                        row{{-1, donation, subscribers, "", false}, "channel"}, row{{-1, message, channel, "", false}, "empty"},
                        row{{-1, message, channel, "<b>x", false}, "not closed"}, row{{-1, message, channel, "x", true}, "scheduled"},
                        row{{-1, message, channel, std::string(4097, 'x'), false}, "4096"}}) {
    bot m("B");
    const auto reply = m.send(r.wanted);
    CAPTURE(r.word);
    REQUIRE(code_of(reply) == "invalid");
    CHECK(std::get<refused>(reply).text.find(r.word) != std::string::npos);
  }
}

TEST_CASE("a post goes from the channel's leave to its place") {
  auto m = started(broadcast_target::channel, broadcast_what::offer, true);
  CHECK(m.question("claim").to == entity_ref{entity_kind::channel, "-1001"});
  m.answered("claim", terms());
  CHECK(m.state.status == broadcast_status::posting);
  const auto post = m.request<send_message>("post");
  CHECK(post.chat_id == -1001);
  CHECK(post.importance == urgency::broadcast);
  CHECK(post.buttons.size() == 3);
  CHECK(m.find("warn").not_before == m.now + 1min);
  auto restarted = m;
  restarted.state.terms.reset(); // Not stored.
  CHECK(restarted.due_words() == "terms");
  restarted.answered("terms", terms());
  CHECK(restarted.request<send_message>("post") == post);
  m.done_with("post", message_sent{77});
  const auto place = std::get<post_placed>(std::get<channel_message>(m.question("place").message));
  CHECK(place.message_id == 77);
  CHECK(m.due_words(true) == "place");
  m.answered("place", ok{});
  CHECK(m.state.status == broadcast_status::completed);
  CHECK(m.state.sent == 1);
  CHECK(m.due().empty());
}

TEST_CASE("a donation post goes to the closed channel, words to the open one") {
  auto m = started(broadcast_target::channel, broadcast_what::donation, true);
  m.answered("claim", terms());
  CHECK(m.request<send_message>("post").chat_id == -1002);
  auto w = started(broadcast_target::channel);
  w.answered("claim", terms());
  CHECK(w.request<send_message>("post").chat_id == -1001);
  CHECK(w.request<send_message>("post").html == "<b>News</b>");
}

TEST_CASE("what the channel or Telegram refuses ends, and the channel and the owner hear of it") {
  auto m = started();
  m.answered("claim", refused{refusal::conflict, "too soon: possible again at 00:05:00 UTC"});
  CHECK(m.state.status == broadcast_status::refused);
  CHECK(m.state.skipped == 1);
  CHECK(m.due().empty()); // Nobody knows the owner.
  auto p = started(broadcast_target::channel);
  p.answered("claim", terms());
  p.done_with("post", no_way("chat_not_found"));
  CHECK(p.state.status == broadcast_status::failed);
  CHECK(p.rows<failure_listed>().size() == 1);
  CHECK(p.due_words() == "place tell");
  CHECK(std::get<post_placed>(std::get<channel_message>(p.question("place").message)).message_id == 0);
  p.answered("place", ok{});
  CHECK(p.state.status == broadcast_status::failed);
  p.done_with("tell", no_way("blocked"));
  CHECK(p.due().empty());
  auto w = sending(3);
  w.done_with("read", people(1, 3));
  w.done_with("chunk", result(w, {delivery::wrong}, delivery::pending, "can't parse entities"));
  CHECK(w.state.status == broadcast_status::failed);
  CHECK(w.state.reason == "can't parse entities");
  CHECK(w.request<send_message>("tell").html.find("not sent") != std::string::npos);
}

TEST_CASE("every subscriber gets it once, a chunk at a time, and the counts add up") {
  for (const std::int64_t count : {0, 1, 49, 50, 51, 500, 501, 1234}) {
    CAPTURE(count);
    auto m = sending(count);
    const auto sent = play(m, count);
    CHECK(m.state.status == broadcast_status::completed);
    CHECK(m.state.sent == count);
    CHECK(static_cast<std::int64_t>(std::set(sent.begin(), sent.end()).size()) == count);
    CHECK(static_cast<std::int64_t>(sent.size()) == count);
    CHECK(m.request<send_message>("tell").html.find("Sent: " + std::to_string(count)) != std::string::npos);
    CHECK(m.request<send_message>("tell").importance == urgency::notice);
  }
}

TEST_CASE("a restart between two chunks skips nobody and repeats only the chunk under way") {
  auto m = sending(1234);
  std::multiset<std::int64_t> sent;
  std::uint64_t seed = 7;
  int crashes = 0;
  for (int i = 0; i < 10'000 && m.state.status == broadcast_status::sending; ++i) {
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    if (m.owes("read")) {
      const auto after = m.request<get_recipients>("read").after;
      m.done_with("read", people(after + 1, std::min<std::int64_t>(1234, after + 500)));
      continue;
    }
    const auto chunk = m.request<send_batch>("chunk").chats;
    CHECK(chunk.size() <= broadcast_kind::chunk_max);
    if (seed >> 61 == 0) { // It dies when a part was sent, and what is not stored is gone.
      ++crashes;
      sent.insert(chunk.begin(), chunk.begin() + static_cast<std::ptrdiff_t>((seed >> 40) % (chunk.size() + 1)));
      m.state.page.reset();
      continue;
    }
    sent.insert(chunk.begin(), chunk.end());
    m.done_with("chunk", result(m, {}));
  }
  CHECK(crashes > 1);
  CHECK(std::set(sent.begin(), sent.end()).size() == 1234);
  CHECK(sent.size() - 1234 <= static_cast<std::size_t>(crashes) * broadcast_kind::chunk_max);
  CHECK(m.state.sent == 1234);
}

TEST_CASE("who cannot be reached for now is tried again after the others, and given up in the end") {
  auto m = sending(60);
  m.done_with("read", people(1, 60));
  using enum delivery;
  m.done_with("chunk", result(m, {pending, refused, sent, pending}));
  CHECK(m.state.again == "1001,1004");
  CHECK(m.state.failed == 1);
  CHECK(m.state.cursor == 50);
  m.done_with("chunk", result(m, {sent}, pending)); // Nobody got to the last nine: they come first.
  CHECK(m.state.cursor == 51);
  CHECK(m.request<send_batch>("chunk").chats.front() == 1052);
  m.done_with("chunk", result(m, {}));
  m.done_with("read", recipients_seen{});
  CHECK(m.request<send_batch>("chunk").chats == std::vector<std::int64_t>{1001, 1004});
  CHECK(m.find("chunk").not_before == m.now + 10s);
  m.done_with("chunk", result(m, {sent}, pending));
  CHECK(m.state.again == "1004");
  for (int i = 0; i < 20 && m.state.rounds > 0; ++i) {
    m.now = m.find("chunk").not_before;
    m.done_with("chunk", result(m, {}, pending));
  }
  m.done_with("read", recipients_seen{});
  CHECK(m.state.status == broadcast_status::completed);
  CHECK(m.state.sent == 58);
  CHECK(m.state.failed == 2);
  CHECK(m.state.skipped == 0);
}

TEST_CASE("a chunk of which nothing could be sent changes nothing") {
  auto m = sending(60);
  m.done_with("read", people(1, 60));
  m.done_with("chunk", result(m, {}, delivery::pending));
  CHECK_FALSE(m.last.changed);
  CHECK(m.owes("chunk"));
}

TEST_CASE("pause and cancel let the chunk under way end, and count it") {
  auto m = sending(100);
  m.done_with("read", people(1, 100));
  auto c = m;
  m.send(pause_broadcast{"wait"});
  CHECK(m.state.status == broadcast_status::sending);
  CHECK(m.owes("chunk"));
  m.done_with("chunk", result(m, {}));
  CHECK(m.state.status == broadcast_status::paused);
  CHECK(m.state.sent == 50);
  CHECK(m.due().empty());
  CHECK(code_of(m.send(pause_broadcast{"again"})) == "");
  m.send(resume_broadcast{});
  CHECK(m.request<send_batch>("chunk").chats.front() == 1051);
  c.send(cancel_broadcast{"enough"});
  c.done_with("chunk", result(c, {}));
  CHECK(c.state.status == broadcast_status::cancelled);
  CHECK(c.state.sent == 50);
  CHECK(c.state.skipped == 50);
  CHECK(c.state.reason == "enough");
  CHECK(c.request<send_message>("tell").html.find("cancelled") != std::string::npos);
}

TEST_CASE("every pair of status and command") {
  struct row {
    broadcast_status status;
    std::string cancel, pause, resume;
  };
  using enum broadcast_status;
  for (const auto& r : {row{requested, "", "out_of_order", "out_of_order"}, row{posting, "", "out_of_order", "out_of_order"},
                        row{placing, "out_of_order", "out_of_order", "out_of_order"}, row{counting, "", "out_of_order", "out_of_order"},
                        row{sending, "", "", ""}, row{paused, "", "", ""}, row{completed, "out_of_order", "out_of_order", "out_of_order"},
                        row{refused, "out_of_order", "out_of_order", "out_of_order"},
                        row{failed, "out_of_order", "out_of_order", "out_of_order"}, row{cancelled, "", "out_of_order", "out_of_order"}}) {
    CAPTURE(to_text(r.status));
    auto m = started(r.status == posting || r.status == placing ? broadcast_target::channel : broadcast_target::subscribers);
    m.state.status = r.status;
    if (r.status == placing) m.state.message_id = 5;
    const auto before = m;
    auto a = before, b = before, c = before, d = before;
    CHECK(code_of(a.send(cancel_broadcast{"x"})) == r.cancel);
    CHECK(code_of(b.send(pause_broadcast{"x"})) == r.pause);
    CHECK(code_of(c.send(resume_broadcast{})) == r.resume);
    CHECK(code_of(d.send(start_broadcast{-1001, broadcast_what::message, before.state.target, "<b>News</b>", false})) == "");
    CHECK_FALSE(d.last.changed);
    CHECK(code_of(d.send(start_broadcast{-1001, broadcast_what::message, before.state.target, "other", false})) == "conflict");
    d.send(effect_done{"chunk:9:9:9", io_outcome(batch_sent{})}); // Nobody waits for it.
    CHECK_FALSE(d.last.changed);
  }
  bot none("B");
  CHECK(code_of(none.send(cancel_broadcast{"x"})) == "not_found");
  CHECK(code_of(none.send(pause_broadcast{"x"})) == "not_found");
  CHECK(code_of(none.send(resume_broadcast{})) == "not_found");
  CHECK(code_of(none.send(effect_done{"claim", entity_reply(ok{})})) == "not_found");
}
