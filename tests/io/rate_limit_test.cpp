#include <catch2/catch.hpp>

#include "io/http/rate_limit.hpp"

using namespace paygate;

TEST_CASE("so many go through, then one for each share of the time") {
  rate_limits limits({3, milliseconds(900)});
  milliseconds now{10'000};
  for (int i = 0; i < 3; ++i) CHECK_FALSE(limits.take("a", now));
  CHECK(limits.take("a", now) == milliseconds(300));
  CHECK_FALSE(limits.take("b", now));
  CHECK(limits.take("a", now + milliseconds(299)) == milliseconds(1));
  CHECK_FALSE(limits.take("a", now + milliseconds(300)));
  CHECK(limits.take("a", now + milliseconds(300)));
  // However long it rests, it saves up no more than the whole.
  now += std::chrono::hours(24 * 365);
  for (int i = 0; i < 3; ++i) CHECK_FALSE(limits.take("a", now));
  CHECK(limits.take("a", now));
  // A clock that goes back gives nothing.
  CHECK(limits.take("a", milliseconds(0)));
}

TEST_CASE("who is over the limit is banned for a while, and then starts anew") {
  rate_limits limits({2, milliseconds(60'000), milliseconds(600'000)});
  CHECK_FALSE(limits.take("a", milliseconds(0)));
  CHECK_FALSE(limits.take("a", milliseconds(0)));
  CHECK(limits.take("a", milliseconds(0)) == milliseconds(600'000));
  // Asking on neither shortens nor prolongs it.
  CHECK(limits.take("a", milliseconds(599'999)) == milliseconds(1));
  CHECK_FALSE(limits.take("a", milliseconds(600'000)));
}

TEST_CASE("strangers cannot make it grow, nor a banned one be forgotten while it asks") {
  rate_limits limits({1, milliseconds(60'000), milliseconds(600'000)}, 100);
  CHECK_FALSE(limits.take("bad", milliseconds(0)));
  CHECK(limits.take("bad", milliseconds(0)));
  for (int i = 0; i < 10'000; ++i) {
    limits.take("stranger " + std::to_string(i), milliseconds(1));
    if (i % 50 == 0) CHECK(limits.take("bad", milliseconds(1)));
  }
  CHECK(limits.size() == 100);
  rate_limits none({0, milliseconds(1)});
  for (int i = 0; i < 10; ++i) CHECK_FALSE(none.take("a", milliseconds(0)));
  CHECK(none.size() == 0);
}

TEST_CASE("an address counts with its network") {
  CHECK(client_network("192.0.2.7") == "192.0.2.7");
  CHECK(client_network("::ffff:192.0.2.7") == "192.0.2.7");
  CHECK(client_network("2001:db8:1:2::7") == client_network("2001:db8:1:2:ffff::1"));
  CHECK(client_network("2001:db8:1:2::7") != client_network("2001:db8:1:3::7"));
}
