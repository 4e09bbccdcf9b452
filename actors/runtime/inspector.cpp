#include "actors/runtime/inspector.hpp"

#include <algorithm>

#include "actors/runtime/inspector_shell.hpp"
#include "actors/runtime/node.hpp"
#include "messages/log.hpp"

namespace paygate {

namespace inspecting {

namespace {

/// A command from outside, or nothing when it is none that can be read safely.
bool read(const std::string& text, command& c) {
  // A deeply nested text would end the process: read without recursion, and refused before anything walks it.
  constexpr std::size_t length_max = 64 * 1024, nesting_max = 64;
  const auto opened = std::count_if(text.begin(), text.end(), [](char x) { return x == '[' || x == '{'; });
  if (text.size() > length_max || static_cast<std::size_t>(opened) > nesting_max) return false;
  c.Parse<rapidjson::kParseIterativeFlag>(text.data(), text.size());
  return !c.HasParseError() && c.IsObject();
}

std::string args_of(const command& c) {
  const auto args = c.FindMember("args");
  if (args == c.MemberEnd() || !args->value.IsString()) return "{}";
  return args->value.GetString();
}

bool is_flag(const command& c, const char* name) {
  const auto flag = c.FindMember(name);
  return flag != c.MemberEnd() && flag->value.IsBool() && flag->value.GetBool();
}

} // namespace

text_promise inspector_shell::obey(const std::string& text, const std::string& who) {
  auto source = source_of(self_->current_sender()); // A promise takes the sender along.
  auto promise = self_->make_response_promise<std::string>();
  answer_fn then = [promise](std::string answer) mutable { promise.deliver(std::move(answer)); };
  command c;
  if (!read(text, c)) {
    then(error_json("invalid", "a command is a JSON object"));
    return promise;
  }
  const bool from_node = who == another_node;
  if (!who.empty() && !from_node) {
    // Who it is, is the certificate's word; what the tool says of itself is where it came from.
    source = text_of(c, "operator").substr(0, 200);
    while (c.RemoveMember("operator")) continue;
    c.AddMember("operator", rapidjson::Value(who.c_str(), static_cast<rapidjson::SizeType>(who.size()), c.GetAllocator()),
                c.GetAllocator());
  }
  look_or_steer(c, source, from_node, std::move(then));
  return promise;
}

void inspector_shell::look_or_steer(command& c, const std::string& source, bool from_node, answer_fn then) {
  const auto verb = text_of(c, "verb");
  if (from_node && verb != "here") return then(error_json("forbidden", "a node asks another only what it is or does here"));
  if (verb == "query") return query(text_of(c, "name"), args_of(c), std::move(then));
  if (verb == "show") return show(c, std::move(then));
  if (verb == "job") return then(job_json(static_cast<std::uint64_t>(std::atoll(text_of(c, "id").c_str()))));
  if (is_look_at_nodes(verb)) return look_at_nodes(c, std::move(then));
  if (verb == "here") return from_node ? here_for_node(c, source, std::move(then)) : then(error_json("invalid", "no such verb: here"));
  if (verb == "reconcile") // Looks only, so it wants no reason.
    return deliver(
        std::make_shared<const envelope>(envelope{{entity_kind::reconciliation, "main"}, reconciliation_message{run_reconciliation{}}}), {},
        std::move(then));
  steer(c, source, std::move(then));
}

void inspector_shell::on_loaded(const load_answer_ptr& answer) {
  for (auto& waiting : std::exchange(self_->state.loads[answer->ref], {})) waiting(*answer);
  self_->state.loads.erase(answer->ref);
}

std::string inspector_shell::source_of(const caf::strong_actor_ptr& sender) const {
  return !sender || sender->node() == self_->node() ? std::string("local") : caf::to_string(sender->node());
}

void inspector_shell::query(const std::string& name, const std::string& args, answer_fn then) {
  for (const auto* writing : {"audit", "audit_result", "resolve", "pause", "resume"})
    if (name == writing) return then(error_json("invalid", "that is no question"));
  ask_reader(name, args, std::move(then));
}

void inspector_shell::show(const command& c, answer_fn then) {
  const auto kind = parse_enum<entity_kind>(text_of(c, "kind"));
  const auto id = text_of(c, "id");
  if (!kind || id.empty()) return then(error_json("invalid", "kind and id are needed; no kind is named \"" + text_of(c, "kind") + "\""));
  const auto ref = std::make_shared<const entity_ref>(entity_ref{*kind, id});
  ask_reader("show", "{\"kind\":" + json_text(to_text(ref->kind)) + ",\"id\":" + json_text(ref->id) + "}",
             [this_ = *this, ref, then](const std::string& stored) mutable { this_.add_live(ref, stored, then); });
}

void inspector_shell::add_live(const ref_ptr& ref, const std::string& stored, answer_fn then) {
  const bool has_row = stored.find("\"row\": null") == std::string::npos && stored.find("\"row\":null") == std::string::npos;
  if (stored.empty() || stored.back() != '}' || is_error(stored) || !has_row)
    return then(has_row ? stored : error_json("not_found", "there is no " + to_text(*ref)));
  inspect(ref, [stored, then](const std::string& live) { then(stored.substr(0, stored.size() - 1) + ",\"live\":" + live + "}"); });
}

// --- verbs that change something ---

void inspector_shell::steer(const command& c, const std::string& source, answer_fn then) {
  auto made = make_deed(c);
  if (auto* wrong = std::get_if<std::string>(&made)) return then(std::move(*wrong));
  auto& what = std::get<deed>(made);
  if (is_flag(c, "dry_run")) {
    what.rehearse(then);
    if (what.begun) then(what.begun());
    return;
  }
  audited(c, source, std::move(what), std::move(then));
}

/// Writes who wants what and why, then does it, then writes what came of it. No audit, no deed.
void inspector_shell::audited(const command& c, const std::string& source, deed what, answer_fn then) {
  const auto verb = text_of(c, "verb"), reason = text_of(c, "reason");
  if (reason.empty()) return then(error_json("invalid", "a reason is needed"));
  log(log_level::info, "operator", {{"verb", verb}, {"target", what.target}, {"reason", reason}});
  const auto args = "{\"operator\":" + json_text(text_of(c, "operator")) + ",\"source\":" + json_text(source)
                    + ",\"verb\":" + json_text(verb) + ",\"target\":" + json_text(what.target) + ",\"reason\":" + json_text(reason)
                    + ",\"node\":" + json_text(self_member().identity) + ",\"arguments\":" + arguments_json(c) + "}";
  ask_reader("audit", args, [this_ = *this, what = std::move(what), then](std::string answer) mutable {
    if (is_error(answer)) return then(std::move(answer));
    rapidjson::Document line;
    line.Parse(answer.c_str());
    const auto number = line.IsObject() ? text_of(line, "id") : std::string();
    const auto told = what.begun ? answer_fn([](const std::string&) {}) : then;
    what.act([this_, number, told](std::string result) mutable { this_.close_audit(number, std::move(result), told); });
    if (what.begun) then(what.begun());
  });
}

void inspector_shell::close_audit(const std::string& number, std::string result, answer_fn then) {
  rapidjson::Document parsed;
  parsed.Parse(result.c_str());
  std::string code = "done", text = result;
  if (is_error(result) && parsed.IsObject() && parsed["error"].IsObject()) {
    code = text_of(parsed["error"], "code");
    text = text_of(parsed["error"], "text");
  } else if (parsed.IsObject())
    text = text_of(parsed, "remark");
  const auto args = "{\"id\":" + number + ",\"code\":" + json_text(code) + ",\"text\":" + json_text(text) + "}";
  ask_reader("audit_result", args, [number, result = std::move(result), then](const std::string& answer) mutable {
    // It is done: an operator who is told otherwise would do it again. The line without a result tells the rest.
    if (is_error(answer)) log(log_level::error, "audit_result_lost", {{"audit", number}, {"error", answer}});
    then(std::move(result));
  });
}

// --- whom it asks ---

void inspector_shell::ask_reader(const std::string& name, const std::string& args, answer_fn then) {
  self_->request(setup().reader, patience, query_atom::value, name, args)
      .then([then](const std::string& answer) { then(answer); },
            [then](const caf::error&) { then(error_json("unavailable", "the database does not answer")); });
}

void inspector_shell::load(const entity_ref& ref, std::function<void(const load_answer&)> then) {
  self_->state.loads[ref].push_back(std::move(then));
  self_->send(setup().loader, load_atom::value, std::make_shared<const entity_ref>(ref));
}

void inspector_shell::inspect(const ref_ptr& ref, answer_fn then) {
  self_->request(setup().router, patience, inspect_atom::value, ref)
      .then([then](const std::string& live) { then(live); }, [then](const caf::error&) { then("null"); });
}

void inspector_shell::rehearse(const envelope_ptr& letter, answer_fn then) {
  load(letter->to, [this_ = *this, letter, then](const load_answer& found) {
    if (!found.available) return then(error_json("unavailable", found.error));
    const auto& ports = *this_.setup().ports;
    then(rehearsal_json(letter->to, this_.setup().rehearse(found.entity, *letter, ports.clock->now(), *ports.rules.get())));
  });
}

void inspector_shell::deliver(const envelope_ptr& letter, const std::string& remark, answer_fn then) {
  self_->request(setup().router, patience, deliver_atom::value, letter)
      .then(
          [then, remark](const entity_reply_ptr& answer) {
            const auto text = reply_json(*answer);
            then(is_error(text) || remark.empty() ? text : R"({"done":true,"remark":)" + json_text(remark) + "}");
          },
          [then](const caf::error&) { then(error_json("unavailable", "the entity does not answer")); });
}

void inspector_shell::ask_entity_for(const envelope_ptr& letter, std::function<void(const entity_reply&)> then) {
  self_->request(setup().router, patience, deliver_atom::value, letter)
      .then([then](const entity_reply_ptr& answer) { then(*answer); },
            [then](const caf::error&) { then(refused{refusal::unavailable, "the entity does not answer"}); });
}

} // namespace inspecting

caf::actor spawn_inspector(caf::actor_system& system, inspector_setup setup) {
  using inspecting::inspector_shell;
  return system.spawn([setup = std::move(setup)](inspector_shell::pointer self) -> caf::behavior {
    self->state.setup = setup;
    self->state.started_at = setup.ports->clock->now();
    self->set_error_handler([](caf::scheduled_actor* a, caf::error& e) {
      log(log_level::warning, "inspector_error_message", {{"error", a->system().render(e)}});
    });
    self->set_default_handler(
        [](caf::scheduled_actor*, caf::message_view&) -> caf::result<caf::message> { return caf::sec::unexpected_message; });
    if (setup.node) self->send(setup.node, watch_atom::value, caf::actor_cast<caf::actor>(self));
    inspector_shell shell(self);
    return {[shell](ctl_atom, const std::string& text) mutable { return shell.obey(text, {}); },
            [shell](ctl_atom, const std::string& who, const std::string& text) mutable { return shell.obey(text, who); },
            [shell](view_atom, const cluster_view_ptr& view) mutable { shell.on_view(view); },
            [shell](inspecting::import_turn_atom, std::uint64_t id) mutable { shell.turn_import(id); },
            [shell](const load_answer_ptr& answer) mutable { shell.on_loaded(answer); }};
  });
}

} // namespace paygate
