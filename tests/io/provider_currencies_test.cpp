// ChangeNOW's list of currencies against a scripted server that speaks its wire format.
#include <catch2/catch.hpp>

#include "io/providers/changenow_currencies.hpp"
#include "tests/io/provider_fake.hpp"

using namespace paygate;

namespace {

changenow_settings at(const std::string& url) {
  return {{.base_url = url, .connect_timeout = fake::time_out, .read_timeout = fake::time_out}, [] { return std::string("cn-key"); }};
}

std::string coin(const std::string& ticker, const std::string& more = "") {
  return R"({"ticker":")" + ticker
         + R"(","name":"Coin","network":"net","hasExternalId":true,"isFiat":false,"buy":true,"sell":true,"supportsFixedRate":true,"legacyTicker":")"
         + ticker + "old\"" + more + "}";
}

std::string failure_of(const std::string& url) {
  const auto read = read_exchange_currencies(at(url));
  const auto* failure = std::get_if<io_failure>(&read);
  return failure ? failure->code : "none";
}

} // namespace

TEST_CASE("the exchange's currencies are read, without what it does not pay out") {
  fake::provider server;
  const auto fiat = coin("eur").replace(coin("eur").find("\"isFiat\":false"), 14, "\"isFiat\":true");
  const auto sold_out = coin("gone").replace(coin("gone").find("\"buy\":true"), 10, "\"buy\":false");
  server.script({200,
                 "[" + coin("a") + "," + coin("b") + "," + fiat + "," + coin("c") + "," + sold_out + "," + coin("BAD") + ",7,{},"
                     + coin("d") + "," + coin("e", R"(,"x":1)") + "]",
                 "application/json",
                 {}});
  const auto read = read_exchange_currencies(at(server.url()));
  const auto* list = std::get_if<std::vector<exchange_currency>>(&read);
  REQUIRE(list);
  REQUIRE(list->size() == 5);
  CHECK(list->front() == exchange_currency{"a", "net", "aold", "Coin", true});
  CHECK(list->back().ticker == "e");
  const auto seen = server.last();
  CHECK(seen.path == "/v2/exchange/currencies");
  CHECK(seen.parameter("flow") == "fixed-rate");
  CHECK(seen.header("x-changenow-api-key") == "cn-key");
  const auto json = parse_json(exchange_currencies_json(*list));
  REQUIRE(json);
  CHECK((*json)["items"].Size() == 5);
}

TEST_CASE("an exchange that is away, or tells nonsense, changes nothing") {
  fake::provider server;
  server.script({503, "{}", "application/json", {}});
  CHECK(failure_of(server.url()) == "http_503");
  server.script({200, "[]", "application/json", {}});
  CHECK(failure_of(server.url()) == "nonsense");
  server.script({200, "{\"error\":\"x\"}", "application/json", {}});
  CHECK(failure_of(server.url()) == "nonsense");
  server.script({200, "<html>", "text/html", {}});
  CHECK(failure_of(server.url()) == "nonsense");
  CHECK(failure_of(fake::dead_url()) == "connection");
}
