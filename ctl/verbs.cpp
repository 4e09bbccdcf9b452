#include "ctl/verbs.hpp"

#include <pwd.h>
#include <unistd.h>

#include <fstream>
#include <sstream>

#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "ctl/address.hpp"
#include "ctl/print.hpp"

namespace paygate::ctl {

namespace {

using request_text = std::variant<std::string, usage>;

usage wrong(std::string text) { return {std::move(text) + "\nSee paygatectl --help.\n"}; }

/// A JSON object of texts; `raw` puts a member in as it is.
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

bool is_number(const std::string& text) { return !text.empty() && text.size() < 7 && text.find_first_not_of("0123456789") == text.npos; }

/// The JSON member of an option: "order-id" is order_id.
std::string member_of(std::string name) {
  for (auto& c : name)
    if (c == '-') c = '_';
  return name;
}

/// Where the tool runs, for the audit log. The tool's own word; who asks, the daemon takes from the certificate.
std::string operator_name() {
  const auto* user = getpwuid(geteuid());
  char host[256] = {};
  if (gethostname(host, sizeof host - 1) != 0) host[0] = '\0';
  return (user ? std::string(user->pw_name) : std::to_string(geteuid())) + "@" + host;
}

/// The options as members; flags are true, numbers stay numbers.
std::string put_options(object_text& into, const given& line) {
  for (const auto& [name, value] : line.options) {
    const auto member = member_of(name);
    if (name == "reason" || name == "dry-run" || name == "file" || name == "follow") continue;
    if (name == "limit" && !is_number(value)) return "--limit is a number";
    if (name == "limit")
      into.raw("limit", value);
    else if (name == "all")
      into.raw("open", "false");
    else if (value == "true")
      into.raw(member.c_str(), "true");
    else
      into.text(member.c_str(), value);
  }
  return {};
}

/// A question of the daemon's database; the words are its id.
request_text question(const verb& self, const given& line) {
  object_text args;
  if (auto fault = put_options(args, line); !fault.empty()) return wrong(fault);
  if (!line.words.empty()) args.text("id", line.words.back());
  return object_text().text("verb", "query").text("name", self.asks).text("args", args.str()).str();
}

void put_steering(object_text& into, const given& line) {
  into.text("reason", line.option("reason")).text("operator", operator_name());
  if (line.has("dry-run")) into.raw("dry_run", "true");
}

/// A verb of the inspector about one thing: [kind and] id, and the options.
request_text about(const verb& self, const given& line) {
  object_text command;
  command.text("verb", self.asks);
  if (line.words.size() == 2) command.text("kind", line.words[0]);
  if (!line.words.empty()) command.text("id", line.words.back());
  if (auto fault = put_options(command, line); !fault.empty()) return wrong(fault);
  if (self.does == verb_class::steer) put_steering(command, line);
  return command.str();
}

/// A verb of the inspector about the hot wallet: [intent], and the options.
request_text about_wallet(const verb& self, const given& line) {
  object_text command;
  command.text("verb", self.asks);
  if (!line.words.empty()) command.text("intent", line.words.back());
  if (auto fault = put_options(command, line); !fault.empty()) return wrong(fault);
  put_steering(command, line);
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

request_text check_one_address(const verb&, const given& line) {
  if (!line.has("currency") || !line.has("network")) return wrong("address check wants --currency and --network");
  return check_json(line.option("currency"), line.option("network"), line.words[0], line.option("memo"));
}

request_text cover_addresses(const verb&, const given&) { return coverage_json(); }

// --- how answers are shown ---

std::string member_text(const rapidjson::Value& object, const char* name) {
  if (!object.IsObject() || !object.HasMember(name)) return {};
  return plain(object[name]);
}

std::string show_done(const rapidjson::Value& answer) {
  if (member_text(answer, "dry_run") == "true") return "would do this, and did nothing:\n" + pretty(answer);
  const auto remark = member_text(answer, "remark");
  return "done" + (remark.empty() ? "" : ": " + remark) + "\n";
}

std::string show_tail(const rapidjson::Value& list) {
  std::string text;
  if (list.IsArray())
    for (const auto& t : list.GetArray()) text += transition_line(t) + "\n";
  return text;
}

std::string show_actors(const rapidjson::Value& list) {
  return table(list, {"kind", "id", "status", "version", "attempts", "wake_at", "updated_at", "last_error", "quarantine"});
}
std::string show_counts(const rapidjson::Value& list) { return table(list, {"kind", "status", "count", "stuck", "quarantined"}); }
std::string show_settings(const rapidjson::Value& list) { return table(list, {"key", "value", "reloads"}); }
std::string show_shards(const rapidjson::Value& list) { return table(list, {"shard", "node", "epoch", "expires_at", "expired"}); }
std::string show_balances(const rapidjson::Value& list) { return table(list, {"account", "currency", "units"}); }
std::string show_failed(const rapidjson::Value& list) {
  return table(list, {"id", "kind", "entity_id", "code", "times", "last_at", "resolved_by", "resolution", "text"});
}
std::string show_exceptions(const rapidjson::Value& list) {
  return table(list, {"id", "kind", "currency", "expected", "actual", "gas_eth", "found_at", "resolution", "resolved_by", "subject", "explanation"});
}
std::string show_audit(const rapidjson::Value& list) {
  return table(list, {"id", "at", "operator", "source", "verb", "target", "arguments", "reason", "result", "result_text"});
}

constexpr auto look = verb_class::look, steer = verb_class::steer, local = verb_class::local;

} // namespace

// One line adds a verb.
const std::vector<verb>& verbs() {
  static const std::vector<verb> all = {
      {look, "actors", "", "--kind K --status S --stuck --limit N", "entities, newest change first", question, "actors", show_actors},
      {look, "counts", "", "", "how many entities of each kind and status", question, "counts", show_counts},
      {look, "show", "KIND ID", "", "one entity: row, what is due, ledger, history", about, "show", entity_sheet},
      {look, "trace", "PAYMENT", "", "from a subscriber's payment to the transfer on the chain; order or payment id", question, "trace",
       trace_report},
      {look, "tail", "", "--limit N --follow", "the newest transitions of all entities", question, "tail", show_tail},
      {look, "ledger check", "", "", "is every entry balanced, does every currency sum to zero", question, "ledger_check", pretty},
      {look, "ledger balances", "", "", "every account", question, "balances", show_balances},
      {look, "failed list", "", "--all --limit N", "failures that wait for a person", question, "failed", show_failed},
      {look, "webhooks list", "", "--order-id ID --payment-id ID --unknown --limit N", "IPNs as they came", question, "webhooks", pretty},
      {look, "audit list", "", "--verb V --target T --limit N", "what operators did, and what came of it", question, "audit_list",
       show_audit},
      {look, "wallet show", "", "", "the hot wallet: alert, nonces, gas float, open and held transfers", question, "wallet", wallet_sheet},
      {look, "config show", "", "", "every setting as it is now, and which reload without a restart", about, "config", show_settings},
      {look, "reconcile", "", "--wait", "compare the ledger with the chain and the providers, and wait for the end", round_request, "reconcile",
       pretty},
      {look, "reconcile list", "", "--all --limit N", "differences that are open, or all there ever were", question, "exceptions",
       show_exceptions},
      {look, "shards", "", "", "who holds which shard", question, "leases", show_shards},
      {local, "address check", "ADDRESS", "--currency T --network N --memo M", "can this be paid to", check_one_address, "", show_check},
      {local, "address coverage", "", "", "how the addresses of the known currencies are checked", cover_addresses, "", show_coverage},
      {steer, "retry", "KIND ID", "", "end a back-off or a quarantine", about, "retry", show_done},
      {steer, "cancel", "KIND ID", "", "end a payout or a conversion before money moved", about, "cancel", show_done},
      {steer, "reopen", "KIND ID", "", "a payout or a conversion that needs attention tries again", about, "reopen", show_done},
      {steer, "arrival", "KIND ID", "--hash H", "the transaction H is what the exchange sent to a payout or conversion that waits for it", about,
       "arrival", show_done},
      {steer, "approve", "ID", "", "release a payout that awaits approval", about, "approve", show_done},
      {steer, "payouts approve", "ID", "", "the same", about, "approve", show_done},
      {steer, "payouts cancel", "ID", "", "end a payout before money moved", about, "cancel", show_done},
      {steer, "payments accept", "ORDER", "", "an underpaid, partially paid or held payment counts as good", about, "accept", show_done},
      {steer, "payments refund", "ORDER", "--address A --currency T --network N --extra-id X --outside",
       "give it back (default coin: eth on eth)", about, "refund", show_done},
      {steer, "failed resolve", "ID", "", "a listed failure is dealt with", about, "resolve", show_done},
      {steer, "webhooks replay", "ID", "", "an IPN that was kept is handled again by its order", about, "replay", show_done},
      {steer, "run", "SCHEDULER", "", "conversions or payouts: look now at what has gathered", about, "run", show_done},
      {steer, "wallet sign-off", "", "--nonce N", "end the pause: the chain's nonce is N, and you know why", about_wallet, "wallet_sign_off",
       show_done},
      {steer, "wallet settle", "INTENT", "--nonce N --hash H", "the transaction H, which used nonce N, was this intent", about_wallet,
       "wallet_settle", show_done},
      {steer, "wallet disown", "", "--nonce N --hash H", "it was nothing of ours", about_wallet, "wallet_disown", show_done},
      {steer, "wallet release", "INTENT", "", "a held transfer was not paid before: send it", about_wallet, "wallet_release", show_done},
      {steer, "config reload", "", "", "read the settings file again; one with a fault changes nothing", about, "reload", pretty},
      {steer, "reconcile resolve", "ID", "--as WAY",
       "float, gas, loss or unattributed book the difference, explained does not", about, "resolve_exception", show_done},
      {steer, "channels add", "", "--file FILE", "register a channel, or change its terms", channel_file, "channel", show_done},
  };
  return all;
}

std::string help_text() {
  std::string text = "paygatectl: looks inside a running paygated and steers it.\n\n"
                     "  paygatectl [--address HOST:PORT] [--tls-dir DIR] [--json] VERB ...\n";
  for (const auto group : {look, local, steer}) {
    text += group == look ? "\nLook\n"
            : group == local
                ? "\nWithout a daemon\n"
                : "\nSteer (each wants --reason TEXT; each is written to the audit log before it is done, and what came of it after;\n"
                  "--dry-run says what it would do and changes nothing; \"-\" instead of the id: ids from standard input, one a line)\n";
    for (const auto& v : verbs()) {
      if (v.does != group) continue;
      std::string line = "  " + std::string(v.name);
      for (const auto* part : {v.words, v.options})
        if (*part) line += " " + std::string(part);
      text += line + (line.size() < 56 ? std::string(57 - line.size(), ' ') : "\n" + std::string(57, ' ')) + v.help + "\n";
    }
  }
  return text
         + "\nThe default address is that of PAYGATE_CTL_ADDRESS, else 127.0.0.1:4242; give --address before the verb.\n"
           "DIR has ca.pem, cert.pem and key.pem of an operator (deploy/certificates); the default is PAYGATE_CTL_TLS_DIR.\n"
           "Exit codes: 0 done, 1 refused by the daemon, 2 wrong usage, 3 no daemon, 4 not found, 5 reconcile: differences\n"
           "are open. With several ids: the highest of them.\n";
}

} // namespace paygate::ctl
