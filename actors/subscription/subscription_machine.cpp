#include "actors/subscription/subscription_machine.hpp"

#include <algorithm>

#include "actors/subscription/subscription_parts.hpp"

namespace paygate {

namespace {

using namespace subscriptions;
using enum subscription_access;

/// Not after it, and near: Telegram begins with another number when nothing has happened for a week.
bool is_repeat(std::int64_t last, std::int64_t update_id) { return update_id <= last && last - update_id < 100'000; }

struct subscription_step {
  const subscription& state;
  bool exists;
  const step_context& context;

  step begin() const { return step{.next = state, .changed = false, .reply = ok{}, .entries = {}, .rows = {}, .note = {}}; }

  /// What the dates say first. A row that is not there has none.
  step turned() const {
    auto out = begin();
    if (!exists) return out;
    turn(out.next, context.now, context.rules);
    if (out.next.status != state.status) out.note = "it is " + std::string(to_text(out.next.status));
    return out;
  }

  /// Every period that differs from before is a row to write: state and rows cannot drift apart.
  verdict<subscription> finish(step out) const {
    for (const auto& p : out.next.periods)
      if (std::find(state.periods.begin(), state.periods.end(), p) == state.periods.end()) out.rows.emplace_back(p);
    // What was listed for a person to look at has come right by itself.
    if (exists && !state.trouble.empty() && out.next.trouble.empty())
      out.rows.emplace_back(failure_mended{out.note.empty() ? "it is not owed any more" : out.note});
    out.changed = !(exists && out.next == state);
    return out;
  }

  std::string objection(const std::string& order_id, std::int64_t channel_id, std::int64_t user_id, std::int32_t days) const {
    if (context.self.id != std::to_string(channel_id) + ":" + std::to_string(user_id))
      return "this is not the subscription of that channel and user";
    if (order_id.empty() || order_id.find(':') != std::string::npos) return "an extension needs its order";
    if (days < 1 || days > 36'600) return "an extension is from 1 to 36600 days";
    return "";
  }

  const subscription_period* known(const std::string& order_id) const {
    for (const auto& period : state.periods)
      if (exists && period.order_id == order_id) return &period;
    return nullptr;
  }

  verdict<subscription> repeated(const subscription_period& period) const {
    auto out = begin();
    out.reply = subscription_extended{period.starts_at, period.ends_at};
    return out;
  }

  template <class Command>
  static void take_person(subscription& s, const Command& who) {
    s.channel_id = who.channel_id;
    s.closed_channel_id = who.closed_channel_id;
    s.user_id = who.user_id;
    s.user_name = who.user_name;
    s.channel_title = who.channel_title;
  }

  /// `days` more, and the way in.
  template <class Command>
  verdict<subscription> extend(step out, const Command& command, bool announced) const {
    auto& s = out.next;
    const auto running = exists && is_entitled(s, context.now, context.rules);
    const auto span = std::chrono::days(command.days);
    // Access that was had in grace counts, unless it would eat up all that was bought.
    const auto starts = running && s.ends_at + span > context.now ? s.ends_at : context.now;
    const subscription_period period{command.order_id, context.self.id, starts, starts + span, announced};
    take_person(s, command);
    s.chat_id = command.chat_id;
    if (!running) s.starts_at = starts;
    s.ends_at = period.ends_at;
    s.extended_at = s.reminded_to = context.now;
    s.status = phase(s, context.now, context.rules);
    s.periods.push_back(period);
    s.asked = false;
    if (exists)
      let_in(s, context.now);
    else
      go(s, inviting, context.now);
    out.reply = subscription_extended{period.starts_at, period.ends_at};
    out.note = std::to_string(command.days) + " days by order " + command.order_id;
    return finish(std::move(out));
  }

  verdict<subscription> operator()(const extend_subscription& command) const {
    if (auto why = objection(command.order_id, command.channel_id, command.user_id, command.days); !why.empty())
      return refused{refusal::invalid, why};
    if (const auto* period = known(command.order_id)) return repeated(*period);
    auto out = turned();
    if (out.next.remark.find(command.remark) == std::string::npos) out.next.remark += command.remark;
    return extend(std::move(out), command, false);
  }

  verdict<subscription> operator()(const start_trial& command) const {
    if (auto why = objection(command.order_id, command.channel_id, command.user_id, command.days); !why.empty())
      return refused{refusal::invalid, why};
    if (const auto* period = known(command.order_id)) return repeated(*period);
    if (!state.trial_order.empty()) return refused{refusal::conflict, "the trial was used before"};
    if (exists && is_entitled(state, context.now, context.rules)) return refused{refusal::out_of_order, "there is access already"};
    auto out = turned();
    out.next.trial_order = command.order_id;
    return extend(std::move(out), command, true);
  }

  /// Bought from a predecessor: nobody is told; whether they are in is looked up.
  verdict<subscription> operator()(const import_subscription& command) const {
    if (auto why = objection(command.order_id, command.channel_id, command.user_id, 1); !why.empty()) return refused{refusal::invalid, why};
    if (command.ends_at < command.starts_at) return refused{refusal::invalid, "access ends after it begins"};
    // The predecessor renews a row in its place: taken over again it may end later.
    const auto* before = known(command.order_id);
    if (before && command.ends_at <= before->ends_at) return begin();
    auto out = turned();
    auto& s = out.next;
    if (!exists) {
      take_person(s, command);
      s.chat_id = command.chat_id;
    }
    s.starts_at = exists ? std::min(s.starts_at, command.starts_at) : command.starts_at;
    if (!exists || command.ends_at > s.ends_at) {
      s.ends_at = command.ends_at;
      s.extended_at = s.reminded_to = context.now;
      s.status = phase(s, context.now, context.rules);
      if (exists)
        let_in(s, context.now);
      else
        go(s, is_entitled(s, context.now, context.rules) ? looking : judging, context.now);
    }
    if (before)
      s.periods[static_cast<std::size_t>(before - state.periods.data())].ends_at = command.ends_at;
    else
      s.periods.push_back({command.order_id, context.self.id, command.starts_at, command.ends_at, true});
    out.note = before ? "renewed with the predecessor" : "taken over from the predecessor";
    return finish(std::move(out));
  }

  verdict<subscription> operator()(const ask_invite&) const {
    if (!exists) return refused{refusal::not_found, "there is no such subscription"};
    if (!is_entitled(state, context.now, context.rules)) return refused{refusal::out_of_order, "access has ended"};
    auto out = turned();
    auto& s = out.next;
    switch (s.access) {
    case inviting:
    case admitting:
    case looking:
    case unbanning: break; // The link, or the word that none is needed, is on its way.
    case invited: {
      const auto made = s.invite_expires_at.value_or(timestamp{}) - context.rules.invite_validity;
      if (context.now < made + link_fresh) {
        notify(s, subscription_notice::invited);
        break;
      }
      spend_invite(s);
      go(s, inviting, context.now);
      break;
    }
    case inside:
    case exempt: go(s, looking, context.now); break;
    case outside:
    case comparing:
    case judging: // The end moved: a setting was changed.
    case banning:
    case removed: go(s, inviting, context.now); break;
    }
    s.asked = true;
    out.note = "a link was asked for";
    return finish(std::move(out));
  }

  /// Who is not a subscriber, and has come in or wants to: kept like one whose access has ended.
  step made_of(const membership& who) const {
    auto out = begin();
    auto& s = out.next;
    take_person(s, who);
    s.chat_id = who.user_id;
    s.starts_at = s.ends_at = s.extended_at = s.reminded_to = context.now;
    s.status = subscription_status::expired;
    go(s, removed, context.now);
    s.sweeps = sweeps_max; // Nobody to look for.
    return out;
  }

  verdict<subscription> operator()(const member_joined& event) const {
    if (!exists && !event.our_link) return refused{refusal::not_found, "nobody of ours"};
    if (exists && is_repeat(state.last_update_id, event.update_id)) return begin();
    auto out = exists ? turned() : made_of(event.who);
    auto& s = out.next;
    s.last_update_id = event.update_id;
    s.requested_at.reset();
    if (event.our_link) spend(s, event.link);
    out.note = "came in";
    if (is_entitled(s, context.now, context.rules)) {
      spend_invite(s);
      if (s.access != inside) go(s, inside, context.now);
      if (s.owed_notice == subscription_notice::invited) s.owed_notice = subscription_notice::none;
    } else if (s.access == removed)
      go(s, judging, context.now);
    return finish(std::move(out));
  }

  verdict<subscription> operator()(const member_left& event) const {
    if (!exists) return refused{refusal::not_found, "nobody of ours"};
    if (is_repeat(state.last_update_id, event.update_id)) return begin();
    auto out = turned();
    auto& s = out.next;
    s.last_update_id = event.update_id;
    if (!is_entitled(s, context.now, context.rules)) return finish(std::move(out));
    if (!event.by_us) {
      if (s.access == inside || s.access == exempt)
        go(s, outside, context.now);
      else if (s.access == looking)
        go(s, looking, context.now); // What is being looked at was before this.
      out.note = event.banned ? "banned by somebody" : "left";
    } else if (event.banned) {
      // A ban that was under way when access was bought again has reached Telegram: lifted again, after it.
      out.note = "put out although access goes on";
      if (s.access == unbanning)
        go(s, unbanning, context.now);
      else
        s.recheck_at = context.now;
    }
    return finish(std::move(out));
  }

  verdict<subscription> operator()(const join_requested& event) const {
    if (exists && is_repeat(state.last_update_id, event.update_id)) return begin();
    auto out = exists ? turned() : made_of(event.who);
    auto& s = out.next;
    s.last_update_id = event.update_id;
    s.requested_at = context.now;
    out.note = "asks to be let in";
    if (!is_entitled(s, context.now, context.rules))
      notify(s, subscription_notice::requested);
    else if (s.access == inviting || s.access == invited || s.access == outside || s.access == inside) {
      spend_invite(s);
      go(s, admitting, context.now);
    }
    return finish(std::move(out));
  }

  verdict<subscription> operator()(const invite_spent& event) const {
    if (!exists) return refused{refusal::not_found, "there is no such subscription"};
    auto out = turned();
    auto& s = out.next;
    if (event.link.empty() || event.link != s.invite_link) return finish(std::move(out));
    spend_invite(s);
    if (s.access == invited) go(s, outside, context.now);
    notify(s, subscription_notice::misused);
    out.note = "somebody else came in by their link";
    return finish(std::move(out));
  }

  verdict<subscription> operator()(const turn_phase&) const {
    if (!exists) return refused{refusal::not_found, "there is no such subscription"};
    return finish(turned());
  }

  verdict<subscription> operator()(const rights_returned&) const {
    if (!exists) return refused{refusal::not_found, "there is no such subscription"};
    auto out = turned();
    auto& s = out.next;
    if (s.trouble.empty() || !s.retry_at || *s.retry_at <= context.now) return finish(std::move(out));
    s.retry_at = context.now;
    out.note = "the bot has its rights again";
    return finish(std::move(out));
  }

  verdict<subscription> operator()(const effect_done& message) const {
    if (!exists) return refused{refusal::not_found, "there is no such subscription"};
    auto out = turned();
    const auto due = subscription_kind::effects_due(out.next, context.self, context.now, context.rules);
    if (std::any_of(due.begin(), due.end(), [&](const effect& e) { return e.key == message.key; })) take_outcome(out, message, context);
    return finish(std::move(out));
  }
};

} // namespace

verdict<subscription> subscription_kind::apply(const subscription& state, bool exists, const subscription_message& message,
                                               const step_context& context) {
  return std::visit(subscription_step{state, exists, context}, message);
}

} // namespace paygate
