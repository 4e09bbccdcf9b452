#include <catch2/catch.hpp>

#include "messages/message_json.hpp"

using namespace paygate;

TEST_CASE("a message as JSON has its name and its members, amounts as text") {
  request_payout command;
  command.channel_id = -100;
  command.order_id = "a \"quoted\"\nline";
  command.target = {"eth", "base"};
  command.source = eth_amount::of_units(15 * one_coin / 10);
  CHECK(message_json(any_message{payout_message{command}})
        == R"({"message":"request_payout","content":[-100,0,"a \"quoted\"\u000aline",["eth","base"],"","","1.5","0",false]})");
}

TEST_CASE("an outcome that a machine broke on is shown with what the provider said") {
  const auto text = message_json(any_message{payout_message{effect_done{"follow:s1", io_outcome{swap_state{"s1", swap_status::finished}}}}});
  INFO(text);
  CHECK(text.starts_with(R"({"message":"swap_state","content":["follow:s1",["s1","finished",null,)"));
}

TEST_CASE("bytes that are no text are shown as bytes, because the database takes text only") {
  cancel_payout command{std::string("a\xff\xc3\xa9\xed\xa0\x80\xf0\x9f\x8e\x81\x00z", 13)};
  CHECK(message_json(any_message{payout_message{command}})
        == "{\"message\":\"cancel_payout\",\"content\":[\"a\\\\xff\xc3\xa9\\\\xed\\\\xa0\\\\x80\xf0\x9f\x8e\x81\\u0000z\"]}");
}

TEST_CASE("a long message is cut, between two characters") {
  std::string reason;
  for (int i = 0; i < 5000; ++i) reason += "\xc3\xa9";
  const auto text = message_json(any_message{payout_message{cancel_payout{reason}}}, 1000);
  CHECK(text.size() <= 1000);
  CHECK(text.starts_with(R"({"message":"cancel_payout","cut":"[\"\u00)") == false);
  CHECK(text.find("\"cut\":") != std::string::npos);
  CHECK(text.ends_with("\xc3\xa9\"}"));
}
