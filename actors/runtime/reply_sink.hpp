#pragma once

#include <atomic>
#include <functional>
#include <utility>

#include <caf/all.hpp>

namespace paygate {

/// Takes the one answer to a request in the thread of whoever gives it, without being an actor that is scheduled: for those who only pass
/// an answer on. Nothing is left behind by a request that is never answered, and no clock is asked: `then` is told request_receiver_down
/// when the receiver was gone before it took the request, and runtime_error when the last promise to answer was dropped. `then` is called
/// exactly once, from any thread, and must not block. @pre the receiver is of this process: CAF's network layer would keep a sink for ever.
class reply_sink final : public caf::monitorable_actor {
public:
  /// The answer, as it was given; a caf::error alone when there is none.
  using then_fn = std::function<void(const caf::type_erased_tuple& answer)>;

  reply_sink(caf::actor_config& config, then_fn then) : caf::monitorable_actor(config), then_(std::move(then)) {}

  void enqueue(caf::mailbox_element_ptr what, caf::execution_unit*) override {
    if (what && what->mid.is_response()) tell(what->content());
  }
  const char* name() const override { return "reply_sink"; }
  void on_destroy() override {
    const auto none = caf::make_message(caf::make_error(caf::sec::runtime_error));
    tell(none);
    caf::monitorable_actor::on_destroy();
  }

private:
  void tell(const caf::type_erased_tuple& answer) {
    if (!told_.test_and_set()) std::exchange(then_, nullptr)(answer);
  }

  then_fn then_;
  std::atomic_flag told_;
};

/// Sends a request whose answer `then` is given.
template <class... Ts>
void ask_into(caf::actor_system& system, const caf::actor& whom, reply_sink::then_fn then, Ts&&... words) {
  caf::actor_config config;
  auto sink = caf::make_actor<reply_sink, caf::strong_actor_ptr>(system.next_actor_id(), system.node(), &system, config, std::move(then));
  whom->enqueue(caf::make_mailbox_element(std::move(sink), caf::make_message_id(1), caf::mailbox_element::forwarding_stack{},
                                          std::forward<Ts>(words)...),
                nullptr);
}

} // namespace paygate
