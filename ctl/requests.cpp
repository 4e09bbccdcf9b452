#include "ctl/requests.hpp"

#include <pwd.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "ctl/address.hpp"

namespace paygate::ctl {

namespace {

usage wrong(std::string text) { return {std::move(text) + "\nSee paygatectl --help.\n"}; }

/// A JSON object of texts; `raw` puts a member in as it is.
class object_text {
public:
  object_text() { out_.StartObject(); }
  object_text& text(const std::string& name, const std::string& value) {
    out_.Key(name.c_str());
    out_.String(value.c_str(), static_cast<rapidjson::SizeType>(value.size()));
    return *this;
  }
  object_text& raw(const std::string& name, const std::string& json) {
    out_.Key(name.c_str());
    out_.RawValue(json.c_str(), json.size(), rapidjson::kObjectType);
    return *this;
  }
  std::string str() {
    out_.EndObject();
    return {buffer_.GetString(), buffer_.GetSize()};
  }

private:
  rapidjson::StringBuffer buffer_;
  rapidjson::Writer<rapidjson::StringBuffer> out_{buffer_};
};

bool is_number(const std::string& text) { return !text.empty() && text.size() < 7 && text.find_first_not_of("0123456789") == text.npos; }

/// The JSON member of an option: "order-id" is order_id, a state is the row's status.
std::string member_of(std::string name) {
  if (name == "state") return "status";
  for (auto& c : name)
    if (c == '-') c = '_';
  return name;
}

/// Who asks, for the audit log, where the daemon's door does not know it: the tool's own word.
std::string operator_name() {
  const auto* user = getpwuid(geteuid());
  char host[256] = {};
  if (gethostname(host, sizeof host - 1) != 0) host[0] = '\0';
  return (user ? std::string(user->pw_name) : std::to_string(geteuid())) + "@" + host;
}

/// The options as members; flags are true, numbers stay numbers. What is wrong, or nothing.
std::string put_options(object_text& into, const given& line, bool with_limit = true) {
  for (const auto& [name, value] : line.options) {
    if (name == "reason" || name == "dry-run" || name == "file" || name == "follow" || name == "shards" || name == "no-wait"
        || name == "wait")
      continue;
    if (name == "limit" && !is_number(value)) return "--limit is a number";
    if (name == "limit") {
      if (with_limit) into.raw("limit", value);
    } else if (name == "after") {
      const auto slash = value.find('/');
      if (slash == value.npos) return "--after wants KIND/ID, as the last line of the page before says";
      into.text("after_kind", value.substr(0, slash)).text("after", value.substr(slash + 1));
    } else if (value == "true")
      into.raw(member_of(name), "true");
    else
      into.text(member_of(name), value);
  }
  return {};
}

void put_steering(object_text& into, const given& line) {
  into.text("reason", line.option("reason")).text("operator", operator_name());
  if (line.has("dry-run")) into.raw("dry_run", "true");
}

std::string query(const std::string& name, const std::string& args) {
  return object_text().text("verb", "query").text("name", name).text("args", args).str();
}

request_text one_word(const verb& self, const given& line, const char* member) {
  object_text command;
  command.text("verb", self.asks).text(member, line.words.back());
  if (auto fault = put_options(command, line); !fault.empty()) return wrong(fault);
  put_steering(command, line);
  return command.str();
}

/// What --all of a verb that steers asks for.
request_text sweep(const verb& self, given line) {
  line.options.erase("all");
  object_text command;
  command.text("verb", "sweep").text("of", self.asks);
  if (auto fault = put_options(command, line); !fault.empty()) return wrong(fault);
  put_steering(command, line);
  return command.str();
}

} // namespace

request_text arguments_of(const given& line, bool with_limit) {
  object_text args;
  if (auto fault = put_options(args, line, with_limit); !fault.empty()) return wrong(fault);
  return args.str();
}

request_text question(const verb& self, const given& given_line) {
  auto line = given_line;
  object_text args;
  const bool all = line.options.erase("all") != 0;
  if (auto fault = put_options(args, line); !fault.empty()) return wrong(fault);
  if (all) args.raw("open", "false");
  if (!line.words.empty()) args.text("id", line.words.back());
  return query(self.asks, args.str());
}

request_text failures(const verb& self, const given& given_line) {
  auto line = given_line;
  line.options.erase("reason");
  object_text args;
  if (auto fault = put_options(args, line); !fault.empty()) return wrong(fault);
  return query(line.has("reason-is") ? "actors" : self.asks, args.str());
}

request_text about(const verb& self, const given& line) {
  if (self.does == verb_class::steer && line.has("all") && goes_over_many(self)) return sweep(self, line);
  object_text command;
  command.text("verb", self.asks);
  if (line.words.size() == 2) command.text("kind", line.words[0]);
  if (!line.words.empty()) command.text("id", line.words.back());
  if (auto fault = put_options(command, line); !fault.empty()) return wrong(fault);
  if (self.does == verb_class::steer) put_steering(command, line);
  return command.str();
}

request_text about_node(const verb& self, const given& line) { return one_word(self, line, "node"); }
request_text about_level(const verb& self, const given& line) { return one_word(self, line, "level"); }
request_text about_pause(const verb& self, const given& line) { return one_word(self, line, "what"); }

request_text about_wallet(const verb& self, const given& line) {
  object_text command;
  command.text("verb", self.asks);
  if (!line.words.empty()) command.text("intent", line.words.back());
  if (auto fault = put_options(command, line); !fault.empty()) return wrong(fault);
  put_steering(command, line);
  return command.str();
}

request_text look_at(const verb& self, const given& line) {
  object_text command;
  command.text("verb", self.asks);
  if (auto fault = put_options(command, line); !fault.empty()) return wrong(fault);
  return command.str();
}

request_text round_request(const verb& self, const given&) { return object_text().text("verb", self.asks).str(); }

request_text channel_file(const verb& self, const given& line) {
  const auto path = line.option("file");
  std::ifstream file(path);
  if (path.empty() || !file) return wrong(path.empty() ? "channels add --file FILE" : "--file " + path + " cannot be read");
  std::ostringstream text;
  text << file.rdbuf();
  rapidjson::Document parsed;
  parsed.Parse<rapidjson::kParseNumbersAsStringsFlag | rapidjson::kParseIterativeFlag>(text.str().c_str());
  if (parsed.HasParseError() || !parsed.IsObject()) return wrong("--file " + path + " is no JSON object");
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> out(buffer);
  parsed.Accept(out); // Numbers stay the text that they were.
  object_text command;
  command.text("verb", self.asks).raw("channel", buffer.GetString());
  put_steering(command, line);
  return command.str();
}

request_text about_import(const verb& self, const given& given_line) {
  auto line = given_line;
  if (auto& from = line.options["from"]; from.starts_with('@')) { // So that no list of processes shows it.
    std::ifstream file(from.substr(1));
    std::string dsn;
    if (!file || !std::getline(file, dsn)) return wrong("--from " + from + " cannot be read");
    while (!dsn.empty() && (dsn.back() == ' ' || dsn.back() == '\r')) dsn.pop_back();
    from = std::move(dsn);
  }
  if (line.option("from").empty() || !is_number(line.option("platform-bps")))
    return wrong("import wants --from DSN, and --platform-bps N as fees.platform_bps is set (TP_FLAT_FEE was percent: 15 is 1500)");
  return about(self, line);
}

request_text check_one_address(const verb&, const given& line) {
  if (!line.has("currency") || !line.has("network")) return wrong("address check wants --currency and --network");
  return check_json(line.option("currency"), line.option("network"), line.words[0], line.option("memo"));
}

request_text cover_addresses(const verb&, const given&) { return coverage_json(); }

} // namespace paygate::ctl
