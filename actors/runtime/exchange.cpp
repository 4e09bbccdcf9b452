#include "actors/runtime/exchange.hpp"

#include <algorithm>
#include <map>

#include <caf/all.hpp>

#include "actors/runtime/entity.hpp"
#include "actors/runtime/operator_json.hpp"
#include "actors/runtime/router.hpp"
#include "messages/log.hpp"
#include "messages/wire.hpp"

namespace paygate {

namespace {

/// Of what nodes ask each other, each answers at once or within seconds.
constexpr auto question_wait = std::chrono::seconds(30);

using bytes_promise = caf::typed_response_promise<std::string>;

struct exchange_state {
  exchange_setup setup;
  shard_table_ptr table = std::make_shared<const shard_table>();
  cluster_view_ptr view;
  std::map<caf::node_id, std::size_t> in_flight; ///< Letters by the node that sent them.
  static inline const char* name = "exchange";
};

class exchange_shell {
public:
  using pointer = caf::stateful_actor<exchange_state>*;
  explicit exchange_shell(pointer self) : self_(self) {}

  bytes_promise take(const std::string& bytes) {
    const auto& sender = self_->current_sender(); // A promise takes the sender along.
    const auto from = sender ? sender->node() : caf::node_id{};
    auto promise = self_->make_response_promise<std::string>();
    auto read = read_letter(bytes);
    if (auto* wrong = std::get_if<wire_error>(&read)) {
      answer(promise, "unreadable", std::move(*wrong));
      return promise;
    }
    auto& letter = std::get<remote_letter>(read);
    const auto* mail = std::get_if<envelope>(&letter.what);
    const auto& to = mail ? mail->to : std::get<entity_errand>(letter.what).of;
    const auto& shard = (*st().table)[shard_of(to)];
    if (!shard)
      answer(promise, "not_here", not_here{owner_of(to)});
    else if (const auto known = st().in_flight.find(from); known != st().in_flight.end() && known->second >= st().setup.in_flight_max)
      answer(promise, "busy", entity_reply{refused{refusal::busy, "too many letters of this node wait here"}});
    else
      hand_over(shard, letter, {from, promise});
    return promise;
  }

  /// Whoever it says that asks: it is another node, and may ask what nodes ask each other. Not delegated, so that the inspector stays
  /// unknown to other nodes.
  bytes_promise question(const std::string& command) {
    auto promise = self_->make_response_promise<std::string>();
    if (!st().setup.inspector) {
      promise.deliver(error_json("unavailable", "this node answers no questions"));
      return promise;
    }
    self_->request(st().setup.inspector, question_wait, ctl_atom::value, std::string(another_node), command)
        .then([promise](std::string& answer) mutable { promise.deliver(std::move(answer)); },
              [promise](const caf::error&) mutable { promise.deliver(error_json("unavailable", "the inspector does not answer")); });
    return promise;
  }

private:
  struct asker {
    caf::node_id from;
    bytes_promise promise;
  };

  exchange_state& st() { return self_->state; }

  std::string owner_of(const entity_ref& ref) {
    const auto* owner = st().view ? st().view->owner_of(shard_of(ref)) : nullptr;
    return owner ? owner->identity : std::string();
  }

  void answer(bytes_promise& promise, const char* outcome, remote_answer text) {
    st().setup.metrics->count("letters_received_total", outcome);
    promise.deliver(to_wire(text));
  }

  void hand_over(const caf::actor& shard, remote_letter& letter, asker who) {
    const auto patience = std::clamp(letter.patience, milliseconds(1), st().setup.patience_max);
    ++st().in_flight[who.from];
    if (auto* mail = std::get_if<envelope>(&letter.what)) {
      ask<entity_reply_ptr>(shard, patience, who, deliver_atom::value, std::make_shared<const envelope>(std::move(*mail)));
      return;
    }
    auto& told = std::get<entity_errand>(letter.what);
    auto ref = std::make_shared<const entity_ref>(std::move(told.of));
    switch (told.what) {
    case errand::inspect: return ask<std::string>(shard, patience, who, inspect_atom::value, ref);
    case errand::retry: return ask<std::string>(shard, patience, who, retry_atom::value, ref, told.reason);
    case errand::restart: return ask<std::string>(shard, patience, who, restart_atom::value, ref, told.reason);
    }
  }

  template <class Answer, class... Ts>
  void ask(const caf::actor& shard, milliseconds patience, asker who, Ts... xs) {
    self_->request(shard, patience, std::move(xs)...)
        .then(
            [this_ = *this, who](const Answer& said) mutable {
              this_.ended(who.from);
              if constexpr (std::is_same_v<Answer, std::string>)
                this_.answer(who.promise, "handled", said);
              else
                this_.answer(who.promise, "handled", *said);
            },
            [this_ = *this, who](const caf::error& e) mutable {
              this_.ended(who.from);
              // It ended before it took the letter: its shard is being handed over.
              if (e == caf::sec::request_receiver_down) return this_.answer(who.promise, "not_here", not_here{});
              this_.answer(who.promise, "unanswered",
                           entity_reply{refused{refusal::unavailable, "the shard does not answer: " + this_.self_->system().render(e)}});
            });
  }

  void ended(const caf::node_id& from) {
    auto open = st().in_flight.find(from);
    if (open != st().in_flight.end() && --open->second == 0) st().in_flight.erase(open);
  }

  pointer self_;
};

} // namespace

caf::actor spawn_exchange(caf::actor_system& system, exchange_setup setup) {
  return system.spawn([setup = std::move(setup)](exchange_shell::pointer self) -> caf::behavior {
    self->state.setup = setup;
    self->set_error_handler([](caf::scheduled_actor* a, caf::error& e) {
      log(log_level::warning, "exchange_error_message", {{"error", a->system().render(e)}});
    });
    self->set_default_handler(
        [](caf::scheduled_actor*, caf::message_view&) -> caf::result<caf::message> { return caf::sec::unexpected_message; });
    self->send(setup.router, listen_atom::value, caf::actor_cast<caf::actor>(self));
    exchange_shell shell(self);
    return {
        [shell](forward_atom, const std::string& bytes) mutable { return shell.take(bytes); },
        [shell](ctl_atom, const std::string&, const std::string& command) mutable { return shell.question(command); },
        [self](route_atom, const shard_table_ptr& table) { self->state.table = table; },
        [self](view_atom, const cluster_view_ptr& view) { self->state.view = view; },
    };
  });
}

} // namespace paygate
