#include "daemon/gateway.hpp"

#include <condition_variable>
#include <mutex>
#include <optional>

#include <caf/all.hpp>

#include "actors/runtime/reply_sink.hpp"

namespace paygate {

namespace {

/// One answer that a thread waits for. Not a std::promise: libstdc++ waits on a futex that other processes could share, which the kernel has
/// to look up by its page at each answer.
template <class T>
class awaited {
public:
  void give(T answer) {
    {
      const std::lock_guard lock(mutex_);
      answer_ = std::move(answer);
    }
    given_.notify_one();
  }

  /// Nothing when it did not come in time.
  std::optional<T> wait_for(milliseconds timeout) {
    std::unique_lock lock(mutex_);
    given_.wait_for(lock, timeout, [this] { return answer_.has_value(); });
    return std::move(answer_);
  }

private:
  std::mutex mutex_;
  std::condition_variable given_;
  std::optional<T> answer_;
};

/// What `whom` answers; null when it cannot, nothing when it does not in time.
template <class T, class... Ts>
std::optional<T> ask_and_wait(caf::actor_system& system, const caf::actor& whom, milliseconds timeout, Ts&&... words) {
  auto answer = std::make_shared<awaited<T>>();
  auto hand_over = [answer](const caf::type_erased_tuple& said) { answer->give(said.match_elements<T>() ? said.get_as<T>(0) : nullptr); };
  ask_into(system, whom, std::move(hand_over), std::forward<Ts>(words)...);
  return answer->wait_for(timeout);
}

} // namespace

ask_fn ask_through(caf::actor_system& system, router_actor router) {
  return [&system, to = caf::actor_cast<caf::actor>(router)](envelope letter, milliseconds timeout) -> entity_reply {
    const auto reply = ask_and_wait<entity_reply_ptr>(system, to, timeout, deliver_atom::value,
                                                      envelope_ptr(std::make_shared<const envelope>(std::move(letter))));
    if (!reply) return refused{refusal::unavailable, "the entity did not answer in time"};
    return *reply ? **reply : entity_reply{refused{refusal::unavailable, "the entity cannot answer"}};
  };
}

take_updates_fn take_updates_through(caf::actor_system& system, lane_actor intake) {
  return [&system, to = caf::actor_cast<caf::actor>(intake)](updates_received received, milliseconds timeout) {
    const auto wanted = received.next_offset;
    const auto reply = ask_and_wait<call_answer_ptr>(system, to, timeout, call_atom::value,
                                                     io_request_ptr(std::make_shared<const io_request>(hand_over_updates{std::move(received)})));
    const auto* handled = reply && *reply ? std::get_if<updates_handled>(&(*reply)->outcome) : nullptr;
    return handled && handled->next_offset == wanted;
  };
}

} // namespace paygate
