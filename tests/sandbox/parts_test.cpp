// The sandbox's own numbers, JSON, markup and limits, each against values written by hand.
#include <catch2/catch.hpp>

#include "sandbox/amounts.hpp"
#include "sandbox/core.hpp"
#include "sandbox/http.hpp"
#include "sandbox/telegram.hpp"

using namespace sandbox;

TEST_CASE("numbers_are_printed_as_javascript_prints_them") {
  const std::pair<const char*, const char*> table[] = {{"0", "0"},
                                                       {"15", "15"},
                                                       {"1.50", "1.5"},
                                                       {"0.0000001", "1e-7"},
                                                       {"0.000001", "0.000001"},
                                                       {"0.00000015", "1.5e-7"},
                                                       {"1e21", "1e+21"},
                                                       {"123456789012345678", "123456789012345680"},
                                                       {"-0.25", "-0.25"},
                                                       {"0.09853637216235617", "0.09853637216235617"},
                                                       {"100", "100"},
                                                       {"0.00331", "0.00331"}};
  for (const auto& [given, printed] : table) CHECK(js_number(*parse_decimal(given)) == printed);
}

TEST_CASE("amounts_become_units_without_a_loss") {
  CHECK(units_of(*parse_decimal("14848580.123456789012345678"), 18).str() == "14848580123456789012345678");
  CHECK(units_of(*parse_decimal("0.1"), 18).str() == "100000000000000000");
  CHECK(hex_quantity(units_of(decimal(1), 18)) == "0xde0b6b3a7640000");
  CHECK(plain(from_units(*parse_quantity("0xde0b6b3a7640001"), 18)) == "1.000000000000000001");
  CHECK_FALSE(parse_decimal("1."));
  CHECK_FALSE(parse_decimal("0x10"));
  CHECK_FALSE(parse_decimal(""));
}

TEST_CASE("the_signature_of_the_published_vectors_comes_out") {
  const auto body = json::parse(R"({"payment_id":123456789,"parent_payment_id":null,"payment_status":"finished",)"
                                R"("order_description":"Zoë / café \"x\"","price_amount":1.5,"payment_extra_ids":[5513339153],)"
                                R"("fee":{"withdrawalFee":0,"currency":"btc","serviceFee":0,"depositFee":0.09853637216235617}})");
  REQUIRE(body);
  CHECK(hmac_sha512_hex("ipn-secret-1", body->sorted().dump())
        == "eb0ab299c3237e685eab7517127e89aabb031c6ac27f83919d160fc2323432f51e218784f61f802460467afb9923b17134ad2f9877bd585e6b309d35bfbe897"
           "e");
}

TEST_CASE("json_with_a_key_twice_is_refused") {
  CHECK_FALSE(json::parse(R"({"a":1,"a":2})"));
  CHECK_FALSE(json::parse(R"({"a":1} x)"));
  CHECK(json::parse(R"({"a":1.50,"b":["\u0001\n"]})")->dump() == R"({"a":1.50,"b":["\u0001\n"]})");
}

TEST_CASE("html_becomes_text_and_entities") {
  const auto good = parse_html("<b>Zoë &amp; 💰</b> <a href=\"https://x.y/?a=1&amp;b=2\">go</a> &lt;i&gt;");
  const auto* parsed = std::get_if<formatted_text>(&good);
  REQUIRE(parsed != nullptr);
  CHECK(parsed->text == "Zoë & 💰 go <i>");
  CHECK(parsed->entities.dump()
        == R"([{"offset":0,"length":8,"type":"bold"},{"offset":9,"length":2,"type":"text_link","url":"https://x.y/?a=1&b=2"}])");
}

TEST_CASE("html_that_telegram_refuses_is_refused") {
  for (const char* text : {"<b>x", "<div>x</div>", "<b><i>x</b></i>", "x</b>", "a < b", "<a href=\"x", "<span>x</span>"})
    CHECK(std::holds_alternative<std::string>(parse_html(text)));
}

TEST_CASE("a_bucket_gives_its_burst_then_its_rate") {
  using namespace std::chrono_literals;
  token_bucket bucket(60, 3);
  auto now = std::chrono::steady_clock::time_point(1h);
  for (int i = 0; i < 3; ++i) CHECK(bucket.take(now) == 0);
  CHECK(bucket.take(now) == 1);
  now += 1s;
  CHECK(bucket.take(now) == 0);
  CHECK(bucket.take(now) == 1);
  now += 1h;
  for (int i = 0; i < 3; ++i) CHECK(bucket.take(now) == 0);
  CHECK(bucket.take(now) == 1);
}

TEST_CASE("faults_strike_alike_for_the_same_seed") {
  const auto run = [] {
    fault_board board;
    fault_rule rule;
    rule.provider = "telegram";
    rule.mode = fault_mode::error;
    rule.rate_ppm = 300'000;
    rule.seed = 7;
    board.put(rule);
    std::string strikes;
    for (int i = 0; i < 200; ++i) strikes += board.draw("telegram", "/x").mode == fault_mode::error ? '1' : '0';
    CHECK(board.draw("changenow", "/x").mode == fault_mode::none);
    return strikes;
  };
  const auto first = run();
  CHECK(first == run());
  const auto hits = std::count(first.begin(), first.end(), '1');
  CHECK((hits > 30 && hits < 90));
}

TEST_CASE("spans_are_read") {
  CHECK(parse_span("72h") == std::chrono::hours(72));
  CHECK(parse_span("1d12h") == std::chrono::hours(36));
  CHECK_FALSE(parse_span("72"));
  CHECK_FALSE(parse_span("-1h"));
  CHECK_FALSE(parse_span(""));
}
