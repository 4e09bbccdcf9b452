// The landing page of a channel over a real socket, with a fake house behind it.
#include <catch2/catch.hpp>

#include <atomic>
#include <mutex>

#include <httplib.h>

#include "io/http/server.hpp"

using namespace paygate;

namespace {

class no_metrics final : public metrics_sink {
  void count(std::string_view, std::string_view, std::int64_t) override {}
  void gauge(std::string_view, std::string_view, std::int64_t) override {}
  void duration(std::string_view, std::string_view, std::chrono::microseconds) override {}
};

struct house {
  std::mutex mutex;
  std::vector<std::int64_t> visits;
  std::string bot = "demo_bot";
  entity_reply reply = terms();
  std::atomic<int> asked{0};
  std::unique_ptr<http_server> server;
  std::uint16_t port = 0;

  static entity_reply terms() {
    channel c;
    c.open_channel_id = -1001;
    c.closed_title = "Closed <club> & \"more\"";
    c.description = "Signals <script>alert(1)</script>\n\nEvery day";
    c.tiers[0] = {usd_amount::of_units(10 * one_coin), 30};
    c.tiers[1] = {usd_amount::of_units(one_coin / 4), 1};
    return channel_view{std::make_shared<const channel>(c)};
  }

  httplib::Client start() {
    http_server_settings settings;
    settings.threads = 4;
    settings.in_flight_max = 2;
    http_server_ports ports;
    ports.ask = [this](envelope letter, milliseconds) {
      ++asked;
      return letter.to == entity_ref{entity_kind::channel, "-1001"} ? reply : entity_reply{refused{refusal::not_found, "no"}};
    };
    ports.deep_link = [this](const start_link& link) {
      return bot.empty() ? bot : "https://t.me/" + bot + "?start=p" + std::to_string(link.tier);
    };
    ports.visited = [this](std::int64_t id) {
      const std::lock_guard lock(mutex);
      visits.push_back(id);
    };
    ports.metrics = std::make_shared<no_metrics>();
    server = std::make_unique<http_server>(settings, ports);
    port = std::get<std::uint16_t>(server->start("127.0.0.1", 0));
    return client();
  }
  httplib::Client client() const { return httplib::Client("127.0.0.1", port); }
};

const httplib::Headers person{{"User-Agent", "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"}};

bool has(const std::string& text, const std::string& part) { return text.find(part) != text.npos; }

} // namespace

TEST_CASE("a channel's page shows its tiers, escaped, and leads to the bot") {
  house h;
  auto client = h.start();
  const auto page = client.Get("/c/-1001", person);
  REQUIRE(page);
  CHECK(page->status == 200);
  CHECK(page->get_header_value("Content-Type") == "text/html; charset=utf-8");
  CHECK(page->get_header_value("Cache-Control") == "public, max-age=60");
  CHECK(page->get_header_value_count("Cache-Control") == 1);
  CHECK_FALSE(page->get_header_value("Content-Security-Policy").empty());
  CHECK(has(page->body, "<h1>Closed &lt;club&gt; &amp; &quot;more&quot;</h1>"));
  CHECK(has(page->body, "<p>Signals &lt;script&gt;alert(1)&lt;/script&gt;</p><p>Every day</p>"));
  CHECK(has(page->body, "href=\"https://t.me/demo_bot?start=p0\">30 days - $10.00</a>"));
  CHECK(has(page->body, "href=\"https://t.me/demo_bot?start=p1\">1 day - $0.25</a>"));
  CHECK(has(page->body, "start=p-1\">🎁 Donate</a>"));
  CHECK(client.Get("/c/-1001/", person)->status == 200);
  CHECK(h.visits == std::vector<std::int64_t>{-1001, -1001});
}

TEST_CASE("programs and looks at the head are no visits") {
  house h;
  auto client = h.start();
  for (const char* agent : {"Mozilla/5.0 (compatible; Googlebot/2.1)", "TelegramBot (like TwitterBot)", "curl/8.5",
                            "facebookexternalhit/1.1", "python-requests/2"})
    CHECK(client.Get("/c/-1001", {{"User-Agent", agent}})->status == 200);
  CHECK(client.Head("/c/-1001", person)->status == 200);
  CHECK(h.visits.empty());
}

TEST_CASE("what is no channel has a page that says so, and is not counted") {
  house h;
  auto client = h.start();
  for (const char* path : {"/c/-1002", "/c/99999999999999999999", "/c/-0", "/c/007"}) {
    const auto page = client.Get(path, person);
    REQUIRE(page);
    CHECK(page->status == 404);
    CHECK(has(page->body, "There is no such channel"));
    CHECK(page->get_header_value("Cache-Control") == "no-store");
  }
  CHECK(client.Get("/c/abc", person)->status == 404);
  CHECK(client.Post("/c/-1001", "", "text/plain")->status == 405);
  h.reply = refused{refusal::unavailable, "later"};
  CHECK(client.Get("/c/-1001", person)->status == 503);
  h.reply = house::terms();
  h.bot.clear();
  CHECK(client.Get("/c/-1001", person)->status == 503);
  CHECK(h.visits.empty());
}

TEST_CASE("a page that a mail's link opens does nothing by being opened, and shows nothing of what it was given as HTML") {
  house h;
  auto client = h.start();
  const std::pair<const char*, const char*> pages[] = {{"/verify-email", "/api/auth/verify-email"},
                                                       {"/reset-password", "/api/auth/reset-password"},
                                                       {"/confirm-payout", "/api/auth/confirm-payout"}};
  for (const auto& [path, call] : pages) {
    INFO(path);
    const auto page = client.Get((std::string(path) + "?token=-1001.%22%3E%3Cscript%3Ealert(1)").c_str());
    REQUIRE(page);
    CHECK(page->status == 200);
    CHECK(page->body.find("data-call=\"" + std::string(call) + "\"") != std::string::npos);
    CHECK(page->body.find("<button id=\"go\"") != std::string::npos);
    CHECK(page->body.find("data-token=\"-1001.&quot;&gt;&lt;script&gt;alert(1)\"") != std::string::npos);
    CHECK(page->get_header_value("Content-Security-Policy").find("script-src 'sha256-") != std::string::npos);
    CHECK(page->get_header_value("X-Frame-Options") == "DENY");
    CHECK(client.Get(path)->status == 400);
    CHECK(client.Get((std::string(path) + "?token=" + std::string(201, 'x')).c_str())->status == 400);
    CHECK(client.Post(path, "", "text/plain")->status == 405);
  }
  CHECK(h.asked == 0);
}
