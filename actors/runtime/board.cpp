#include "actors/runtime/board.hpp"

#include <algorithm>

namespace paygate {

namespace {

std::chrono::milliseconds since(activity_board::instant then, activity_board::instant now) {
  return std::max(std::chrono::duration_cast<std::chrono::milliseconds>(now - then), std::chrono::milliseconds(0));
}

template <class List>
void cut(List& list, std::size_t limit) {
  if (list.size() > limit) list.resize(limit);
}

} // namespace

void activity_board::waiting(const who& entity, std::size_t depth, instant oldest) {
  const std::lock_guard lock(mutex_);
  if (depth == 0) {
    mailboxes_.erase(*entity);
    return;
  }
  const auto found = mailboxes_.find(*entity);
  if (found != mailboxes_.end())
    found->second = {depth, oldest};
  else if (mailboxes_.size() < kept_mailboxes)
    mailboxes_.emplace(*entity, kept_mailbox{depth, oldest});
}

void activity_board::stepped(const who& entity, std::string_view message, std::chrono::microseconds took, instant now) {
  if (took.count() <= floor_.load(std::memory_order_relaxed)
      && now.time_since_epoch().count() < floor_until_.load(std::memory_order_relaxed))
    return;
  const std::lock_guard lock(mutex_);
  std::erase_if(steps_, [&](const kept_step& s) { return now - s.at > memory; });
  if (steps_.size() >= kept_steps) {
    const auto least = std::min_element(steps_.begin(), steps_.end(), [](const auto& a, const auto& b) { return a.took < b.took; });
    if (least->took < took) *least = {entity, std::string(message), took, now};
  } else
    steps_.push_back({entity, std::string(message), took, now});
  const auto least = std::min_element(steps_.begin(), steps_.end(), [](const auto& a, const auto& b) { return a.took < b.took; });
  floor_.store(steps_.size() < kept_steps ? -1 : least->took.count(), std::memory_order_relaxed);
  floor_until_.store((now + memory / 10).time_since_epoch().count(), std::memory_order_relaxed);
}

void activity_board::restarted(const who& entity, std::string_view cause, instant now) {
  const std::lock_guard lock(mutex_);
  auto found = restarts_.find(*entity);
  if (found == restarts_.end()) {
    if (restarts_.size() >= kept_restarts)
      restarts_.erase(
          std::min_element(restarts_.begin(), restarts_.end(), [](const auto& a, const auto& b) { return a.second.at < b.second.at; }));
    found = restarts_.emplace(*entity, kept_restart{}).first;
  }
  ++found->second.times;
  found->second.at = now;
  found->second.cause = cause;
}

activity_board::view activity_board::look(instant now, std::size_t limit) const {
  view seen;
  {
    const std::lock_guard lock(mutex_);
    for (const auto& [entity, m] : mailboxes_) seen.mailboxes.push_back({entity, m.depth, since(m.oldest, now)});
    for (const auto& [entity, r] : restarts_) seen.restarts.push_back({entity, r.times, since(r.at, now), r.cause});
    for (const auto& s : steps_)
      if (now - s.at <= memory) seen.slowest.push_back({*s.entity, s.message, s.took, since(s.at, now)});
  }
  std::sort(seen.mailboxes.begin(), seen.mailboxes.end(), [](const auto& a, const auto& b) { return a.age > b.age; });
  std::sort(seen.restarts.begin(), seen.restarts.end(), [](const auto& a, const auto& b) { return a.ago < b.ago; });
  std::sort(seen.slowest.begin(), seen.slowest.end(), [](const auto& a, const auto& b) { return a.took > b.took; });
  cut(seen.mailboxes, limit), cut(seen.restarts, limit), cut(seen.slowest, limit);
  return seen;
}

} // namespace paygate
