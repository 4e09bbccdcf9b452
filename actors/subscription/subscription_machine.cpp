#include "actors/subscription/subscription_machine.hpp"

#include <algorithm>

namespace paygate {

namespace {

using step = decision<subscription>;

struct subscription_step {
  const subscription& state;
  bool exists;
  const step_context& context;

  verdict<subscription> operator()(const extend_subscription& command) const {
    if (context.self.id != std::to_string(command.channel_id) + ":" + std::to_string(command.user_id))
      return refused{refusal::invalid, "this is not the subscription of that channel and user"};
    if (command.order_id.empty()) return refused{refusal::invalid, "an extension needs its order"};
    if (command.days < 1 || command.days > 36'600) return refused{refusal::invalid, "an extension is from 1 to 36600 days"};
    for (const auto& period : state.periods)
      if (exists && period.order_id == command.order_id)
        return step{.next = state,
                    .changed = false,
                    .reply = subscription_extended{period.starts_at, period.ends_at},
                    .entries = {},
                    .rows = {},
                    .note = {}};
    step out{.next = state, .changed = true, .reply = ok{}, .entries = {}, .rows = {}, .note = {}};
    auto& s = out.next;
    const auto running = exists && state.ends_at > context.now;
    const auto starts = running ? state.ends_at : context.now;
    const subscription_period period{command.order_id, context.self.id, starts, starts + std::chrono::days(command.days)};
    s.status = subscription_status::active;
    s.channel_id = command.channel_id;
    s.closed_channel_id = command.closed_channel_id;
    s.user_id = command.user_id;
    s.chat_id = command.chat_id;
    s.user_name = command.user_name;
    s.channel_title = command.channel_title;
    if (!running) s.starts_at = starts;
    s.ends_at = period.ends_at;
    s.periods.push_back(period);
    out.rows.emplace_back(period);
    out.reply = subscription_extended{period.starts_at, period.ends_at};
    out.note = std::to_string(command.days) + " days by order " + command.order_id;
    return out;
  }

  verdict<subscription> operator()(const import_subscription& command) const {
    if (context.self.id != std::to_string(command.channel_id) + ":" + std::to_string(command.user_id))
      return refused{refusal::invalid, "this is not the subscription of that channel and user"};
    if (command.order_id.empty() || command.ends_at < command.starts_at) return refused{refusal::invalid, "access needs its origin and its dates"};
    step out{.next = state, .changed = true, .reply = ok{}, .entries = {}, .rows = {}, .note = "taken over from the predecessor"};
    auto& s = out.next;
    for (const auto& period : state.periods)
      if (exists && period.order_id == command.order_id) {
        out.changed = false;
        out.note.clear();
        return out;
      }
    if (!exists) {
      s.channel_id = command.channel_id;
      s.closed_channel_id = command.closed_channel_id;
      s.user_id = command.user_id;
      s.chat_id = command.chat_id;
      s.user_name = command.user_name;
      s.channel_title = command.channel_title;
    }
    s.starts_at = exists ? std::min(state.starts_at, command.starts_at) : command.starts_at;
    if (!exists || command.ends_at > state.ends_at) {
      s.ends_at = command.ends_at;
      s.status = subscription_status::active;
    }
    const subscription_period period{command.order_id, context.self.id, command.starts_at, command.ends_at};
    s.periods.push_back(period);
    out.rows.emplace_back(period);
    return out;
  }

  // Nothing is owed yet, so no outcome is waited for.
  verdict<subscription> operator()(const effect_done&) const {
    if (!exists) return refused{refusal::not_found, "there is no such subscription"};
    return step{.next = state, .changed = false, .reply = ok{}, .entries = {}, .rows = {}, .note = {}};
  }
};

} // namespace

verdict<subscription> subscription_kind::apply(const subscription& state, bool exists, const subscription_message& message,
                                               const step_context& context) {
  return std::visit(subscription_step{state, exists, context}, message);
}

std::vector<effect> subscription_kind::effects_due(const subscription&, const entity_ref&, timestamp, const policy&) { return {}; }
std::optional<timestamp> subscription_kind::wakes_at(const subscription&, timestamp, const policy&) { return std::nullopt; }
std::optional<std::chrono::seconds> subscription_kind::stuck_after(const subscription&) { return std::nullopt; }

subscription_status phase(const subscription& state, timestamp now) {
  return now < state.ends_at ? subscription_status::active : subscription_status::expired;
}

} // namespace paygate
