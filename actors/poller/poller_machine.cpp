#include "actors/poller/poller_machine.hpp"

namespace paygate {

namespace {

using step = decision<poller>;

/// Names the address, so that an answer about another one finds nobody.
std::string webhook_key(const std::string& url) { return "webhook:" + url; }

struct poller_step {
  const poller& state;
  bool exists;
  const step_context& context;

  verdict<poller> unchanged() const { return step{.next = state, .changed = false, .reply = ok{}, .entries = {}, .rows = {}, .note = {}}; }

  verdict<poller> operator()(const start_polling&) const {
    if (exists) return unchanged();
    return step{.next = poller{}, .changed = true, .reply = ok{}, .entries = {}, .rows = {}, .note = "polling"};
  }

  verdict<poller> listed(const io_failure& failure, const std::string& what) const {
    step out{.next = state, .changed = false, .reply = ok{}, .entries = {}, .rows = {}, .note = {}};
    out.rows.emplace_back(failure_listed{failure.code, what + failure.text});
    return out;
  }

  verdict<poller> told(const std::string& url, const io_outcome& outcome) const {
    if (const auto* failure = std::get_if<io_failure>(&outcome)) return listed(*failure, "Telegram refuses the webhook: ");
    if (!std::holds_alternative<done>(outcome) || state.webhook_url == url) return unchanged();
    step out{.next = state,
             .changed = true,
             .reply = ok{},
             .entries = {},
             .rows = {},
             .note = url.empty() ? "polling" : "updates come by a webhook"};
    out.next.webhook_url = url;
    out.next.status = url.empty() ? poller_status::polling : poller_status::webhook;
    return out;
  }

  verdict<poller> operator()(const effect_done& message) const {
    if (!exists) return refused{refusal::not_found, "polling was never started"};
    const auto* io = std::get_if<io_outcome>(&message.outcome);
    const auto& url = context.rules.telegram_webhook_url;
    if (io && message.key == webhook_key(url)) return told(url, *io);
    if (!io || message.key != "poll") return unchanged();
    if (const auto* handled = std::get_if<updates_handled>(io); handled && handled->next_offset > state.next_offset) {
      step out{
          .next = state, .changed = true, .reply = ok{}, .entries = {}, .rows = {}, .note = std::to_string(handled->count) + " updates"};
      out.next.next_offset = handled->next_offset;
      return out;
    }
    if (const auto* failure = std::get_if<io_failure>(io)) return listed(*failure, "Telegram refuses to be polled: ");
    return unchanged();
  }
};

} // namespace

verdict<poller> poller_kind::apply(const poller& state, bool exists, const poller_message& message, const step_context& context) {
  return std::visit(poller_step{state, exists, context}, message);
}

std::vector<effect> poller_kind::effects_due(const poller& state, const entity_ref&, timestamp, const policy& rules) {
  const auto& url = rules.telegram_webhook_url;
  // Telegram is told again now and then: somebody may have told it something else.
  if (!url.empty()) return {{webhook_key(url), io_request(set_webhook{url}), timestamp{}, milliseconds(600'000), milliseconds(3'600'000)}};
  if (!state.webhook_url.empty())
    return {{webhook_key(url), io_request(set_webhook{}), timestamp{}, milliseconds(1'000), milliseconds(60'000)}};
  return {{"poll", io_request(poll_updates{state.next_offset}), timestamp{}, milliseconds(20), milliseconds(250)}};
}

std::optional<timestamp> poller_kind::wakes_at(const poller&, timestamp, const policy&) { return std::nullopt; }
std::optional<std::chrono::seconds> poller_kind::stuck_after(const poller&) { return std::nullopt; }

} // namespace paygate
