// The reading helpers: tokens as they came, nothing for what is not there, no crash on hostile text.
#include <catch2/catch.hpp>

#include "io/codec/json.hpp"

using namespace paygate;

TEST_CASE("numbers and strings are read as their characters") {
  const auto document = parse_json(R"({"n":5077125051,"s":"5077125051","x":10.50,"e":1e-7,"neg":-1001234567890,"t":true,"null":null,
    "long":123456789012345678901234567890,"f":5745459419.0,"text":"Zo\u00eb","big":1e30})");
  REQUIRE(document);
  CHECK(json_id(*document, "n") == "5077125051");
  CHECK(json_id(*document, "s") == "5077125051");
  CHECK(json_id(*document, "long") == "123456789012345678901234567890");
  CHECK_FALSE(json_id(*document, "f"));
  CHECK_FALSE(json_id(*document, "neg"));
  CHECK_FALSE(json_id(*document, "t"));
  CHECK(json_text(*document, "x") == "10.50");
  CHECK(json_decimal(*document, "x") == one_coin * 21 / 2);
  CHECK(json_decimal(*document, "e") == one_coin / 10'000'000);
  CHECK_FALSE(json_decimal(*document, "big"));
  CHECK_FALSE(json_decimal(*document, "text"));
  CHECK(json_int(*document, "neg") == -1001234567890);
  CHECK_FALSE(json_int(*document, "x"));
  CHECK_FALSE(json_int(*document, "long"));
  CHECK(json_bool(*document, "t") == true);
  CHECK_FALSE(json_bool(*document, "n"));
  CHECK(json_text_or_empty(*document, "text") == "Zo\xc3\xab");
  CHECK(json_text_or_empty(*document, "t").empty());
}

TEST_CASE("null, absent and no object at all are nothing") {
  const auto document = parse_json(R"({"a":null,"list":[1]})");
  REQUIRE(document);
  for (const auto* name : {"a", "b"}) {
    CHECK(json_member(*document, name) == nullptr);
    CHECK_FALSE(json_text(*document, name));
    CHECK_FALSE(json_decimal(*document, name));
    CHECK_FALSE(json_int(*document, name));
    CHECK_FALSE(json_id(*document, name));
    CHECK_FALSE(json_bool(*document, name));
    CHECK_FALSE(json_time(*document, name));
  }
  CHECK(json_member(*json_member(*document, "list"), "a") == nullptr);
}

TEST_CASE("more than 18 decimals are cut off, not rounded") {
  const auto document = parse_json(R"({"x":0.1234567890123456789,"y":-0.0000000000000000019})");
  CHECK(json_decimal(*document, "x") == int128{123456789012345678});
  CHECK(json_decimal(*document, "y") == int128{-1});
}

TEST_CASE("what is no JSON is nothing, however deep") {
  for (const auto* text :
       {"", " ", "{", "{\"a\":}", "{\"a\":1}x", "{\"a\":01}", "{'a':1}", "[1,]", "\"\xff\"", "\"\xc0\x80\"", "nul", "NaN", "{\"a\":+1}"})
    CHECK_FALSE(parse_json(text));
  for (const std::size_t depth : {100'000, 2'000'000}) {
    const std::string open(depth, '[');
    CHECK_FALSE(parse_json(open));
    CHECK(parse_json(open + std::string(depth, ']')));
  }
}

TEST_CASE("instants are read in UTC") {
  CHECK(to_text(*parse_iso_time("2026-11-21T07:00:00.123Z")) == "2026-11-21T07:00:00.123000Z");
  CHECK(to_text(*parse_iso_time("2026-11-21T07:00:00")) == "2026-11-21T07:00:00.000000Z");
  CHECK(to_text(*parse_iso_time("2026-11-21T07:00:00+02:00")) == "2026-11-21T05:00:00.000000Z");
  CHECK(to_text(*parse_iso_time("2024-02-29 23:59:59.1234567-0030")) == "2024-03-01T00:29:59.123456Z");
  for (const auto* text :
       {"", "2026-11-21", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-11-21T24:00:00Z", "2026-11-21T07:00:00.Z",
        "2026-11-21T07:00:00ZZ", "2026-11-21T07:00:00+2", "20261121T070000Z", "2026-11-21T07:00Z"})
    CHECK_FALSE(parse_iso_time(text));
}

TEST_CASE("amounts are written as exact numbers, texts escaped") {
  json_buffer buffer;
  json_writer writer(buffer);
  writer.StartObject();
  write_member(writer, "name", "a \"b\"\n");
  write_number(writer, "price", one_coin * 21 / 2 + 1);
  write_int(writer, "chat", -100);
  write_bool(writer, "fixed", true);
  writer.EndObject();
  CHECK(take_text(buffer) == R"({"name":"a \"b\"\n","price":10.500000000000000001,"chat":-100,"fixed":true})");
}
