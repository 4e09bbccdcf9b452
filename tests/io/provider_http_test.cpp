// What the HTTP layer makes of each way in which a call can go wrong. A lost answer must be unknown for a creating call: "transient" there
// would be a lie that can cost money.
#include <catch2/catch.hpp>

#include "io/providers/provider_faults.hpp"
#include "tests/io/provider_fake.hpp"

using namespace paygate;

namespace {

http_settings at(const std::string& url) { return {.base_url = url, .connect_timeout = fake::time_out, .read_timeout = fake::time_out}; }
http_request reading() { return {.path = "/x", .query = {}, .headers = {}, .body = {}}; }
http_request creating() {
  return {.effect = http_effect::creates, .method = "POST", .path = "/x", .query = {}, .headers = {}, .body = "{}"};
}
std::string fault_of(const std::variant<http_answer, io_failure>& outcome) {
  if (std::holds_alternative<http_answer>(outcome)) return "answer";
  const auto& failure = std::get<io_failure>(outcome);
  return std::string(to_text(failure.kind)) + " " + failure.code;
}

} // namespace

TEST_CASE("a call carries method, path with prefix, encoded query, headers and body") {
  fake::provider server;
  http_caller http(at(server.url() + "/np/"));
  server.script({201, "{\"a\":1}", "application/json", {{"Retry-After", "7"}}});
  const auto outcome = http.call({.effect = http_effect::creates,
                                  .method = "POST",
                                  .path = "/v1/x",
                                  .query = {{"a b", "c&d=e+f/ü"}},
                                  .headers = {{"x-api-key", "k"}},
                                  .body = "{\"n\":0.10}"});
  const auto& answer = std::get<http_answer>(outcome);
  CHECK(answer.status == 201);
  CHECK(answer.body == "{\"a\":1}");
  CHECK(answer.retry_after == milliseconds(7000));
  const auto seen = server.last();
  CHECK(seen.method == "POST");
  CHECK(seen.path == "/np/v1/x");
  CHECK(seen.parameter("a b") == "c&d=e+f/ü");
  CHECK(seen.header("x-api-key") == "k");
  CHECK(seen.header("Content-Type") == "application/json");
  CHECK(seen.body == "{\"n\":0.10}");
  server.script({429, "", "text/plain", {{"Retry-After", "999999"}}});
  CHECK(std::get<http_answer>(http.call({.path = "/", .query = {}, .headers = {}, .body = {}})).retry_after == retry_after_max);
}

TEST_CASE("what never reached the server is transient, also for a creating call") {
  http_caller refused(at(fake::dead_url()));
  CHECK(fault_of(refused.call(creating())) == "transient connection");
  CHECK(fault_of(refused.call(reading())) == "transient connection");
  for (const char* url : {"", "ftp://x", "http://", "127.0.0.1"}) {
    http_caller none(at(url));
    CHECK(fault_of(none.call(creating())) == "transient base_url");
  }
  fake::provider plain;
  http_caller tls(at("https://127.0.0.1:" + std::to_string(plain.port())));
  CHECK(fault_of(tls.call(creating())) == "transient tls");
}

TEST_CASE("an answer that never comes is unknown for a creating call and transient for a read") {
  fake::rude_server silent(fake::misbehaviour::hold);
  http_caller http(at(silent.url()));
  CHECK(fault_of(http.call(creating())) == "unknown timeout");
  CHECK(fault_of(http.call(reading())) == "transient timeout");
  CHECK(silent.requests() == 2); // Neither was tried twice behind the caller's back.
}

TEST_CASE("a connection that breaks after the request is unknown for a creating call and transient for a read") {
  for (const auto what : {fake::misbehaviour::close, fake::misbehaviour::half_an_answer}) {
    fake::rude_server server(what);
    http_caller http(at(server.url()));
    CHECK(fault_of(http.call(creating())) == "unknown broken");
    CHECK(server.requests() == 1);
    CHECK(fault_of(http.call(reading())) == "transient broken");
  }
}

TEST_CASE("a kept connection that turns out dead costs a read nothing, and a creating call is still not repeated") {
  fake::rude_server server(fake::misbehaviour::answer_once);
  http_caller http(at(server.url()));
  CHECK(fault_of(http.call(reading())) == "answer");
  CHECK(fault_of(http.call(reading())) == "answer"); // The second one on a connection is dropped: asked again on a new one.
  CHECK(server.requests() == 3);
  CHECK(fault_of(http.call(creating())) == "unknown broken");
  CHECK(server.requests() == 4);
}

TEST_CASE("a long answer is cut off") {
  fake::provider server;
  server.handle([](const auto&) { return fake::answer{200, std::string(10u << 20, ' '), "application/json", {}}; });
  auto settings = at(server.url());
  settings.read_timeout = seconds(5);
  http_caller http(settings);
  CHECK(fault_of(http.call(creating())) == "unknown too_long");
  CHECK(fault_of(http.call(reading())) == "transient too_long");
  server.script({200, std::string((4u << 20) - 2, ' ') + "{}", "application/json", {}});
  CHECK(fault_of(http.call(reading())) == "answer");
}

TEST_CASE("redirects are not followed, and a base URL may be a whole address") {
  fake::provider server;
  http_caller http(at(server.url() + "/v2/key/"));
  server.script({302, "", "text/html", {{"Location", "http://127.0.0.1:1/"}}});
  auto call = reading();
  call.path = "";
  const auto outcome = http.call(call);
  CHECK(std::get<http_answer>(outcome).status == 302);
  CHECK(server.last().path == "/v2/key/");
}

TEST_CASE("several threads call at once, each on its own connection") {
  fake::provider server;
  server.handle([](const fake::seen& request) { return fake::answer{200, request.parameter("n"), "text/plain", {}}; });
  auto settings = at(server.url());
  settings.read_timeout = seconds(5);
  http_caller http(settings);
  std::atomic<int> good = 0;
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 25; ++i) {
        const auto n = std::to_string(100 * t + i);
        const auto outcome = http.call({.path = "/", .query = {{"n", n}}, .headers = {}, .body = {}});
        if (const auto* answer = std::get_if<http_answer>(&outcome); answer && answer->body == n) ++good;
      }
    });
  for (auto& thread : threads) thread.join();
  CHECK(good == 100);
}

TEST_CASE("a status alone tells who is to blame") {
  const auto of = [](int status, http_effect effect, std::optional<provider_error> error = {}) {
    const auto failure = status_failure({status, "", milliseconds(9000), ""}, effect, error);
    return std::string(to_text(failure.kind)) + " " + failure.code;
  };
  CHECK(of(429, http_effect::creates) == "transient http_429");
  CHECK(status_failure({429, "", milliseconds(9000), ""}, http_effect::reads).retry_after == milliseconds(9000));
  CHECK(of(500, http_effect::creates) == "unknown http_500");
  CHECK(of(502, http_effect::reads) == "transient http_502");
  CHECK(of(401, http_effect::creates) == "transient credentials");
  CHECK(of(403, http_effect::reads, provider_error{"X", "no"}) == "transient credentials");
  CHECK(of(400, http_effect::creates, provider_error{"BAD", "no"}) == "permanent BAD");
  CHECK(of(400, http_effect::creates, provider_error{"", "no"}) == "permanent http_400");
  CHECK(of(404, http_effect::reads) == "transient http_404"); // A page of something between us and the provider.
  CHECK(of(302, http_effect::creates, provider_error{"X", ""}) == "transient http_302");
}

TEST_CASE("a provider's words are fit for a row and hold no secret") {
  CHECK(provider_words("key sekret is bad: sekret", {"sekret"}) == "key *** is bad: ***");
  CHECK(provider_words(std::string("a\0b\nc\xff z\xc3\xbc", 10)) == "a b c  z\xc3\xbc");
  const auto cut = provider_words(std::string(199, 'x') + "\xc3\xbc");
  CHECK(cut == std::string(199, 'x'));
  CHECK(provider_words("\xed\xa0\x80") == "");
  CHECK(provider_words("") == "");
}

TEST_CASE("a client that throws answers a failure") {
  const auto client = never_throwing([](const io_request&) -> io_outcome { throw std::runtime_error("secret"); });
  const auto failure = fake::failure(client(get_payment{"1"}));
  CHECK(failure.kind == fault::unknown);
  CHECK(failure.text.find("secret") == std::string::npos);
}
