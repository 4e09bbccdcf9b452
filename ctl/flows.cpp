#include "ctl/flows.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <optional>
#include <set>
#include <thread>

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "ctl/exit_codes.hpp"
#include "ctl/print.hpp"
#include "ctl/reconcile.hpp"

namespace paygate::ctl {

namespace {

using clock = std::chrono::steady_clock;

/// Rows asked for at once: a message of a few hundred kilobytes.
constexpr std::size_t page_size = 1000;
/// Lines of tail --follow a second: more nobody reads, and the daemon has better things to do.
constexpr std::size_t lines_per_second = 200;
/// A transition of a transaction that was slow to commit comes with a number that was passed already: so far back is looked again.
constexpr long long look_back = 2000;
constexpr auto drain_patience = std::chrono::seconds(90);

int fail(const std::string& text, int code) {
  std::fprintf(stderr, "paygatectl: %s\n", text.c_str());
  return code;
}

int fail(const rapidjson::Value& error) {
  const auto code = plain(error["code"]);
  return fail(code + ": " + plain(error["text"]), code == "not_found" ? not_found : refused);
}

/// An answer that is no error; else it was told what is wrong, with `code` set.
std::optional<rapidjson::Document> asked(daemon_link& daemon, const std::string& request, int& code) {
  const auto answer = daemon.ask(request);
  if (const auto* failure = std::get_if<link_failure>(&answer)) {
    code = fail(failure->text, no_daemon);
    return std::nullopt;
  }
  std::optional<rapidjson::Document> parsed(std::in_place);
  parsed->Parse(std::get<std::string>(answer).c_str());
  if (parsed->HasParseError()) {
    code = fail("the daemon's answer is no JSON", refused);
    return std::nullopt;
  }
  if (parsed->IsObject() && parsed->HasMember("error")) {
    code = fail((*parsed)["error"]);
    return std::nullopt;
  }
  return parsed;
}

std::string text(const rapidjson::Value& object, const char* name) {
  if (!object.IsObject()) return {};
  const auto found = object.FindMember(name);
  return found == object.MemberEnd() ? std::string() : plain(found->value);
}

/// The rows' names, one a line: "kind/id" puts two members together.
std::string ids_of(const command& c, const rapidjson::Value& answer) {
  const auto& rows = answer.IsObject() && answer.HasMember("rows") ? answer["rows"] : answer;
  std::string out;
  if (!rows.IsArray()) return out;
  const auto slash = c.ids.find('/');
  for (const auto& row : rows.GetArray()) {
    auto id = text(row, c.ids.substr(slash == c.ids.npos ? 0 : slash + 1).c_str());
    if (id.empty()) id = text(row, "example"); // A group of failures.
    out += (slash == c.ids.npos ? "" : text(row, c.ids.substr(0, slash).c_str()) + "/") + id + "\n";
  }
  return out;
}

void print(const command& c, const rapidjson::Value& answer) {
  std::fputs((c.output == output_form::json  ? pretty(answer)
              : c.output == output_form::ids ? ids_of(c, answer)
                                             : c.show(answer))
                 .c_str(),
             stdout);
  std::fflush(stdout);
}

std::string question(const char* name, const std::string& arguments, const std::string& more) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> out(buffer);
  const auto args = arguments.substr(0, arguments.size() - 1) + (arguments == "{}" || more.empty() ? "" : ",") + more + "}";
  out.StartObject();
  out.Key("verb");
  out.String("query");
  out.Key("name");
  out.String(name);
  out.Key("args");
  out.String(args.c_str());
  out.EndObject();
  return buffer.GetString();
}

std::string quoted(const std::string& text) {
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> out(buffer);
  out.String(text.c_str());
  return buffer.GetString();
}

int once(const command& c, daemon_link& daemon) {
  int worst = done;
  for (const auto& each : c.asks) {
    if (!each.id.empty() && c.output == output_form::table) std::printf("%s: ", each.id.c_str()), std::fflush(stdout);
    const auto answer = daemon.ask(each.request);
    if (const auto* failure = std::get_if<link_failure>(&answer)) return fail(failure->text, no_daemon);
    worst = std::max(worst, print_answer(c, std::get<std::string>(answer)));
  }
  return worst;
}

/// A long list page by page: no message is large, and the daemon does other things in between.
int pages(const command& c, daemon_link& daemon) {
  if (c.limit <= page_size) return once(c, daemon);
  int code = done;
  rapidjson::Document all;
  all.SetArray();
  auto arguments = c.arguments;
  for (std::string place; all.Size() < c.limit;) {
    const auto want = std::min(page_size, c.limit - all.Size());
    auto page = asked(daemon, question("actors", arguments, "\"limit\":" + std::to_string(want) + place), code);
    if (!page) return code;
    if (!page->IsArray() || page->Empty()) break;
    const auto& last = (*page)[page->Size() - 1];
    place = ",\"after\":" + quoted(text(last, "id")) + ",\"after_kind\":" + quoted(text(last, "kind"));
    // Where the first page began is no place any more.
    if (const auto at = arguments.find("\"after_kind\":"); at != arguments.npos) {
      rapidjson::Document without;
      without.Parse(arguments.c_str());
      without.RemoveMember("after");
      without.RemoveMember("after_kind");
      rapidjson::StringBuffer buffer;
      rapidjson::Writer<rapidjson::StringBuffer> out(buffer);
      without.Accept(out);
      arguments = buffer.GetString();
    }
    const bool full = page->Size() == want;
    for (const auto& row : page->GetArray()) all.PushBack(rapidjson::Value(row, all.GetAllocator()), all.GetAllocator());
    if (!full) break;
  }
  print(c, all);
  return done;
}

int tail(const command& c, daemon_link& daemon) {
  long long last = -1;
  std::set<std::string> shown; // By entity and version: numbers come out of order.
  for (int code = done;;) {
    const auto started = clock::now();
    const auto place = last < 0 ? "\"limit\":" + std::to_string(c.limit ? c.limit : 20)
                                : "\"after_seq\":" + std::to_string(std::max(last - look_back, 0LL)) + ",\"newest\":true,\"limit\":"
                                      + std::to_string(look_back + static_cast<long long>(lines_per_second));
    auto rows = asked(daemon, question("tail", c.arguments, place), code);
    if (rows && rows->IsArray()) {
      rapidjson::Document fresh;
      fresh.SetArray();
      std::set<std::string> now;
      for (const auto& row : rows->GetArray()) {
        const auto key = text(row, "kind") + "/" + text(row, "id") + "/" + text(row, "version");
        last = std::max(last, std::atoll(text(row, "seq").c_str()));
        now.insert(key);
        if (!shown.contains(key)) fresh.PushBack(rapidjson::Value(row, fresh.GetAllocator()), fresh.GetAllocator());
      }
      shown = std::move(now);
      last = std::max(last, 0LL);
      const auto most = static_cast<rapidjson::SizeType>(lines_per_second);
      if (fresh.Size() > most) {
        std::fprintf(stderr, "... %u or more left out\n", static_cast<unsigned>(fresh.Size() - most));
        fresh.Erase(fresh.Begin(), fresh.Begin() + (fresh.Size() - most));
      }
      if (!fresh.Empty()) print(c, fresh);
    }
    std::this_thread::sleep_until(started + std::chrono::seconds(1));
  }
}

int top(const command& c, daemon_link& daemon) {
  for (int code = done;;) {
    auto answer = asked(daemon, c.asks.at(0).request, code);
    if (answer) {
      if (c.output == output_form::table) std::fputs("\033[H\033[2J", stdout);
      print(c, *answer);
    }
    std::this_thread::sleep_for(std::chrono::seconds(2));
  }
}

/// How far it is goes to standard error, how it ended to standard output.
int sweep(const command& c, daemon_link& daemon) {
  int code = done;
  const auto begun = asked(daemon, c.asks.at(0).request, code);
  if (!begun) return code;
  const auto look = "{\"verb\":\"job\",\"id\":\"" + text(*begun, "job") + "\"}";
  auto next_word = clock::now() + std::chrono::seconds(1);
  for (;;) {
    const auto job = asked(daemon, look, code);
    if (!job) return code;
    if (text(*job, "finished") == "true") {
      print(c, *job);
      if (text(*job, "verb") == "import")
        return !text(*job, "fault").empty() ? refused : text(*job, "problems") == "0" ? done : exceptions_open;
      if (text(*job, "seen") == "0" && text(*job, "fault").empty()) return not_found;
      return text(*job, "refused") == "0" && text(*job, "fault").empty() ? done : refused;
    }
    if (clock::now() >= next_word) {
      if (text(*job, "verb") == "import")
        std::fprintf(stderr, "import ... %s taken over, %s known, of %s\n", text(*job, "taken").c_str(), text(*job, "known").c_str(),
                     text(*job, "wanted").c_str());
      else
        std::fprintf(stderr, "%s ... %s done, %s refused\n", text(*job, "verb").c_str(), text(*job, "done").c_str(),
                     text(*job, "refused").c_str());
      next_word += std::chrono::seconds(1);
    }
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
  }
}

int drain(const command& c, daemon_link& daemon) {
  int code = done;
  const auto begun = asked(daemon, c.asks.at(0).request, code);
  if (!begun) return code;
  const auto identity = text(*begun, "node");
  const auto end = clock::now() + drain_patience;
  for (std::string left, told;; told = left) {
    const auto nodes = asked(daemon, R"({"verb":"nodes","all":true})", code);
    if (!nodes) return code;
    left.clear();
    for (const auto& row : (*nodes)["rows"].GetArray())
      if (text(row, "identity") == identity) left = text(row, "shards");
    if (left == "0" || left.empty()) {
      print(c, *begun);
      return done;
    }
    if (left != told) std::fprintf(stderr, "%s shards left\n", left.c_str());
    if (clock::now() >= end) return fail("it still holds " + left + " shards, and goes on giving them away", refused);
    std::this_thread::sleep_for(std::chrono::milliseconds(300));
  }
}

} // namespace

int print_answer(const command& c, const std::string& answer) {
  rapidjson::Document parsed;
  parsed.Parse(answer.c_str());
  if (parsed.HasParseError()) return fail("the daemon's answer is no JSON", refused);
  if (parsed.IsObject() && parsed.HasMember("error")) {
    const int code = fail(parsed["error"]);
    if (c.json()) std::fputs(pretty(parsed).c_str(), stdout);
    return code;
  }
  print(c, parsed);
  return done;
}

int run(const command& c, daemon_link& daemon) {
  switch (c.does) {
  case flow::once: return once(c, daemon);
  case flow::pages: return pages(c, daemon);
  case flow::tail: return tail(c, daemon);
  case flow::top: return top(c, daemon);
  case flow::sweep: return sweep(c, daemon);
  case flow::drain: return drain(c, daemon);
  case flow::reconcile: return reconcile(c, daemon);
  }
  return wrong_usage;
}

} // namespace paygate::ctl
