#include <limits>

#include "actors/runtime/inspector_shell.hpp"
#include "messages/log.hpp"

// What an operator does to one thing: an entity, a listed failure, a webhook that was kept.
namespace paygate::inspecting {

namespace {

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

} // namespace

deed_or_error inspector_shell::make_deed(const command& c) {
  const auto verb = text_of(c, "verb"), id = text_of(c, "id");
  if (is_order(verb)) {
    auto read = read_order(c);
    if (auto* wrong = std::get_if<std::string>(&read)) return std::move(*wrong);
    auto& made = std::get<order>(read);
    if (made.letter.to.kind == entity_kind::wallet && made.letter.to.id.empty())
      made.letter.to.id = setup().ports->rules.get()->wallet_address;
    return order_deed(std::move(made));
  }
  if (verb == "retry" || verb == "restart") {
    const auto kind = parse_enum<entity_kind>(text_of(c, "kind"));
    if (!kind || id.empty()) return error_json("invalid", "kind and id are needed; no kind is named \"" + text_of(c, "kind") + "\"");
    if (verb == "retry")
      return entity_deed(retry_atom::value, {*kind, id}, text_of(c, "reason"), "whatever waits out a back-off is tried at once");
    return entity_deed(restart_atom::value, {*kind, id}, text_of(c, "reason"), "the activation would end, and the row be loaded anew");
  }
  if (verb == "sweep") return sweep_deed(c);
  if (verb == "import") return import_deed(c);
  if (verb != "resolve" && verb != "replay") return cluster_deed(c);
  if (id.empty() || id.size() > 18 || id.find_first_not_of("0123456789") != id.npos) return error_json("invalid", "the id is a number");
  return verb == "resolve" ? resolve_deed(c, id) : replay_deed(id);
}

/// A refund may follow one that has ended without having paid: the books know whether it did. Such an end is for ever.
void inspector_shell::with_ended(const envelope_ptr& letter, const answer_fn& then, std::function<void(const envelope_ptr&)> go) {
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

deed inspector_shell::order_deed(order o) {
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

template <class Atom>
void inspector_shell::tell_router(Atom atom, const ref_ptr& ref, const std::string& reason, answer_fn then) {
  self_->request(setup().router, patience, atom, ref, reason)
      .then([then](const std::string& answer) { then(answer); },
            [then](const caf::error&) { then(error_json("unavailable", "the shard does not answer")); });
}
template void inspector_shell::tell_router(retry_atom, const ref_ptr&, const std::string&, answer_fn);
template void inspector_shell::tell_router(restart_atom, const ref_ptr&, const std::string&, answer_fn);

template <class Atom>
deed inspector_shell::entity_deed(Atom atom, entity_ref of, const std::string& reason, const char* note) {
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
          [this_ = *this, known, ref, reason, atom](answer_fn then) mutable {
            known(std::move(then),
                  [this_, ref, reason, atom](const std::string&, answer_fn done) mutable { this_.tell_router(atom, ref, reason, done); });
          },
          [known, ref, note](answer_fn then) mutable {
            known(std::move(then), [ref, note](const std::string& live, answer_fn done) {
              done(R"({"dry_run":true,"target":)" + json_text(to_text(*ref)) + R"(,"note":)" + json_text(note) + R"(,"live":)" + live
                   + "}");
            });
          }};
}

deed inspector_shell::resolve_deed(const command& c, const std::string& id) {
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

deed inspector_shell::replay_deed(const std::string& id) {
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

} // namespace paygate::inspecting
