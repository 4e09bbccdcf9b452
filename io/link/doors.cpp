#include "io/link/doors.hpp"

#include <caf/all.hpp>

#include "messages/interfaces.hpp"
#include "messages/log.hpp"

namespace paygate {

namespace {

/// The hello of a slow machine; what an operator asks may take a verb over many entities.
constexpr auto hello_patience = std::chrono::seconds(5), answer_patience = std::chrono::seconds(60);

/// What one connection may leave open: the tool asks one after the other.
constexpr unsigned open_questions_max = 4;

/// A peer can send whatever it likes: nothing of it may end the door, or be printed.
void be_careful(caf::event_based_actor* self) {
  self->set_error_handler([](caf::scheduled_actor* a, caf::error& e) {
    log(log_level::warning, "door_error_message", {{"error", a->system().render(e)}});
  });
  self->set_default_handler(
      [](caf::scheduled_actor*, caf::message_view&) -> caf::result<caf::message> { return caf::sec::unexpected_message; });
}

} // namespace

caf::actor spawn_node_door(caf::actor_system& system, std::uint64_t connection, caf::actor links) {
  return system.spawn([connection, links = std::move(links)](caf::event_based_actor* self) -> caf::behavior {
    be_careful(self);
    return {[=](hello_atom, std::uint32_t version, const std::string& identity, const caf::actor& exchange) {
      auto promise = self->make_response_promise<hello_atom, std::string, caf::actor>();
      self->request(links, hello_patience, hello_atom::value, connection, version, identity, exchange)
          .then([promise](hello_atom, const std::string& own,
                          const caf::actor& ours) mutable { promise.deliver(hello_atom::value, own, ours); },
                [promise](caf::error& e) mutable { promise.deliver(std::move(e)); });
      return promise;
    }};
  });
}

caf::actor spawn_operator_door(caf::actor_system& system, std::string name, caf::actor inspector) {
  return system.spawn([name = std::move(name), inspector = std::move(inspector)](caf::event_based_actor* self) -> caf::behavior {
    be_careful(self);
    auto open = std::make_shared<unsigned>(0);
    // Not delegated: an operator learns of no other actor than this one.
    return {[=](ctl_atom, const std::string& command) {
      auto promise = self->make_response_promise<std::string>();
      if (*open >= open_questions_max) {
        promise.deliver(std::string(R"({"error":{"code":"busy","text":"too many of your questions are open"}})"));
        return promise;
      }
      ++*open;
      self->request(inspector, answer_patience, ctl_atom::value, name, command)
          .then(
              [promise, open](std::string& answer) mutable {
                --*open;
                promise.deliver(std::move(answer));
              },
              [promise, open](const caf::error&) mutable {
                --*open;
                promise.deliver(std::string(R"({"error":{"code":"unavailable","text":"the inspector does not answer"}})"));
              });
      return promise;
    }};
  });
}

} // namespace paygate
