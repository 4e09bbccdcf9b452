#include "daemon/gateway.hpp"

#include <future>

#include <caf/all.hpp>

#include "messages/log.hpp"

namespace paygate {

/// A question with the promise that the asking thread waits for. Should the actor die, the promise breaks and the thread knows at once.
struct question {
  envelope_ptr letter;
  std::shared_ptr<std::promise<entity_reply>> answer;
  milliseconds timeout{1000};
};

/// Updates that a webhook brought, likewise.
struct brought_updates {
  io_request_ptr request;
  std::shared_ptr<std::promise<io_outcome>> answer;
  milliseconds timeout{1000};
};

} // namespace paygate

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(paygate::question)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(paygate::brought_updates)

namespace paygate {

caf::actor spawn_gateway(caf::actor_system& system, router_actor router, lane_actor intake) {
  return system.spawn([router = std::move(router), intake = std::move(intake)](caf::event_based_actor* self) -> caf::behavior {
    self->set_error_handler([](caf::scheduled_actor* a, caf::error& e) {
      log(log_level::warning, "gateway_error_message", {{"error", a->system().render(e)}});
    });
    return {
        [self, router](const question& q) {
          self->request(router, q.timeout, deliver_atom::value, q.letter)
              .then([answer = q.answer](const entity_reply_ptr& reply) { answer->set_value(*reply); },
                    [answer = q.answer](const caf::error&) {
                      answer->set_value(refused{refusal::unavailable, "the entity did not answer in time"});
                    });
        },
        [self, intake](const brought_updates& b) {
          self->request(intake, b.timeout, call_atom::value, b.request)
              .then([answer = b.answer](const call_answer_ptr& reply) { answer->set_value(reply->outcome); },
                    [answer = b.answer](const caf::error&) {
                      answer->set_value(io_failure{fault::transient, "timeout", "", std::nullopt});
                    });
        },
    };
  });
}

ask_fn ask_through(caf::actor gateway) {
  return [gateway = std::move(gateway)](envelope letter, milliseconds timeout) -> entity_reply {
    auto promise = std::make_shared<std::promise<entity_reply>>();
    auto future = promise->get_future();
    caf::anon_send(gateway, question{std::make_shared<const envelope>(std::move(letter)), std::move(promise), timeout});
    try {
      if (future.wait_for(timeout) == std::future_status::ready) return future.get();
      return refused{refusal::unavailable, "the entity did not answer in time"};
    } catch (const std::future_error&) {
      return refused{refusal::unavailable, "the node is stopping"};
    }
  };
}

take_updates_fn take_updates_through(caf::actor gateway) {
  return [gateway = std::move(gateway)](updates_received received, milliseconds timeout) {
    const auto wanted = received.next_offset;
    auto promise = std::make_shared<std::promise<io_outcome>>();
    auto future = promise->get_future();
    caf::anon_send(
        gateway, brought_updates{std::make_shared<const io_request>(hand_over_updates{std::move(received)}), std::move(promise), timeout});
    try {
      if (future.wait_for(timeout) != std::future_status::ready) return false;
      const auto outcome = future.get();
      const auto* handled = std::get_if<updates_handled>(&outcome);
      return handled && handled->next_offset == wanted;
    } catch (const std::future_error&) {
      return false;
    }
  };
}

} // namespace paygate
