// The rules of spec 3.8: two sources are compared, a third helps out, and an answer is kept for a minute.
#include <catch2/catch.hpp>

#include <atomic>

#include "io/providers/prices.hpp"
#include "messages/ports.hpp"
#include "tests/io/provider_fake.hpp"

using namespace paygate;
using fake::fault_of;

namespace {

struct hand_clock : business_clock {
  std::atomic<std::int64_t> at{0};
  timestamp now() const override { return timestamp(seconds(at.load())); }
};

struct sources {
  fake::provider gecko, compare, inch;
  hand_clock clock;
  std::string gecko_body = R"({"ethereum":{"usd":3000.123456789012345678}})", compare_body = R"({"USD":3010})", inch_body = "{}";
  int gecko_status = 200;
  io_client client;

  sources() {
    gecko.handle([this](const auto&) { return fake::answer{gecko_status, gecko_body, "application/json", {}}; });
    compare.handle([this](const auto&) { return fake::answer{200, compare_body, "application/json", {}}; });
    inch.handle([this](const auto&) { return fake::answer{200, inch_body, "application/json", {}}; });
    price_settings settings;
    const auto at = [](const std::string& url) {
      return http_settings{.base_url = url, .connect_timeout = fake::time_out, .read_timeout = fake::time_out};
    };
    settings.coingecko = at(gecko.url());
    settings.cryptocompare = at(compare.url());
    settings.oneinch = at(inch.url());
    settings.coingecko_key = [] { return std::string("cg"); };
    settings.cryptocompare_key = [] { return std::string("cc"); };
    settings.oneinch_key = [] { return std::string("1i"); };
    client = make_price_client(settings, clock);
  }
  usd_price price(const std::string& currency = "eth") { return std::get<usd_price>(client(get_usd_price{currency})); }
};

int128 units(std::string_view text) { return parse_decimal(text)->units; }

} // namespace

TEST_CASE("two sources that agree: the first one's price, exactly") {
  sources s;
  CHECK(s.price() == usd_price{units("3000.123456789012345678"), "coingecko"});
  CHECK(s.gecko.last().path == "/api/v3/simple/price");
  CHECK(s.gecko.last().parameter("ids") == "ethereum");
  CHECK(s.gecko.last().header("x-cg-demo-api-key") == "cg");
  CHECK(s.compare.last().parameter("fsym") == "ETH");
  CHECK(s.compare.last().header("authorization") == "Apikey cc");
  CHECK(s.inch.requests().empty());
}

TEST_CASE("a spread over 5 % uses the lower one") {
  sources s;
  s.gecko_body = R"({"ethereum":{"usd":105}})";
  s.compare_body = R"({"USD":100})";
  CHECK(s.price() == usd_price{units("105"), "coingecko"}); // Just not over.
  s.clock.at = 61;
  s.gecko_body = R"({"ethereum":{"usd":105.01}})";
  CHECK(s.price() == usd_price{units("100"), "cryptocompare"});
}

TEST_CASE("answers are kept for a minute") {
  sources s;
  s.price();
  s.clock.at = 59;
  s.price();
  CHECK(s.gecko.requests().size() == 1);
  s.clock.at = 60;
  s.price();
  CHECK(s.gecko.requests().size() == 2);
  s.clock.at = 0; // A clock that went back keeps nothing alive for ever.
  s.price();
  CHECK(s.gecko.requests().size() == 3);
}

TEST_CASE("a source that fails, lies or is old gives way to the next") {
  sources s;
  s.gecko_status = 429;
  CHECK(s.price() == usd_price{units("3010"), "cryptocompare"});
  s.gecko_status = 200;
  for (const char* bad : {"{}", R"({"ethereum":{"usd":null}})", R"({"ethereum":{"usd":0}})", R"({"ethereum":{"usd":-1}})", "<html>", "[]",
                          R"({"ethereum":{"usd":3000,"last_updated_at":1000}})"}) {
    s.clock.at = s.clock.at + 60;
    s.gecko_body = bad;
    CHECK(s.price().source == "cryptocompare");
  }
  s.clock.at = s.clock.at + 60;
  s.compare_body = R"({"Response":"Error","Message":"rate limit","Type":99})"; // With the status 200.
  s.inch_body = R"({"0xeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeeee":"2999.5"})";
  CHECK(s.price() == usd_price{units("2999.5"), "1inch"});
  CHECK(s.inch.last().header("Authorization") == "Bearer 1i");
  s.clock.at = s.clock.at + 60;
  s.inch_body = "{}";
  CHECK(fault_of(s.client(get_usd_price{"eth"})) == "transient no_price");
}

TEST_CASE("tiny prices and unknown coins") {
  sources s;
  s.gecko_body = R"({"shiba-inu":{"usd":1.2e-05}})";
  s.compare_body = "{}";
  CHECK(s.price("shib") == usd_price{units("0.000012"), "coingecko"});
  CHECK(s.price("usd") == usd_price{one_coin, "usd"});
  CHECK(fault_of(s.client(get_usd_price{"nocoin"})) == "permanent unknown_currency");
}
