#include <catch2/catch.hpp>
#include <spdlog/sinks/ostream_sink.h>
#include <sstream>

#include "daemon/log.hpp"

using namespace paygate;

TEST_CASE("a log line is one JSON object on one line, whatever is in it") {
  const timestamp at{std::chrono::microseconds(1'700'000'000'123'456)};
  CHECK(json_log_line(at, log_level::warning, "ipn_refused", {{"text", "a \"b\"\n\\ \x01 \xff caf\xc3\xa9"}, {"n", "1"}})
        == "{\"ts\":\"2023-11-14T22:13:20.123456Z\",\"level\":\"warning\",\"event\":\"ipn_refused\","
           "\"text\":\"a \\\"b\\\"\\n\\\\ \\u0001 \xef\xbf\xbd caf\xc3\xa9\",\"n\":\"1\"}");
  CHECK(text_log_line(at, log_level::info, "started", {{"port", "80\n80"}}) == "2023-11-14T22:13:20.123456Z info started port=\"80\\n80\"");
}

TEST_CASE("secrets are masked and the level can be changed at run time") {
  std::ostringstream out;
  const std::string secret = "se\"cret";
  start_log(std::make_shared<spdlog::sinks::ostream_sink_mt>(out), true, [&](std::string_view text) {
    std::string clean(text);
    if (const auto at = clean.find(secret); at != clean.npos) clean.replace(at, secret.size(), "[redacted]");
    return clean;
  });
  REQUIRE(set_log_level("info"));
  log(log_level::debug, "hidden");
  log(log_level::info, "call", {{"url", "https://x/?key=se\"cret&b"}});
  CHECK(set_log_level("debug"));
  log(log_level::debug, "shown");
  CHECK_FALSE(set_log_level("loud"));
  set_log_sink({});
  CHECK(out.str().find("hidden") == std::string::npos);
  CHECK(out.str().find("\"url\":\"https://x/?key=[redacted]&b\"}\n") != std::string::npos);
  CHECK(out.str().find("\"event\":\"shown\"}\n") != std::string::npos);
}
