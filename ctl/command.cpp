#include "ctl/command.hpp"

#include <fstream>
#include <map>
#include <sstream>

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "ctl/print.hpp"

namespace paygate::ctl {

namespace {

constexpr const char* help = R"(paygatectl: looks inside a running paygated and steers it.

  paygatectl [--address HOST:PORT] [--json] VERB ...

Look
  actors [--kind K] [--status S] [--stuck] [--limit N]   entities, newest change first
  counts                                                 how many entities of each kind and status
  show KIND ID                                           one entity: row, what is due, ledger, history
  tail [--limit N] [--follow]                            the newest transitions of all entities
  ledger check                                           is every entry balanced, does every currency sum to zero
  ledger balances                                        every account
  failed list                                            failures that wait for a person
  webhooks list [--order-id ID] [--unknown]              IPNs as they came
  shards                                                 who holds which shard

  reconcile [--wait]                                     compare the ledger with the chain and the providers, and wait for the end
  reconcile list [--all]                                 differences that are open, or all there ever were

Steer (each wants --reason TEXT and is written to the audit log)
  retry KIND ID                                          end a back-off or a quarantine
  channels add --file FILE                               register a channel, or change its terms
  payouts approve ID | payouts cancel ID
  reconcile resolve ID --as WAY                          float, gas, loss or unattributed book the difference, explained does not

The default address is that of PAYGATE_CTL_ADDRESS, else 127.0.0.1:4242.
Exit codes: 0 done, 1 refused by the daemon, 2 wrong usage, 3 no daemon, 4 not found,
5 reconcile: differences are open.
)";

using options = std::map<std::string, std::string>;

const std::map<std::string, bool> known_options{{"address", true}, {"json", false},     {"kind", true},    {"status", true},   {"stuck", false}, {"limit", true},
                                                {"reason", true},  {"file", true},      {"follow", false}, {"order-id", true}, {"unknown", false},
                                                {"wait", false},   {"all", false},      {"as", true}};

/// Splits into words and options; answers what is wrong.
std::string split(const std::vector<std::string>& arguments, std::vector<std::string>& words, options& given) {
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (!arguments[i].starts_with("--")) {
      words.push_back(arguments[i]);
      continue;
    }
    auto name = arguments[i].substr(2);
    std::string value;
    const auto equals = name.find('=');
    const bool inline_value = equals != name.npos;
    if (inline_value) value = name.substr(equals + 1), name.resize(equals);
    const auto known = known_options.find(name);
    if (known == known_options.end()) return "there is no option --" + name;
    if (known->second && !inline_value) {
      if (++i == arguments.size()) return "--" + name + " needs a value";
      value = arguments[i];
    }
    given[name] = known->second ? value : "true";
  }
  return {};
}

/// A JSON object of texts; a member whose value starts with '{' or is true or a number is put in as it is.
class object_text {
public:
  object_text() { out_.StartObject(); }
  object_text& text(const char* name, const std::string& value) {
    out_.Key(name);
    out_.String(value.c_str(), static_cast<rapidjson::SizeType>(value.size()));
    return *this;
  }
  object_text& raw(const char* name, const std::string& json) {
    out_.Key(name);
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

std::string query(const std::string& name, const std::string& args = "{}") {
  return object_text().text("verb", "query").text("name", name).text("args", args).str();
}

bool is_number(const std::string& text) {
  return !text.empty() && text.size() < 7 && text.find_first_not_of("0123456789") == text.npos;
}

auto as_table(std::vector<std::string> columns) {
  return [columns = std::move(columns)](const rapidjson::Value& list) { return table(list, columns); };
}

std::string show_tail(const rapidjson::Value& list) {
  std::string text;
  if (list.IsArray())
    for (const auto& t : list.GetArray()) text += transition_line(t) + "\n";
  return text;
}

std::string show_done(const rapidjson::Value&) { return "done\n"; }

using outcome = std::variant<command, usage>;

usage wrong(std::string text) { return {std::move(text) + "\nSee paygatectl --help.\n"}; }

/// reconcile, reconcile list, reconcile resolve ID
outcome read_reconcile(const std::vector<std::string>& words, options& given, command c) {
  if (words.size() == 1) {
    c.reconciles = true;
    c.request = object_text().text("verb", "reconcile").str();
  } else if (words[1] == "list" && words.size() == 2) {
    c.request = query("exceptions", given.count("all") ? R"({"open":false})" : "{}");
    c.show = as_table({"id", "kind", "currency", "expected", "actual", "gas_eth", "found_at", "resolution", "resolved_by", "subject", "explanation"});
  } else if (words[1] == "resolve" && words.size() == 3) {
    if (!is_number(words[2]) || given["as"].empty() || given["reason"].empty())
      return wrong("reconcile resolve ID --as float|gas|loss|unattributed|explained --reason TEXT");
    c.reconciles = true;
    c.subject = words[2];
    c.request = object_text().text("verb", "resolve").text("id", words[2]).text("as", given["as"]).text("reason", given["reason"]).str();
  } else return wrong("reconcile [--wait] | reconcile list [--all] | reconcile resolve ID --as WAY --reason TEXT");
  return c;
}

outcome look(const std::vector<std::string>& words, options& given, command c) {
  object_text args;
  for (const auto* name : {"kind", "status"})
    if (given.count(name)) args.text(name, given[name]);
  for (const auto* name : {"stuck", "unknown"})
    if (given.count(name)) args.raw(name, "true");
  if (given.count("order-id")) args.text("order_id", given["order-id"]);
  if (given.count("limit")) {
    if (!is_number(given["limit"])) return wrong("--limit is a number");
    args.raw("limit", given["limit"]);
  }
  const auto& verb = words[0];
  const auto sub = words.size() > 1 ? words[1] : std::string();
  const auto filter = args.str();
  if (verb == "actors") {
    c.request = query("actors", filter);
    c.show = as_table({"kind", "id", "status", "version", "attempts", "wake_at", "updated_at", "last_error", "quarantine"});
  } else if (verb == "counts") {
    c.request = query("counts");
    c.show = as_table({"kind", "status", "count", "stuck", "quarantined"});
  } else if (verb == "tail") {
    c.request = query("tail", filter);
    c.show = show_tail;
  } else if (verb == "shards") {
    c.request = query("leases");
    c.show = as_table({"shard", "node", "epoch", "expires_at", "expired"});
  } else if (verb == "ledger" && sub == "check") {
    c.request = query("ledger_check");
    c.show = pretty;
  } else if (verb == "ledger" && sub == "balances") {
    c.request = query("balances");
    c.show = as_table({"account", "currency", "units"});
  } else if (verb == "failed" && sub == "list") {
    c.request = query("failed", filter);
    c.show = pretty;
  } else if (verb == "webhooks" && sub == "list") {
    c.request = query("webhooks", filter);
    c.show = pretty;
  } else return wrong("there is no verb \"" + verb + (sub.empty() ? "" : " " + sub) + "\"");
  return c;
}

outcome read_channel_file(options& given, command c) {
  std::ifstream file(given["file"]);
  if (!file) return wrong("--file " + given["file"] + " cannot be read");
  std::ostringstream text;
  text << file.rdbuf();
  rapidjson::Document parsed;
  parsed.Parse<rapidjson::kParseNumbersAsStringsFlag | rapidjson::kParseIterativeFlag>(text.str().c_str());
  if (parsed.HasParseError() || !parsed.IsObject()) return wrong("--file " + given["file"] + " is no JSON object");
  rapidjson::StringBuffer buffer;
  rapidjson::Writer<rapidjson::StringBuffer> out(buffer);
  parsed.Accept(out); // Numbers stay the text that they were.
  c.request = object_text().text("verb", "channel").raw("channel", buffer.GetString()).text("reason", given["reason"]).str();
  c.show = show_done;
  return c;
}

outcome steer(const std::vector<std::string>& words, options& given, command c) {
  const auto& verb = words[0];
  if (given["reason"].empty()) return wrong(verb + " wants --reason TEXT");
  c.show = show_done;
  if (verb == "retry") {
    if (words.size() != 3) return wrong("retry KIND ID");
    c.request = object_text().text("verb", "retry").text("kind", words[1]).text("id", words[2]).text("reason", given["reason"]).str();
  } else if (verb == "channels") {
    if (words.size() != 2 || words[1] != "add" || given["file"].empty()) return wrong("channels add --file FILE");
    return read_channel_file(given, std::move(c));
  } else {
    if (words.size() != 3 || (words[1] != "approve" && words[1] != "cancel")) return wrong("payouts approve|cancel ID");
    c.request = object_text().text("verb", words[1]).text("id", words[2]).text("reason", given["reason"]).str();
  }
  return c;
}

} // namespace

outcome read_command(const std::vector<std::string>& arguments) {
  std::vector<std::string> words;
  options given;
  for (const auto& a : arguments)
    if (a == "--help" || a == "-h") return usage{help, true};
  if (auto fault = split(arguments, words, given); !fault.empty()) return wrong(fault);
  if (words.empty()) return wrong("a verb is needed");
  command c;
  if (const char* env = std::getenv("PAYGATE_CTL_ADDRESS")) c.address = env;
  if (given.count("address")) c.address = given["address"];
  c.json = given.count("json") != 0;
  c.follow = given.count("follow") != 0;
  if (words[0] == "show") {
    if (words.size() != 3) return wrong("show KIND ID");
    c.request = object_text().text("verb", "show").text("kind", words[1]).text("id", words[2]).str();
    c.show = entity_sheet;
    return c;
  }
  if (words[0] == "reconcile") return read_reconcile(words, given, std::move(c));
  if (words[0] == "retry" || words[0] == "channels" || words[0] == "payouts") return steer(words, given, std::move(c));
  return look(words, given, std::move(c));
}

} // namespace paygate::ctl
