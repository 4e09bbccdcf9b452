#include "ctl/reconcile.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <thread>

#include "ctl/exit_codes.hpp"
#include "ctl/print.hpp"

namespace paygate::ctl {

namespace {

constexpr auto patience = std::chrono::minutes(10);
constexpr const char* question = R"({"verb":"query","name":"reconcile","args":"{}"})";

/// An answer of the daemon; nothing after it was told what is wrong, with `code` set.
std::optional<rapidjson::Document> asked(daemon_link& daemon, const std::string& request, int& code) {
  const auto answer = daemon.ask(request);
  if (const auto* failure = std::get_if<link_failure>(&answer)) {
    std::fprintf(stderr, "paygatectl: %s\n", failure->text.c_str());
    code = no_daemon;
    return std::nullopt;
  }
  rapidjson::Document parsed;
  parsed.Parse(std::get<std::string>(answer).c_str());
  if (parsed.HasParseError() || !parsed.IsObject()) {
    std::fprintf(stderr, "paygatectl: the daemon's answer is no JSON object\n");
    code = refused;
    return std::nullopt;
  }
  if (parsed.HasMember("error")) {
    const auto word = plain(parsed["error"]["code"]);
    std::fprintf(stderr, "paygatectl: %s: %s\n", word.c_str(), plain(parsed["error"]["text"]).c_str());
    code = word == "not_found" ? not_found : refused;
    return std::nullopt;
  }
  return parsed;
}

long long number(const rapidjson::Value& object, const char* name) {
  const auto found = object.FindMember(name);
  return found == object.MemberEnd() || !found->value.IsInt64() ? 0 : found->value.GetInt64();
}

std::string text(const rapidjson::Value& object, const char* name) {
  const auto found = object.FindMember(name);
  return found == object.MemberEnd() ? std::string() : plain(found->value);
}

/// Asks how far it is until `over`; says now and then why it waits.
template <class F>
std::optional<rapidjson::Document> wait_for(daemon_link& daemon, int& code, F&& over) {
  const auto end = std::chrono::steady_clock::now() + patience;
  auto next_word = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  for (;;) {
    auto answer = asked(daemon, question, code);
    if (!answer || over(*answer)) return answer;
    const auto now = std::chrono::steady_clock::now();
    if (now >= end) {
      std::fprintf(stderr, "paygatectl: it is still %s, and goes on by itself: %s\n", text(*answer, "status").c_str(),
                   text(*answer, "last_error").c_str());
      code = refused;
      return std::nullopt;
    }
    if (now >= next_word) {
      std::fprintf(stderr, "%s ... %s\n", text(*answer, "status").c_str(), text(*answer, "last_error").c_str());
      next_word = now + std::chrono::seconds(10);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(200));
  }
}

std::string sheet(const rapidjson::Value& result) {
  std::string out = "round " + text(result, "round") + ", ended " + text(result, "finished_at") + ", the chain at block "
                    + text(result, "block") + "\n\n";
  out += table(result["wallet"], {"currency", "ledger", "chain", "explained", "difference"});
  const auto& open = result["exceptions"];
  if (!open.Empty()) {
    out += "\n" + table(open, {"id", "kind", "currency", "expected", "actual", "gas_eth", "found_at", "subject"});
    for (const auto& e : open.GetArray()) out += "\n" + text(e, "id") + ": " + text(e, "explanation") + "\n";
  }
  if (!result["not_seen"].Empty()) out += "\nNot seen:\n";
  for (const auto& line : result["not_seen"].GetArray()) out += "  " + plain(line) + "\n";
  return out
         + (open.Empty() ? "\nclean: no difference is open\n"
                         : "\n" + std::to_string(open.Size())
                               + " open: paygatectl reconcile resolve ID --as "
                                 "float|gas|loss|unattributed|explained --reason TEXT\n");
}

int run_round(const command& c, daemon_link& daemon) {
  int code = done;
  const auto started = asked(daemon, c.asks.at(0).request, code);
  if (!started) return code;
  const auto wanted = number(*started, "round");
  const auto result = wait_for(daemon, code, [&](const rapidjson::Value& now) { return number(now, "finished_round") >= wanted; });
  if (!result) return code;
  std::fputs((c.json() ? pretty(*result) : sheet(*result)).c_str(), stdout);
  return (*result)["exceptions"].Empty() ? done : exceptions_open;
}

int resolve(const command& c, const command::ask& one, daemon_link& daemon) {
  int code = done;
  if (!asked(daemon, one.request, code)) return code;
  const auto result = wait_for(daemon, code, [](const rapidjson::Value& now) { return number(now, "resolve_id") == 0; });
  if (!result) return code;
  const auto note = text(*result, "resolve_note");
  const bool good = note.starts_with("exception " + one.id + " is resolved as ");
  if (c.json())
    std::fputs(pretty(*result).c_str(), stdout);
  else if (good)
    std::printf("%s\n", note.c_str());
  if (!good) std::fprintf(stderr, "paygatectl: %s\n", note.c_str());
  return good ? done : note.starts_with("there is no exception") ? not_found : refused;
}

} // namespace

int reconcile(const command& c, daemon_link& daemon) {
  if (c.asks.size() == 1 && c.asks[0].id.empty()) return run_round(c, daemon);
  int worst = done;
  for (const auto& one : c.asks) worst = std::max(worst, resolve(c, one, daemon));
  return worst;
}

} // namespace paygate::ctl
