#pragma once

#include <functional>
#include <map>
#include <memory>
#include <string>
#include <variant>
#include <vector>

#include <caf/all.hpp>
#include <rapidjson/document.h>

#include "actors/runtime/entity.hpp"
#include "actors/runtime/inspector.hpp"
#include "actors/runtime/operator_json.hpp"

// The inside of the inspector: what its source files share. Nobody else includes this.
namespace paygate::inspecting {

using text_promise = caf::typed_response_promise<std::string>;
using command = rapidjson::Document;

constexpr auto patience = std::chrono::seconds(10);
/// A node that does not say how it is within this time is shown as one that does not.
constexpr auto node_patience = std::chrono::seconds(5);

/// Takes an answer, once.
using answer_fn = std::function<void(std::string)>;

/// A verb that changes something, ready to be done or rehearsed.
struct deed {
  std::string target;
  std::function<void(answer_fn)> act, rehearse;
  /// What the operator is told at once, when the deed goes on for longer; empty: its result.
  std::function<std::string()> begun{};
};
using deed_or_error = std::variant<deed, std::string>;

/// A verb over many entities, while it goes on and a while after.
struct sweep_job {
  std::uint64_t id = 0;
  std::string verb, filter; ///< The arguments of the question "actors", without the page.
  std::string reason, after, after_kind;
  bool dry = false, paging = false, last_page = false, finished = false;
  std::vector<entity_ref> page; ///< Not begun yet; taken from the back.
  std::size_t under_way = 0;
  std::uint64_t seen = 0, done = 0, refused = 0;
  std::map<std::string, std::pair<std::uint64_t, std::string>> refusals; ///< How often, and the first one.
  std::vector<std::string> examples;                                     ///< The first targets.
  std::string error;
  answer_fn then; ///< Told the end.
};
using sweep_ptr = std::shared_ptr<sweep_job>;

/// An import (inspector_import.hpp).
struct import_job;
using import_ptr = std::shared_ptr<import_job>;
enum class import_end { taken, known, failed };
using import_turn_atom = caf::atom_constant<caf::atom("importturn")>;

struct inspector_state {
  inspector_setup setup;
  cluster_view_ptr view;                                                            ///< Null: this node knows of no other.
  std::map<entity_ref, std::vector<std::function<void(const load_answer&)>>> loads; ///< Who waits for which row.
  std::map<std::uint64_t, sweep_ptr> jobs;                                          ///< The newest ones, by number.
  std::map<std::uint64_t, import_ptr> imports;
  std::uint64_t last_job = 0;                                                       ///< Of both.
  timestamp started_at{};
  static inline const char* name = "inspector";
};

inline bool is_error(const std::string& answer) { return answer.find("\"error\"") == 1; }

class inspector_shell {
public:
  using pointer = caf::stateful_actor<inspector_state>*;
  explicit inspector_shell(pointer self) : self_(self) {}

  /// `who`: the operator as the door knows them; empty: as the command says; or another_node.
  text_promise obey(const std::string& text, const std::string& who);
  void on_loaded(const load_answer_ptr& answer);
  void turn_import(std::uint64_t id);
  void on_view(const cluster_view_ptr& view) { self_->state.view = view; }

private:
  const inspector_setup& setup() const { return self_->state.setup; }

  // inspector.cpp: looks, and how deeds are audited.
  std::string source_of(const caf::strong_actor_ptr& sender) const;
  void look_or_steer(command& c, const std::string& source, bool from_node, answer_fn then);
  void query(const std::string& name, const std::string& args, answer_fn then);
  void show(const command& c, answer_fn then);
  void add_live(const ref_ptr& ref, const std::string& stored, answer_fn then);
  void steer(const command& c, const std::string& source, answer_fn then);
  void audited(const command& c, const std::string& source, deed what, answer_fn then);
  void close_audit(const std::string& number, std::string result, answer_fn then);
  void ask_reader(const std::string& name, const std::string& args, answer_fn then);
  void load(const entity_ref& ref, std::function<void(const load_answer&)> then);
  void inspect(const ref_ptr& ref, answer_fn then);
  void rehearse(const envelope_ptr& letter, answer_fn then);
  void deliver(const envelope_ptr& letter, const std::string& remark, answer_fn then);

  // inspector_deeds.cpp: what is done to one thing.
  deed_or_error make_deed(const command& c);
  deed order_deed(order o);
  void with_ended(const envelope_ptr& letter, const answer_fn& then, std::function<void(const envelope_ptr&)> go);
  /// retry and restart: the router's verb about one entity.
  template <class Atom>
  deed entity_deed(Atom atom, entity_ref of, const std::string& reason, const char* note);
  template <class Atom>
  void tell_router(Atom atom, const ref_ptr& ref, const std::string& reason, answer_fn then);
  deed resolve_deed(const command& c, const std::string& id);
  deed replay_deed(const std::string& id);

  /// A deed that goes on as a job: its number is told at once, and the newest `kept` of its kind can be looked at.
  template <class Job>
  deed job_deed(std::string target, std::shared_ptr<Job> job, std::map<std::uint64_t, std::shared_ptr<Job>> inspector_state::*jobs,
                std::size_t kept, void (inspector_shell::*begin)(const std::shared_ptr<Job>&)) {
    auto start = [this_ = *this, job, jobs, kept, begin](bool dry, answer_fn then) mutable {
      auto& s = this_.self_->state;
      auto& all = s.*jobs;
      job->id = ++s.last_job;
      job->dry = dry;
      job->then = std::move(then);
      all[job->id] = job;
      for (auto oldest = all.begin(); all.size() > kept && oldest != all.end();)
        oldest = oldest->second->finished ? all.erase(oldest) : std::next(oldest);
      (this_.*begin)(job);
    };
    return deed{std::move(target), [start](answer_fn then) mutable { start(false, std::move(then)); },
                [start](const answer_fn&) mutable { start(true, [](const std::string&) {}); },
                [job] { return "{\"job\":" + std::to_string(job->id) + "}"; }};
  }

  // inspector_cluster.cpp: what concerns nodes.
  bool is_look_at_nodes(const std::string& verb) const;
  void look_at_nodes(const command& c, answer_fn then);
  deed_or_error cluster_deed(const command& c);
  deed_or_error pause_deed(const command& c);
  deed_or_error drain_deed(const command& c);
  deed_or_error everywhere_deed(const command& c, const std::string& target, const std::string& question);
  /// What another node's inspector asks this node for: only from nodes, never from operators.
  void here(const command& c, answer_fn then);
  void here_for_node(const command& c, const std::string& source, answer_fn then);
  static bool is_deed_here(const std::string& what);
  void here_status(answer_fn then);
  void here_top(const command& c, answer_fn then);
  std::vector<cluster_member> members() const;
  cluster_member self_member() const;
  /// The members named so; all for an empty name.
  std::vector<cluster_member> members_named(const std::string& node) const;
  /// The one way to another node: a JSON question, a JSON answer, an error when it cannot be reached.
  void ask_node(const std::string& identity, const std::string& json, answer_fn then);
  struct node_answer {
    cluster_member member;
    std::string answer;
  };
  void ask_nodes(const std::vector<cluster_member>& whom, const std::string& json,
                 std::function<void(const std::vector<node_answer>&)> then);
  static std::string answers_json(const std::vector<node_answer>& answers);

  // inspector_sweep.cpp: what is done to many.
  deed_or_error sweep_deed(const command& c);
  std::string job_json(std::uint64_t id) const;
  void pump(const sweep_ptr& job);
  void next_page(const sweep_ptr& job);
  void do_one(const sweep_ptr& job, const entity_ref& ref);
  void count_one(const sweep_ptr& job, const entity_ref& ref, const std::string& answer);
  void end_sweep(const sweep_ptr& job);

  // inspector_import.cpp: a predecessor's database.
  deed_or_error import_deed(const command& c);
  void read_predecessor(const import_ptr& job);
  void pump_import(const import_ptr& job);
  void import_one(const import_ptr& job, const import_item& item);
  void import_owner(const import_ptr& job, const import_item& item);
  void import_letter(const import_ptr& job, const import_item& item, const std::string& words);
  void count_import(const import_ptr& job, const import_item& item, import_end end, const std::string& words);
  void end_import(const import_ptr& job, const std::string& error, bool unlocked);
  std::string import_json(const import_job& job) const;
  /// Another entity's own answer; a refusal when it does not answer.
  void ask_entity_for(const envelope_ptr& letter, std::function<void(const entity_reply&)> then);

  pointer self_;
};

} // namespace paygate::inspecting
