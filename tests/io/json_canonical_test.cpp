// The text that NOWPayments signs: byte for byte what JavaScript makes, from any spelling of the same value, and nothing from hostile
// bodies.
#include <algorithm>
#include <random>

#include <catch2/catch.hpp>

#include "io/codec/ipn_signature.hpp"
#include "io/codec/json_canonical.hpp"
#include "crypto/hash.hpp"

using namespace paygate;

namespace {

std::string canonical(std::string_view text, canonical_form form = {}) {
  const auto tokens = json_tokens::parse(text);
  if (!tokens) return "refused";
  return canonical_text(*tokens, form).value_or("no such form");
}

std::string sign_text(std::string_view text, std::string_view secret) { return hmac_sha512_hex(secret, text); }

// A random JSON value that can be printed with its members in any order and with any spelling of its strings.
struct model {
  enum { scalar, text, list, object } kind = scalar;
  std::string token; // Of a scalar.
  std::string plain; // Of a text: ASCII.
  std::vector<std::pair<std::string, model>> members;
};

std::string random_word(std::mt19937_64& random) {
  constexpr std::string_view letters = "abcXYZ_019 /\"\\\n\t\x01~";
  std::string word;
  for (auto n = random() % 8; n > 0; --n) word += letters[random() % letters.size()];
  return word;
}

model random_model(std::mt19937_64& random, int depth) {
  model m;
  switch (depth == 0 ? 3 : random() % (depth < 4 ? 4 : 2)) {
  case 0: {
    constexpr const char* tokens[] = {"true",  "false", "null",      "0",     "15",         "15.00",
                                      "10.50", "1e-7",  "0.0000001", "-3.25", "5077125051", "1E+2"};
    m.token = tokens[random() % std::size(tokens)];
    break;
  }
  case 1:
    m.kind = model::text;
    m.plain = random_word(random);
    break;
  case 2:
    m.kind = model::list;
    for (auto n = random() % 4; n > 0; --n) m.members.emplace_back("", random_model(random, depth + 1));
    break;
  default:
    m.kind = model::object;
    for (auto n = random() % 7; n > 0; --n) {
      auto key = "k" + random_word(random);
      if (std::none_of(m.members.begin(), m.members.end(), [&](const auto& e) { return e.first == key; }))
        m.members.emplace_back(key, random_model(random, depth + 1));
    }
  }
  return m;
}

// As JavaScript would; ASCII only, so byte order is its order.
std::string quoted(const std::string& plain) {
  std::string out = "\"";
  for (char c : plain) {
    if (c == '"' || c == '\\')
      out += '\\', out += c;
    else if (c == '\n')
      out += "\\n";
    else if (c == '\t')
      out += "\\t";
    else if (c == '\x01')
      out += "\\u0001";
    else
      out += c;
  }
  return out + '"';
}

std::string spelled_oddly(const std::string& plain, std::mt19937_64& random) {
  std::string out = "\"";
  for (char c : plain) {
    constexpr std::string_view hex = "0123456789ABCDEF";
    const auto code = static_cast<unsigned char>(c);
    if (random() % 3 == 0 || code < 0x20 || c == '"' || c == '\\')
      out += std::string("\\u00") + hex[code >> 4] + hex[code & 15];
    else if (c == '/' && random() % 2 == 0)
      out += "\\/";
    else
      out += c;
  }
  return out + '"';
}

std::string print(model m, std::mt19937_64* shuffle) {
  if (m.kind == model::scalar) return m.token;
  if (m.kind == model::text) return shuffle ? spelled_oddly(m.plain, *shuffle) : quoted(m.plain);
  const auto space = [&] { return shuffle && (*shuffle)() % 3 == 0 ? " \n" : ""; };
  const bool list = m.kind == model::list;
  if (!list && shuffle) std::shuffle(m.members.begin(), m.members.end(), *shuffle);
  if (!list && !shuffle) std::sort(m.members.begin(), m.members.end(), [](const auto& a, const auto& b) { return a.first < b.first; });
  std::string out(1, list ? '[' : '{');
  for (const auto& [key, value] : m.members) {
    if (out.size() > 1) out += ',';
    out += space();
    if (!list) out += (shuffle ? spelled_oddly(key, *shuffle) : quoted(key)) + space() + ":";
    out += space() + print(value, shuffle) + space();
  }
  return out + (list ? ']' : '}');
}

constexpr auto* secret = "ipn-secret-1";

constexpr auto* first_body =
    R"({"payment_status":"finished","payment_id":5077125051,"price_amount":15,"actually_paid":0.0000001,"order_id":"o-1"})";
constexpr auto* first_signature = "9c8a5a841dc43a75c089bb9137cdc44167427b9395b90cfcf512638998025077"
                                  "fdba3274ecedd69ec35765f4f3a1a4bbeb719214e91f027fe8e72d070e4f5bc9";
constexpr auto* second_body =
    R"({"payment_id":123456789,"parent_payment_id":null,"payment_status":"finished","order_description":"Zoë / café \"x\"","price_amount":1.50,"payment_extra_ids":[5513339153],"fee":{"withdrawalFee":0,"currency":"btc","serviceFee":0.0,"depositFee":0.09853637216235617}})";
constexpr auto* second_signature = "eb0ab299c3237e685eab7517127e89aabb031c6ac27f83919d160fc232343"
                                   "2f51e218784f61f802460467afb9923b17134ad2f9877bd585e6b309d35bfbe897e";

} // namespace

TEST_CASE("the vectors made by NOWPayments' own SDK verify") {
  CHECK(canonical(first_body, {true, false, false})
        == R"({"actually_paid":1e-7,"order_id":"o-1","payment_id":5077125051,"payment_status":"finished","price_amount":15})");
  CHECK(
      canonical(second_body, {true, false, false})
      == R"({"fee":{"currency":"btc","depositFee":0.09853637216235617,"serviceFee":0,"withdrawalFee":0},"order_description":"Zoë / café \"x\"","parent_payment_id":null,"payment_extra_ids":[5513339153],"payment_id":123456789,"payment_status":"finished","price_amount":1.5})");
  CHECK(ipn_signature_matches(first_body, first_signature, secret));
  CHECK(ipn_signature_matches(second_body, second_signature, secret));
  CHECK(ipn_signature_matches(first_body, " " + std::string(first_signature) + "\n", " ipn-secret-1\r\n"));
}

TEST_CASE("a wrong signature, secret or body does not verify") {
  CHECK_FALSE(ipn_signature_matches(first_body, second_signature, secret));
  CHECK_FALSE(ipn_signature_matches(first_body, first_signature, "ipn-secret-2"));
  CHECK_FALSE(ipn_signature_matches(first_body, "", secret));
  CHECK_FALSE(ipn_signature_matches(first_body, std::string(first_signature).substr(2), secret));
  CHECK_FALSE(ipn_signature_matches(first_body, "0x" + std::string(first_signature).substr(2), secret));
  CHECK_FALSE(ipn_signature_matches(first_body, "zz" + std::string(first_signature).substr(2), secret));
  CHECK_FALSE(ipn_signature_matches("{}", sign_text("{}", ""), ""));
  CHECK_FALSE(ipn_signature_matches("{}", sign_text("{}", ""), " \n"));
  std::string signature = first_signature;
  for (std::size_t i = 0; i < signature.size(); ++i) {
    auto changed = signature;
    changed[i] = changed[i] == '0' ? '1' : '0';
    CHECK_FALSE(ipn_signature_matches(first_body, changed, secret));
  }
  const std::string body = first_body;
  for (std::size_t length = 0; length < body.size(); ++length)
    CHECK_FALSE(ipn_signature_matches(body.substr(0, length), first_signature, secret));
}

TEST_CASE("number tokens verify as they came") {
  for (const auto* token : {"1e-7", "10.50", "0.0000001", "15.00", "1E-7", "-0", "0.0", "123456789012345678", "1e400", "1e-07",
                            "14848580.123456789012345678", "0.00000000000000000000001"}) {
    const auto body = R"({"z":{"b":[)" + std::string(token) + R"(],"a":)" + token + R"(},"price_amount":)" + token + "}";
    const auto text = R"({"price_amount":)" + std::string(token) + R"(,"z":{"a":)" + token + R"(,"b":[)" + token + "]}}";
    INFO(token);
    CHECK(canonical(body) == text);
    CHECK(ipn_signature_matches(body, sign_text(text, secret), secret));
  }
}

TEST_CASE("numbers are printed as JavaScript prints them") {
  struct row {
    const char* token;
    const char* text;
  };
  for (const auto& r : {row{"15.00", "15"},
                        row{"0.0", "0"},
                        row{"-0", "0"},
                        row{"0.0000001", "1e-7"},
                        row{"0.000001", "0.000001"},
                        row{"1E3", "1000"},
                        row{"123456789012345678", "123456789012345680"},
                        row{"1e21", "1e+21"},
                        row{"1e20", "100000000000000000000"},
                        row{"123456789012345678901234", "1.2345678901234569e+23"},
                        row{"10.50", "10.5"},
                        row{"-1.5e-9", "-1.5e-9"},
                        row{"0.1e1", "1"},
                        row{"5e-324", "5e-324"},
                        row{"1.7976931348623157e308", "1.7976931348623157e+308"},
                        row{"0.3", "0.3"},
                        row{"0.09853637216235617", "0.09853637216235617"},
                        row{"9007199254740993", "9007199254740992"},
                        row{"-250", "-250"},
                        row{"0.00001234", "0.00001234"},
                        row{"1234.5678e-10", "1.2345678e-7"},
                        row{"100", "100"}}) {
    INFO(r.token);
    CHECK(js_number_text(r.token) == std::string(r.text));
  }
  CHECK_FALSE(js_number_text("1e400"));
}

TEST_CASE("strings are written as JavaScript writes them") {
  CHECK(canonical(R"("\u0041\/\"\\\b\f\n\r\t\u001F\u007f\u00eb\u2028")") == "\"A/\\\"\\\\\\b\\f\\n\\r\\t\\u001f\x7f\u00eb\u2028\"");
  CHECK(canonical(R"("\ud83d\uDE00")") == "\"\U0001F600\"");
  CHECK(canonical(R"("\uD83D \uDE00 \uD83D\uD83D\uDE00 \uD83D\u0041")") == "\"\\ud83d \\ude00 \\ud83d\U0001F600 \\ud83dA\"");
  CHECK(canonical("\"\U0001F600\u00e9\"") == "\"\U0001F600\u00e9\"");
  CHECK(canonical(R"("\uD83D)") == "refused");
}

TEST_CASE("keys are sorted by UTF-16 code unit at every level") {
  CHECK(canonical(R"({"b":1,"a":{"d":[{"z":0,"y":0}],"c":2},"B":3,"":4,"aa":5})")
        == R"({"":4,"B":3,"a":{"c":2,"d":[{"y":0,"z":0}]},"aa":5,"b":1})");
  // U+1F600 begins with the code unit D83D, below U+FF21, though its bytes are above.
  CHECK(canonical("{\"\uFF21\":1,\"\U0001F600\":2,\"\u00e9\":3,\"z\":4}") == "{\"z\":4,\"\u00e9\":3,\"\U0001F600\":2,\"\uFF21\":1}");
  CHECK(canonical(R"({"\"":1,"!":2,"#":3,"\\":4,"[":5,"]":6})") == R"({"!":2,"\"":1,"#":3,"[":5,"\\":4,"]":6})");
  CHECK(canonical(R"({"\ud83d\ude00":1,"\ud83d":2,"\ude00":3,"\ud83dx":4})")
        == "{\"\\ud83d\":2,\"\\ud83dx\":4,\"\U0001F600\":1,\"\\ude00\":3}");
}

TEST_CASE("index keys and arrays are written in each of the signers' ways, and all verify") {
  const std::string body = R"({"x":1,"10":"a","9":"b","list":[[],{"k":[1,2]},"s"]})";
  const std::string sorted = R"({"10":"a","9":"b","list":[[],{"k":[1,2]},"s"],"x":1})";
  const std::string by_index = R"({"9":"b","10":"a","list":[[],{"k":[1,2]},"s"],"x":1})";
  const std::string objects = R"({"9":"b","10":"a","list":{"0":{},"1":{"k":{"0":1,"1":2}},"2":"s"},"x":1})";
  CHECK(canonical(body) == sorted);
  CHECK(canonical(body, {false, false, true}) == by_index);
  CHECK(canonical(body, {false, true, true}) == objects);
  for (const auto& text : {sorted, by_index, objects}) CHECK(ipn_signature_matches(body, sign_text(text, secret), secret));
  CHECK(index_of_key("0") == 0U);
  CHECK(index_of_key("4294967294") == 4294967294U);
  for (const auto* key : {"", "01", "4294967295", "99999999999", "-1", "1.0", "a"}) CHECK_FALSE(index_of_key(key));
}

TEST_CASE("hostile bodies are refused") {
  for (const std::string body : {R"({"a":1,"a":2})",
                                 R"({"a":1,"\u0061":2})",
                                 R"({"x":{"a":1,"b":2,"a":1}})",
                                 R"({"a":1}x)",
                                 R"({"a":1}{})",
                                 R"({"a":1,})",
                                 "{\"a\":\"\xff\"}",
                                 "{\"a\":\"\xc0\xaf\"}",
                                 "{\"a\":\"\xed\xa0\x80\"}",
                                 "{\"a\":\"\xf4\x90\x80\x80\"}",
                                 "{\"a\":\"\xe2\x82\"}",
                                 "{\"a\":\"\n\"}",
                                 R"({"a":01})",
                                 R"({"a":1.})",
                                 R"({"a":.5})",
                                 R"({"a":+1})",
                                 R"({"a":1e})",
                                 R"({"a":-})",
                                 R"({"a":NaN})",
                                 R"({"a":"\x"})",
                                 R"({"a":"\u12g4"})",
                                 R"({"a":tru})",
                                 R"({a:1})",
                                 R"({'a':1})",
                                 R"([1 2])",
                                 R"({"a" 1})",
                                 "",
                                 " ",
                                 "\xef\xbb\xbf{}",
                                 R"({"a":1]})"}) {
    INFO(body);
    CHECK_FALSE(json_tokens::parse(body));
    CHECK_FALSE(ipn_signature_matches(body, sign_text(body, secret), secret));
  }
}

TEST_CASE("nesting is taken to the limit and refused beyond it, without a deep stack") {
  const auto nested = [](std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); };
  CHECK(json_tokens::parse(nested(json_tokens::depth_max)));
  CHECK_FALSE(json_tokens::parse(nested(json_tokens::depth_max + 1)));
  CHECK_FALSE(json_tokens::parse(nested(100000)));
  CHECK_FALSE(json_tokens::parse(std::string(100000, '[')));
  std::string objects;
  for (int i = 0; i < 100000; ++i) objects += "{\"a\":";
  CHECK_FALSE(json_tokens::parse(objects));
}

TEST_CASE("any value verifies, however its keys are ordered and its strings are spelled") {
  std::mt19937_64 random(42);
  for (int i = 0; i < 1500; ++i) {
    const auto value = random_model(random, 0);
    const auto text = print(value, nullptr);
    const auto body = print(value, &random);
    INFO(body);
    REQUIRE(canonical(body) == text);
    REQUIRE(ipn_signature_matches(body, sign_text(text, secret), secret));
    CHECK_FALSE(ipn_signature_matches(body, sign_text(text + " ", secret), secret));
    auto cut = body;
    cut.resize(random() % body.size());
    CHECK_FALSE(json_tokens::parse(cut));
    // A flipped bit must leave the tokenizer whole, whatever it answers.
    auto flipped = body;
    flipped[random() % flipped.size()] ^= static_cast<char>(1 << random() % 8);
    canonical(flipped, {true, true, true});
  }
}
