#include <catch2/catch.hpp>

#include "messages/text.hpp"

using namespace paygate;

TEST_CASE("texts are UTF-8 or they are not") {
  for (const std::string good : {"", "abc\n", "\xc3\xa4", "\xe2\x9c\x85", "\xf0\x9f\x8e\x81", "\xed\x9f\xbf", "\xf4\x8f\xbf\xbf"}) CHECK(is_utf8(good));
  // Alone, cut off, longer than needed, a surrogate, beyond Unicode, no UTF-8 at all.
  for (const std::string bad : {"\x80", "a\xc3", "\xe2\x9c", "\xc0\xaf", "\xe0\x80\x80", "\xf0\x80\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xff\xfe"})
    CHECK_FALSE(is_utf8(bad));
}

TEST_CASE("a moment is told to the minute, in UTC") { CHECK(moment_text(timestamp{std::chrono::seconds(1'795'244'459)}) == "2026-11-21 07:00 UTC"); }
