// The HTTP server over real sockets on loopback, with a fake house behind it. Nothing here waits for time to pass.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <future>
#include <map>
#include <mutex>
#include <thread>

#include <httplib.h>

#include "crypto/hash.hpp"
#include "io/codec/json.hpp"
#include "io/codec/success_token.hpp"
#include "io/http/pages.hpp"
#include "io/http/server.hpp"
#include "messages/log.hpp"

using namespace paygate;

namespace {

constexpr const char* ipn_path = "/webhooks/nowpayments-ipn";
const std::string ipn_secret = "ipn-secret-1", success_key = "success-key";
const std::string order = "01HZZZZZZZ0123456789ABCDEF";
const std::string body = "{\"order_id\":\"" + order + "\",\"payment_id\":5077125051,\"payment_status\":\"finished\",\"price_amount\":15}";

class counting_metrics final : public metrics_sink {
public:
  void count(std::string_view name, std::string_view label, std::int64_t n) override {
    std::lock_guard lock(mutex_);
    counts_[std::string(name) + "/" + std::string(label)] += n;
  }
  void gauge(std::string_view, std::string_view, std::int64_t) override {}
  void duration(std::string_view, std::string_view, std::chrono::microseconds) override {}
  std::int64_t of(const std::string& key) const {
    std::lock_guard lock(mutex_);
    const auto found = counts_.find(key);
    return found == counts_.end() ? 0 : found->second;
  }

private:
  mutable std::mutex mutex_;
  std::map<std::string, std::int64_t> counts_;
};

class fixed_clock final : public business_clock {
public:
  timestamp now() const override { return timestamp{std::chrono::seconds(1'700'000'000)}; }
};

/// A server whose entities answer what the test says, and remember what they were asked.
struct house {
  std::mutex mutex;
  std::vector<envelope> asked;
  std::function<entity_reply(const envelope&)> answer = [](const envelope&) { return entity_reply{ok{}}; };
  std::shared_ptr<counting_metrics> metrics = std::make_shared<counting_metrics>();
  health_report report{true, true, {{"database", "healthy"}}};
  http_server_settings settings;
  http_server_ports ports;
  std::unique_ptr<http_server> server;
  std::uint16_t port = 0;

  house() {
    settings.threads = 4;
    settings.in_flight_max = 2;
    ports.ask = [this](envelope letter, milliseconds timeout) {
      REQUIRE(timeout <= milliseconds(900));
      {
        std::lock_guard lock(mutex);
        asked.push_back(letter);
      }
      return answer(letter);
    };
    ports.status = [this] { return report; };
    ports.metrics_text = [] { return std::string("paygate_up 1\n"); };
    ports.ipn_secret = [] { return ipn_secret; };
    ports.success_key = [] { return success_key; };
    ports.metrics = metrics;
    ports.clock = std::make_shared<fixed_clock>();
  }

  httplib::Client start() {
    server = std::make_unique<http_server>(settings, ports);
    const auto started = server->start("127.0.0.1", 0);
    REQUIRE(std::holds_alternative<std::uint16_t>(started));
    port = std::get<std::uint16_t>(started);
    return client();
  }

  httplib::Client client() const { return httplib::Client("127.0.0.1", port); }
};

httplib::Headers signed_with(const std::string& text, const std::string& secret = ipn_secret) {
  return {{"x-nowpayments-sig", hmac_sha512_hex(secret, text)}};
}

void check_problem(const httplib::Result& result, int status) {
  REQUIRE(result);
  CHECK(result->status == status);
  CHECK(result->get_header_value("Content-Type") == "application/problem+json");
  const auto json = parse_json(result->body);
  REQUIRE(json);
  CHECK(json_int(*json, "status") == status);
  CHECK_FALSE(json_text_or_empty(*json, "detail").empty());
}

/// Everything that the server answers to these pieces, sent one after the other as a careless proxy would, until it closes.
std::string talk(std::uint16_t port, const std::vector<std::string>& pieces) {
  const int socket = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  REQUIRE(connect(socket, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0);
  std::string answers;
  std::array<char, 4096> buffer;
  for (const auto& piece : pieces) {
    if (&piece != &pieces.front()) {
      // The first piece has its answer before the second is sent.
      const auto came = recv(socket, buffer.data(), buffer.size(), 0);
      if (came > 0) answers.append(buffer.data(), static_cast<std::size_t>(came));
    }
    send(socket, piece.data(), piece.size(), MSG_NOSIGNAL);
  }
  for (ssize_t came; (came = recv(socket, buffer.data(), buffer.size(), 0)) > 0;)
    answers.append(buffer.data(), static_cast<std::size_t>(came));
  close(socket);
  return answers;
}

payment_view view_of(std::string status, std::string title, std::string invite) { return {order, status, title, "https://pay/1", invite}; }

} // namespace

TEST_CASE("an IPN that is signed reaches its payment and is answered after it") {
  house h;
  auto client = h.start();
  auto result = client.Post(ipn_path, signed_with(body), body, "application/json; charset=utf-8");
  REQUIRE(result);
  CHECK(result->status == 200);
  CHECK(result->body == R"({"status":"ok"})");
  REQUIRE(h.asked.size() == 1);
  CHECK(h.asked[0].to == entity_ref{entity_kind::payment, order});
  const auto& ipn = std::get<ipn_received>(std::get<payment_message>(h.asked[0].body));
  CHECK(ipn.raw == body);
  CHECK(ipn.payment.payment_id == "5077125051");
  CHECK(ipn.payment.status == provider_status::finished);
  CHECK(h.metrics->of("ipn_total/accepted") == 1);
}

TEST_CASE("an IPN that is not signed by the provider changes nothing") {
  house h;
  auto client = h.start();
  check_problem(client.Post(ipn_path, signed_with(body, "wrong"), body, "application/json"), 401);
  check_problem(client.Post(ipn_path, httplib::Headers{}, body, "application/json"), 401);
  auto forged = body;
  forged.replace(forged.find("15}"), 2, "16");
  check_problem(client.Post(ipn_path, signed_with(body), forged, "application/json"), 401);
  CHECK(h.asked.empty());
  CHECK(h.metrics->of("ipn_total/bad_signature") == 3);
}

TEST_CASE("an IPN of the wrong form is refused by what is wrong with it") {
  house h;
  auto client = h.start();
  check_problem(client.Post(ipn_path, signed_with(body), body, "text/plain"), 415);
  check_problem(client.Post(ipn_path, signed_with("{"), "{", "application/json"), 400);
  check_problem(client.Post(ipn_path, signed_with(""), "", "application/json"), 400);
  check_problem(client.Post(ipn_path, signed_with("[1]"), "[1]", "application/json"), 400);
  const std::string twice = R"({"payment_id":1,"payment_id":2})";
  check_problem(client.Post(ipn_path, signed_with(twice), twice, "application/json"), 400);
  const std::string no_digits = R"({"payment_id":5.0,"payment_status":"finished"})";
  check_problem(client.Post(ipn_path, signed_with(no_digits), no_digits, "application/json"), 400);
  check_problem(client.Get(ipn_path), 405);
  CHECK(h.asked.empty());
}

TEST_CASE("a body of 10 MB is refused, and the server goes on") {
  house h;
  auto client = h.start();
  const std::string big(10u << 20, ' ');
  // The refusal may come before all is sent; then some clients see the broken pipe instead of the answer.
  const auto result = client.Post(ipn_path, signed_with(big), big, "application/json");
  if (result) CHECK(result->status == 413);
  auto other = h.client();
  std::size_t sent = 0;
  const auto chunked = other.Post(
      ipn_path, signed_with(big),
      [&](std::size_t, httplib::DataSink& sink) {
        sent += 65'536;
        if (sent > big.size())
          sink.done();
        else
          return sink.write(big.data(), 65'536);
        return true;
      },
      "application/json");
  if (chunked) CHECK(chunked->status == 411);
  CHECK(sent < big.size());
  // What curl does: it asks before it sends. httplib's client asks and sends all the same.
  auto asking = signed_with(big);
  asking.emplace("Expect", "100-continue");
  const auto asked_first = h.client().Post(ipn_path, asking, big, "application/json");
  if (asked_first) CHECK(asked_first->status == 413);
  const auto elsewhere = h.client().Post("/nothing", {{"Transfer-Encoding", "chunked"}}, "", "text/plain");
  if (elsewhere) CHECK(elsewhere->status == 411);
  CHECK(h.asked.empty());
  auto last = h.client();
  CHECK(last.Post(ipn_path, signed_with(body), body, "application/json")->status == 200);
}

TEST_CASE("what was not read of a request never passes for the next one") {
  house h;
  h.start();
  const std::string hidden = "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", length = "Content-Length: " + std::to_string(hidden.size());
  const std::vector<std::pair<std::string, std::string>> carriers{
      {"GET /health HTTP/1.1\r\nX-Forwarded-For: 192.0.2.1\r\n" + length, "400"},
      {"FOO /health HTTP/1.1\r\n" + length, "400"},
      {"OPTIONS /health HTTP/1.1\r\n" + length, "400"},
      {"GET /" + std::string(9'000, 'a') + " HTTP/1.1\r\n" + length, "414"},
      {"POST /health HTTP/1.1\r\nContent-Length: 0\r\n" + length, "400"},
      {"POST /health HTTP/1.1\r\nContent-Length: abc", "400"},
      {"POST /health HTTP/1.1\r\nContent-Length: -1", "400"},
      {"POST /health HTTP/1.1\r\nTransfer-Encoding: chunked\r\n" + length, "411"},
      {"POST /health HTTP/1.1\r\nContent-Type: multipart/form-data; boundary=x\r\n" + length, "415"},
      {"POST /health HTTP/1.1\r\nContent-Encoding: gzip\r\n" + length, "415"},
      {"POST /health HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 99999999999999999999999", "413"},
      {"POST /health HTTP/1.1\r\nHost: x", "411"},
  };
  for (const auto& [carrier, status] : carriers) {
    INFO(carrier.substr(0, 200));
    const auto answers = talk(h.port, {carrier + "\r\n\r\n", hidden});
    CHECK(answers.substr(0, 13) == "HTTP/1.1 " + status + " ");
    CHECK(answers.find("HTTP/1.1 ", 1) == answers.npos);
    CHECK(answers.find("paygate_up") == answers.npos);
  }
  // What came early is not lost either.
  const auto both = talk(h.port, {"GET /health HTTP/1.1\r\n\r\nGET /ready HTTP/1.1\r\nConnection: close\r\n\r\n"});
  CHECK(both.find("HTTP/1.1 200", both.find("HTTP/1.1 200") + 1) != both.npos);
}

TEST_CASE("a client gets no more memory and time than a request needs") {
  house h;
  h.settings.read_timeout = milliseconds(200);
  auto client = h.start();
  const std::string line = "X-Long: " + std::string(4'000, 'x') + "\r\n";
  std::string head = "GET /health HTTP/1.1\r\n";
  for (int i = 0; i < 20; ++i) head += line;
  CHECK(talk(h.port, {head + "Connection: close\r\n\r\n"}).find("HTTP/1.1 200") == std::string::npos);
  CHECK(talk(h.port, {std::string(1u << 20, 'x')}).find("HTTP/1.1 200") == std::string::npos);
  // Neither a head nor a body that never ends holds a thread: there are four, and these are six.
  for (const char* slow : {"GET /he", "POST /health HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc"})
    for (int i = 0; i < 3; ++i) talk(h.port, {slow});
  const auto many = client.Get("/metrics", {{"Range", "bytes=0-,0-,0-,0-,0-,0-,0-,0-"}});
  REQUIRE(many);
  CHECK(many->status == 200);
  CHECK(many->body == "paygate_up 1\n");
}

TEST_CASE("orders that cannot be ours are kept together, withdrawals are only counted") {
  house h;
  auto client = h.start();
  const std::string no_order = R"({"order_id":null,"payment_id":7,"payment_status":"waiting"})";
  CHECK(client.Post(ipn_path, signed_with(no_order), no_order, "application/json")->status == 200);
  const std::string odd_order = R"({"order_id":"../x y","payment_id":8,"payment_status":"waiting"})";
  CHECK(client.Post(ipn_path, signed_with(odd_order), odd_order, "application/json")->status == 200);
  REQUIRE(h.asked.size() == 2);
  CHECK(h.asked[0].to.id == "none");
  CHECK(h.asked[1].to.id == "none");
  CHECK(std::get<ipn_received>(std::get<payment_message>(h.asked[1].body)).payment.order_id == "../x y");
  const std::string withdrawal = R"({"batch_withdrawal_id":"1","id":"2","status":"CREATING"})";
  CHECK(client.Post(ipn_path, signed_with(withdrawal), withdrawal, "application/json")->status == 200);
  CHECK(h.asked.size() == 2);
  CHECK(h.metrics->of("ipn_total/no_payment") == 1);
}

TEST_CASE("what says nothing about the IPN is a 503 with Retry-After") {
  for (auto code : {refusal::busy, refusal::unavailable, refusal::quarantined, refusal::not_owner}) {
    house h;
    h.answer = [code](const envelope&) { return entity_reply{refused{code, "inside"}}; };
    auto client = h.start();
    const auto result = client.Post(ipn_path, signed_with(body), body, "application/json");
    check_problem(result, 503);
    CHECK(result->get_header_value("Retry-After") == "1");
    CHECK(result->body.find("inside") == std::string::npos);
  }
}

TEST_CASE("with as many in work as allowed, the next is refused at once and health still answers") {
  house h;
  std::promise<void> release;
  const auto released = release.get_future().share();
  std::promise<void> entered[2];
  std::atomic<int> count{0};
  h.answer = [&](const envelope&) {
    entered[count++].set_value();
    released.wait();
    return entity_reply{ok{}};
  };
  h.start();
  std::vector<std::future<int>> working;
  for (int i = 0; i < 2; ++i)
    working.push_back(std::async(std::launch::async, [&] {
      auto client = h.client();
      return client.Post(ipn_path, signed_with(body), body, "application/json")->status;
    }));
  for (auto& e : entered) e.get_future().wait();
  auto client = h.client();
  const auto refused_one = client.Post(ipn_path, signed_with(body), body, "application/json");
  const auto health = client.Get("/health");
  release.set_value();
  check_problem(refused_one, 503);
  CHECK(refused_one->get_header_value("Retry-After") == "1");
  REQUIRE(health);
  CHECK(health->status == 200);
  for (auto& w : working) CHECK(w.get() == 200);
  CHECK(client.Post("/nothing", "", "text/plain")->status == 404);
}

TEST_CASE("IPNs come from the allow-list only, seen through trusted proxies") {
  house h;
  h.settings.ipn_allow_list = {"51.89.194.21"};
  h.settings.trusted_proxies = {"127.0.0.1"};
  auto client = h.start();
  check_problem(client.Post(ipn_path, signed_with(body), body, "application/json"), 403);
  auto headers = signed_with(body);
  headers.emplace("X-Forwarded-For", "51.89.194.21");
  CHECK(client.Post(ipn_path, headers, body, "application/json")->status == 200);
  auto invented = signed_with(body);
  invented.emplace("X-Forwarded-For", "51.89.194.21, 198.51.100.1");
  check_problem(client.Post(ipn_path, invented, body, "application/json"), 403);
}

TEST_CASE("the success page pokes the payment and shows it; a bad token does nothing") {
  house h;
  h.answer = [](const envelope& letter) -> entity_reply {
    if (std::holds_alternative<get_payment_view>(std::get<payment_message>(letter.body))) return view_of("confirming", "Club", "");
    return ok{};
  };
  auto client = h.start();
  const auto token = make_success_token(order, success_key);
  const auto page = client.Get("/webhooks/success?token=" + token + "&NP_id=5");
  REQUIRE(page);
  CHECK(page->status == 200);
  CHECK(page->get_header_value("Content-Type") == "text/html; charset=utf-8");
  CHECK(page->get_header_value("Content-Security-Policy") == page_policy());
  CHECK(page->body.find("Waiting for the network to confirm it") != std::string::npos);
  REQUIRE(h.asked.size() == 2);
  CHECK(std::holds_alternative<payment_poked>(std::get<payment_message>(h.asked[0].body)));
  CHECK(h.asked[0].to.id == order);
  CHECK(client.Get("/webhooks/success?token=" + make_success_token(order, "other key"))->status == 401);
  CHECK(client.Get("/webhooks/success")->status == 401);
  CHECK(h.asked.size() == 2);
}

TEST_CASE("the page escapes what comes from outside") {
  house h;
  const std::string title = "</h1><script>alert(1)</script>\"x", link = "https://t.me/+a\"onclick=\"x";
  h.answer = [&](const envelope&) { return entity_reply{view_of("paid", title, link)}; };
  auto client = h.start();
  const auto token = make_success_token(order, success_key);
  const auto page = client.Get("/payment-processing?order_id=" + order + "&token=" + token);
  REQUIRE(page);
  CHECK(page->status == 200);
  CHECK(page->body.find("<script>alert") == std::string::npos);
  CHECK(page->body.find("&lt;/h1&gt;&lt;script&gt;alert(1)") != std::string::npos);
  CHECK(page->body.find("href=\"https://t.me/+a&quot;onclick=&quot;x\"") != std::string::npos);
  // No token, no data: only what the caller said, escaped.
  const auto blank = client.Get("/payment-processing?order_id=%22%3E%3Cimg%20src%3Dx%3E&token=%3Cb%3E");
  REQUIRE(blank);
  CHECK(blank->status == 200);
  CHECK(blank->body.find("<img") == std::string::npos);
  CHECK(blank->body.find("<b>") == std::string::npos);
  CHECK(render_payment_page({order, "", "paid", "", "javascript:alert(1)"}).find("javascript:") == std::string::npos);
}

TEST_CASE("the status API tells an order's bearer how far it is") {
  house h;
  h.settings.cors_origin = "https://shop.example";
  h.answer = [](const envelope&) { return entity_reply{view_of("paid", "Club \"A\"", "https://t.me/+abc")}; };
  auto client = h.start();
  const auto token = make_success_token(order, success_key);
  const auto path = "/api/payment-status/" + order;
  const auto result = client.Get(path + "/?token=" + token);
  REQUIRE(result);
  CHECK(result->status == 200);
  CHECK(result->get_header_value("Access-Control-Allow-Origin") == "https://shop.example");
  CHECK(result->body
        == "{\"order_id\":\"" + order
               + "\",\"status\":\"paid\",\"inside\":false,\"channel_title\":\"Club \\\"A\\\"\",\"invoice_url\":\"https://pay/1\","
                 "\"invite_link\":\"https://t.me/+abc\"}");
  const auto refused_one = client.Get(path);
  check_problem(refused_one, 401);
  CHECK(refused_one->get_header_value("Access-Control-Allow-Origin") == "https://shop.example");
  check_problem(client.Get("/api/payment-status/OTHER?token=" + token), 401);
  h.answer = [](const envelope&) { return entity_reply{refused{refusal::not_found, ""}}; };
  check_problem(client.Get(path + "?token=" + token), 404);
  h.answer = [](const envelope&) { return entity_reply{refused{refusal::unavailable, ""}}; };
  check_problem(client.Get(path + "?token=" + token), 503);
  check_problem(client.Post(path, "", "text/plain"), 405);
}

TEST_CASE("health has the documented shape, ready and metrics say what they are asked") {
  house h;
  auto client = h.start();
  auto health = client.Get("/health");
  REQUIRE(health);
  CHECK(health->status == 200);
  CHECK(health->body
        == R"({"status":"healthy","service":"paygated","timestamp":"2023-11-14T22:13:20.000000Z","components":{"database":"healthy"}})");
  CHECK(client.Get("/ready")->status == 200);
  h.report = {false, false, {{"database", "unhealthy"}}};
  CHECK(client.Get("/health")->status == 503);
  CHECK(client.Get("/ready")->status == 503);
  CHECK(client.Get("/metrics")->body == "paygate_up 1\n");
  // A proxy on this machine must not make it public.
  check_problem(client.Get("/metrics", {{"X-Forwarded-For", "203.0.113.9"}}), 404);
}

TEST_CASE("the clock moves in the sandbox only, and only from this machine") {
  house h;
  auto client = h.start();
  check_problem(client.Post("/internal/sandbox/clock", R"({"advance_ms":1000})", "application/json"), 404);
  house sandbox;
  std::atomic<std::int64_t> moved{0};
  sandbox.ports.advance_clock = [&](milliseconds by) {
    moved += by.count();
    return timestamp{std::chrono::seconds(1'700'000'000)} + by;
  };
  auto inside = sandbox.start();
  const auto result = inside.Post("/internal/sandbox/clock", R"({"advance_ms":1000})", "application/json");
  REQUIRE(result);
  CHECK(result->status == 200);
  CHECK(result->body == R"({"now":"2023-11-14T22:13:21.000000Z"})");
  for (const char* bad : {"{}", "", R"({"advance_ms":-1})", R"({"advance_ms":99999999999999})", R"({"advance_ms":"soon"})"})
    check_problem(inside.Post("/internal/sandbox/clock", bad, "application/json"), 400);
  check_problem(inside.Post("/internal/sandbox/clock", {{"X-Forwarded-For", "127.0.0.1"}}, R"({"advance_ms":1})", "application/json"), 404);
  CHECK(moved == 1000);
}

TEST_CASE("a handler that throws is a 500 without our inside") {
  house h;
  h.answer = [](const envelope&) -> entity_reply { throw std::runtime_error("password=hunter2"); };
  auto client = h.start();
  const auto result = client.Post(ipn_path, signed_with(body), body, "application/json");
  check_problem(result, 500);
  CHECK(result->body.find("hunter2") == std::string::npos);
}

TEST_CASE("two servers cannot share a port by mistake") {
  house h;
  h.start();
  house second;
  http_server other(second.settings, second.ports);
  const auto started = other.start("127.0.0.1", h.port);
  REQUIRE(std::holds_alternative<std::string>(started));
  CHECK(std::get<std::string>(started).starts_with("Cannot listen on 127.0.0.1:" + std::to_string(h.port)));
}

TEST_CASE("an update of Telegram needs the secret token, and is answered 200 only when it is committed") {
  house h;
  std::vector<std::string> bodies;
  auto answer = update_taken::taken;
  h.ports.webhook_secret = [] { return std::string("hook-secret\n"); };
  h.ports.take_update = [&](std::string_view text, milliseconds timeout) {
    CHECK(timeout <= milliseconds(60'000));
    bodies.emplace_back(text);
    return answer;
  };
  auto client = h.start();
  const auto post = [&](const char* secret) {
    httplib::Headers headers;
    if (secret) headers.emplace("X-Telegram-Bot-Api-Secret-Token", secret);
    return client.Post("/telegram-webhook", headers, R"({"update_id":5})", "application/json");
  };
  for (const char* wrong : {static_cast<const char*>(nullptr), "", "hook-secre", "hook-secret2", "other"}) check_problem(post(wrong), 401);
  CHECK(bodies.empty());
  CHECK(post("hook-secret")->status == 200);
  REQUIRE(bodies.size() == 1);
  CHECK(bodies[0] == R"({"update_id":5})");
  answer = update_taken::busy;
  const auto busy = post("hook-secret");
  check_problem(busy, 503);
  CHECK_FALSE(busy->get_header_value("Retry-After").empty());
  answer = update_taken::unreadable;
  check_problem(post("hook-secret"), 400);
  CHECK(h.metrics->of("telegram_webhook_total/bad_secret") == 5);
  CHECK(h.metrics->of("telegram_webhook_total/accepted") == 1);
}

TEST_CASE("without a secret, or while updates are polled, nobody can send updates") {
  house empty;
  empty.ports.webhook_secret = [] { return std::string(" \n"); };
  empty.ports.take_update = [](std::string_view, milliseconds) { return update_taken::taken; };
  auto client = empty.start();
  check_problem(client.Post("/telegram-webhook", {{"X-Telegram-Bot-Api-Secret-Token", ""}}, "{}", "application/json"), 401);
  house polling;
  auto other = polling.start();
  check_problem(other.Post("/telegram-webhook", {{"X-Telegram-Bot-Api-Secret-Token", "x"}}, "{}", "application/json"), 404);
}
