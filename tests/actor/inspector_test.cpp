// The inspector among nodes, on virtual time: whom it asks, what it makes of their answers and of their silence, and verbs over many
// entities. The database, the router and the other nodes are stand-ins that note what they were told.
#include <catch2/catch.hpp>

#include <algorithm>
#include <map>
#include <set>

#include <rapidjson/document.h>

#include "actors/runtime/entity.hpp"
#include "actors/runtime/inspector.hpp"
#include "actors/runtime/node.hpp"
#include "actors/runtime/operator_json.hpp"
#include "actors/runtime/router.hpp"
#include "tests/support/virtual_system.hpp"

using namespace paygate;
using namespace paygate::test;
using namespace std::chrono_literals;

spawn_entity_fn paygate::spawner_of(entity_kind) { return nullptr; }

namespace {

struct cluster_fixture {
  virtual_system world;
  std::vector<std::pair<std::string, std::string>> asked; ///< Of the database: question and arguments.
  std::vector<std::pair<std::string, std::string>> told;  ///< Of other nodes: identity and JSON.
  std::map<std::string, std::string> answers;             ///< Of other nodes, by identity; without one it is silent.
  std::vector<std::string> retried;
  std::vector<caf::typed_response_promise<std::string>> held; ///< Retries that are not answered yet.
  bool hold = false;
  std::size_t entities = 0; ///< That the question "actors" finds.
  int drained = 0;
  int locks = 0; ///< Imports that hold the lock: those that were read and not ended.
  caf::actor router, inspector;
  std::shared_ptr<entity_ports> ports = std::make_shared<entity_ports>();

  cluster_fixture() {
    ports->clock = world.business();
    auto reader = world.own(world.system().spawn([this](caf::event_based_actor*) -> caf::behavior {
      return {[this](query_atom, const std::string& name, const std::string& args) {
                asked.emplace_back(name, args);
                return row(name, args);
              },
              [](wake_atom, std::int64_t, std::int64_t, std::uint32_t, const shard_list&) { return wake_list_ptr(std::make_shared<const wake_list>()); }};
    }));
    router = world.own(world.system().spawn([this](caf::event_based_actor* self) -> caf::behavior {
      return {[this, self](ctl_atom, const std::string& node, const std::string& who, const std::string& json) -> caf::result<std::string> {
                told.emplace_back(node, who + " " + json);
                if (answers.contains(node)) return answers[node];
                return self->make_response_promise<std::string>();
              },
              [this, self](retry_atom, const ref_ptr& ref, const std::string&) -> caf::result<std::string> {
                retried.push_back(ref->id);
                if (hold) {
                  held.push_back(self->make_response_promise<std::string>());
                  return held.back();
                }
                return ref->id == "e7" ? error_json("unavailable", "no luck") : std::string(R"({"done":"retrying"})");
              },
              [this](timer_atom) {
                for (auto& promise : std::exchange(held, {})) promise.deliver(std::string(R"({"done":"retrying"})"));
              },
              [](shards_atom) { return shard_table_ptr(std::make_shared<const shard_table>()); }};
    }));
    auto node = world.own(world.system().spawn([this](caf::event_based_actor*) -> caf::behavior {
      return {[this](drain_atom) {
                ++drained;
                return true;
              },
              [](ready_atom) { return true; }, [](watch_atom, const caf::actor&) {}};
    }));
    auto pauses = world.own(world.system().spawn(
        [](caf::event_based_actor*) -> caf::behavior { return {[](query_atom) { return std::string(R"({"pauses":[]})"); }}; }));
    inspector_setup setup;
    setup.reader = caf::actor_cast<reader_actor>(reader);
    setup.router = router;
    setup.ports = ports;
    setup.config = [](bool reload) { return std::string(reload ? R"({"taken":["a"],"need_restart":[],"faults":[]})" : "[]"); };
    setup.log_level = [](const std::string& level) { return level.empty() ? "info" : level; };
    setup.node = node;
    setup.pauses = pauses;
    setup.identity = "alone";
    setup.importer = caf::actor_cast<importer_actor>(world.own(world.system().spawn([this](caf::event_based_actor*) -> caf::behavior {
      return {[this](import_atom, const std::string& from) {
                auto found = std::make_shared<legacy_database>();
                if (from == "good")
                  ++locks;
                else
                  found->error = "it is no database";
                return legacy_database_ptr(found);
              },
              [this](import_end_atom) { --locks; }};
    })));
    setup.plan_import = [](const legacy_database&, timestamp, const policy&) { return import_plan{}; };
    inspector = world.own(spawn_inspector(world.system(), std::move(setup)));
    world.settle();
  }

  std::string row(const std::string& name, const std::string& args) {
    if (name == "audit") return R"({"id":12})";
    if (name == "nodes") return R"([{"identity":"id-a"}])";
    if (name == "free_value") return R"({"eth":"1","usdt":"0"})";
    if (name != "actors") return R"({"done":true})";
    rapidjson::Document read;
    read.Parse(args.c_str());
    // Ids fall from e<entities> to e1; a page begins behind `after`.
    auto next = entities;
    if (const auto after = text_of(read, "after"); !after.empty()) next = std::stoul(after.substr(1)) - 1;
    const auto limit = std::stoul(text_of(read, "limit"));
    std::string list;
    for (std::size_t i = 0; i < limit && next > 0; ++i, --next)
      list += std::string(list.empty() ? "" : ",") + R"({"kind":"payout","id":"e)" + std::to_string(next) + R"("})";
    return "[" + list + "]";
  }

  void join(std::vector<cluster_member> members) {
    auto view = std::make_shared<cluster_view>();
    view->self = members.front().identity;
    view->members = std::move(members);
    caf::anon_send(inspector, view_atom::value, cluster_view_ptr(view));
    world.settle();
  }

  rapidjson::Document ask(const std::string& json, const std::string& who = "ann") {
    const auto answer = world.ask<std::string>(inspector, 60s, ctl_atom::value, who, json);
    rapidjson::Document read;
    read.Parse(answer ? answer->c_str() : "\"no answer\"");
    return read;
  }

  std::size_t count(const std::string& name) const {
    return static_cast<std::size_t>(std::count_if(asked.begin(), asked.end(), [&](const auto& a) { return a.first == name; }));
  }
};

cluster_member member(const std::string& identity, const std::string& name) {
  cluster_member m;
  m.identity = identity;
  m.name = name;
  return m;
}

std::string code_of(const rapidjson::Document& answer) {
  return answer.IsObject() && answer.HasMember("error") ? text_of(answer["error"], "code") : "";
}

} // namespace

TEST_CASE("a look at the nodes asks all of them, and shows who does not answer") {
  cluster_fixture f;
  f.join({member("id-a", "a"), member("id-b", "b"), member("id-c", "c")});
  f.answers["id-b"] = R"({"shards_held":7})";
  const auto tree = f.ask(R"({"verb":"tree"})");
  REQUIRE(tree["nodes"].Size() == 3);
  CHECK(text_of(tree["nodes"][0], "name") == "a");
  CHECK(tree["nodes"][0]["ready"].GetBool());
  CHECK(text_of(tree["nodes"][1], "shards_held") == "7");
  CHECK(text_of(tree["nodes"][2]["error"], "code") == "unavailable");
  REQUIRE(f.told.size() == 2);
  CHECK(f.told[0].second == R"(@node {"verb":"here","what":"status"})");
  CHECK(f.ask(R"({"verb":"tree","node":"b"})")["nodes"].Size() == 1);
  CHECK(f.ask(R"({"verb":"nodes"})")["rows"].Size() == 1);
  CHECK(code_of(f.ask(R"({"verb":"tree","node":"nobody"})")) == "not_found");
}

TEST_CASE("alone it answers for itself, under a new identity when the database gave it one") {
  cluster_fixture f;
  CHECK(text_of(f.ask(R"({"verb":"tree"})")["nodes"][0], "node") == "alone");
  f.join({member("anew", "a")});
  CHECK(text_of(f.ask(R"({"verb":"tree","node":"a"})")["nodes"][0], "node") == "anew");
  CHECK(f.told.empty());
  // Whoever closes what a dead node left open finds it by the identity that has died.
  f.ask(R"({"verb":"pause","what":"payouts","reason":"x"})");
  const auto line = std::find_if(f.asked.begin(), f.asked.end(), [](const auto& a) { return a.first == "audit"; });
  REQUIRE(line != f.asked.end());
  CHECK(line->second.find(R"("node":"anew")") != std::string::npos);
}

TEST_CASE("what nodes tell each other no operator can say") {
  cluster_fixture f;
  CHECK(code_of(f.ask(R"({"verb":"here","what":"drain"})")) == "invalid");
  CHECK(code_of(f.ask(R"({"verb":"here","what":"drain"})", "")) == "invalid");
  CHECK(f.drained == 0);
  CHECK(f.count("audit") == 0);
  CHECK(f.ask(R"({"verb":"here","what":"drain","operator":"ann","reason":"repairs"})", "@node")["draining"].GetBool());
  // What a node is told to do by another one is written down at both, with its result; what it is only asked is not.
  CHECK(f.count("audit") == 1);
  CHECK(f.count("audit_result") == 1);
  const auto line = std::find_if(f.asked.begin(), f.asked.end(), [](const auto& a) { return a.first == "audit"; })->second;
  CHECK(line.find(R"("operator":"@node")") != std::string::npos);
  CHECK(line.find("ann: repairs") != std::string::npos);
  CHECK(line.find(R"("target":"node/alone")") != std::string::npos);
  CHECK_FALSE(f.ask(R"({"verb":"here","what":"status"})", "@node").HasMember("error"));
  CHECK_FALSE(f.ask(R"({"verb":"here","what":"log_level","level":"debug"})", "@node").HasMember("error"));
  CHECK(f.count("audit") == 2);
  // A node does and tells what is its own; it neither steers nor reads for somebody else.
  for (const auto* verb : {"retry", "pause", "drain", "reload", "reconcile", "query", "show", "tree"})
    CHECK(code_of(f.ask(std::string(R"({"verb":")") + verb + R"(","node":"a","what":"lane/chat","reason":"x"})", "@node")) == "forbidden");
  CHECK(f.drained == 1);
}

TEST_CASE("a node is drained by its name, alone, after it was written down by whom") {
  cluster_fixture f;
  f.join({member("id-a", "a"), member("id-b", "b"), member("id-c", "b")});
  f.answers["id-b"] = R"({"draining":true})";
  CHECK(code_of(f.ask(R"({"verb":"drain","node":"b","reason":"x"})")) == "conflict");
  CHECK(code_of(f.ask(R"({"verb":"drain","node":"id-b"})")) == "invalid"); // No reason.
  CHECK(text_of(f.ask(R"({"verb":"drain","node":"id-b","dry_run":true})"), "note") == "2 other nodes take its shards");
  CHECK(f.told.empty());
  CHECK(f.count("audit") == 0);
  const auto done = f.ask(R"({"verb":"drain","node":"id-b","reason":"x","operator":"mallory","operator":"mallory"})");
  CHECK(text_of(done, "node") == "id-b");
  REQUIRE(f.told.size() == 1);
  CHECK(f.told[0].first == "id-b");
  CHECK(f.drained == 0);
  const auto audit = std::find_if(f.asked.begin(), f.asked.end(), [](const auto& a) { return a.first == "audit"; });
  REQUIRE(audit != f.asked.end());
  CHECK(audit->second.find(R"("operator":"ann")") != std::string::npos);
  CHECK(audit->second.find(R"("target":"node/id-b")") != std::string::npos);
  CHECK(f.count("audit_result") == 1);
}

TEST_CASE("an import that could not be read gives back no lock, which is another one's") {
  cluster_fixture f;
  const auto import_from = [&](const std::string& from) {
    return f.ask(R"({"verb":"import","platform_bps":")" + std::to_string(f.ports->rules.get()->platform_bps) + R"(","reason":"x","from":")"
                 + from + R"("})");
  };
  import_from("bad");
  f.world.settle();
  CHECK(f.locks == 0);
  import_from("good");
  f.world.settle();
  CHECK(f.locks == 0); // Nothing to take over: read and ended.
  CHECK(f.count("audit_result") == 2);
}

TEST_CASE("a pause is written once and read by every node that answers") {
  cluster_fixture f;
  f.join({member("id-a", "a"), member("id-b", "b"), member("id-c", "c")});
  f.answers["id-b"] = R"({"pauses":[]})";
  const auto done = f.ask(R"({"verb":"pause","what":"payouts","reason":"x"})");
  CHECK(text_of(done, "remark") == "it holds on 2 of 3 nodes");
  CHECK(f.count("pause") == 1);
  CHECK(code_of(f.ask(R"({"verb":"pause","what":"everything","reason":"x"})")) == "invalid");
  for (const auto* name : {"pause", "resume", "audit", "audit_result", "resolve"})
    CHECK(code_of(f.ask(R"({"verb":"query","name":")" + std::string(name) + R"(","args":"{}"})")) == "invalid");
}

TEST_CASE("settings are read again on all nodes, and one that cannot is an error") {
  cluster_fixture f;
  f.join({member("id-a", "a"), member("id-b", "b")});
  f.answers["id-b"] = R"({"taken":[],"need_restart":[],"faults":[]})";
  CHECK(f.ask(R"({"verb":"reload","reason":"x"})")["nodes"].Size() == 2);
  f.answers.erase("id-b");
  CHECK(code_of(f.ask(R"({"verb":"log_level","level":"debug","reason":"x"})")) == "unavailable");
  CHECK(f.ask(R"({"verb":"log_level","level":"debug","node":"a","reason":"x"})")["done"].GetBool());
}

TEST_CASE("a verb over many goes page by page, a few at a time, and says how it ended") {
  cluster_fixture f;
  f.entities = 1203;
  const auto begun = f.ask(R"({"verb":"sweep","of":"retry","kind":"payout","reason":"x"})");
  CHECK(text_of(begun, "job") == "1");
  f.world.run_for(1s);
  const auto job = f.ask(R"({"verb":"job","id":"1"})");
  CHECK(job["finished"].GetBool());
  CHECK(text_of(job, "seen") == "1203");
  CHECK(text_of(job, "done") == "1202");
  CHECK(text_of(job, "refused") == "1");
  CHECK(text_of(job["refusals"][0], "example") == "payout/e7");
  CHECK(f.retried.size() == 1203);
  CHECK(std::set<std::string>(f.retried.begin(), f.retried.end()).size() == 1203);
  CHECK(f.count("actors") == 3);
  CHECK(f.asked.back().second.find("1202 done, 1 refused") != std::string::npos);
  // Without a filter: those in trouble alone.
  CHECK(std::find_if(f.asked.begin(), f.asked.end(), [](const auto& a) { return a.first == "actors"; })->second.find(R"("stuck":true)")
        != std::string::npos);
}

TEST_CASE("no more than a few of many are under way at once") {
  cluster_fixture f;
  f.entities = 200;
  f.hold = true;
  f.ask(R"({"verb":"sweep","of":"retry","reason":"x"})");
  f.world.run_for(1s);
  CHECK(f.held.size() == 32);
  CHECK_FALSE(f.ask(R"({"verb":"job","id":"1"})")["finished"].GetBool());
  CHECK(f.count("audit_result") == 0);
  f.hold = false;
  caf::anon_send(f.router, timer_atom::value);
  f.world.run_for(1s);
  CHECK(f.retried.size() == 200);
  CHECK(f.count("audit_result") == 1);
}

TEST_CASE("a rehearsal over many does nothing, and some verbs want to know better whom they mean") {
  cluster_fixture f;
  f.entities = 12;
  CHECK(text_of(f.ask(R"({"verb":"sweep","of":"retry","dry_run":true})"), "job") == "1");
  f.world.run_for(1s);
  const auto job = f.ask(R"({"verb":"job","id":"1"})");
  CHECK(text_of(job, "seen") == "12");
  CHECK(job["examples"].Size() == 10);
  CHECK(f.retried.empty());
  CHECK(f.count("audit") == 0);
  for (const auto* wrong :
       {R"({"verb":"sweep","of":"cancel","kind":"payout","reason":"x"})", R"({"verb":"sweep","of":"restart","reason":"x"})",
        R"({"verb":"sweep","of":"restart","stuck":true,"reason":"x"})", R"({"verb":"sweep","of":"refund","kind":"payment","reason":"x"})",
        R"({"verb":"sweep","of":"cancel","kind":"wallet","status":"ready","reason":"x"})",
        R"({"verb":"sweep","of":"retry","kind":"nobody","reason":"x"})"})
    CHECK(code_of(f.ask(wrong)) == "invalid");
  CHECK(code_of(f.ask(R"({"verb":"job","id":"99"})")) == "not_found");
}
