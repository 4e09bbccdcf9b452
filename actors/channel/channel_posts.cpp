#include "actors/channel/channel_posts.hpp"

#include <algorithm>
#include <charconv>

#include "messages/chat.hpp"

namespace paygate {

namespace {

using namespace std::chrono_literals;
using std::chrono::days;

// A first offer that came to nothing is tried again after this; what is scheduled has its next time.
constexpr auto offer_again = 10min;

struct place {
  std::int64_t& message_id;
  std::optional<timestamp>* due_at; ///< Null: nothing is scheduled.
  char letter;
};

place place_of(channel& state, broadcast_what what) {
  switch (what) {
  case broadcast_what::offer: return {state.offer_message_id, &state.posts.offer_due_at, 'o'};
  case broadcast_what::donation: return {state.posts.donation_message_id, &state.posts.donation_due_at, 'c'};
  case broadcast_what::message: break;
  }
  return {state.posts.words_message_id, nullptr, 'o'};
}

void retire(channel& state, char letter, std::int64_t message_id) {
  if (message_id == 0) return;
  const auto mark = letter + std::to_string(message_id);
  auto& all = state.posts.retired;
  if (("," + all + ",").find("," + mark + ",") == std::string::npos) all += (all.empty() ? "" : ",") + mark;
}

} // namespace

std::optional<timestamp> next_post_at(const channel_posts& posts, timestamp now, const policy& rules) {
  const auto today = std::chrono::floor<days>(now);
  const auto hour = std::chrono::hours(posts.cadence_hour);
  switch (posts.cadence) {
  case post_cadence::automatic: return now + rules.broadcast_auto_interval;
  case post_cadence::off: return std::nullopt;
  case post_cadence::daily: return today + hour > now ? today + hour : today + days(1) + hour;
  case post_cadence::weekly: {
    const auto weekday = static_cast<std::int32_t>(std::chrono::weekday(today).iso_encoding());
    const auto ahead = (posts.cadence_day - weekday + 7) % 7;
    const auto at = today + days(ahead) + hour;
    return at > now ? at : at + days(7);
  }
  case post_cadence::monthly: break;
  }
  const std::chrono::year_month_day date(today);
  const auto in_month = [&](std::chrono::year_month month) {
    return timestamp(std::chrono::sys_days(month / std::chrono::day(static_cast<unsigned>(posts.cadence_day))) + hour);
  };
  const auto month = date.year() / date.month();
  return in_month(month) > now ? in_month(month) : in_month(month + std::chrono::months(1));
}

std::string objection_to_schedule(const schedule_posts& wanted) {
  if (wanted.hour < 0 || wanted.hour > 23) return "the hour is from 0 to 23, UTC";
  if (wanted.cadence == post_cadence::weekly && (wanted.day < 1 || wanted.day > 7)) return "the day of the week is from 1 (Monday) to 7";
  if (wanted.cadence == post_cadence::monthly && (wanted.day < 1 || wanted.day > 28)) return "the day of the month is from 1 to 28";
  return "";
}

std::optional<retired_post> next_retired(const channel& state) {
  const auto mark = state.posts.retired.substr(0, state.posts.retired.find(','));
  if (mark.size() < 2) return std::nullopt;
  retired_post post{mark[0] == 'c' ? state.closed_channel_id : state.open_channel_id, 0, mark};
  const auto read = std::from_chars(mark.data() + 1, mark.data() + mark.size(), post.message_id);
  return read.ec == std::errc{} ? std::optional(post) : std::nullopt;
}

void drop_retired(channel& state, const std::string& mark) {
  auto& all = state.posts.retired;
  const auto at = ("," + all + ",").find("," + mark + ",");
  if (at == std::string::npos) return;
  all.erase(at, mark.size() + 1);
  if (all.ends_with(',')) all.pop_back();
}

void place_post(channel& state, const post_placed& placed, timestamp now, const policy& rules) {
  auto [message_id, due_at, letter] = place_of(state, placed.what);
  // Numbers of messages grow in a chat. A broadcast that tells late that its post stands has been replaced meanwhile.
  if (placed.message_id > message_id) {
    retire(state, letter, message_id);
    message_id = placed.message_id;
  } else if (placed.message_id != 0 && placed.message_id < message_id)
    retire(state, letter, placed.message_id);
  if (!due_at || !*due_at || placed.broadcast_id != scheduled_broadcast_id(state.open_channel_id, placed.what, **due_at)) return;
  const bool first = placed.what == broadcast_what::offer && state.status == channel_status::registered;
  if (placed.message_id == 0 && first) {
    *due_at = now + offer_again;
    return;
  }
  if (first) state.status = channel_status::offered;
  *due_at = next_post_at(state.posts, now, rules);
}

std::optional<entity_ref> offer_broadcast(const channel& state) {
  const auto& due = state.posts.offer_due_at;
  if (state.status != channel_status::registered || !due) return std::nullopt;
  return entity_ref{entity_kind::broadcast, scheduled_broadcast_id(state.open_channel_id, broadcast_what::offer, *due)};
}

std::string offer_text(const channel& s) {
  auto text = "<b>" + escape_html(s.closed_title) + "</b>";
  if (!s.description.empty()) text += "\n\n" + escape_html(s.description);
  return text + "\n\nChoose how long you want access:";
}

keyboard offer_buttons(const channel& s) {
  keyboard rows;
  for (std::size_t i = 0; i < s.tiers.size(); ++i) {
    const auto& tier = s.tiers[i];
    if (tier.days == 0) continue;
    const auto text = std::to_string(tier.days) + (tier.days == 1 ? " day - $" : " days - $") + to_fixed(tier.price.units(), 2);
    rows.push_back({button{text, start_link{s.open_channel_id, static_cast<int>(i)}, false}});
  }
  if (s.donations) rows.push_back({button{"🎁 Donate", start_link{s.open_channel_id, start_link::donation}, false}});
  return rows;
}

std::string donation_text(const channel& s) {
  return "🎁 <b>Do you like " + escape_html(s.closed_title) + "?</b>\n\nA donation of any size keeps it going. Thank you!";
}

keyboard donation_buttons(const channel& s) { return {{button{"🎁 Donate", start_link{s.open_channel_id, start_link::donation}, false}}}; }

} // namespace paygate
