// The frame guard alone: whole frames, frames byte by byte, and what must not pass.
#include <catch2/catch.hpp>

#include <caf/atom.hpp>

#include "io/link/frame_guard.hpp"
#include "tests/link/link_rig.hpp"

using namespace paygate;
using namespace paygate::test;

namespace {

struct fed {
  std::string passed;
  std::optional<std::string> wrong;
};

fed feed(frame_guard& guard, const std::string& bytes, std::size_t step) {
  fed result;
  std::vector<std::uint8_t> out;
  for (std::size_t at = 0; at < bytes.size() && !result.wrong; at += step) {
    const auto part = bytes.substr(at, step);
    result.wrong = guard.feed(reinterpret_cast<const std::uint8_t*>(part.data()), part.size(), out);
  }
  result.passed.assign(out.begin(), out.end());
  return result;
}

const std::string handshake = frame_header(1, 8) + "12345678";
const std::string heartbeat = frame_header(6, 0);
std::string message(std::uint64_t to, const std::string& payload, std::uint8_t flags = 0) {
  return frame_header(2, static_cast<std::uint32_t>(payload.size()), to, flags) + payload;
}
/// A message of CAF: no further receivers, no number of a type list but its name, then the values.
std::string payload_of(const std::string& types, const std::string& values) {
  return std::string(3, '\0') + static_cast<char>(types.size()) + types + values;
}
std::string atom_value(caf::atom_value atom) {
  std::string bytes;
  for (int shift = 56; shift >= 0; shift -= 8) bytes += static_cast<char>(static_cast<std::uint64_t>(atom) >> shift & 0xff);
  return bytes;
}
/// Frames with a number in them: actor `who` asks, and an answer to that.
std::string with_number(std::string frame, std::uint8_t first, std::uint8_t number) {
  frame[8] = static_cast<char>(first);
  frame[15] = static_cast<char>(number);
  return frame;
}
std::string asking(std::uint64_t who, std::uint8_t number) {
  auto frame = with_number(message(4711, "a question"), 0x10, number);
  for (int i = 0; i < 8; ++i) frame[static_cast<std::size_t>(16 + i)] = static_cast<char>(who >> (56 - 8 * i) & 0xff);
  return frame;
}
std::string answer_to(std::uint64_t who, std::uint8_t number, const std::string& payload) {
  return with_number(message(who, payload), 0x90, number);
}
void send(frame_guard& guard, const std::string& bytes, std::size_t step) {
  for (std::size_t at = 0; at < bytes.size(); at += step) {
    const auto part = bytes.substr(at, step);
    guard.sent(reinterpret_cast<const std::uint8_t*>(part.data()), part.size());
  }
}
const std::string question = payload_of("@<>+@atom+@str", atom_value(caf::atom("ctl")) + "\2{}");

} // namespace

TEST_CASE("frames pass as they are, however they are cut") {
  const auto bytes = handshake + message(7, "hello") + heartbeat + frame_header(3, 3) + "xyz" + message(9, std::string(5000, 'a'), 1);
  for (std::size_t step : {1u, 7u, 31u, 32u, 33u, 100000u}) {
    frame_guard guard({});
    const auto result = feed(guard, bytes, step);
    CHECK_FALSE(result.wrong);
    CHECK(result.passed == bytes);
  }
}

TEST_CASE("what is no frame, or too large, ends the connection before it is passed on") {
  const std::vector<std::pair<std::string, std::string>> bad{
      {handshake + frame_header(2, 0xffffffff), "a frame of 4294967295 bytes"},
      {handshake + frame_header(2, (8u << 20) + 1), "a frame of 8388609 bytes"},
      {handshake + frame_header(7, 0), "operation 7"},
      {frame_header(2, 10) + std::string(10, '\0'), "the first frame is no handshake"},
      {frame_header(6, 0), "the first frame is no handshake"},
      {frame_header(1, 5000) + std::string(5000, 'x'), "a handshake of 5000 bytes"},
      {"GET / HTTP/1.1\r\nHost: somewhere\r\n\r\n", "operation 71"},
  };
  for (const auto& [bytes, why] : bad) {
    frame_guard guard({});
    const auto result = feed(guard, bytes, 1);
    REQUIRE(result.wrong);
    CHECK_THAT(*result.wrong, Catch::Contains(why));
    CHECK(result.passed.size() < bytes.size());
    CHECK(result.passed == (bytes.starts_with(handshake) ? handshake : ""));
  }
  frame_guard guard({});
  const auto largest = handshake + frame_header(2, 8u << 20) + std::string(8u << 20, '\0');
  CHECK(feed(guard, largest, 65536).passed.size() == largest.size());
}

TEST_CASE("a handshake passes when its payload was looked at, whole") {
  std::vector<std::string> seen;
  guard_rules rules;
  rules.check_handshake = [&seen](std::string_view payload) -> std::optional<std::string> {
    seen.emplace_back(payload);
    return payload == "12345678" ? std::nullopt : std::optional<std::string>("another node");
  };
  frame_guard guard(rules);
  CHECK(feed(guard, handshake, 1).passed == handshake);
  const auto second = feed(guard, frame_header(1, 2) + "no", 1);
  CHECK(second.wrong == "another node");
  CHECK(second.passed.empty());
  CHECK(seen == std::vector<std::string>{"12345678", "no"});
}

TEST_CASE("an operator's frames reach one actor and nothing else") {
  guard_rules rules;
  rules.only_actor = 7;
  const auto kept = message(7, question);
  // A message to another actor, to one by its name, to nobody; a watch; a word that an actor ended: all of somebody else's.
  const auto dropped = message(8, "to another") + message(7, "by name", 1) + frame_header(2, 0, 7) + frame_header(4, 3, 8) + "abc"
                       + frame_header(5, 2) + "ab";
  for (std::size_t step : {1u, 40u, 100000u}) {
    frame_guard guard(rules);
    const auto result = feed(guard, handshake + dropped + kept + heartbeat + dropped + kept, step);
    CHECK_FALSE(result.wrong);
    CHECK(result.passed == handshake + kept + heartbeat + kept);
    CHECK(guard.dropped() == 10);
  }
  for (const auto& bad :
       {frame_header(3, 3) + "xyz", frame_header(0, 8) + "12345678", frame_header(2, 3, 7) + "\1xy", frame_header(6, 1) + "x"}) {
    frame_guard guard(rules);
    CHECK(feed(guard, handshake + bad, 1).wrong);
  }
}

TEST_CASE("an operator's message is a question and nothing else: not a byte of another passes") {
  guard_rules rules;
  rules.only_actor = 7;
  const auto ctl = atom_value(caf::atom("ctl"));
  const std::string bomb = "\x8f\xff\xff\xff\x7f"; // A length of 4 GB.
  std::string nested;
  for (int i = 0; i < 1000; ++i) nested += payload_of("@<>+@message", "").substr(1);
  std::vector<std::string> bad{
      payload_of("@<>+@atom+@actor", atom_value(caf::atom("link")) + "somebody"), // Watches by a link: CAF's own verbs.
      payload_of("@<>+@atom+@str", atom_value(caf::atom("link")) + "\2{}"),
      payload_of("@<>+@atom+@str", atom_value(caf::atom("ctm")) + "\2{}"),
      payload_of("@<>+@atom+@str+@str", ctl + "\1x\2{}"),
      payload_of("@<>+@atom+@charbuf", ctl + bomb),
      payload_of("@<>+@charbuf", bomb),
      "\0" + nested,
      payload_of("@<>", ""),
      payload_of("@<>+@atom+@str", ctl.substr(0, 7)), // Ends within the atom.
      std::string("\0\0\1", 3) + question.substr(3),
      "\1" + question.substr(1),
      std::string(1, '\0'),
  };
  for (const auto& payload : bad)
    for (std::size_t step : {1u, 40u, 100000u}) {
      frame_guard guard(rules);
      const auto result = feed(guard, handshake + message(7, payload), step);
      CHECK(result.wrong);
      CHECK(result.passed == handshake);
    }
  // An answer, something answered, a stream: what the id says makes CAF look for other things in it.
  for (const char id : {'\x80', '\x40', '\x20', '\x30'}) {
    auto frame = message(7, question);
    frame[8] = id;
    frame_guard guard(rules);
    CHECK(feed(guard, handshake + frame, 1).passed == handshake);
  }
  frame_guard guard(rules);
  const auto longest = message(7, question + std::string(frame_guard::question_max - question.size(), 'x'));
  CHECK((feed(guard, handshake + longest, 1000).passed == handshake + longest));
  CHECK_THAT(feed(guard, message(7, question + std::string(frame_guard::question_max, 'x')), 1000).wrong.value_or(""),
             Catch::Contains("not expected"));
}

TEST_CASE("nodes send each other a few kinds of messages, to two actors; whatever else it is ends the connection") {
  guard_rules rules;
  rules.node_actors = {7, 8};
  const auto letter = payload_of("@<>+@atom+@str", atom_value(caf::atom("forward")) + std::string(100'000, 'x'));
  const auto answer = answer_to(999, 1, payload_of("@<>+@str", "\2ok")), error = answer_to(999, 2, payload_of("@<>+@error", "\0"));
  const auto good = message(7, letter) + message(8, payload_of("@<>+@atom+@u32+@str+@actor", atom_value(caf::atom("hello")) + "..."))
                    + message(7, payload_of("@<>+@atom+@str", atom_value(caf::atom("letters")) + "..."))
                    + message(7, payload_of("@<>+@atom+@str", atom_value(caf::atom("answers")) + "..."))
                    + message(8, payload_of("@<>+@atom+@str+@str", atom_value(caf::atom("ctl")) + "...")) + answer + error + heartbeat
                    + frame_header(4, 30, 9) + std::string(30, 'n') + frame_header(5, 40) + std::string(40, 'n');
  for (std::size_t step : {1u, 40u, 100000u}) {
    frame_guard guard(rules);
    send(guard, asking(999, 1) + asking(999, 2), step);
    const auto result = feed(guard, handshake + message(9, letter) + message(7, letter, 1) + good, step);
    CHECK_FALSE(result.wrong);
    CHECK((result.passed == handshake + good)); // Too long to be printed.
    CHECK(guard.dropped() == 2);                // A request to another actor, and one to an actor by its name.
  }
  auto stream = message(7, letter);
  stream[8] = '\x30';
  for (const auto& bad :
       {frame_header(3, 3) + "xyz", message(7, payload_of("@<>+@atom+@actor", atom_value(caf::atom("link")) + "x")),
        message(7, payload_of("@<>+@atom+@str", atom_value(caf::atom("sys")) + "x")),
        message(7, payload_of("@<>+@charbuf", "\x8f\xff\xff\xff\x7f")), message(7, payload_of("@<>+@error", std::string(5000, 'x'))),
        frame_header(5, 5000) + std::string(5000, 'x'), message(7, ""), stream}) {
    frame_guard guard(rules);
    const auto result = feed(guard, handshake + bad, 1);
    CHECK(result.wrong);
    CHECK(result.passed == handshake);
  }
}

TEST_CASE("an answer passes once, from the node that was asked, to the actor that asked; one to a guessed number does not") {
  guard_rules rules;
  rules.node_actors = {7};
  const auto ok = payload_of("@<>+@str", "\2ok");
  for (std::size_t step : {1u, 33u, 100000u}) {
    frame_guard guard(rules);
    send(guard, heartbeat + asking(999, 5) + message(8, "tells, and asks nothing") + asking(999, 6), step);
    const auto first = answer_to(999, 5, ok), second = answer_to(999, 6, ok);
    const auto result = feed(guard, handshake + answer_to(999, 4, ok) + first + first + answer_to(998, 6, ok) + answer_to(999, 0, ok) + second, step);
    CHECK_FALSE(result.wrong);
    CHECK((result.passed == handshake + first + second));
    CHECK(guard.dropped() == 4);
  }
  // What is never answered takes no memory for ever.
  frame_guard guard(rules);
  send(guard, asking(1, 1), 100);
  for (std::size_t i = 0; i < frame_guard::asked_max; ++i) send(guard, asking(2 + i, 1), 100);
  const auto late = answer_to(1, 1, ok), last = answer_to(1 + frame_guard::asked_max, 1, ok);
  CHECK((feed(guard, handshake + late + last, 1000).passed == handshake + last));
  // What was answered takes nobody's place.
  frame_guard patient(rules);
  send(patient, asking(1, 1), 100);
  feed(patient, handshake, 1000);
  for (std::size_t i = 0; i < 2 * frame_guard::asked_max; ++i) {
    send(patient, asking(2 + i, 1), 100);
    feed(patient, answer_to(2 + i, 1, ok), 1000);
  }
  CHECK((feed(patient, late, 1000).passed == late));
}
