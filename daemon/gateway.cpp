#include "daemon/gateway.hpp"

#include <future>

#include <caf/all.hpp>

#include "actors/runtime/reply_sink.hpp"

namespace paygate {

ask_fn ask_through(caf::actor_system& system, router_actor router) {
  return [&system, to = caf::actor_cast<caf::actor>(router)](envelope letter, milliseconds timeout) -> entity_reply {
    auto promise = std::make_shared<std::promise<entity_reply_ptr>>();
    auto answer = promise->get_future();
    auto hand_over = [promise](const caf::type_erased_tuple& said) {
      promise->set_value(said.match_elements<entity_reply_ptr>() ? said.get_as<entity_reply_ptr>(0) : nullptr);
    };
    ask_into(system, to, std::move(hand_over), deliver_atom::value, envelope_ptr(std::make_shared<const envelope>(std::move(letter))));
    if (answer.wait_for(timeout) != std::future_status::ready) return refused{refusal::unavailable, "the entity did not answer in time"};
    const auto reply = answer.get();
    return reply ? *reply : entity_reply{refused{refusal::unavailable, "the entity cannot answer"}};
  };
}

take_updates_fn take_updates_through(caf::actor_system& system, lane_actor intake) {
  return [&system, to = caf::actor_cast<caf::actor>(intake)](updates_received received, milliseconds timeout) {
    const auto wanted = received.next_offset;
    auto promise = std::make_shared<std::promise<call_answer_ptr>>();
    auto answer = promise->get_future();
    auto hand_over = [promise](const caf::type_erased_tuple& said) {
      promise->set_value(said.match_elements<call_answer_ptr>() ? said.get_as<call_answer_ptr>(0) : nullptr);
    };
    ask_into(system, to, std::move(hand_over), call_atom::value,
             io_request_ptr(std::make_shared<const io_request>(hand_over_updates{std::move(received)})));
    if (answer.wait_for(timeout) != std::future_status::ready) return false;
    const auto reply = answer.get();
    const auto* handled = reply ? std::get_if<updates_handled>(&reply->outcome) : nullptr;
    return handled && handled->next_offset == wanted;
  };
}

} // namespace paygate
