#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "messages/io.hpp"
#include "messages/time.hpp"

namespace paygate {

/// What a provider tolerates from all of us together, and in which shares of it calls go out.
struct pace_limits {
  std::uint32_t per_second = 0;     ///< Calls in any second; 0: there is no such limit, nor one of chats.
  std::uint32_t per_chat_burst = 4; ///< Messages that a chat may get at once;
  milliseconds per_chat{1000};      ///< after that one in so long.
  std::uint32_t per_group = 20;     ///< Messages to a group or channel (a negative id) in any `group_window`.
  milliseconds group_window{60'000};
  /// Of what is contested, by urgency: no class waits for ever, and a flood in one leaves the others their part.
  std::array<std::uint32_t, 4> shares{12, 12, 5, 1};
};

/// A call as the pace sees it.
struct paced_call {
  std::uint64_t ticket = 0; ///< The caller's number for it; a later call has a higher one.
  urgency importance = urgency::answer;
  std::uint64_t sender = 0; ///< Within a class senders take turns.
  std::int64_t chat = 0;    ///< 0: none in particular.
  bool message = false;     ///< Counts against the chat's limit; anything else only against the one over all.
};

/// How a request counts. What names no chat, and is nobody's message, is `answer` of sender 0: first come, first served.
paced_call paced(const io_request& request, std::uint64_t ticket, std::uint64_t sender);

/// A provider's limits in one place: which of the calls that wait goes next, and when. Pure: time is any clock's, and passed in. A chat's
/// calls of one class keep their order.
class message_pace {
public:
  using moment = std::chrono::microseconds;

  explicit message_pace(pace_limits limits) : limits_(limits) {}

  /// So many nodes share the limit over all. A chat's limit is not divided: who sends to a chat is mostly one entity, and so on one node.
  void shared_by(std::size_t nodes) { nodes_ = nodes == 0 ? 1 : nodes; }

  void add(const paced_call& call);
  /// It waits no longer: it was answered otherwise, or goes out with another one.
  void remove(std::uint64_t ticket);

  /// Takes the next call that may go now, and counts it. `up_to`: less urgent ones have to wait for a reason of the caller's.
  std::optional<paced_call> take(moment now, urgency up_to = urgency::broadcast);
  /// After which `take` may have something; nothing while nothing so urgent waits.
  std::optional<moment> again_in(moment now, urgency up_to = urgency::broadcast) const;

  /// The provider asks for a pause after a call to this chat. It is this chat's alone, unless there is none, or another chat was put off
  /// within a second: then it is everybody's.
  void put_off(std::int64_t chat, moment pause, moment now);

  /// Tickets of this class that wait because this chat's limit is reached, the oldest first.
  std::vector<std::uint64_t> waiting_for(std::int64_t chat, urgency of) const;

  std::size_t size() const { return calls_.size(); }
  std::size_t size(urgency of) const { return waiting_[static_cast<std::size_t>(of)]; }
  moment held_until() const { return held_until_; }
  /// Chats that are remembered: those written to within the longest window, and those that are waited for.
  std::size_t chats() const { return chats_.size(); }

private:
  static constexpr std::size_t class_count = 4;
  struct chat_state {
    moment full_at{0};       ///< When a burst of messages is free again, less per_chat for each of it.
    std::deque<moment> sent; ///< To a group, within its window.
    moment held_until{0}, over{0};
    std::set<std::uint64_t> parked;    ///< Tickets that wait for this chat.
    bool timed = false, known = false; ///< In `wakes_`, in `forget_`.
  };
  struct class_state {
    std::map<std::uint64_t, std::deque<std::uint64_t>> senders;
    std::uint64_t last_sender = 0; ///< Who had the last turn.
    std::uint64_t pass = 0;        ///< The class with the least goes first.
  };

  std::size_t in_window() const;
  moment window() const;
  moment open_at(std::size_t of) const;
  moment free_at(const paced_call& call) const;
  void enqueue(const paced_call& call, bool first);
  void park(const paced_call& call);
  void release(moment now);
  void forget(moment now);
  std::optional<paced_call> pop(class_state& of, moment now);
  void count(const paced_call& call, moment now);
  void count_message(std::int64_t id, moment now);

  pace_limits limits_;
  std::size_t nodes_ = 1;
  std::map<std::uint64_t, paced_call> calls_;
  std::array<class_state, class_count> classes_;
  std::array<std::size_t, class_count> waiting_{};
  std::map<std::int64_t, chat_state> chats_;
  std::set<std::pair<moment, std::int64_t>> wakes_, forget_;
  std::deque<moment> sent_;  ///< As many of the last calls as fit into a window.
  moment broadcast_free_{0}; ///< Broadcasts are spread evenly, so that whoever is more urgent finds room at any moment.
  moment held_until_{0}, last_put_off_{-10'000'000};
  std::int64_t last_put_off_chat_ = 0;
  std::uint64_t passed_ = 0;
};

} // namespace paygate
