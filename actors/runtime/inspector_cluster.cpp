#include <algorithm>

#include "actors/runtime/inspector_shell.hpp"
#include "actors/runtime/node.hpp"
#include "actors/runtime/node_report.hpp"
#include "actors/runtime/router.hpp"
#include "messages/log.hpp"

// What concerns nodes: each is asked what only it knows, and told what it has to do. Rows are read from the database, from any node.
namespace paygate::inspecting {

namespace {

/// The answers of many actors, one by one; told when the last one is there, or will not come.
template <class Stats>
struct gathering {
  std::vector<Stats> found;
  std::size_t open = 0;
  std::function<void(std::vector<Stats>)> then;

  void one_less() {
    if (--open == 0) then(std::move(found));
  }
};

template <class Pointer, class Stats, class Self>
void gather(Self self, const std::vector<caf::actor>& whom, std::function<void(std::vector<Stats>)> then) {
  auto all = std::make_shared<gathering<Stats>>();
  all->open = whom.size() + 1;
  all->then = std::move(then);
  for (const auto& one : whom)
    self->request(one, node_patience / 2, stats_atom::value)
        .then(
            [all](const Pointer& stats) {
              all->found.push_back(*stats);
              all->one_less();
            },
            [all](const caf::error&) { all->one_less(); });
  all->one_less();
}

/// What another node is told to do; who wants it and why goes along for its audit log.
std::string told_here(const command& c, const std::string& what, const std::string& more = {}) {
  return "{\"verb\":\"here\",\"what\":" + json_text(what) + more + ",\"operator\":" + json_text(text_of(c, "operator"))
         + ",\"reason\":" + json_text(text_of(c, "reason")) + "}";
}

/// {"taken": [...], ...} and other objects stay as they are; what they say is put beside the node's name.
std::string tagged(const cluster_member& member, const std::string& answer) {
  if (answer.size() < 2 || answer.front() != '{') return "{" + member_json(member) + ",\"answer\":" + answer + "}";
  return "{" + member_json(member) + (answer == "{}" ? "" : ",") + answer.substr(1);
}

} // namespace

// --- who there is ---

cluster_member inspector_shell::self_member() const {
  const auto& view = self_->state.view;
  if (view)
    if (const auto* self = view->find(view->self)) return *self;
  cluster_member alone;
  alone.identity = view && !view->self.empty() ? view->self : setup().identity;
  alone.name = setup().name;
  return alone;
}

std::vector<cluster_member> inspector_shell::members() const {
  const auto& view = self_->state.view;
  auto all = view ? view->members : std::vector<cluster_member>{};
  const auto self = self_member();
  // A node that the database no longer counts still answers for itself.
  if (std::none_of(all.begin(), all.end(), [&](const auto& m) { return m.identity == self.identity; })) all.push_back(self);
  return all;
}

std::vector<cluster_member> inspector_shell::members_named(const std::string& node) const {
  auto all = members();
  if (!node.empty()) std::erase_if(all, [&](const auto& m) { return m.identity != node && m.name != node; });
  return all;
}

void inspector_shell::ask_node(const std::string& identity, const std::string& json, answer_fn then) {
  if (identity == self_member().identity) {
    command c;
    c.Parse(json.c_str());
    return here(c, std::move(then));
  }
  self_->request(setup().router, node_patience, ctl_atom::value, identity, std::string(another_node), json)
      .then([then](const std::string& answer) { then(answer); },
            [then, this_ = *this](const caf::error& e) {
              then(error_json("unavailable", "the node does not answer: " + this_.self_->system().render(e)));
            });
}

void inspector_shell::ask_nodes(const std::vector<cluster_member>& whom, const std::string& json,
                                std::function<void(const std::vector<node_answer>&)> then) {
  auto answers = std::make_shared<std::vector<node_answer>>();
  auto open = std::make_shared<std::size_t>(whom.size());
  for (const auto& member : whom) answers->push_back({member, {}});
  if (whom.empty()) return then(*answers);
  for (std::size_t i = 0; i < whom.size(); ++i)
    ask_node(whom[i].identity, json, [answers, open, i, then](const std::string& answer) {
      (*answers)[i].answer = answer;
      if (--*open == 0) then(*answers);
    });
}

std::string inspector_shell::answers_json(const std::vector<node_answer>& answers) {
  std::string json = "[";
  for (const auto& [member, answer] : answers) json += (json.size() > 1 ? "," : "") + tagged(member, answer);
  return json + "]";
}

// --- looks ---

bool inspector_shell::is_look_at_nodes(const std::string& verb) const {
  return verb == "nodes" || verb == "tree" || verb == "top" || verb == "config";
}

void inspector_shell::look_at_nodes(const command& c, answer_fn then) {
  const auto verb = text_of(c, "verb"), node = text_of(c, "node");
  auto whom = verb == "config" && node.empty() ? std::vector{self_member()} : members_named(node);
  if (whom.empty()) return then(error_json("not_found", "no node is named \"" + node + "\""));
  if (verb == "config") return ask_node(whom.front().identity, R"({"verb":"here","what":"config"})", std::move(then));
  if (verb == "top") {
    const auto limit = text_of(c, "limit");
    return ask_nodes(whom, "{\"verb\":\"here\",\"what\":\"top\",\"limit\":" + json_text(limit.empty() ? "20" : limit) + "}",
                     [then](const auto& answers) { then("{\"nodes\":" + answers_json(answers) + "}"); });
  }
  const auto status = R"({"verb":"here","what":"status"})";
  if (verb == "tree") return ask_nodes(whom, status, [then](const auto& answers) { then("{\"nodes\":" + answers_json(answers) + "}"); });
  const auto all = c.FindMember("all");
  const bool gone_too = all != c.MemberEnd() && all->value.IsBool() && all->value.GetBool();
  ask_reader("nodes", gone_too ? R"({"all":true})" : "{}", [this_ = *this, whom, status, then](const std::string& rows) mutable {
    if (is_error(rows)) return then(rows);
    this_.ask_nodes(whom, status,
                    [rows, then](const auto& answers) { then("{\"rows\":" + rows + ",\"nodes\":" + answers_json(answers) + "}"); });
  });
}

// --- what this node answers for itself ---

bool inspector_shell::is_deed_here(const std::string& what) {
  return what == "drain" || what == "reload" || what == "log_level";
}

/// From another node: it is written down here, too, before it is done. Whose name the other node gives is its word, and stands as such.
void inspector_shell::here_for_node(const command& c, const std::string& source, answer_fn then) {
  const auto what = text_of(c, "what");
  if (!is_deed_here(what)) return here(c, std::move(then));
  auto told = std::make_shared<command>();
  told->CopyFrom(c, told->GetAllocator());
  const auto args = "{\"operator\":" + json_text(another_node) + ",\"source\":" + json_text(source) + ",\"verb\":" + json_text(what)
                    + ",\"target\":" + json_text("node/" + self_member().identity) + ",\"node\":" + json_text(self_member().identity)
                    + ",\"reason\":" + json_text("a node says: " + text_of(c, "operator") + ": " + text_of(c, "reason"))
                    + ",\"arguments\":" + arguments_json(c) + "}";
  ask_reader("audit", args, [this_ = *this, told, then](const std::string& answer) mutable {
    if (is_error(answer)) return then(answer);
    command line;
    line.Parse(answer.c_str());
    const auto number = line.IsObject() ? text_of(line, "id") : std::string();
    this_.here(*told, [this_, number, then](std::string result) mutable { this_.close_audit(number, std::move(result), then); });
  });
}

void inspector_shell::here(const command& c, answer_fn then) {
  const auto what = text_of(c, "what");
  if (what == "status") return here_status(std::move(then));
  if (what == "top") return here_top(c, std::move(then));
  if (what == "config") return then(setup().config(false));
  if (what == "reload") return then(setup().config(true));
  if (what == "log_level") {
    const auto level = setup().log_level(text_of(c, "level"));
    return then(level.empty() ? error_json("invalid", "a level is debug, info, warning or error")
                              : "{\"log_level\":" + json_text(level) + "}");
  }
  if (what == "pauses") {
    self_->request(setup().pauses, node_patience, query_atom::value)
        .then([then](const std::string& answer) { then(answer); },
              [then](const caf::error&) { then(error_json("unavailable", "the pauses could not be read")); });
    return;
  }
  if (what == "drain") {
    // It ends its open steps first: how far it is can be seen in `nodes`.
    self_->request(setup().node, std::chrono::minutes(1), drain_atom::value)
        .then(
            [](bool clean) {
              log(log_level::info, "drained", {{"clean", clean ? "true" : "false"}});
            },
            [](const caf::error&) { log(log_level::warning, "drain_unanswered"); });
    return then(R"({"draining":true})");
  }
  then(error_json("invalid", "no such question: " + what));
}

void inspector_shell::here_status(answer_fn then) {
  const auto asked = self_->clock().now();
  auto report = std::make_shared<node_report>();
  const auto& ports = *setup().ports;
  report->started_at = self_->state.started_at;
  report->log_level = setup().log_level ? setup().log_level({}) : std::string();
  for (std::size_t i = 0; i < std::min(ports.committers.size(), ports.load->size()); ++i) report->committers.push_back((*ports.load)[i]);
  const auto pauses = ports.pauses->get();
  report->pauses_known = !(pauses == pause_set::everything());
  for (const auto kind : enum_names<entity_kind>::values)
    if (report->pauses_known && pauses.stops(*parse_enum<entity_kind>(kind))) report->pauses.push_back("kind/" + std::string(kind));
  for (const auto which : enum_names<lane>::values)
    if (report->pauses_known && pauses.stops(*parse_enum<lane>(which))) report->pauses.push_back("lane/" + std::string(which));
  const auto with_lanes = [report, asked, then, this_ = *this](std::vector<shard_stats> shards) {
    report->shards = std::move(shards);
    std::sort(report->shards.begin(), report->shards.end(), [](const auto& a, const auto& b) { return a.shard < b.shard; });
    gather<lane_stats_ptr, lane_stats>(this_.self_, this_.setup().lanes, [report, asked, then, this_](std::vector<lane_stats> lanes) {
      report->lanes = std::move(lanes);
      std::sort(report->lanes.begin(), report->lanes.end(), [](const auto& a, const auto& b) { return a.which < b.which; });
      report->asked_ms = std::chrono::duration_cast<milliseconds>(this_.self_->clock().now() - asked);
      if (!this_.setup().node) return then(report_json(*report));
      this_.self_->request(this_.setup().node, node_patience / 2, ready_atom::value)
          .then(
              [report, then](bool ready) {
                report->ready = ready;
                then(report_json(*report));
              },
              [report, then](const caf::error&) { then(report_json(*report)); });
    });
  };
  self_->request(setup().router, node_patience / 2, shards_atom::value)
      .then(
          [this_ = *this, with_lanes](const shard_table_ptr& table) {
            std::vector<caf::actor> shards;
            for (const auto& shard : *table)
              if (shard) shards.push_back(shard);
            gather<shard_stats_ptr, shard_stats>(this_.self_, shards, with_lanes);
          },
          [then](const caf::error&) { then(error_json("unavailable", "the router does not answer")); });
}

void inspector_shell::here_top(const command& c, answer_fn then) {
  const auto limit = parse_integer(text_of(c, "limit")).value_or(20);
  const auto rows = static_cast<std::size_t>(std::clamp<int128>(limit, 1, 1000));
  then(board_json(setup().ports->board->look(self_->clock().now(), rows)));
}

// --- deeds ---

deed_or_error inspector_shell::cluster_deed(const command& c) {
  const auto verb = text_of(c, "verb");
  if (verb == "pause" || verb == "resume") return pause_deed(c);
  if (verb == "drain") return drain_deed(c);
  if (verb == "reload") return everywhere_deed(c, "settings/file", told_here(c, "reload"));
  if (verb == "log_level") {
    const auto level = text_of(c, "level");
    if (level != "debug" && level != "info" && level != "warning" && level != "error")
      return error_json("invalid", "a level is debug, info, warning or error");
    return everywhere_deed(c, "log/level", told_here(c, "log_level", ",\"level\":" + json_text(level)));
  }
  return error_json("invalid", "no such verb: " + verb);
}

deed_or_error inspector_shell::everywhere_deed(const command& c, const std::string& target, const std::string& question) {
  const auto node = text_of(c, "node");
  auto whom = members_named(node);
  if (whom.empty()) return error_json("not_found", "no node is named \"" + node + "\"");
  return deed{target,
              [this_ = *this, whom, question](answer_fn then) mutable {
                this_.ask_nodes(whom, question, [then](const std::vector<node_answer>& answers) {
                  // One node that could not makes it an error: whoever asked has to look at it.
                  for (const auto& [member, answer] : answers)
                    if (is_error(answer)) return then(answer.substr(0, answer.size() - 1) + ",\"nodes\":" + answers_json(answers) + "}");
                  then("{\"done\":true,\"nodes\":" + answers_json(answers) + "}");
                });
              },
              [whom, question](answer_fn then) {
                std::string names;
                for (const auto& member : whom)
                  names += (names.empty() ? "" : ", ") + (member.name.empty() ? member.identity : member.name);
                then(R"({"dry_run":true,"note":)" + json_text("would be told to " + names) + ",\"question\":" + question + "}");
              }};
}

deed_or_error inspector_shell::pause_deed(const command& c) {
  const auto verb = text_of(c, "verb"), what = text_of(c, "what");
  if (const auto names = pausable(); std::find(names.begin(), names.end(), what) == names.end()) {
    std::string list;
    for (const auto& name : names) list += (list.empty() ? "" : ", ") + name;
    return error_json("invalid", "that cannot be paused; these can: " + list);
  }
  const auto args = "{\"what\":" + json_text(what) + ",\"reason\":" + json_text(text_of(c, "reason"))
                    + ",\"operator\":" + json_text(text_of(c, "operator")) + "}";
  return deed{"pause/" + what,
              [this_ = *this, verb, args](answer_fn then) mutable {
                this_.ask_reader(verb, args, [this_, then](const std::string& written) mutable {
                  if (is_error(written)) return then(written);
                  // Each node reads it within a second by itself; those that answer have read it already.
                  this_.ask_nodes(this_.members(), R"({"verb":"here","what":"pauses"})",
                                  [written, then](const std::vector<node_answer>& answers) {
                                    rapidjson::Document row;
                                    row.Parse(written.c_str());
                                    auto remark = row.IsObject() ? text_of(row, "remark") : std::string();
                                    std::size_t held = 0;
                                    for (const auto& [member, answer] : answers) held += is_error(answer) ? 0 : 1;
                                    remark += (remark.empty() ? "" : "; ") + std::string("it holds on ") + std::to_string(held) + " of "
                                              + std::to_string(answers.size()) + (answers.size() == 1 ? " node" : " nodes");
                                    then("{\"done\":true,\"remark\":" + json_text(remark) + ",\"nodes\":" + answers_json(answers) + "}");
                                  });
                });
              },
              [this_ = *this, verb](answer_fn then) mutable {
                this_.ask_reader("pauses", "{}", [verb, then](const std::string& rows) {
                  if (is_error(rows)) return then(rows);
                  then(R"({"dry_run":true,"note":)"
                       + json_text(verb == "pause" ? "no new effect of it would be started on any node" : "it would go on on every node")
                       + ",\"paused_now\":" + rows + "}");
                });
              }};
}

deed_or_error inspector_shell::drain_deed(const command& c) {
  const auto node = text_of(c, "node");
  const auto whom = node.empty() ? std::vector<cluster_member>{} : members_named(node);
  if (whom.empty()) return error_json("not_found", "no node is named \"" + node + "\"");
  if (whom.size() > 1) return error_json("conflict", "several nodes are named \"" + node + "\": give the identity");
  const auto member = whom.front();
  const auto others = members().size() - 1;
  const auto question = told_here(c, "drain");
  const auto note = others == 0 ? std::string("there is no other node: nobody would act until one joins or this one starts anew")
                                : std::to_string(others) + (others == 1 ? " other node takes" : " other nodes take") + " its shards";
  return deed{"node/" + member.identity,
              [this_ = *this, member, note, question](answer_fn then) mutable {
                this_.ask_node(member.identity, question, [member, note, then](const std::string& answer) {
                  if (is_error(answer)) return then(answer);
                  then("{\"done\":true,\"remark\":" + json_text(note) + "," + member_json(member) + "}");
                });
              },
              [member, note](answer_fn then) { then(R"({"dry_run":true,"note":)" + json_text(note) + "," + member_json(member) + "}"); }};
}

} // namespace paygate::inspecting
