// JSON Web Tokens against RFC 7515's example, and against everything that a token of somebody else's making could try.
#include <catch2/catch.hpp>

#include <random>

#include "crypto/hash.hpp"
#include "io/codec/token.hpp"

using namespace paygate;

namespace {

const timestamp now = timestamp(std::chrono::sys_days(std::chrono::year(2026) / 11 / 21));
const token_keys keys{std::string(40, 'k'), std::string(40, 'p')};
const identity ann{"01ANN", true, 3, "01SESSION"};

std::string part(std::string_view json) { return base64url_encode(as_bytes(json)); }
std::string header(std::string_view alg, std::string_view more = "") {
  return part(R"({"alg":")" + std::string(alg) + R"(","typ":"JWT","kid":")" + key_id(keys.current) + "\"" + std::string(more) + "}");
}
std::string payload_of(const std::string& token) { return token.substr(token.find('.') + 1, token.rfind('.') - token.find('.') - 1); }
std::string signed_with(const std::string& text, const std::string& key) { return text + "." + sign_hs256(text, key); }

std::string why(const std::string& token, timestamp at = now, const token_keys& by = keys) {
  const auto verified = verify_access(token, at, by);
  const auto* fault = std::get_if<token_fault>(&verified);
  return fault ? std::string(to_text(*fault)) : "";
}

} // namespace

TEST_CASE("the signature is RFC 7515's, appendix A.1") {
  const auto key = as_text(*base64url_decode("AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"));
  CHECK(sign_hs256("eyJ0eXAiOiJKV1QiLA0KICJhbGciOiJIUzI1NiJ9."
                   "eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQogImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ",
                   key)
        == "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
}

TEST_CASE("what we made we read, until its end") {
  const auto token = make_access_token(ann, now, keys);
  CHECK(std::get<identity>(verify_access(token, now, keys)) == ann);
  CHECK(why(token, now + access_life - seconds(1)) == "");
  CHECK(why(token, now + access_life) == "expired");
  CHECK(why(token, now - clock_leeway) == "");
  CHECK(why(token, now - clock_leeway - seconds(1)) == "not_yet");
  const refresh_claim claim{"01ANN", "01SESSION", 4};
  const auto refresh = make_refresh_token(claim, as_bytes("sixteen bytes..."), now, keys);
  CHECK(std::get<refresh_claim>(verify_refresh(refresh, now, keys)) == claim);
  CHECK(std::get<token_fault>(verify_refresh(refresh, now + refresh_life, keys)) == token_fault::expired);
}

TEST_CASE("neither kind of token passes for the other") {
  CHECK(why(make_refresh_token({"a", "s", 0}, {}, now, keys)) == "other_use");
  CHECK(std::get<token_fault>(verify_refresh(make_access_token(ann, now, keys), now, keys)) == token_fault::other_use);
}

TEST_CASE("the key before is good, others are not, and without a key nothing is") {
  const token_keys before{keys.previous, ""}, other{std::string(40, 'x'), ""};
  CHECK(why(make_access_token(ann, now, before)) == "");
  CHECK(why(make_access_token(ann, now, other)) == "unknown_key");
  CHECK(why(make_access_token(ann, now, before), now, {keys.current, ""}) == "unknown_key");
  CHECK(why(make_access_token(ann, now, keys), now, {}) == "unknown_key");
  // Signed with one key, named after another.
  CHECK(why(signed_with(header("HS256") + "." + payload_of(make_access_token(ann, now, keys)), keys.previous)) == "signature");
}

TEST_CASE("a secret has the present key on its first line and the former one on the second") {
  CHECK(parse_token_keys("one\ntwo\n").current == "one");
  CHECK(parse_token_keys(" one \r\n two \r\n").previous == "two");
  CHECK(parse_token_keys("one").previous.empty());
  CHECK(parse_token_keys("").current.empty());
}

TEST_CASE("a token cannot choose how it is checked") {
  const auto payload = payload_of(make_access_token(ann, now, keys));
  for (const auto* alg : {"none", "None", "NONE", "nOnE", "RS256", "HS384", "HS512", "hs256", "ES256", ""}) {
    INFO(alg);
    CHECK(why(header(alg) + "." + payload + ".") == "algorithm");
    CHECK(why(signed_with(header(alg) + "." + payload, keys.current)) == "algorithm");
    CHECK(why(signed_with(header(alg) + "." + payload, "")) == "algorithm");
  }
  CHECK(why(signed_with(part(R"({"typ":"JWT"})") + "." + payload, keys.current)) == "algorithm");
  CHECK(why(signed_with(part(R"({"alg":["HS256"]})") + "." + payload, keys.current)) == "algorithm");
  CHECK(why(signed_with(part(R"({"alg":"HS256"})") + "." + payload, keys.current)) == "unknown_key");
  CHECK(why(signed_with(part(R"({"alg":"HS256","kid":"../../dev/null"})") + "." + payload, "")) == "unknown_key");
  CHECK(why(signed_with(header("HS256", R"(,"crit":["exp"])") + "." + payload, keys.current)) == "unknown_key");
  CHECK(why(header("HS256") + "." + payload + ".") == "signature");
}

TEST_CASE("claims that are missing or odd are no identity") {
  const auto token = [](const std::string& claims) { return signed_with(header("HS256") + "." + part(claims), keys.current); };
  const std::string times = R"("iat":1795219200,"nbf":1795219200,"exp":1795220100)";
  CHECK(why(token(R"({"use":"access","sub":"a","verified":true,"epoch":0,)" + times + "}")) == "");
  CHECK(why(token(R"({"use":"access","sub":"","verified":true,"epoch":0,)" + times + "}")) == "malformed");
  CHECK(why(token(R"({"use":"access","verified":true,"epoch":0,)" + times + "}")) == "malformed");
  CHECK(why(token(R"({"use":"access","sub":"a","verified":"true","epoch":0,)" + times + "}")) == "malformed");
  CHECK(why(token(R"({"use":"access","sub":"a","verified":true,)" + times + "}")) == "malformed");
  CHECK(why(token(R"({"use":"access","sub":"a","verified":true,"epoch":0})")) == "malformed");
  CHECK(why(token(R"({"use":"access","sub":"a","verified":true,"epoch":0,"iat":1,"nbf":1,"exp":1e99})")) == "malformed");
  CHECK(why(token(R"({"sub":"a"})")) == "other_use");
  CHECK(why(token("[]")) == "malformed");
  CHECK(why(token("")) == "malformed");
}

TEST_CASE("no token with a changed character is good, nor any garbage") {
  const auto token = make_access_token(ann, now, keys);
  std::mt19937 chance(1);
  for (std::size_t i = 0; i < token.size(); ++i) {
    auto changed = token;
    changed[i] = changed[i] == 'A' ? 'B' : 'A';
    CHECK(why(changed) != "");
    CHECK(why(token.substr(0, i)) != "");
  }
  for (int i = 0; i < 2000; ++i) {
    std::string garbage;
    for (auto n = chance() % 60; n > 0; --n) garbage += static_cast<char>(chance() % 8 == 0 ? '.' : chance());
    CHECK(why(garbage) != "");
  }
  CHECK(why(token + ".") == "malformed");
  CHECK(why(std::string(100'000, 'a')) == "malformed");
}
