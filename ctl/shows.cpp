#include "ctl/shows.hpp"

#include <algorithm>
#include <cstdlib>
#include <vector>

#include "ctl/print.hpp"

namespace paygate::ctl {

namespace {

const rapidjson::Value& member(const rapidjson::Value& object, const char* name) {
  static const rapidjson::Value none;
  if (!object.IsObject()) return none;
  const auto found = object.FindMember(name);
  return found == object.MemberEnd() ? none : found->value;
}

std::string text(const rapidjson::Value& object, const char* name) { return plain(member(object, name)); }

/// The items of a list; none when it is no list.
std::vector<const rapidjson::Value*> items(const rapidjson::Value& list) {
  std::vector<const rapidjson::Value*> all;
  if (list.IsArray())
    for (const auto& item : list.GetArray()) all.push_back(&item);
  return all;
}

/// "node-a" or, when it has no name, its identity.
std::string name_of(const rapidjson::Value& node) {
  const auto name = text(node, "name");
  return name.empty() ? text(node, "node") : name;
}

long long number(const rapidjson::Value& object, const char* name) { return std::atoll(text(object, name).c_str()); }

std::string joined(const rapidjson::Value& list) {
  std::string all;
  for (const auto* item : items(list)) all += (all.empty() ? "" : " ") + plain(*item);
  return all;
}

/// A branch of the tree: its line, and what hangs below.
struct branch {
  std::string line;
  std::vector<branch> below{};
};

void draw(const std::vector<branch>& all, const std::string& indent, std::string& out) {
  for (std::size_t i = 0; i < all.size(); ++i) {
    const bool last = i + 1 == all.size();
    out += indent + (last ? "`- " : "|- ") + all[i].line + "\n";
    draw(all[i].below, indent + (last ? "   " : "|  "), out);
  }
}

branch shards_branch(const rapidjson::Value& node, bool each) {
  branch made{"shards  " + text(node, "shards_held") + ", residents " + text(node, "residents") + ", waiting " + text(node, "waiting")};
  std::string kind;
  for (const auto* group : items(member(node, "kinds"))) {
    if (const auto next = text(*group, "kind"); next != kind) made.below.push_back({kind = next, {}});
    made.below.back().below.push_back({text(*group, "where") + "  " + text(*group, "count")});
  }
  if (each)
    for (const auto* s : items(member(node, "shards")))
      made.below.push_back({"shard " + text(*s, "shard") + "  epoch " + text(*s, "epoch") + ", residents " + text(*s, "residents")});
  return made;
}

branch lanes_branch(const rapidjson::Value& node) {
  branch made{"lanes"};
  for (const auto* l : items(member(node, "lanes"))) {
    auto line = text(*l, "lane") + "  busy " + text(*l, "busy") + " of " + text(*l, "workers") + ", queue " + text(*l, "queue");
    if (text(*l, "circuit_open") == "true") line += ", circuit open";
    if (number(*l, "held_ms") > 0) line += ", held for " + text(*l, "held_ms") + " ms";
    for (const auto* p : items(member(node, "pauses")))
      if (plain(*p) == "lane/" + text(*l, "lane")) line += ", PAUSED";
    made.below.push_back({line});
  }
  return made;
}

branch node_branch(const rapidjson::Value& node, bool each_shard) {
  if (!member(node, "error").IsNull()) return {name_of(node) + "  does not answer: " + text(member(node, "error"), "text")};
  branch made{name_of(node) + "  " + (text(node, "ready") == "true" ? "ready" : "not ready")
              + (text(node, "draining") == "true" ? ", draining" : "") + ", since " + text(node, "started_at") + ", log "
              + text(node, "log_level")};
  made.below.push_back(shards_branch(node, each_shard));
  made.below.push_back(lanes_branch(node));
  branch committers{"committers"};
  std::size_t i = 0;
  for (const auto* steps : items(member(node, "committers")))
    committers.below.push_back({std::to_string(i++) + "  steps under way " + plain(*steps)});
  made.below.push_back(std::move(committers));
  if (text(node, "pauses_known") == "false") made.below.push_back({"pauses not read yet: nothing is started"});
  if (const auto pauses = joined(member(node, "pauses")); !pauses.empty()) made.below.push_back({"PAUSED  " + pauses});
  return made;
}

std::string tree_of(const rapidjson::Value& answer, bool each_shard) {
  std::vector<branch> nodes;
  for (const auto* node : items(member(answer, "nodes"))) nodes.push_back(node_branch(*node, each_shard));
  std::string out = "cluster\n";
  draw(nodes, "", out);
  return out;
}

/// The rows of that name of every node in one list, each with its node, the greatest `by` first.
rapidjson::Document merged(const rapidjson::Value& answer, const char* name, const char* by, bool greatest) {
  rapidjson::Document all;
  all.SetArray();
  for (const auto* node : items(member(answer, "nodes")))
    for (const auto* row : items(member(*node, name))) {
      rapidjson::Value copy(*row, all.GetAllocator());
      copy.AddMember("node", rapidjson::Value(name_of(*node).c_str(), all.GetAllocator()), all.GetAllocator());
      all.PushBack(copy, all.GetAllocator());
    }
  std::stable_sort(all.Begin(), all.End(),
                   [&](const auto& a, const auto& b) { return greatest ? number(a, by) > number(b, by) : number(a, by) < number(b, by); });
  return all;
}

} // namespace

std::string show_done(const rapidjson::Value& answer) {
  if (text(answer, "dry_run") == "true") return "would do this, and did nothing:\n" + pretty(answer);
  const auto remark = text(answer, "remark");
  return "done" + (remark.empty() ? "" : ": " + remark) + "\n";
}

std::string show_tail(const rapidjson::Value& list) {
  std::string lines;
  for (const auto* t : items(list)) lines += transition_line(*t) + "\n";
  return lines;
}

std::string show_stuck(const rapidjson::Value& list) {
  return table(list, {"kind", "id", "status", "since", "seconds", "attempts", "wake_at", "last_error"});
}

std::string show_quarantined(const rapidjson::Value& list) {
  return table(list, {"kind", "id", "status", "at", "cause", "message"});
}

std::string show_actors(const rapidjson::Value& list) {
  return table(list, {"kind", "id", "status", "node", "version", "attempts", "wake_at", "updated_at", "last_error", "quarantine"});
}

std::string show_failures(const rapidjson::Value& list) {
  const bool entities = list.IsArray() && !list.Empty() && list[0].IsObject() && list[0].HasMember("version");
  return entities ? show_actors(list) : table(list, {"count", "kind", "state", "oldest", "newest", "example", "reason"});
}

std::string show_counts(const rapidjson::Value& list) { return table(list, {"kind", "status", "count", "stuck", "quarantined"}); }
std::string show_settings(const rapidjson::Value& list) { return table(list, {"key", "value", "reloads"}); }
std::string show_shards(const rapidjson::Value& list) { return table(list, {"shard", "name", "node", "epoch", "expires_at", "expired"}); }
std::string show_balances(const rapidjson::Value& list) { return table(list, {"account", "currency", "units"}); }
std::string show_failed(const rapidjson::Value& list) {
  return table(list, {"id", "kind", "entity_id", "code", "times", "last_at", "resolved_by", "resolution", "text"});
}
std::string show_exceptions(const rapidjson::Value& list) {
  return table(
      list, {"id", "kind", "currency", "expected", "actual", "gas_eth", "found_at", "resolution", "resolved_by", "subject", "explanation"});
}
std::string show_audit(const rapidjson::Value& list) {
  return table(list, {"id", "at", "operator", "source", "verb", "target", "arguments", "reason", "result", "result_text"});
}
std::string show_pauses(const rapidjson::Value& list) { return table(list, {"what", "since", "operator", "reason"}); }

std::string show_nodes(const rapidjson::Value& answer) {
  rapidjson::Document rows;
  rows.SetArray();
  auto& memory = rows.GetAllocator();
  for (const auto* row : items(member(answer, "rows"))) {
    rapidjson::Value line(*row, memory);
    for (const auto* node : items(member(answer, "nodes"))) {
      if (text(*node, "node") != text(*row, "identity")) continue;
      const bool silent = !member(*node, "error").IsNull();
      line.AddMember("answers", rapidjson::Value(silent ? "no" : text(*node, "ready") == "true" ? "ready" : "not ready", memory), memory);
      line.AddMember("residents", rapidjson::Value(text(*node, "residents").c_str(), memory), memory);
      line.AddMember("log", rapidjson::Value(text(*node, "log_level").c_str(), memory), memory);
      line.AddMember("paused", rapidjson::Value(joined(member(*node, "pauses")).c_str(), memory), memory);
    }
    rows.PushBack(line, memory);
  }
  return table(rows, {"name", "identity", "state", "answers", "draining", "shards", "residents", "address", "seen_at", "started_at", "log",
                      "paused"});
}

std::string show_tree(const rapidjson::Value& answer) { return tree_of(answer, false); }
std::string show_tree_with_shards(const rapidjson::Value& answer) { return tree_of(answer, true); }

std::string show_top(const rapidjson::Value& answer) {
  std::string out;
  for (const auto* node : items(member(answer, "nodes")))
    if (!member(*node, "error").IsNull()) out += name_of(*node) + " does not answer: " + text(member(*node, "error"), "text") + "\n\n";
  out += "Messages waiting, the longest first\n"
         + table(merged(answer, "mailboxes", "age_ms", true), {"node", "kind", "id", "depth", "age_ms"});
  out += "\nRestarts, the newest first\n"
         + table(merged(answer, "restarts", "ago_ms", false), {"node", "kind", "id", "times", "ago_ms", "cause"});
  return out + "\nSlowest steps of the last ten minutes\n"
         + table(merged(answer, "slowest", "took_us", true), {"node", "kind", "id", "message", "took_us", "ago_ms"});
}

std::string show_import(const rapidjson::Value& job) {
  const bool dry = text(job, "dry_run") == "true";
  std::string out;
  if (const auto& tables = member(job, "tables"); tables.IsArray() && !tables.Empty())
    out += table(tables, {"table", "rows", "taken", "known", "settled", "problems", "differences"});
  if (const auto& findings = member(job, "findings"); findings.IsArray() && !findings.Empty())
    out += "\n" + table(findings, {"kind", "table", "key", "reason"});
  if (number(job, "not_shown") > 0) out += "... and " + text(job, "not_shown") + " more\n";
  if (const auto fault = text(job, "fault"); !fault.empty()) return out + "it ended early: " + fault + "\n";
  if (text(job, "finished") != "true") out += "under way\n";
  out += "\n" + text(job, "taken") + (dry ? " would be taken over, " : " taken over, ") + text(job, "known") + " known already, "
         + text(job, "problems") + " with a problem, " + text(job, "differences") + " differ\n";
  if (text(job, "taken") == "0") out += dry ? "nothing would change\n" : "nothing was changed\n";
  return out;
}

std::string show_job(const rapidjson::Value& job) {
  if (text(job, "verb") == "import") return show_import(job);
  std::string out = text(job, "verb")
                    + (text(job, "dry_run") == "true"
                           ? " would go over " + text(job, "seen") + "\n"
                           : ": " + text(job, "done") + " done, " + text(job, "refused") + " refused, of " + text(job, "seen") + "\n");
  if (text(job, "dry_run") == "true")
    for (const auto* example : items(member(job, "examples"))) out += "  " + plain(*example) + "\n";
  if (const auto& refusals = member(job, "refusals"); refusals.IsArray() && !refusals.Empty())
    out += table(refusals, {"count", "example", "text"});
  if (const auto fault = text(job, "fault"); !fault.empty()) out += "it ended early: " + fault + "\n";
  return out;
}

std::string show_everywhere(const rapidjson::Value& answer) {
  if (member(answer, "nodes").IsNull()) return show_done(answer);
  std::string out;
  for (const auto* node : items(member(answer, "nodes"))) {
    out += name_of(*node) + "\n";
    for (const auto* name : {"taken", "need_restart", "faults", "log_level"})
      if (const auto& said = member(*node, name); !said.IsNull() && !(said.IsArray() && said.Empty()))
        out += "  " + std::string(name) + "  " + (said.IsArray() ? joined(said) : plain(said)) + "\n";
    if (!member(*node, "error").IsNull()) out += "  " + text(member(*node, "error"), "text") + "\n";
  }
  return out;
}

} // namespace paygate::ctl
