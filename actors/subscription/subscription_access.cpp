#include <algorithm>
#include <charconv>

#include "actors/subscription/subscription_parts.hpp"

// The way in and the way out, and what came of each call.
namespace paygate::subscriptions {

using enum subscription_access;

namespace {

void forget_trouble(subscription& s) {
  // What was reported as lost is reported as mended.
  s.report_owed = s.reported;
  s.trouble.clear();
  s.tries = 0;
  s.retry_at.reset();
}

/// Access has ended: whatever way in there was is closed, and somebody looks whether they are in.
void show_out(subscription& s, timestamp now) {
  spend_invite(s);
  s.recheck_at.reset();
  if (s.owed_notice != subscription_notice::none) s.owed_notice = subscription_notice::none, s.remark.clear();
  if (s.access != comparing && s.access != banning && s.access != unbanning && s.access != removed && s.access != judging)
    go(s, judging, now);
}

void leave_removed(subscription& s, timestamp now) {
  go(s, removed, now);
  if (s.removed_at) return; // Found inside again by a sweep: they were told the first time.
  s.removed_at = now;
  s.sweeps = 0;
  notify(s, subscription_notice::ended);
}

/// Access has ended, and nobody can put them out. Sweeps see when that changes.
void stay(subscription& s, timestamp now) {
  if (s.access != exempt) go(s, exempt, now);
  if (s.removed_at) return;
  s.removed_at = now;
  s.sweeps = 0;
}

} // namespace

void go(subscription& s, subscription_access to, timestamp now) {
  s.access = to;
  s.access_at = now;
  ++s.access_seq;
  forget_trouble(s);
}

void notify(subscription& s, subscription_notice what) {
  s.owed_notice = what;
  ++s.notice_seq;
}

std::vector<std::string> spent(const subscription& s) {
  std::vector<std::string> links;
  for (std::size_t at = 0; at < s.spent_links.size();) {
    const auto end = std::min(s.spent_links.find(' ', at), s.spent_links.size());
    links.push_back(s.spent_links.substr(at, end - at));
    at = end + 1;
  }
  return links;
}

void spend(subscription& s, const std::string& link) {
  if (link.empty() || link.find(' ') != std::string::npos) return;
  const auto known = spent(s);
  if (std::find(known.begin(), known.end(), link) != known.end()) return;
  s.spent_links += (s.spent_links.empty() ? "" : " ") + link;
}

void spend_invite(subscription& s) {
  spend(s, s.invite_link);
  s.invite_link.clear();
  s.invite_expires_at.reset();
}

void turn(subscription& s, timestamp now, const policy& rules) {
  const auto said = phase(s, now, rules);
  const auto ends = said == subscription_status::expired && s.status != subscription_status::expired;
  s.status = said;
  if (ends) show_out(s, now);
}

void let_in(subscription& s, timestamp now) {
  s.removed_at.reset();
  s.sweeps = 0;
  switch (s.access) {
  case inviting:
  case admitting:
  case looking:
  case unbanning: return; // On the way: it ends inside.
  case invited:
    // Nobody has used the link: it is good for this order as well, if it lasts for a while.
    if (s.invite_expires_at && *s.invite_expires_at > now + std::chrono::hours(1)) return notify(s, subscription_notice::invited);
    spend_invite(s);
    return go(s, inviting, now);
  case inside:
  case exempt:
  case judging:
  case comparing: return go(s, looking, now);
  case banning:
    // The ban may be under way, and arrive after its end: the look at recheck_at sees that.
    s.recheck_at = now + call_flight;
    return go(s, unbanning, now);
  case outside:
  case removed: return go(s, s.requested_at ? admitting : unbanning, now);
  }
}

namespace {

struct outcome_step {
  step& out;
  std::string_view key;
  const step_context& context;
  subscription& s = out.next;

  bool starts(std::string_view prefix) const { return key.starts_with(prefix); }
  std::string_view after(std::string_view prefix) const { return key.substr(prefix.size()); }
  bool entitled() const { return is_entitled(s, context.now, context.rules); }
  subscription_access way_in() const { return s.requested_at ? admitting : inviting; }
  bool is_message() const { return starts("tell:") || starts("remind@"); }

  void told() {
    if (starts("tell:")) {
      s.owed_notice = subscription_notice::none;
      s.remark.clear();
      s.asked = false;
      return;
    }
    std::int64_t at = 0;
    const auto text = after("remind@");
    std::from_chars(text.data(), text.data() + text.size(), at);
    s.reminded_to = std::max(s.reminded_to, timestamp(std::chrono::microseconds(at)));
  }

  /// In the channel nothing can be done now: a person has to mend it. Said once, then at growing distance; tried for ever.
  void list_trouble(const io_failure& failure) {
    // Who has paid waits less long than who has to go.
    const auto most = entitled() ? std::chrono::minutes(10) : std::chrono::minutes(60);
    const auto distance = std::min<seconds>(seconds(15) * (1 << std::min(s.tries, 10)), most);
    ++s.tries;
    s.trouble = failure.code + ": " + failure.text;
    s.retry_at = context.now + distance;
    if ((s.tries & (s.tries - 1)) == 0) s.report_owed = true;
    out.note = std::string(key) + ": " + s.trouble;
    out.rows.emplace_back(failure_listed{failure.code, std::string(key.substr(0, key.find(':'))) + ": " + failure.text});
  }

  void operator()(const io_failure& failure) {
    if (is_message()) {
      // A chat that refuses messages is not asked for ever: the payment's page shows the link.
      told();
      out.note = std::string(key) + " given up, the chat refuses messages: " + failure.text;
      return;
    }
    if (starts("approve:") && failure.code == "no_request") {
      s.requested_at.reset();
      out.note = "the request to join is gone";
      return go(s, unbanning, context.now);
    }
    if (starts("ban:") && failure.code == "administrator") {
      out.note = "an administrator stays";
      return stay(s, context.now);
    }
    if (starts("ban:") && failure.code == "not_member") return leave_removed(s, context.now);
    if (starts("recheck@")) {
      s.recheck_at.reset();
      if (failure.code != "no_rights") return;
      s.recheck_at = context.now + std::chrono::minutes(10);
    }
    list_trouble(failure);
    // Until it can be tried again they may have bought access elsewhere.
    if (starts("ban:")) s.access = comparing, ++s.access_seq;
  }

  void operator()(const message_sent&) {
    if (!is_message()) return;
    out.note = std::string(key.substr(0, key.find_first_of(":@"))) + " "
               + (starts("tell:") ? std::string(to_text(s.owed_notice)) : to_text(s.ends_at));
    told();
  }

  void operator()(const invite_created& answer) {
    if (!starts("invite:") || answer.link.empty() || answer.link.find(' ') != std::string::npos) return;
    std::int64_t end = 0;
    const auto text = key.substr(key.find('@') + 1);
    std::from_chars(text.data(), text.data() + text.size(), end);
    go(s, invited, context.now);
    s.invite_link = answer.link;
    s.invite_expires_at = timestamp(std::chrono::microseconds(end));
    notify(s, subscription_notice::invited);
    // The page of the newest order shows the newest link.
    if (!s.periods.empty() && s.periods.back().order_id != s.trial_order) s.periods.back().announced = false;
    out.note = "invite link bound";
  }

  void operator()(const member_seen& seen) {
    out.note = "seen: " + std::string(to_text(seen.status));
    const auto in = seen.status == member_status::member;
    const auto chief = seen.status == member_status::creator || seen.status == member_status::administrator;
    if (starts("recheck@")) return rechecked(seen.status);
    if (s.access == looking) {
      if (in || chief) {
        go(s, chief ? exempt : inside, context.now);
        notify(s, s.asked ? subscription_notice::present : subscription_notice::extended);
      } else
        go(s, seen.status == member_status::kicked ? unbanning : way_in(), context.now);
      return;
    }
    if (starts("sweep:")) ++s.sweeps;
    if (chief) return stay(s, context.now);
    if (in) return go(s, comparing, context.now);
    if (s.access == judging || s.access == exempt) return leave_removed(s, context.now);
    if (s.tries != 0) forget_trouble(s); // A sweep found them out, as it should be.
  }

  /// What they have in another channel keeps them in: its own end sees them out.
  void operator()(const other_access_seen& seen) {
    if (s.access != comparing) return;
    if (seen.channel_id == 0) {
      // Trouble with the ban, if there was some, is over when a ban is taken.
      s.access = banning;
      ++s.access_seq;
      s.retry_at.reset();
      out.note = "has no other access";
      return;
    }
    out.note = "stays by channel " + std::to_string(seen.channel_id) + " until " + to_text(seen.ends_at);
    stay(s, context.now);
  }

  void rechecked(member_status status) {
    s.recheck_at.reset();
    if (s.tries != 0) forget_trouble(s);
    if (status == member_status::kicked) {
      spend_invite(s);
      return go(s, unbanning, context.now);
    }
    // The ban was lifted already, and has put out somebody who was in: they get a new link, without a word about a payment.
    if (status != member_status::left || s.access != inside) return;
    s.asked = true;
    go(s, way_in(), context.now);
  }

  void operator()(const done&) {
    if (starts("revoke:")) {
      const auto link = std::string(after("revoke:"));
      std::string rest;
      for (const auto& each : spent(s))
        if (each != link) rest += (rest.empty() ? "" : " ") + each;
      s.spent_links = rest;
      if (s.tries != 0) forget_trouble(s);
      out.note = "link revoked";
    } else if (starts("ban:")) {
      go(s, unbanning, context.now);
      out.note = "put out";
    } else if (starts("unban:")) {
      out.note = "may come back";
      if (entitled())
        go(s, way_in(), context.now);
      else
        leave_removed(s, context.now);
    } else if (starts("approve:")) {
      s.requested_at.reset();
      go(s, inside, context.now);
      notify(s, subscription_notice::admitted);
      out.note = "let in by their request";
    }
  }

  /// A payment has heard of the way in, the channel of the trouble, the subscription itself of a date.
  void operator()(const ok&) {
    if (starts("announce:")) return announced("");
    if (!starts("report:")) return;
    s.report_owed = false;
    s.reported = !s.trouble.empty();
  }
  void operator()(const refused& answer) {
    if (starts("announce:")) return announced(": " + answer.text);
    if (starts("report:")) s.report_owed = false;
    out.note = std::string(key) + " refused: " + answer.text;
  }
  void announced(const std::string& remark) {
    const auto order = std::string(after("announce:").substr(0, after("announce:").find(':')));
    for (auto& period : s.periods)
      if (period.order_id == order) period.announced = true;
    out.note = "order " + order + " knows the way in" + remark;
  }

  // Whatever else the world may answer is not what was asked: the effect stays due.
  template <class Other>
  void operator()(const Other&) {}
};

} // namespace

void take_outcome(step& out, const effect_done& message, const step_context& context) {
  outcome_step handle{out, message.key, context};
  std::visit([&](const auto& outcome) { std::visit(handle, outcome); }, message.outcome);
}

} // namespace paygate::subscriptions
