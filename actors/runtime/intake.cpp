#include "actors/runtime/intake.hpp"

#include <deque>
#include <map>

#include <caf/all.hpp>

#include "actors/runtime/member_letters.hpp"
#include "messages/log.hpp"

namespace paygate {

using call_promise = caf::typed_response_promise<call_answer_ptr>;

/// One batch of updates on its way to the conversations.
struct batch {
  std::map<std::int64_t, std::deque<chat_update>> by_chat;
  updates_handled result;
  call_promise promise;
  caf::actor_clock::time_point began{};
  bool over = false; ///< Answered.
};

} // namespace paygate

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::shared_ptr<paygate::batch>)

namespace paygate {

namespace {

/// After that a batch is answered up to the first update that could not be handed over; Telegram delivers it again, with what followed it.
constexpr std::chrono::seconds batch_patience{60};

using next_atom = caf::atom_constant<caf::atom("next")>;

struct intake_state {
  lane_actor telegram, books;
  router_actor router;
  bool polling = false; ///< A long poll is under way, perhaps of a poller that has gone to another node meanwhile.
  static inline const char* name = "intake";
};

class intake_shell {
public:
  using pointer = caf::stateful_actor<intake_state>*;
  explicit intake_shell(pointer self) : self_(self) {}

  call_promise call(const io_request_ptr& request) {
    auto promise = self_->make_response_promise<call_answer_ptr>();
    if (const auto* brought = std::get_if<hand_over_updates>(request.get())) {
      spread(brought->received, promise);
      return promise;
    }
    const auto* poll = std::get_if<poll_updates>(request.get());
    if (!poll) {
      promise.deliver(answer(io_failure{fault::permanent, "wrong_lane", "only updates are polled here", std::nullopt}));
      return promise;
    }
    // A second one does not wait behind it: by the time the first ends the poller may be another node's, and two nodes never poll at once.
    if (std::exchange(self_->state.polling, true)) {
      promise.deliver(answer(io_failure{fault::transient, "busy", "another poll is under way", std::nullopt}));
      return promise;
    }
    self_
        ->request(self_->state.telegram, std::chrono::minutes(2), call_atom::value,
                  std::make_shared<const io_request>(get_updates{poll->offset}))
        .then(
            [this_ = *this, promise](const call_answer_ptr& got) mutable {
              this_.self_->state.polling = false;
              this_.on_updates(got, promise);
            },
            [this_ = *this, promise](const caf::error& e) mutable {
              this_.self_->state.polling = false;
              promise.deliver(answer(io_failure{fault::transient, "lane", this_.self_->system().render(e), std::nullopt}));
            });
    return promise;
  }

  /// Hands the first waiting update of a chat over; the next one follows when it is committed.
  void hand_over(const std::shared_ptr<batch>& b, std::int64_t chat) {
    if (b->over) return;
    auto& waiting = b->by_chat[chat];
    if (waiting.empty()) {
      b->by_chat.erase(chat);
      if (b->by_chat.empty()) end(b);
      return;
    }
    if (waiting.front().member) return find_channels_of(b, chat);
    auto letters = std::make_shared<std::deque<envelope>>();
    letters->push_back({{entity_kind::conversation, std::to_string(chat)}, conversation_message{update_received{waiting.front()}}});
    send_letters(b, chat, letters);
  }

private:
  using letters_ptr = std::shared_ptr<std::deque<envelope>>;

  /// Only our tables know whose channel it is.
  void find_channels_of(const std::shared_ptr<batch>& b, std::int64_t chat) {
    const auto group = b->by_chat[chat].front().member->group_id;
    self_->request(self_->state.books, std::chrono::seconds(20), call_atom::value, std::make_shared<const io_request>(find_channels{group}))
        .then(
            [this_ = *this, b, chat](const call_answer_ptr& got) mutable {
              if (b->over) return;
              const auto* found = std::get_if<channels_found>(&got->outcome);
              if (!found) return this_.later(b, chat);
              this_.send_letters(b, chat, std::make_shared<std::deque<envelope>>(letters_about(b->by_chat[chat].front(), found->channels)));
            },
            [this_ = *this, b, chat](const caf::error&) mutable { this_.later(b, chat); });
  }

  /// The next letter goes when the one before is committed; after the last the update is done with.
  void send_letters(const std::shared_ptr<batch>& b, std::int64_t chat, const letters_ptr& letters) {
    if (b->over) return;
    if (letters->empty()) {
      b->by_chat[chat].pop_front();
      return hand_over(b, chat);
    }
    self_->request(self_->state.router, std::chrono::seconds(10), deliver_atom::value, std::make_shared<const envelope>(letters->front()))
        .then([this_ = *this, b, chat, letters](const entity_reply_ptr& reply) mutable { this_.on_reply(b, chat, letters, *reply); },
              [this_ = *this, b, chat](const caf::error&) mutable { this_.later(b, chat); });
  }

  static call_answer_ptr answer(io_outcome outcome) { return std::make_shared<const call_answer>(call_answer{std::move(outcome)}); }

  void on_updates(const call_answer_ptr& got, call_promise& promise) {
    const auto* received = std::get_if<updates_received>(&got->outcome);
    if (!received) {
      promise.deliver(got);
      return;
    }
    spread(*received, promise);
  }

  void spread(const updates_received& received, call_promise& promise) {
    auto b = std::make_shared<batch>();
    b->result = {received.next_offset, static_cast<std::uint32_t>(received.updates.size())};
    b->promise = promise;
    b->began = self_->clock().now();
    for (const auto& update : received.updates) b->by_chat[update.chat_id].push_back(update);
    if (b->by_chat.empty()) {
      promise.deliver(answer(b->result));
      return;
    }
    std::vector<std::int64_t> chats;
    for (const auto& entry : b->by_chat) chats.push_back(entry.first);
    for (auto chat : chats) hand_over(b, chat);
  }

  void on_reply(const std::shared_ptr<batch>& b, std::int64_t chat, const letters_ptr& letters, const entity_reply& reply) {
    if (b->over) return;
    const auto* no = std::get_if<refused>(&reply);
    // Begun anew: whoever had this update already knows it by its number.
    if (no && is_for_now(no->code)) return later(b, chat);
    // Who comes and goes in a channel may be nobody of ours. A conversation that cannot take this update must not hold up everybody else's.
    if (no && no->code != refusal::not_found)
      log(log_level::error, "update_refused", {{"update", std::to_string(b->by_chat[chat].front().update_id)}, {"cause", no->text}});
    letters->pop_front();
    send_letters(b, chat, letters);
  }

  static void end(const std::shared_ptr<batch>& b) {
    b->over = true;
    b->promise.deliver(answer(b->result));
  }

  void later(const std::shared_ptr<batch>& b, std::int64_t chat) {
    if (b->over) return;
    if (self_->clock().now() - b->began > batch_patience) {
      for (const auto& [who, waiting] : b->by_chat)
        if (!waiting.empty()) b->result.next_offset = std::min(b->result.next_offset, waiting.front().update_id);
      log(log_level::error, "updates_held_up", {{"chat", std::to_string(chat)}, {"offset", std::to_string(b->result.next_offset)}});
      return end(b);
    }
    self_->delayed_send(self_, std::chrono::seconds(1), next_atom::value, b, chat);
  }

  pointer self_;
};

} // namespace

lane_actor spawn_intake(caf::actor_system& system, lane_actor telegram, lane_actor books, router_actor router) {
  auto intake = system.spawn([telegram = std::move(telegram), books = std::move(books), router = std::move(router)](intake_shell::pointer self) -> caf::behavior {
    self->state.telegram = telegram;
    self->state.books = books;
    self->state.router = router;
    self->set_error_handler([](caf::scheduled_actor* a, caf::error& e) {
      log(log_level::warning, "intake_error_message", {{"error", a->system().render(e)}});
    });
    intake_shell shell(self);
    return {
        [shell](call_atom, const io_request_ptr& request) mutable { return shell.call(request); },
        [shell](next_atom, const std::shared_ptr<batch>& b, std::int64_t chat) mutable { shell.hand_over(b, chat); },
    };
  });
  return caf::actor_cast<lane_actor>(intake);
}

} // namespace paygate
