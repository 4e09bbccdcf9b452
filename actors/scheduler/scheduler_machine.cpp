#include "actors/scheduler/scheduler_machine.hpp"

#include <algorithm>

namespace paygate {

namespace {

using namespace std::chrono_literals;

bool for_conversions(const entity_ref& self) { return self.id == scheduler_ids::conversions; }
bool for_broadcasts(const entity_ref& self) { return self.id == scheduler_ids::broadcasts; }

milliseconds interval(const entity_ref& self, const policy& rules) {
  if (for_broadcasts(self)) return std::max<milliseconds>(rules.broadcast_look, 100ms);
  return std::max<milliseconds>(for_conversions(self) ? rules.conversion_interval : rules.payouts_interval, 100ms);
}

std::string words(const io_failure& f) { return f.text.empty() ? f.code : f.text; }

/// One message being handled.
class step {
public:
  step(const scheduler& before, const step_context& context) : before_(before), context_(context) { out_.next = before; }

  verdict<scheduler> on(const start_scheduler&, bool exists) {
    const auto& id = context_.self.id;
    if (id != scheduler_ids::conversions && id != scheduler_ids::payouts && id != scheduler_ids::broadcasts)
      return refused{refusal::invalid, "there is no such scheduler"};
    if (exists) return finish();
    out_.next = scheduler{};
    out_.next.round = 1;
    out_.next.next_at = context_.now + interval(context_.self, context_.rules);
    return finish(true);
  }

  verdict<scheduler> on(const run_scheduler&) {
    auto& s = out_.next;
    if (s.status == scheduler_status::waiting && s.next_at > context_.now) s.next_at = context_.now;
    return finish();
  }

  verdict<scheduler> on(const effect_done& m) {
    const auto& s = before_;
    const auto* io = std::get_if<io_outcome>(&m.outcome);
    const auto* reply = std::get_if<entity_reply>(&m.outcome);
    if (io && m.key == scheduler_keys::look(s) && s.status != scheduler_status::ranging) {
      if (const auto* seen = std::get_if<gathered_seen>(io)) on_gathered(*seen);
      if (const auto* seen = std::get_if<due_payouts_seen>(io)) on_due(*seen);
      if (const auto* seen = std::get_if<due_posts_seen>(io)) on_due(*seen);
      if (const auto* f = std::get_if<io_failure>(io)) again("what is due cannot be read: " + words(*f));
    } else if (io && m.key == scheduler_keys::range(s) && s.status == scheduler_status::ranging)
      on_range(*io);
    else if (reply && s.status == scheduler_status::creating)
      on_created(m.key, *reply);
    return finish();
  }

private:
  // --- conversions ---

  void on_gathered(const gathered_seen& seen) {
    auto& s = out_.next;
    if (!for_conversions(context_.self) || s.status != scheduler_status::waiting) return;
    s.looked_at = context_.now;
    s.accruals = seen.accruals;
    s.net = seen.net;
    s.pending = seen.eth;
    const auto& rules = context_.rules;
    if (seen.accruals == 0) return again("nothing is pending");
    if (seen.net < rules.conversion_threshold)
      return again("$" + to_fixed(seen.net.units(), 2) + " of $" + to_fixed(rules.conversion_threshold.units(), 2) + " are pending");
    if (rules.usdt_contract.empty()) return again("ethereum.usdt_contract is not set");
    s.status = scheduler_status::ranging;
    s.reason.clear();
  }

  void on_range(const io_outcome& outcome) {
    auto& s = out_.next;
    if (const auto* f = std::get_if<io_failure>(&outcome)) return again("the exchange: " + words(*f));
    const auto* range = std::get_if<swap_range>(&outcome);
    if (!range) return;
    const auto sent = truncate_to(s.pending.units(), 8);
    if (sent < range->min)
      return again(to_decimal(s.pending) + " ETH are pending, the exchange takes no less than " + to_decimal(range->min));
    // More than it takes at once: the oldest that fit; the rest is the next round's.
    s.most = range->max && sent > *range->max ? *range->max : 0;
    s.status = scheduler_status::creating;
  }

  // --- payouts ---

  void on_due(const due_payouts_seen& seen) {
    auto& s = out_.next;
    if (for_conversions(context_.self) || for_broadcasts(context_.self)) return;
    s.looked_at = context_.now;
    s.accruals = static_cast<std::int64_t>(seen.due.size());
    if (seen.due.empty()) return again(s.status == scheduler_status::creating ? "" : "no channel is due");
    s.status = scheduler_status::creating;
    s.reason.clear();
    s.due = std::make_shared<const due_payouts_seen>(seen);
  }

  // --- broadcasts ---

  void on_due(const due_posts_seen& seen) {
    auto& s = out_.next;
    if (!for_broadcasts(context_.self)) return;
    s.looked_at = context_.now;
    s.accruals = static_cast<std::int64_t>(seen.due.size());
    if (seen.due.empty()) return again(s.status == scheduler_status::creating ? "" : "no post is due");
    s.status = scheduler_status::creating;
    s.reason.clear();
    s.posts = std::make_shared<const due_posts_seen>(seen);
  }

  // --- all ---

  void on_created(const std::string& key, const entity_reply& reply) {
    auto& s = out_.next;
    const auto* no = std::get_if<refused>(&reply);
    if (!no && !std::holds_alternative<ok>(reply)) return;
    if (for_conversions(context_.self)) {
      const auto ref = conversion_of(s);
      if (key != scheduler_keys::create(ref)) return;
      return settle(no, to_text(ref));
    }
    if (for_broadcasts(context_.self)) return take_off(s.posts, key, no, [](const due_post& d) { return broadcast_of(d); });
    take_off(s.due, key, no, [&](const due_payout& d) { return payout_of(before_, d); });
  }

  /// One of what is to be created has been asked for.
  template <class Seen, class Naming>
  void take_off(std::shared_ptr<const Seen>& list, const std::string& key, const refused* no, Naming ref_of) {
    if (!list) return;
    auto left = std::make_shared<Seen>(*list);
    const auto at =
        std::find_if(left->due.begin(), left->due.end(), [&](const auto& d) { return key == scheduler_keys::create(ref_of(d)); });
    if (at == left->due.end()) return;
    const auto ref = ref_of(*at);
    left->due.erase(at);
    const bool last = left->due.empty();
    list = std::move(left);
    if (last) return settle(no, to_text(ref));
    count(no, to_text(ref));
  }

  void count(const refused* no, const std::string& what) {
    out_.note = no ? what + " refused: " + no->text : what + " created";
    if (no)
      out_.rows.push_back(failure_listed{std::string(to_text(no->code)), out_.note});
    else
      ++out_.next.created;
  }

  void settle(const refused* no, const std::string& what) {
    count(no, what);
    again(no ? out_.note : "");
  }

  /// This round is over.
  void again(const std::string& why) {
    auto& s = out_.next;
    s.status = scheduler_status::waiting;
    s.reason = why;
    s.due.reset();
    s.posts.reset();
    ++s.round;
    s.next_at = context_.now + interval(context_.self, context_.rules);
    if (out_.note.empty()) out_.note = why;
  }

  verdict<scheduler> finish(bool fresh = false) {
    out_.changed = fresh || !(out_.next == before_);
    return std::move(out_);
  }

  const scheduler& before_;
  const step_context& context_;
  decision<scheduler> out_;
};

} // namespace

entity_ref conversion_of(const scheduler& s) { return {entity_kind::conversion, "c" + std::to_string(s.round)}; }

entity_ref payout_of(const scheduler& s, const due_payout& due) {
  return {entity_kind::payout, std::to_string(due.channel_id) + "." + std::string(to_text(due.pot)) + "." + std::to_string(s.round)};
}

entity_ref broadcast_of(const due_post& due) {
  return {entity_kind::broadcast, scheduled_broadcast_id(due.channel_id, due.what, due.due_at)};
}

verdict<scheduler> scheduler_kind::apply(const scheduler& state, bool exists, const scheduler_message& message,
                                         const step_context& context) {
  step s(state, context);
  if (const auto* m = std::get_if<start_scheduler>(&message)) return s.on(*m, exists);
  if (!exists) return refused{refusal::not_found, "this scheduler was never started"};
  if (const auto* m = std::get_if<run_scheduler>(&message)) return s.on(*m);
  return s.on(std::get<effect_done>(message));
}

std::vector<effect> scheduler_kind::effects_due(const scheduler& s, const entity_ref& self, timestamp, const policy& rules) {
  const auto read = [&](timestamp at) {
    auto request = for_conversions(self) ? io_request(get_gathered{}) : io_request(get_due_payouts{});
    if (for_broadcasts(self)) request = get_due_posts{s.next_at};
    return effect{scheduler_keys::look(s), std::move(request), at, 1000ms, 60'000ms};
  };
  const auto ask = [](const entity_ref& to, any_message message) {
    return effect{scheduler_keys::create(to), ask_entity{to, std::move(message)}, timestamp{}, 1000ms, 60'000ms};
  };
  std::vector<effect> due;
  switch (s.status) {
  case scheduler_status::waiting: due.push_back(read(s.next_at)); break;
  case scheduler_status::ranging:
    due.push_back({scheduler_keys::range(s), io_request(get_swap_range{{"eth", "eth"}, {"usdt", "eth"}}), timestamp{}, 1000ms, 60'000ms});
    break;
  case scheduler_status::creating:
    if (for_conversions(self))
      due.push_back(ask(conversion_of(s), conversion_message(open_conversion{rules.conversion_threshold, eth_amount::of_units(s.most)})));
    else if (for_broadcasts(self) && s.posts)
      for (const auto& d : s.posts->due)
        due.push_back(ask(broadcast_of(d), broadcast_message(start_broadcast{d.channel_id, d.what, broadcast_target::channel, "", true})));
    else if (!s.due) // Lost by a restart: what was created meanwhile has claimed its accruals, and is no longer due.
      due.push_back(read(timestamp{}));
    else
      for (const auto& d : s.due->due) due.push_back(ask(payout_of(s, d), payout_message(request_batch{d})));
    break;
  }
  return due;
}

std::optional<timestamp> scheduler_kind::wakes_at(const scheduler&, timestamp, const policy&) { return std::nullopt; }

std::optional<std::chrono::seconds> scheduler_kind::stuck_after(const scheduler& s) {
  if (s.status == scheduler_status::waiting) return std::nullopt;
  return 15min;
}

} // namespace paygate
