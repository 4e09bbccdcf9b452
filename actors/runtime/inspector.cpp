#include "actors/runtime/inspector.hpp"

#include <limits>

#include <caf/all.hpp>

#include "actors/runtime/entity.hpp"
#include "actors/runtime/operator_json.hpp"
#include "messages/log.hpp"

namespace paygate {

namespace {

using text_promise = caf::typed_response_promise<std::string>;
using command = rapidjson::Document;

constexpr auto patience = std::chrono::seconds(10);

struct inspector_state {
  inspector_setup setup;
  static inline const char* name = "inspector";
};

class inspector_shell {
public:
  using pointer = caf::stateful_actor<inspector_state>*;
  explicit inspector_shell(pointer self) : self_(self) {}

  text_promise obey(const std::string& text) {
    auto promise = self_->make_response_promise<std::string>();
    command c;
    c.Parse<rapidjson::kParseIterativeFlag>(text.data(), text.size()); // Else a deeply nested text ends the process.
    if (c.HasParseError() || !c.IsObject()) {
      promise.deliver(error_json("invalid", "a command is a JSON object"));
      return promise;
    }
    const auto verb = text_of(c, "verb");
    if (verb == "query") query(text_of(c, "name"), args_of(c), promise);
    else if (verb == "show") show(c, promise);
    else if (verb == "retry") with_entity(c, promise, [this, &c](const ref_ptr& ref, text_promise& p) { retry(ref, text_of(c, "reason"), p); });
    else if (verb == "channel") register_one(c, promise);
    else if (verb == "approve") tell(c, entity_kind::payout, text_of(c, "id"), payout_message{approve_payout{text_of(c, "reason")}}, promise);
    else if (verb == "cancel") tell(c, entity_kind::payout, text_of(c, "id"), payout_message{cancel_payout{text_of(c, "reason")}}, promise);
    else if (verb == "reconcile") reconcile(promise);
    else if (verb == "resolve") resolve(c, promise);
    else promise.deliver(error_json("invalid", "no such verb: " + verb));
    return promise;
  }

private:
  const inspector_setup& setup() const { return self_->state.setup; }

  static std::string args_of(const command& c) {
    const auto args = c.FindMember("args");
    if (args == c.MemberEnd() || !args->value.IsString()) return "{}";
    return args->value.GetString();
  }

  void query(const std::string& name, const std::string& args, text_promise promise) {
    self_->request(setup().reader, patience, query_atom::value, name, args)
      .then([promise](const std::string& answer) mutable { promise.deliver(answer); }, [promise](const caf::error&) mutable { no_database(promise); });
  }

  static void no_database(text_promise& promise) { promise.deliver(error_json("unavailable", "the database does not answer")); }

  template <class F>
  void with_entity(const command& c, text_promise& promise, F&& then) {
    const auto kind = parse_enum<entity_kind>(text_of(c, "kind"));
    const auto id = text_of(c, "id");
    if (!kind || id.empty()) promise.deliver(error_json("invalid", "kind and id are needed; no kind is named \"" + text_of(c, "kind") + "\""));
    else then(std::make_shared<const entity_ref>(entity_ref{*kind, id}), promise);
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
      .then([promise, stored](const std::string& live) mutable { promise.deliver(stored.substr(0, stored.size() - 1) + ",\"live\":" + live + "}"); },
            [promise, stored](const caf::error&) mutable { promise.deliver(stored.substr(0, stored.size() - 1) + ",\"live\":null}"); });
  }

  /// Writes who wants what and why, then does it.
  template <class F>
  void audited(const std::string& verb, const std::string& target, const std::string& reason, text_promise& promise, F deed) {
    if (reason.empty()) {
      promise.deliver(error_json("invalid", "a reason is needed"));
      return;
    }
    log(log_level::info, "operator", {{"verb", verb}, {"target", target}, {"reason", reason}});
    const auto args = "{\"verb\":" + json_text(verb) + ",\"target\":" + json_text(target) + ",\"reason\":" + json_text(reason) + "}";
    self_->request(setup().reader, patience, query_atom::value, std::string("audit"), args)
      .then(
        [promise, deed](const std::string& answer) mutable {
          if (answer.find("\"error\"") == 1) promise.deliver(answer);
          else deed(promise);
        },
        [promise](const caf::error&) mutable { no_database(promise); });
  }

  void retry(const ref_ptr& ref, const std::string& reason, text_promise& promise) {
    audited("retry", to_text(*ref), reason, promise, [this_ = *this, ref, reason](text_promise& p) mutable {
      this_.self_->request(this_.setup().router, patience, retry_atom::value, ref, reason)
        .then([p](const std::string& answer) mutable { p.deliver(answer); },
              [p](const caf::error&) mutable { p.deliver(error_json("unavailable", "the shard does not answer")); });
    });
  }

  void register_one(const command& c, text_promise& promise) {
    const auto member = c.FindMember("channel");
    auto read = member == c.MemberEnd() ? std::variant<channel, std::string>{std::string("channel: is missing")} : read_channel(member->value);
    if (auto* wrong = std::get_if<std::string>(&read)) {
      promise.deliver(error_json("invalid", *wrong));
      return;
    }
    auto& terms = std::get<channel>(read);
    const auto id = std::to_string(terms.open_channel_id);
    tell(c, entity_kind::channel, id, channel_message{register_channel{std::move(terms)}}, promise);
  }

  /// Looks only, so it wants no reason.
  void reconcile(text_promise& promise) {
    auto letter = std::make_shared<const envelope>(envelope{{entity_kind::reconciliation, "main"}, reconciliation_message{run_reconciliation{}}});
    deliver(letter, promise);
  }

  void resolve(const command& c, text_promise& promise) {
    const auto number = parse_integer(text_of(c, "id"));
    if (!number || *number <= 0 || *number > std::numeric_limits<std::int32_t>::max()) {
      promise.deliver(error_json("invalid", "an exception's id is a number"));
      return;
    }
    const auto reason = text_of(c, "reason"), as = text_of(c, "as");
    auto letter = std::make_shared<const envelope>(envelope{{entity_kind::reconciliation, "main"},
                                                            reconciliation_message{resolve_exception{static_cast<std::int64_t>(*number), as, reason, ""}}});
    const auto why = reason.empty() ? reason : "exception " + to_integer_text(*number) + " as " + as + ": " + reason;
    audited("resolve", to_text(letter->to), why, promise, [this_ = *this, letter](text_promise& p) mutable { this_.deliver(letter, p); });
  }

  void deliver(const envelope_ptr& letter, text_promise promise) {
    self_->request(setup().router, patience, deliver_atom::value, letter)
      .then([promise](const entity_reply_ptr& answer) mutable { promise.deliver(reply_json(*answer)); },
            [promise](const caf::error&) mutable { promise.deliver(error_json("unavailable", "the entity does not answer")); });
  }

  void tell(const command& c, entity_kind kind, const std::string& id, any_message message, text_promise& promise) {
    if (id.empty()) {
      promise.deliver(error_json("invalid", "an id is needed"));
      return;
    }
    auto letter = std::make_shared<const envelope>(envelope{{kind, id}, std::move(message)});
    audited(text_of(c, "verb"), to_text(letter->to), text_of(c, "reason"), promise, [this_ = *this, letter](text_promise& p) mutable {
      this_.self_->request(this_.setup().router, patience, deliver_atom::value, letter)
        .then([p](const entity_reply_ptr& answer) mutable { p.deliver(reply_json(*answer)); },
              [p](const caf::error&) mutable { p.deliver(error_json("unavailable", "the entity does not answer")); });
    });
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
    self->set_default_handler([](caf::scheduled_actor*, caf::message_view&) -> caf::result<caf::message> { return caf::sec::unexpected_message; });
    inspector_shell shell(self);
    return {[shell](ctl_atom, const std::string& text) mutable { return shell.obey(text); }};
  });
}

} // namespace paygate
