#include <catch2/catch.hpp>

#include "io/http/address_block.hpp"

using namespace paygate;

TEST_CASE("blocks match by prefix, in both spellings of IPv4") {
  struct row {
    const char* block;
    const char* address;
    bool inside;
  };
  const row rows[] = {
      {"10.0.0.0/8", "10.255.1.2", true},
      {"10.0.0.0/8", "11.0.0.1", false},
      {"192.0.2.7", "192.0.2.7", true},
      {"192.0.2.7", "192.0.2.8", false},
      {"192.0.2.4/30", "192.0.2.7", true},
      {"192.0.2.4/30", "192.0.2.8", false},
      {"10.0.0.0/8", "::ffff:10.1.1.1", true},
      {"2001:db8::/33", "2001:db8:7f::", true},
      {"2001:db8::/33", "2001:db8:8000::", false},
      {"0.0.0.0/0", "1.2.3.4", true},
      {"0.0.0.0/0", "2001::1", false},
      {"::/0", "1.2.3.4", true},
      {"10.0.0.0/8", "ten", false},
  };
  for (const auto& [block, address, inside] : rows) {
    CAPTURE(block, address);
    const auto parsed = address_block::parse(block);
    REQUIRE(parsed);
    CHECK(parsed->contains(address) == inside);
  }
  for (const char* bad : {"10.0.0.0/33", "10.0.0/8", "::/129", "10.0.0.0/", "10.0.0.0/-1", "", "localhost"})
    CHECK_FALSE(address_block::parse(bad));
}

TEST_CASE("X-Forwarded-For counts only as far as proxies are trusted") {
  const auto trusted = parse_blocks({"127.0.0.1", "10.0.0.0/8"});
  CHECK(client_address("203.0.113.9", "1.1.1.1", trusted) == "203.0.113.9");
  CHECK(client_address("127.0.0.1", "", trusted) == "127.0.0.1");
  CHECK(client_address("127.0.0.1", "203.0.113.9", trusted) == "203.0.113.9");
  // What stands left of the first stranger may be invented by him.
  CHECK(client_address("127.0.0.1", "51.89.194.21, 203.0.113.9, 10.0.0.5", trusted) == "203.0.113.9");
  CHECK(client_address("127.0.0.1", "51.89.194.21, nonsense", trusted) == "127.0.0.1");
  CHECK(client_address("127.0.0.1", "203.0.113.9", {}) == "127.0.0.1");
}
