// The frame guard alone: whole frames, frames byte by byte, and what must not pass.
#include <catch2/catch.hpp>

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
/// A message: no further receivers, then the rest of the payload.
std::string message(std::uint64_t to, const std::string& text, std::uint8_t flags = 0) {
  return frame_header(2, static_cast<std::uint32_t>(text.size() + 1), to, flags) + std::string(1, '\0') + text;
}

} // namespace

TEST_CASE("a node's frames pass as they are, however they are cut") {
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
  const auto kept = message(7, "to the door");
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
