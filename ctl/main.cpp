// paygatectl: the operator's tool. It sends commands to a daemon's inspector and prints the answers; of the rules it knows only those of
// addresses, which need no daemon.
#include <algorithm>
#include <cstdio>
#include <iostream>
#include <thread>

#include "ctl/command.hpp"
#include "ctl/link.hpp"
#include "ctl/print.hpp"
#include "ctl/reconcile.hpp"

namespace {

using namespace paygate::ctl;

enum exit_code { done = 0, refused = 1, wrong_usage = 2, no_daemon = 3, not_found = 4 };

int print_answer(const command& c, const std::string& answer) {
  rapidjson::Document parsed;
  parsed.Parse(answer.c_str());
  if (parsed.HasParseError()) {
    std::fprintf(stderr, "paygatectl: the daemon's answer is no JSON\n");
    return refused;
  }
  if (parsed.IsObject() && parsed.HasMember("error")) {
    const auto code = plain(parsed["error"]["code"]);
    std::fprintf(stderr, "paygatectl: %s: %s\n", code.c_str(), plain(parsed["error"]["text"]).c_str());
    if (c.json) std::fputs(pretty(parsed).c_str(), stdout);
    return code == "not_found" ? not_found : refused;
  }
  std::fputs((c.json ? pretty(parsed) : c.show(parsed)).c_str(), stdout);
  std::fflush(stdout);
  return done;
}

/// tail --follow: asks for what is newer than the last line seen, once a second.
int follow(const command& c, daemon_link& daemon) {
  std::string last = "0";
  for (bool first = true;; first = false) {
    const auto args = first ? std::string("{\\\"limit\\\":20}") : "{\\\"after_seq\\\":" + last + ",\\\"limit\\\":1000}";
    auto answer = daemon.ask("{\"verb\":\"query\",\"name\":\"tail\",\"args\":\"" + args + "\"}");
    if (auto* text = std::get_if<std::string>(&answer)) {
      rapidjson::Document parsed;
      parsed.Parse(text->c_str());
      if (parsed.IsArray() && !parsed.Empty()) {
        last = plain(parsed[parsed.Size() - 1]["seq"]);
        if (const int code = print_answer(c, *text); code != done) return code;
      }
    } else
      std::fprintf(stderr, "paygatectl: %s\n", std::get<link_failure>(answer).text.c_str());
    std::this_thread::sleep_for(std::chrono::seconds(1));
  }
}

} // namespace

int main(int argc, char** argv) {
  auto read = read_command({argv + 1, argv + argc}, std::cin);
  if (const auto* u = std::get_if<usage>(&read)) {
    std::fputs(u->text.c_str(), u->asked_for ? stdout : stderr);
    return u->asked_for ? done : wrong_usage;
  }
  const auto& c = std::get<command>(read);
  if (!c.answer.empty()) return print_answer(c, c.answer);
  daemon_link daemon(c.address, c.tls_dir);
  if (c.follow) return follow(c, daemon);
  if (c.reconciles) return reconcile(c, daemon);
  int worst = done;
  for (const auto& each : c.asks) {
    if (!each.id.empty() && !c.json) std::printf("%s: ", each.id.c_str()), std::fflush(stdout);
    const auto answer = daemon.ask(each.request);
    if (const auto* failure = std::get_if<link_failure>(&answer)) {
      std::fprintf(stderr, "paygatectl: %s\n", failure->text.c_str());
      return no_daemon;
    }
    worst = std::max(worst, print_answer(c, std::get<std::string>(answer)));
  }
  return worst;
}
