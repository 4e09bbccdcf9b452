#include "actors/runtime/pace.hpp"

#include <algorithm>

namespace paygate {

namespace {

using namespace std::chrono_literals;

// What leaves here a second apart may arrive a little closer.
constexpr std::chrono::microseconds second = 1'010ms;
// A broadcast that stood still for a moment (a commit, a slow answer) makes up for so much of it.
constexpr std::chrono::microseconds catch_up = 333ms;
constexpr std::chrono::microseconds same_cause = 1s;
constexpr auto broadcasts = static_cast<std::size_t>(urgency::broadcast);

struct claim_reader {
  paced_call& call;

  void operator()(const send_message& r) const {
    call.importance = r.importance;
    call.chat = r.chat_id;
    call.message = true;
  }
  // Who paid is let in before who left is put out: ten thousand subscriptions may end within a minute.
  void operator()(const create_invite& r) const { of(urgency::access, r.chat_id); }
  void operator()(const approve_join& r) const { of(urgency::access, r.chat_id); }
  void operator()(const delete_message& r) const { of(urgency::notice, r.chat_id); }
  void operator()(const revoke_invite& r) const { of(urgency::notice, r.chat_id); }
  void operator()(const get_member& r) const { of(urgency::notice, r.chat_id); }
  void operator()(const ban_member& r) const { of(urgency::notice, r.chat_id); }
  void operator()(const unban_member& r) const { of(urgency::notice, r.chat_id); }
  template <class Other>
  void operator()(const Other& r) const {
    if constexpr (requires { r.chat_id; })
      call.chat = r.chat_id;
    else
      call.sender = 0;
  }
  void of(urgency importance, std::int64_t chat) const {
    call.importance = importance;
    call.chat = chat;
  }
};

} // namespace

paced_call paced(const io_request& request, std::uint64_t ticket, std::uint64_t sender) {
  paced_call call{ticket, urgency::answer, sender, 0, false};
  std::visit(claim_reader{call}, request);
  return call;
}

std::size_t message_pace::in_window() const { return std::max<std::size_t>(1, limits_.per_second / nodes_); }

message_pace::moment message_pace::window() const {
  // More nodes than calls a second: one call in several seconds.
  if (limits_.per_second < nodes_) return second * static_cast<std::int64_t>(nodes_) / limits_.per_second;
  return second;
}

message_pace::moment message_pace::open_at(std::size_t of) const {
  auto at = held_until_;
  if (limits_.per_second == 0) return at;
  if (sent_.size() >= in_window()) at = std::max(at, sent_[sent_.size() - in_window()] + window());
  return of == broadcasts ? std::max(at, broadcast_free_) : at;
}

message_pace::moment message_pace::free_at(const paced_call& call) const {
  const auto known = chats_.find(call.chat);
  if (call.chat == 0 || known == chats_.end()) return moment{0};
  const auto& chat = known->second;
  auto at = chat.held_until;
  if (!call.message || limits_.per_second == 0) return at;
  at = std::max(at, chat.full_at - limits_.per_chat * static_cast<std::int64_t>(limits_.per_chat_burst - 1));
  if (call.chat < 0 && chat.sent.size() >= limits_.per_group)
    at = std::max<moment>(at, chat.sent[chat.sent.size() - limits_.per_group] + limits_.group_window);
  return at;
}

void message_pace::add(const paced_call& call) {
  calls_.emplace(call.ticket, call);
  ++waiting_[static_cast<std::size_t>(call.importance)];
  enqueue(call, false);
}

void message_pace::enqueue(const paced_call& call, bool first) {
  auto& of = classes_[static_cast<std::size_t>(call.importance)];
  // A class that had nothing to send has not saved up turns.
  if (of.senders.empty()) of.pass = std::max(of.pass, passed_);
  auto& line = of.senders[call.sender];
  first ? line.push_front(call.ticket) : line.push_back(call.ticket);
}

void message_pace::remove(std::uint64_t ticket) {
  const auto at = calls_.find(ticket);
  if (at == calls_.end()) return;
  // In a sender's line it is passed over later.
  if (const auto chat = chats_.find(at->second.chat); chat != chats_.end()) {
    auto& c = chat->second;
    c.parked.erase(ticket);
    // It may have been the one that the others of its chat wait behind.
    if (!c.parked.empty() && !std::exchange(c.timed, true)) wakes_.emplace(moment{0}, chat->first);
  }
  --waiting_[static_cast<std::size_t>(at->second.importance)];
  calls_.erase(at);
}

void message_pace::park(const paced_call& call) {
  auto& chat = chats_[call.chat];
  chat.parked.insert(call.ticket);
  if (!std::exchange(chat.timed, true)) wakes_.emplace(free_at(call), call.chat);
}

/// Of each chat whose time has come the most urgent call, first come first, gets its turn back.
void message_pace::release(moment now) {
  while (!wakes_.empty() && wakes_.begin()->first <= now) {
    const auto id = wakes_.begin()->second;
    wakes_.erase(wakes_.begin());
    auto& chat = chats_[id];
    chat.timed = false;
    const auto best = std::min_element(chat.parked.begin(), chat.parked.end(), [&](std::uint64_t a, std::uint64_t b) {
      return std::pair(calls_.at(a).importance, a) < std::pair(calls_.at(b).importance, b);
    });
    if (best == chat.parked.end()) continue;
    const auto call = calls_.at(*best);
    chat.parked.erase(best);
    enqueue(call, true);
  }
}

void message_pace::forget(moment now) {
  while (!sent_.empty() && (sent_.size() > in_window() || sent_.front() + window() <= now)) sent_.pop_front();
  while (!forget_.empty() && forget_.begin()->first <= now) {
    const auto id = forget_.begin()->second;
    forget_.erase(forget_.begin());
    auto& chat = chats_[id];
    chat.known = false;
    if (chat.over > now) {
      chat.known = true;
      forget_.emplace(chat.over, id);
    } else if (chat.parked.empty() && !chat.timed)
      chats_.erase(id);
  }
}

std::optional<paced_call> message_pace::pop(class_state& of, moment now) {
  while (!of.senders.empty()) {
    auto line = of.senders.upper_bound(of.last_sender);
    if (line == of.senders.end()) line = of.senders.begin();
    const auto sender = line->first;
    const auto ticket = line->second.front();
    line->second.pop_front();
    if (line->second.empty()) of.senders.erase(line);
    const auto call = calls_.find(ticket);
    if (call == calls_.end()) continue;
    if (free_at(call->second) > now) {
      park(call->second);
      continue;
    }
    of.last_sender = sender;
    return call->second;
  }
  return std::nullopt;
}

std::optional<paced_call> message_pace::take(moment now, urgency up_to) {
  forget(now);
  release(now);
  std::array<bool, class_count> tried{};
  for (;;) {
    class_state* next = nullptr;
    std::size_t which = 0;
    for (std::size_t i = 0; i <= static_cast<std::size_t>(up_to); ++i) {
      auto& of = classes_[i];
      if (tried[i] || of.senders.empty() || open_at(i) > now || (next && next->pass <= of.pass)) continue;
      next = &of;
      which = i;
    }
    if (!next) return std::nullopt;
    const auto call = pop(*next, now);
    tried[which] = true;
    if (!call) continue;
    passed_ = next->pass;
    next->pass += 60 / std::max(limits_.shares[which], 1u);
    count(*call, now);
    calls_.erase(call->ticket);
    --waiting_[which];
    return call;
  }
}

void message_pace::count(const paced_call& call, moment now) {
  if (limits_.per_second == 0) return;
  sent_.push_back(now);
  if (call.importance == urgency::broadcast)
    broadcast_free_ = std::max(broadcast_free_, now - catch_up) + window() / static_cast<std::int64_t>(in_window());
  if (call.message && call.chat != 0) count_message(call.chat, now);
  // Who waits behind it for the same chat is looked at anew.
  const auto waiting = chats_.find(call.chat);
  if (waiting != chats_.end() && !waiting->second.parked.empty() && !std::exchange(waiting->second.timed, true))
    wakes_.emplace(moment{0}, call.chat);
}

void message_pace::count_message(std::int64_t id, moment now) {
  auto& chat = chats_[id];
  chat.full_at = std::max(chat.full_at, now) + limits_.per_chat;
  chat.over = std::max(chat.over, chat.full_at);
  if (id < 0) {
    while (chat.sent.size() >= limits_.per_group) chat.sent.pop_front();
    chat.sent.push_back(now);
    chat.over = std::max<moment>(chat.over, now + limits_.group_window);
  }
  if (!std::exchange(chat.known, true)) forget_.emplace(chat.over, id);
}

std::optional<message_pace::moment> message_pace::again_in(moment now, urgency up_to) const {
  std::optional<moment> at;
  const auto sooner = [&](moment when) { at = at ? std::min(*at, when) : when; };
  for (std::size_t i = 0; i <= static_cast<std::size_t>(up_to); ++i)
    if (!classes_[i].senders.empty()) sooner(open_at(i));
  if (!wakes_.empty()) sooner(std::max(wakes_.begin()->first, open_at(0)));
  if (!at) return std::nullopt;
  return std::max<moment>(*at - now, 1ms);
}

void message_pace::put_off(std::int64_t chat, moment pause, moment now) {
  const bool everybody = chat == 0 || (last_put_off_chat_ != chat && now - last_put_off_ < same_cause);
  if (chat != 0) {
    last_put_off_ = now;
    last_put_off_chat_ = chat;
    auto& c = chats_[chat];
    c.held_until = std::max(c.held_until, now + pause);
    // No burst after that.
    c.full_at = std::max<moment>(c.full_at, c.held_until + limits_.per_chat * static_cast<std::int64_t>(limits_.per_chat_burst - 1));
    c.over = std::max(c.over, c.full_at);
    if (!std::exchange(c.known, true)) forget_.emplace(c.over, chat);
  }
  if (everybody) held_until_ = std::max(held_until_, now + pause);
}

std::vector<std::uint64_t> message_pace::waiting_for(std::int64_t chat, urgency of) const {
  std::vector<std::uint64_t> tickets;
  if (const auto known = chats_.find(chat); known != chats_.end())
    for (const auto ticket : known->second.parked)
      if (calls_.at(ticket).importance == of) tickets.push_back(ticket);
  return tickets;
}

} // namespace paygate
