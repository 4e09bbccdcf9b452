#include "actors/channel/channel_rights.hpp"

#include <algorithm>
#include <charconv>

#include "messages/chat.hpp"

namespace paygate::channels {

namespace {

using step = decision<channel>;

constexpr seconds tell_distances[] = {std::chrono::hours(1), std::chrono::hours(6), std::chrono::hours(24)};
constexpr std::size_t words_max = 300;

bool is_repeat(std::int64_t last, std::int64_t update_id) { return update_id <= last && last - update_id < 100'000; }

step changed_to(const channel& state, channel next, std::string note) {
  step out{.next = std::move(next), .changed = false, .reply = ok{}, .entries = {}, .rows = {}, .note = std::move(note)};
  out.changed = !(out.next == state);
  return out;
}

void lose(channel& next, std::string what) {
  // Cut between characters: half of one can neither be stored nor sent.
  if (auto end = words_max; what.size() > end) {
    while (end > 0 && (static_cast<unsigned char>(what[end]) & 0xc0) == 0x80) --end;
    what.resize(end);
  }
  if (!next.rights_lost.empty()) return; // Being told already.
  next.rights_lost = std::move(what);
  next.rights_back = false;
  next.rights_tells = 0;
  next.rights_told_at.reset();
}

/// Whoever waits for the rights is to be told, from the first on.
void wake(channel& next) {
  next.waking_after = 0;
  next.waking.clear();
}

void regain(step& out) {
  auto& next = out.next;
  if (next.rights_lost.empty()) return;
  out.rows.emplace_back(failure_mended{out.note});
  wake(next);
  next.rights_lost.clear();
  next.rights_back = next.rights_tells > 0; // Who never heard of the trouble need not hear of its end.
  next.rights_told_at.reset();
}

std::string lost_text(const channel& s) {
  return "⚠️ <b>I cannot do my work in your channel</b>\n\nChannel: " + escape_html(s.closed_title) + "\nWhat is wrong: " + escape_html(s.rights_lost)
         + "\n\nUntil this is mended nobody gets in who has paid, and nobody is removed whose time is over. Please make me an administrator of both "
           "channels: in the open one with the right to post messages, in the closed one with the rights to invite users and to ban users. I go on "
           "trying, and nothing is lost.";
}

/// What the bot misses on that side; empty when it has all it needs.
std::string missing(const channel& s, const rights_changed& event) {
  const auto where = event.group_id == s.closed_channel_id ? "in the closed channel" : "in the open channel";
  const auto text = [&](const char* what) { return std::string(what) + " " + where; };
  if (!event.administrator) return text("I am no administrator any more");
  if (event.group_id != s.closed_channel_id) return event.can_post ? "" : text("I may not post messages");
  if (!event.can_invite) return text("I may not invite users");
  return event.can_restrict ? "" : text("I may not ban users");
}

} // namespace

std::optional<effect> rights_message(const channel& s) {
  const bool lost = !s.rights_lost.empty();
  if (s.owner_chat_id == 0 || (!lost && !s.rights_back)) return std::nullopt;
  timestamp at{};
  if (lost && s.rights_told_at)
    at = *s.rights_told_at + tell_distances[std::min<std::size_t>(static_cast<std::size_t>(s.rights_tells - 1), std::size(tell_distances) - 1)];
  auto text = lost ? lost_text(s) : "✅ I have my rights in <b>" + escape_html(s.closed_title) + "</b> again, and go on with my work.";
  return effect{"rights:" + std::to_string(s.rights_tells) + (lost ? ":lost" : ":back"),
                io_request(send_message{s.owner_chat_id, std::move(text), {}, urgency::notice}), at, milliseconds(30'000), milliseconds(600'000)};
}

verdict<channel> take(const channel& state, const rights_changed& event) {
  if (is_repeat(state.last_update_id, event.update_id)) return changed_to(state, state, "");
  auto next = state;
  next.last_update_id = event.update_id;
  const auto why = missing(state, event);
  if (why.empty()) {
    // The other side's trouble is not over by this.
    const bool closed = event.group_id == state.closed_channel_id;
    const bool other = state.rights_lost.ends_with(closed ? "in the open channel" : "in the closed channel");
    auto out = changed_to(state, std::move(next), "the bot has its rights");
    if (!other) regain(out);
    if (closed) wake(out.next); // Also when nobody has reported yet what waits there.
    out.changed = true;
    return out;
  }
  lose(next, why);
  auto out = changed_to(state, std::move(next), "rights lost: " + why);
  out.rows.emplace_back(failure_listed{"rights_lost", why});
  return out;
}

verdict<channel> take(const channel& state, const report_rights& event) {
  auto next = state;
  if (event.lost.empty()) {
    auto out = changed_to(state, std::move(next), "a call in the closed channel was taken again");
    regain(out);
    out.changed = !(out.next == state);
    return out;
  }
  lose(next, event.lost);
  auto out = changed_to(state, std::move(next), "refused in the closed channel: " + event.lost);
  if (out.changed) out.rows.emplace_back(failure_listed{"rights_lost", event.lost});
  return out;
}

verdict<channel> take_told(const channel& state, const effect_done& message, timestamp now) {
  const auto due = rights_message(state);
  if (!due || due->key != message.key) return changed_to(state, state, "");
  auto next = state;
  const auto* io = std::get_if<io_outcome>(&message.outcome);
  const auto* failure = io ? std::get_if<io_failure>(io) : nullptr;
  if (!io || (!failure && !std::holds_alternative<message_sent>(*io))) return changed_to(state, state, "");
  // An owner who refuses messages is told again all the same, at the same distance.
  if (state.rights_lost.empty())
    next.rights_back = false;
  else {
    ++next.rights_tells;
    next.rights_told_at = now;
  }
  return changed_to(state, std::move(next), failure ? "the owner's chat refuses messages: " + failure->text : "the owner was told");
}

namespace {

/// "7 8 9", the users who are being told.
std::vector<std::string> told_now(const channel& s) {
  std::vector<std::string> users;
  for (std::size_t at = 0; at < s.waking.size();) {
    const auto end = std::min(s.waking.find(' ', at), s.waking.size());
    users.push_back(s.waking.substr(at, end - at));
    at = end + 1;
  }
  return users;
}

} // namespace

void add_waking(std::vector<effect>& due, const channel& s) {
  if (!s.waking_after) return;
  constexpr milliseconds again{1'000}, again_max{60'000};
  if (s.waking.empty())
    due.push_back({"waiting:" + std::to_string(*s.waking_after), io_request(get_waiting{s.open_channel_id, *s.waking_after}), timestamp{},
                   again, again_max});
  for (const auto& user : told_now(s))
    due.push_back(
        {"wake:" + user,
         ask_entity{{entity_kind::subscription, std::to_string(s.open_channel_id) + ":" + user}, subscription_message(rights_returned{})},
         timestamp{}, again, again_max});
}

verdict<channel> take_waiting(const channel& state, const waiting_seen& seen) {
  auto next = state;
  if (seen.user_ids.empty()) {
    next.waking_after.reset();
    return changed_to(state, std::move(next), "nobody waits for the rights any more");
  }
  for (const auto user : seen.user_ids) next.waking += (next.waking.empty() ? "" : " ") + std::to_string(user);
  return changed_to(state, std::move(next), std::to_string(seen.user_ids.size()) + " wait for the rights");
}

verdict<channel> take_woken(const channel& state, std::string_view user) {
  auto next = state;
  next.waking.clear();
  for (const auto& other : told_now(state))
    if (other != user) next.waking += (next.waking.empty() ? "" : " ") + other;
  // Those of the page that are still to be told stand in `waking`: the next page begins behind the last of them all.
  std::int64_t id = 0;
  std::from_chars(user.data(), user.data() + user.size(), id);
  next.waking_after = std::max(*state.waking_after, id);
  return changed_to(state, std::move(next), "somebody who waited for the rights is told");
}

} // namespace paygate::channels
