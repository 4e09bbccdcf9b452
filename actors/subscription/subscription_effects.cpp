#include <algorithm>

#include "actors/subscription/subscription_parts.hpp"

namespace paygate {

namespace subscriptions {

bool is_entitled(const subscription& state, timestamp now, const policy& rules) {
  return phase(state, now, rules) != subscription_status::expired;
}

/// The first reminder, which is when a subscription begins to expire; the end when there is none.
static timestamp expiring_from(const subscription& s, const policy& rules) {
  auto from = s.ends_at;
  for (const auto before : rules.reminders)
    if (const auto at = s.ends_at - before; at > s.extended_at) from = std::min(from, timestamp(at));
  return from;
}

std::optional<timestamp> next_turn(const subscription& s, timestamp now, const policy& rules) {
  for (const auto at : {expiring_from(s, rules), s.ends_at, timestamp(s.ends_at + rules.grace)})
    if (now < at) return at;
  return std::nullopt;
}

std::optional<timestamp> next_reminder(const subscription& s, timestamp now, const policy& rules) {
  std::optional<timestamp> passed, coming;
  for (const auto before : rules.reminders) {
    const timestamp at = s.ends_at - before;
    if (at <= s.reminded_to || at <= s.extended_at) continue;
    if (at <= now)
      passed = std::max(passed.value_or(at), at);
    else
      coming = std::min(coming.value_or(at), at);
  }
  // Of several that were missed the newest says it all.
  return passed && now < s.ends_at ? passed : coming;
}

timestamp invite_end(const subscription& s, timestamp now, const policy& rules) {
  const auto half = std::max<std::chrono::microseconds>(rules.invite_validity / 2, seconds(1));
  const auto since = std::max<std::chrono::microseconds>(now - s.access_at, std::chrono::microseconds(0));
  return s.access_at + rules.invite_validity + half * (since / half);
}

} // namespace subscriptions

namespace {

using namespace subscriptions;

// What only a person can mend (no rights in the channel) is tried at the distance that the row says; this is for what answers nothing new.
constexpr milliseconds mend_first{30'000}, mend_max{600'000};

std::string micros(timestamp at) { return std::to_string(at.time_since_epoch().count()); }

struct due_list {
  const subscription& s;
  const entity_ref& self;
  timestamp now;
  const policy& rules;
  std::vector<effect> due{};

  void add(std::string key, io_request request, timestamp not_before = {}) {
    due.push_back({std::move(key), std::move(request), not_before, mend_first, mend_max});
  }
  void ask(std::string key, entity_ref to, any_message message, timestamp not_before = {}) {
    due.push_back({std::move(key), ask_entity{std::move(to), std::move(message)}, not_before, mend_first, mend_max});
  }
  /// "ban:12": the number tells a late answer from the one that is waited for.
  std::string numbered(const char* word) const { return word + (":" + std::to_string(s.access_seq)); }

  /// The one call that the access owes.
  void entering_and_leaving() {
    const auto at = s.retry_at.value_or(timestamp{});
    switch (s.access) {
    case subscription_access::inviting:
      if (s.spent_links.empty()) {
        const auto end = invite_end(s, now, rules);
        // The user's id ties the link to its owner, whoever comes in by it.
        add(numbered("invite") + "@" + micros(end), create_invite{s.closed_channel_id, invite_name(), end}, at);
      }
      return;
    case subscription_access::admitting: return add(numbered("approve"), approve_join{s.closed_channel_id, s.user_id}, at);
    case subscription_access::looking:
    case subscription_access::judging: return add(numbered("look"), get_member{s.closed_channel_id, s.user_id}, at);
    case subscription_access::comparing:
      // By the dates of this moment: what has ended by now, with its grace, keeps nobody in.
      return add(numbered("compare"), find_other_access{s.closed_channel_id, s.user_id, s.channel_id, timestamp(now - rules.grace)}, at);
    case subscription_access::banning: return add(numbered("ban"), ban_member{s.closed_channel_id, s.user_id}, at);
    case subscription_access::unbanning: return add(numbered("unban"), unban_member{s.closed_channel_id, s.user_id}, at);
    case subscription_access::removed:
    case subscription_access::exempt:
      if (s.status == subscription_status::expired && s.sweeps < sweeps_max && s.removed_at)
        add(numbered("sweep") + "." + std::to_string(s.sweeps), get_member{s.closed_channel_id, s.user_id},
            std::max(at, timestamp(*s.removed_at + sweep_distances[s.sweeps])));
      return;
    case subscription_access::invited:
    case subscription_access::inside:
    case subscription_access::outside: return;
    }
  }

  std::string invite_name() const { return "s" + std::to_string(s.user_id) + "-" + std::to_string(s.access_seq); }

  void revoking() {
    for (const auto& link : spent(s)) add("revoke:" + link, revoke_invite{s.closed_channel_id, link}, s.retry_at.value_or(timestamp{}));
  }

  /// Whether a call of ours that was under way has put out somebody who had just bought access again.
  void rechecking() {
    const auto in_doubt = s.access == subscription_access::invited || s.access == subscription_access::inside
                          || s.access == subscription_access::outside || s.access == subscription_access::exempt;
    if (s.recheck_at && in_doubt) add("recheck@" + micros(*s.recheck_at), get_member{s.closed_channel_id, s.user_id}, *s.recheck_at);
  }

  keyboard renew(const char* text) const { return {{button{text, "renew:" + std::to_string(s.channel_id), false}}}; }

  void telling() {
    if (s.owed_notice == subscription_notice::none) return;
    keyboard buttons;
    timestamp at{};
    if (s.owed_notice == subscription_notice::invited) {
      buttons = {{button{"Join the channel", s.invite_link, true}}};
      // Whoever reads it finds the same on the payment's page; a payment that does not answer holds nobody up.
      if (!all_announced()) at = s.access_at + announce_patience;
    }
    if (s.owed_notice == subscription_notice::ended)
      buttons = renew("Renew");
    else if (s.owed_notice == subscription_notice::requested)
      buttons = renew("See the offer");
    const auto importance = s.owed_notice == subscription_notice::invited ? urgency::access : urgency::notice;
    add("tell:" + std::to_string(s.notice_seq), send_message{s.chat_id, notice_text(s), std::move(buttons), importance}, at);
  }

  bool all_announced() const {
    return std::all_of(s.periods.begin(), s.periods.end(), [](const subscription_period& p) { return p.announced; });
  }

  void reminding() {
    if (s.status == subscription_status::expired) return;
    if (const auto at = next_reminder(s, now, rules))
      add("remind@" + micros(*at), send_message{s.chat_id, reminder_text(s), renew("Renew"), urgency::notice}, *at);
  }

  /// Payments learn the way in as soon as there is one: their pages show it, also to whom the bot may not write.
  void announcing() {
    using enum subscription_access;
    const bool known = s.access == invited || s.access == inside || s.access == outside || s.access == exempt || s.access == removed;
    if (!known) return;
    for (const auto& period : s.periods)
      if (!period.announced)
        ask("announce:" + period.order_id + ":" + std::to_string(s.access_seq), {entity_kind::payment, period.order_id},
            payment_message(access_given{s.invite_link}));
  }

  void reporting() {
    const auto lost = !s.trouble.empty();
    if (s.report_owed)
      ask("report:" + std::to_string(s.tries) + (lost ? ":lost" : ":back"), {entity_kind::channel, std::to_string(s.channel_id)},
          channel_message(report_rights{s.trouble}));
  }

  void turning() {
    const auto said = phase(s, now, rules);
    if (said != s.status) return ask("turn:" + std::string(to_text(said)), self, subscription_message(turn_phase{}));
    if (const auto at = next_turn(s, now, rules)) ask("turn@" + micros(*at), self, subscription_message(turn_phase{}), *at);
  }
};

} // namespace

std::vector<effect> subscription_kind::effects_due(const subscription& state, const entity_ref& self, timestamp now, const policy& rules) {
  due_list list{state, self, now, rules};
  list.turning();
  list.entering_and_leaving();
  list.revoking();
  list.rechecking();
  list.telling();
  list.reminding();
  list.announcing();
  list.reporting();
  return std::move(list.due);
}

std::optional<timestamp> subscription_kind::wakes_at(const subscription&, timestamp, const policy&) { return std::nullopt; }

std::optional<std::chrono::seconds> subscription_kind::stuck_after(const subscription& state) {
  switch (state.access) {
  case subscription_access::inviting:
  case subscription_access::admitting:
  case subscription_access::looking:
  case subscription_access::judging:
  case subscription_access::comparing:
  case subscription_access::banning:
  case subscription_access::unbanning: return std::chrono::minutes(10);
  case subscription_access::invited:
  case subscription_access::inside:
  case subscription_access::outside:
  case subscription_access::removed:
  case subscription_access::exempt: break;
  }
  return std::nullopt;
}

subscription_status phase(const subscription& state, timestamp now, const policy& rules) {
  if (now >= state.ends_at + rules.grace) return subscription_status::expired;
  if (now >= state.ends_at) return subscription_status::grace;
  return now < subscriptions::expiring_from(state, rules) ? subscription_status::active : subscription_status::expiring;
}

} // namespace paygate
