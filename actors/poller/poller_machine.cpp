#include "actors/poller/poller_machine.hpp"

namespace paygate {

namespace {

using step = decision<poller>;

struct poller_step {
  const poller& state;
  bool exists;

  verdict<poller> unchanged() const { return step{.next = state, .changed = false, .reply = ok{}, .entries = {}, .rows = {}, .note = {}}; }

  verdict<poller> operator()(const start_polling&) const {
    if (exists) return unchanged();
    return step{.next = poller{}, .changed = true, .reply = ok{}, .entries = {}, .rows = {}, .note = "polling"};
  }

  verdict<poller> operator()(const effect_done& message) const {
    if (!exists) return refused{refusal::not_found, "polling was never started"};
    const auto* io = std::get_if<io_outcome>(&message.outcome);
    if (!io || message.key != "poll") return unchanged();
    if (const auto* handled = std::get_if<updates_handled>(io); handled && handled->next_offset > state.next_offset) {
      step out{
          .next = state, .changed = true, .reply = ok{}, .entries = {}, .rows = {}, .note = std::to_string(handled->count) + " updates"};
      out.next.next_offset = handled->next_offset;
      return out;
    }
    if (const auto* failure = std::get_if<io_failure>(io)) {
      step out{.next = state, .changed = false, .reply = ok{}, .entries = {}, .rows = {}, .note = {}};
      out.rows.emplace_back(failure_listed{failure->code, "Telegram refuses to be polled: " + failure->text});
      return out;
    }
    return unchanged();
  }
};

} // namespace

verdict<poller> poller_kind::apply(const poller& state, bool exists, const poller_message& message, const step_context&) {
  return std::visit(poller_step{state, exists}, message);
}

std::vector<effect> poller_kind::effects_due(const poller& state, const entity_ref&, timestamp, const policy&) {
  return {{"poll", io_request(poll_updates{state.next_offset}), timestamp{}, milliseconds(20), milliseconds(250)}};
}

std::optional<timestamp> poller_kind::wakes_at(const poller&, timestamp, const policy&) { return std::nullopt; }
std::optional<std::chrono::seconds> poller_kind::stuck_after(const poller&) { return std::nullopt; }

} // namespace paygate
