// Requests of external schedulers and notices of the Ethereum node: who may, and that nothing is taken twice.
#include <catch2/catch.hpp>

#include <atomic>
#include <ctime>
#include <mutex>
#include <set>

#include <httplib.h>

#include "crypto/hash.hpp"
#include "io/codec/json.hpp"
#include "io/http/server.hpp"

using namespace paygate;

namespace {

class silent_metrics final : public metrics_sink {
public:
  void count(std::string_view, std::string_view, std::int64_t) override {}
  void gauge(std::string_view, std::string_view, std::int64_t) override {}
  void duration(std::string_view, std::string_view, std::chrono::microseconds) override {}
};

std::int64_t now() { return std::time(nullptr); }

struct office {
  http_server_ports ports;
  std::unique_ptr<http_server> server;
  std::uint16_t port = 0;
  std::mutex mutex;
  std::set<std::string> nonces;
  std::atomic<int> runs{0}, round{7};
  std::vector<std::string> looked;
  std::string concerned = R"([{"kind":"payment","id":"01J1"},{"kind":"wallet","id":"0xw"}])", asked;

  office() {
    ports.metrics = std::make_shared<silent_metrics>();
    ports.internal_key = [] { return std::string("internal"); };
    ports.ethereum_secret = [] { return std::string("alchemy"); };
    ports.ask = [this](envelope letter, milliseconds) -> entity_reply {
      CHECK(letter.to.kind == entity_kind::scheduler);
      ++runs;
      ++round;
      return ok{};
    };
    ports.look_again = [this](const entity_ref& ref) {
      std::lock_guard lock(mutex);
      looked.push_back(to_text(ref));
    };
    ports.query = [this](std::string_view name, const std::string& arguments, milliseconds) -> std::string {
      std::lock_guard lock(mutex);
      if (name == "internal_nonce") return nonces.insert(arguments).second ? R"({"fresh":true})" : R"({"fresh":false})";
      if (name == "ethereum_concerned") {
        asked = arguments;
        return concerned;
      }
      if (name == "scheduler_round")
        return R"({"round":")" + std::to_string(round) + R"(","status":"waiting","reason":"$1.00 of $5.00 are pending","created":[]})";
      return "null";
    };
    server = std::make_unique<http_server>(http_server_settings{}, ports);
    port = std::get<std::uint16_t>(server->start("127.0.0.1", 0));
  }

  httplib::Result call(const std::string& path, const httplib::Headers& headers, const std::string& body = "{}") {
    return httplib::Client("127.0.0.1", port).Post(path, headers, body, "application/json");
  }

  static httplib::Headers signed_for(const std::string& path, const std::string& nonce, const std::string& body = "{}",
                                     std::int64_t at = now(), const std::string& key = "internal") {
    const auto stamp = std::to_string(at);
    return {{"X-Paygate-Timestamp", stamp},
            {"X-Paygate-Nonce", nonce},
            {"X-Paygate-Signature", hmac_sha256_hex(key, stamp + "\n" + nonce + "\nPOST " + path + "\n" + body)}};
  }
};

constexpr const char* conversions = "/internal/conversions/check-threshold";

} // namespace

TEST_CASE("a signed request runs a scheduler and says what came of it") {
  office o;
  for (const char* path : {conversions, "/internal/payouts/process", "/internal/broadcasts/execute"}) {
    const auto result = o.call(path, o.signed_for(path, std::string("nonce-0001") + path));
    REQUIRE(result);
    CHECK(result->status == 200);
    const auto json = parse_json(result->body);
    REQUIRE(json);
    CHECK(json_text_or_empty(*json, "status") == "success");
    CHECK(json_text_or_empty(*json, "reason") == "$1.00 of $5.00 are pending");
    if (path == conversions) CHECK(json_text_or_empty(*json, "message") == "Below threshold, no batch conversion needed");
  }
  CHECK(o.runs == 3);
}

TEST_CASE("an internal request is refused unless its signature, time and nonce are good") {
  office o;
  CHECK(o.call(conversions, o.signed_for(conversions, "nonce-0001"))->status == 200);
  const auto replay = o.signed_for(conversions, "nonce-0002");
  CHECK(o.call(conversions, replay)->status == 200);
  const std::vector<httplib::Headers> bad{
      replay,
      {},
      o.signed_for(conversions, "nonce-0003", "{}", now() - 301),
      o.signed_for(conversions, "nonce-0004", "{}", now() + 320),
      o.signed_for(conversions, "nonce-0005", "{\"other\":1}"),
      o.signed_for("/internal/payouts/process", "nonce-0006"),
      o.signed_for(conversions, "nonce-0007", "{}", now(), "wrong"),
      o.signed_for(conversions, "short"),
      {{"X-Paygate-Timestamp", "1e9"},
       {"X-Paygate-Nonce", "nonce-0008"},
       {"X-Paygate-Signature", hmac_sha256_hex("internal", "1e9\nnonce-0008\nPOST " + std::string(conversions) + "\n{}")}},
  };
  for (const auto& headers : bad) {
    const auto result = o.call(conversions, headers);
    REQUIRE(result);
    CHECK(result->status == 401);
    CHECK(result->get_header_value("Content-Type") == "application/problem+json");
  }
  // What was not signed uses no nonce up.
  CHECK(o.call(conversions, o.signed_for(conversions, "nonce-0007"))->status == 200);
  // Nothing that a proxy passes on comes in here.
  auto proxied = o.signed_for(conversions, "nonce-0009");
  proxied.emplace("X-Forwarded-For", "203.0.113.1");
  CHECK(o.call(conversions, proxied)->status == 404);
  CHECK(o.runs == 3);
}

TEST_CASE("a notice of the Ethereum node makes those look who wait for it") {
  office o;
  const std::string body =
      R"({"type":"ADDRESS_ACTIVITY","event":{"activity":[{"hash":"0xAA","toAddress":"0xW","value":1.5},{"hash":"0x\"b"},{}]}})";
  const auto sign = [](const std::string& text, const char* key = "alchemy") {
    return httplib::Headers{{"X-Alchemy-Signature", hmac_sha256_hex(key, text)}};
  };
  const auto result = o.call("/webhooks/ethereum", sign(body), body);
  REQUIRE(result);
  CHECK(result->status == 200);
  CHECK(o.looked == std::vector<std::string>{"payment/01J1", "wallet/0xw"});
  CHECK(o.asked == R"({"hashes":["0xAA","0x\"b"],"to":["0xW"]})");
  CHECK(o.call("/webhooks/ethereum", sign(body, "other"), body)->status == 401);
  CHECK(o.call("/webhooks/ethereum", {}, body)->status == 401);
  CHECK(o.call("/webhooks/ethereum", sign("[]"), "[]")->status == 400);
  CHECK(o.call("/webhooks/ethereum", sign(R"({"type":"GRAPHQL"})"), R"({"type":"GRAPHQL"})")->status == 200);
  CHECK(o.looked.size() == 4);
  o.concerned = R"({"error":{"code":"unavailable"}})";
  CHECK(o.call("/webhooks/ethereum", sign(body), body)->status == 503);
}
