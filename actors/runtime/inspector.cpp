#include "actors/runtime/inspector.hpp"

#include <algorithm>
#include <map>

#include <caf/all.hpp>

#include "actors/runtime/entity.hpp"
#include "actors/runtime/operator_json.hpp"
#include "messages/log.hpp"

namespace paygate {

namespace {

using text_promise = caf::typed_response_promise<std::string>;
using command = rapidjson::Document;

constexpr auto patience = std::chrono::seconds(10);

/// Takes an answer, once.
using answer_fn = std::function<void(std::string)>;

/// A verb that changes something, ready to be done or rehearsed.
struct deed {
  std::string target;
  std::function<void(answer_fn)> act, rehearse;
};

struct inspector_state {
  inspector_setup setup;
  std::map<entity_ref, std::vector<std::function<void(const load_answer&)>>> loads; ///< Who waits for which row.
  static inline const char* name = "inspector";
};

void say(text_promise& promise, std::string text) { promise.deliver(std::move(text)); }

bool is_error(const std::string& answer) { return answer.find("\"error\"") == 1; }

/// The bytes of lower-case hex; empty when it is none.
std::string from_hex(const std::string& hex) {
  const auto digit = [](char c) { return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1; };
  std::string bytes;
  for (std::size_t i = 0; i + 1 < hex.size(); i += 2) {
    if (digit(hex[i]) < 0 || digit(hex[i + 1]) < 0) return {};
    bytes += static_cast<char>(digit(hex[i]) * 16 + digit(hex[i + 1]));
  }
  return bytes;
}

class inspector_shell {
public:
  using pointer = caf::stateful_actor<inspector_state>*;
  explicit inspector_shell(pointer self) : self_(self) {}

  /// `by`: whose certificate opened the door; empty: nobody's, it is asked within the process.
  text_promise obey(const std::string& text, const std::string& by = {}) {
    auto source = source_of(self_->current_sender()); // A promise takes the sender along.
    auto promise = self_->make_response_promise<std::string>();
    command c;
    // A deeply nested text would end the process: read without recursion, and refused before anything walks it.
    constexpr std::size_t length_max = 64 * 1024, nesting_max = 64;
    const auto opened = std::count_if(text.begin(), text.end(), [](char x) { return x == '[' || x == '{'; });
    const bool sane = text.size() <= length_max && static_cast<std::size_t>(opened) <= nesting_max;
    if (sane) c.Parse<rapidjson::kParseIterativeFlag>(text.data(), text.size());
    if (!sane || c.HasParseError() || !c.IsObject()) {
      promise.deliver(error_json("invalid", "a command is a JSON object"));
      return promise;
    }
    if (!by.empty()) {
      // Who it is, is the certificate's word; what the tool says of itself is where it came from.
      source = text_of(c, "operator").substr(0, 200);
      while (c.RemoveMember("operator")) continue;
      c.AddMember("operator", rapidjson::Value(by.c_str(), static_cast<rapidjson::SizeType>(by.size()), c.GetAllocator()), c.GetAllocator());
    }
    const auto verb = text_of(c, "verb");
    if (verb == "query")
      query(text_of(c, "name"), args_of(c), promise);
    else if (verb == "show")
      show(c, promise);
    else if (verb == "config")
      say(promise, setup().config(false));
    else if (verb == "reconcile") // Looks only, so it wants no reason.
      deliver(std::make_shared<const envelope>(envelope{{entity_kind::reconciliation, "main"}, reconciliation_message{run_reconciliation{}}}), {},
              [promise](std::string answer) mutable { say(promise, std::move(answer)); });
    else
      steer(c, source, promise);
    return promise;
  }

  void on_loaded(const load_answer_ptr& answer) {
    for (auto& waiting : std::exchange(self_->state.loads[answer->ref], {})) waiting(*answer);
    self_->state.loads.erase(answer->ref);
  }

private:
  const inspector_setup& setup() const { return self_->state.setup; }

  std::string source_of(const caf::strong_actor_ptr& sender) const {
    return !sender || sender->node() == self_->node() ? std::string("local") : caf::to_string(sender->node());
  }

  static std::string args_of(const command& c) {
    const auto args = c.FindMember("args");
    if (args == c.MemberEnd() || !args->value.IsString()) return "{}";
    return args->value.GetString();
  }

  void query(const std::string& name, const std::string& args, text_promise promise) {
    if (name == "audit" || name == "audit_result" || name == "resolve") return say(promise, error_json("invalid", "that is no question"));
    self_->request(setup().reader, patience, query_atom::value, name, args)
        .then([promise](const std::string& answer) mutable { promise.deliver(answer); },
              [promise](const caf::error&) mutable { no_database(promise); });
  }

  static void no_database(text_promise& promise) { promise.deliver(error_json("unavailable", "the database does not answer")); }

  template <class F>
  void with_entity(const command& c, text_promise& promise, F&& then) {
    const auto kind = parse_enum<entity_kind>(text_of(c, "kind"));
    const auto id = text_of(c, "id");
    if (!kind || id.empty())
      promise.deliver(error_json("invalid", "kind and id are needed; no kind is named \"" + text_of(c, "kind") + "\""));
    else
      then(std::make_shared<const entity_ref>(entity_ref{*kind, id}), promise);
  }

  void show(const command& c, text_promise& promise) {
    with_entity(c, promise, [this](const ref_ptr& ref, text_promise& p) {
      const auto args = "{\"kind\":" + json_text(to_text(ref->kind)) + ",\"id\":" + json_text(ref->id) + "}";
      self_->request(setup().reader, patience, query_atom::value, std::string("show"), args)
          .then([this_ = *this, ref, p](const std::string& stored) mutable { this_.add_live(ref, stored, p); },
                [p](const caf::error&) mutable { no_database(p); });
    });
  }

  void add_live(const ref_ptr& ref, const std::string& stored, text_promise promise) {
    const bool has_row = stored.find("\"row\": null") == std::string::npos && stored.find("\"row\":null") == std::string::npos;
    if (stored.empty() || stored.back() != '}' || stored.find("\"error\"") == 1 || !has_row) {
      promise.deliver(has_row ? stored : error_json("not_found", "there is no " + to_text(*ref)));
      return;
    }
    self_->request(setup().router, patience, inspect_atom::value, ref)
        .then([promise, stored](
                  const std::string& live) mutable { promise.deliver(stored.substr(0, stored.size() - 1) + ",\"live\":" + live + "}"); },
              [promise, stored](const caf::error&) mutable { promise.deliver(stored.substr(0, stored.size() - 1) + ",\"live\":null}"); });
  }

  // --- verbs that change something ---

  void steer(const command& c, const std::string& source, text_promise promise) {
    auto made = make_deed(c);
    if (auto* wrong = std::get_if<std::string>(&made)) return say(promise, std::move(*wrong));
    auto& what = std::get<deed>(made);
    const auto dry = c.FindMember("dry_run");
    if (dry != c.MemberEnd() && dry->value.IsBool() && dry->value.GetBool())
      return what.rehearse([promise](std::string answer) mutable { promise.deliver(std::move(answer)); });
    audited(c, source, std::move(what), promise);
  }

  std::variant<deed, std::string> make_deed(const command& c) {
    const auto verb = text_of(c, "verb"), id = text_of(c, "id");
    if (is_order(verb)) {
      auto read = read_order(c);
      if (auto* wrong = std::get_if<std::string>(&read)) return std::move(*wrong);
      auto& made = std::get<order>(read);
      if (made.letter.to.kind == entity_kind::wallet && made.letter.to.id.empty()) made.letter.to.id = setup().ports->rules.get()->wallet_address;
      return order_deed(std::move(made));
    }
    if (verb == "retry") {
      const auto kind = parse_enum<entity_kind>(text_of(c, "kind"));
      if (!kind || id.empty()) return error_json("invalid", "kind and id are needed; no kind is named \"" + text_of(c, "kind") + "\"");
      return retry_deed({*kind, id}, text_of(c, "reason"));
    }
    if (verb == "reload") return reload_deed();
    if (verb != "resolve" && verb != "replay") return error_json("invalid", "no such verb: " + verb);
    if (id.empty() || id.size() > 18 || id.find_first_not_of("0123456789") != id.npos) return error_json("invalid", "the id is a number");
    return verb == "resolve" ? resolve_deed(c, id) : replay_deed(id);
  }

  /// Writes who wants what and why, then does it, then writes what came of it. No audit, no deed.
  void audited(const command& c, const std::string& source, deed what, text_promise promise) {
    const auto verb = text_of(c, "verb"), reason = text_of(c, "reason");
    if (reason.empty()) return say(promise, error_json("invalid", "a reason is needed"));
    log(log_level::info, "operator", {{"verb", verb}, {"target", what.target}, {"reason", reason}});
    const auto args = "{\"operator\":" + json_text(text_of(c, "operator")) + ",\"source\":" + json_text(source)
                      + ",\"verb\":" + json_text(verb) + ",\"target\":" + json_text(what.target) + ",\"reason\":" + json_text(reason)
                      + ",\"arguments\":" + arguments_json(c) + "}";
    ask_reader("audit", args, [this_ = *this, what = std::move(what), promise](std::string answer) mutable {
      if (is_error(answer)) return say(promise, std::move(answer));
      rapidjson::Document line;
      line.Parse(answer.c_str());
      const auto number = line.IsObject() ? text_of(line, "id") : std::string();
      what.act([this_, number, promise](std::string result) mutable { this_.close_audit(number, std::move(result), promise); });
    });
  }

  void close_audit(const std::string& number, std::string result, text_promise promise) {
    rapidjson::Document parsed;
    parsed.Parse(result.c_str());
    std::string code = "done", text = result;
    if (is_error(result) && parsed.IsObject() && parsed["error"].IsObject()) {
      code = text_of(parsed["error"], "code");
      text = text_of(parsed["error"], "text");
    } else if (parsed.IsObject())
      text = text_of(parsed, "remark");
    const auto args = "{\"id\":" + number + ",\"code\":" + json_text(code) + ",\"text\":" + json_text(text) + "}";
    ask_reader("audit_result", args, [number, result = std::move(result), promise](const std::string& answer) mutable {
      // It is done: an operator who is told otherwise would do it again. The line without a result tells the rest.
      if (is_error(answer)) log(log_level::error, "audit_result_lost", {{"audit", number}, {"error", answer}});
      promise.deliver(std::move(result));
    });
  }

  /// A refund may follow one that has ended without having paid: the books know whether it did. Such an end is for ever.
  void with_ended(const envelope_ptr& letter, const answer_fn& then, std::function<void(const envelope_ptr&)> go) {
    const auto* message = std::get_if<payment_message>(&letter->body);
    if (!message || !std::holds_alternative<refund_payment>(*message)) return go(letter);
    ask_reader("ended_refund", "{\"id\":" + json_text(letter->to.id) + "}", [letter, then, go](const std::string& answer) {
      rapidjson::Document found;
      found.Parse(answer.c_str());
      if (is_error(answer) || !found.IsObject()) return then(answer);
      auto refund = std::get<refund_payment>(std::get<payment_message>(letter->body));
      refund.ended = text_of(found, "ended");
      go(std::make_shared<const envelope>(envelope{letter->to, payment_message{std::move(refund)}}));
    });
  }

  deed order_deed(order o) {
    auto letter = std::make_shared<const envelope>(std::move(o.letter));
    return {to_text(letter->to),
            [this_ = *this, letter, remark = std::move(o.remark)](answer_fn then) mutable {
              this_.with_ended(letter, then,
                               [this_, remark, then](const envelope_ptr& ready) mutable { this_.deliver(ready, remark, then); });
            },
            [this_ = *this, letter](answer_fn then) mutable {
              this_.with_ended(letter, then, [this_, then](const envelope_ptr& ready) mutable { this_.rehearse(ready, then); });
            }};
  }

  deed retry_deed(entity_ref of, const std::string& reason) {
    auto ref = std::make_shared<const entity_ref>(std::move(of));
    // An entity without a row may still be in quarantine, in memory.
    auto known = [this_ = *this, ref](answer_fn then, std::function<void(const std::string&, answer_fn)> go) mutable {
      this_.load(*ref, [this_, ref, then, go](const load_answer& found) mutable {
        if (!found.available) return then(error_json("unavailable", found.error));
        this_.inspect(ref, [ref, then, go, stored = found.entity.header.version != 0](const std::string& live) {
          if (!stored && live.find("quarantined") == live.npos) return then(error_json("not_found", "there is no " + to_text(*ref)));
          go(live, then);
        });
      });
    };
    return {to_text(*ref),
            [this_ = *this, known, ref, reason](answer_fn then) mutable {
              known(std::move(then), [this_, ref, reason](const std::string&, answer_fn done) mutable {
                this_.self_->request(this_.setup().router, patience, retry_atom::value, ref, reason)
                    .then([done](const std::string& answer) { done(answer); },
                          [done](const caf::error&) { done(error_json("unavailable", "the shard does not answer")); });
              });
            },
            [known, ref](answer_fn then) mutable {
              known(std::move(then), [ref](const std::string& live, answer_fn done) {
                done(R"({"dry_run":true,"target":)" + json_text(to_text(*ref))
                     + R"(,"note":"whatever waits out a back-off is tried at once","live":)" + live + "}");
              });
            }};
  }

  deed reload_deed() {
    return {"settings/file", [this_ = *this](answer_fn then) { then(this_.setup().config(true)); },
            [](answer_fn then) { then(R"({"dry_run":true,"note":"the settings file would be read again"})"); }};
  }

  deed resolve_deed(const command& c, const std::string& id) {
    const auto args =
        "{\"id\":" + id + ",\"reason\":" + json_text(text_of(c, "reason")) + ",\"operator\":" + json_text(text_of(c, "operator")) + "}";
    return {"failure/" + id, [this_ = *this, args](answer_fn then) mutable { this_.ask_reader("resolve", args, std::move(then)); },
            [this_ = *this, args](answer_fn then) mutable {
              this_.ask_reader("failure", args, [then](const std::string& row) {
                if (is_error(row)) return then(row);
                if (row == "null") return then(error_json("not_found", "there is no such failure"));
                then(R"({"dry_run":true,"note":"this failure would be marked as resolved","failure":)" + row + "}");
              });
            }};
  }

  deed replay_deed(const std::string& id) {
    const std::function<void(answer_fn, std::function<void(const envelope_ptr&)>)> with_letter =
        [this_ = *this, id](answer_fn then, std::function<void(const envelope_ptr&)> go) mutable {
          this_.ask_reader("webhook", "{\"id\":" + id + "}", [this_, then, go](const std::string& row) mutable {
            rapidjson::Document kept;
            kept.Parse(row.c_str());
            if (is_error(row)) return then(row);
            if (!kept.IsObject()) return then(error_json("not_found", "there is no such webhook"));
            auto read = this_.setup().read_ipn(from_hex(text_of(kept, "raw")));
            if (auto* wrong = std::get_if<std::string>(&read)) return then(error_json("invalid", "it cannot be read: " + *wrong));
            auto& report = std::get<provider_payment>(read);
            if (report.order_id.empty()) return then(error_json("not_found", "it names no order"));
            const entity_ref to{entity_kind::payment, report.order_id};
            go(std::make_shared<const envelope>(envelope{to, payment_message{ipn_received{std::move(report), {}}}}));
          });
        };
    return {"webhook/" + id,
            [this_ = *this, with_letter](answer_fn then) mutable {
              with_letter(then, [this_, then](const envelope_ptr& letter) mutable {
                this_.deliver(letter, "handled by " + to_text(letter->to), then);
              });
            },
            [this_ = *this, with_letter](answer_fn then) mutable {
              with_letter(then, [this_, then](const envelope_ptr& letter) mutable { this_.rehearse(letter, then); });
            }};
  }

  // --- whom it asks ---

  void ask_reader(const std::string& name, const std::string& args, answer_fn then) {
    self_->request(setup().reader, patience, query_atom::value, name, args)
        .then([then](const std::string& answer) { then(answer); },
              [then](const caf::error&) { then(error_json("unavailable", "the database does not answer")); });
  }

  void load(const entity_ref& ref, std::function<void(const load_answer&)> then) {
    self_->state.loads[ref].push_back(std::move(then));
    self_->send(setup().loader, load_atom::value, std::make_shared<const entity_ref>(ref));
  }

  void inspect(const ref_ptr& ref, std::function<void(const std::string&)> then) {
    self_->request(setup().router, patience, inspect_atom::value, ref)
        .then([then](const std::string& live) { then(live); }, [then](const caf::error&) { then("null"); });
  }

  void rehearse(const envelope_ptr& letter, answer_fn then) {
    load(letter->to, [this_ = *this, letter, then](const load_answer& found) {
      if (!found.available) return then(error_json("unavailable", found.error));
      const auto& ports = *this_.setup().ports;
      then(rehearsal_json(letter->to, this_.setup().rehearse(found.entity, *letter, ports.clock->now(), *ports.rules.get())));
    });
  }

  void deliver(const envelope_ptr& letter, const std::string& remark, answer_fn then) {
    self_->request(setup().router, patience, deliver_atom::value, letter)
        .then(
            [then, remark](const entity_reply_ptr& answer) {
              const auto text = reply_json(*answer);
              then(is_error(text) || remark.empty() ? text : R"({"done":true,"remark":)" + json_text(remark) + "}");
            },
            [then](const caf::error&) { then(error_json("unavailable", "the entity does not answer")); });
  }

  pointer self_;
};

} // namespace

caf::actor spawn_inspector(caf::actor_system& system, inspector_setup setup) {
  return system.spawn([setup = std::move(setup)](inspector_shell::pointer self) -> caf::behavior {
    self->state.setup = setup;
    self->set_error_handler([](caf::scheduled_actor* a, caf::error& e) {
      log(log_level::warning, "inspector_error_message", {{"error", a->system().render(e)}});
    });
    self->set_default_handler(
        [](caf::scheduled_actor*, caf::message_view&) -> caf::result<caf::message> { return caf::sec::unexpected_message; });
    inspector_shell shell(self);
    return {[shell](ctl_atom, const std::string& text) mutable { return shell.obey(text); },
            [shell](ctl_atom, const std::string& by, const std::string& text) mutable { return shell.obey(text, by); },
            [shell](const load_answer_ptr& answer) mutable { shell.on_loaded(answer); }};
  });
}

} // namespace paygate
