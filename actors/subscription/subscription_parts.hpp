#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "actors/subscription/subscription_machine.hpp"

// Shared by the files of the subscription machine, and by nobody else.
namespace paygate::subscriptions {

using step = decision<subscription>;

/// When somebody looks at a member who was removed, counted from then.
inline constexpr seconds sweep_distances[] = {std::chrono::hours(1), std::chrono::hours(24), std::chrono::hours(24 * 7)};
inline constexpr std::int32_t sweeps_max = 3;
/// A call that was under way when its reason vanished has reached Telegram by then: above call_timeout of the runtime.
inline constexpr seconds call_flight{180};
/// The word to the chat waits so long for payments to hear of the link first.
inline constexpr seconds announce_patience{2};
/// A link that is younger is sent again rather than replaced: whoever asked twice gets one.
inline constexpr seconds link_fresh{30};

/// Access goes on.
bool is_entitled(const subscription& state, timestamp now, const policy& rules);
/// When the phase changes next; nothing once it has expired.
std::optional<timestamp> next_turn(const subscription& state, timestamp now, const policy& rules);
/// The newest reminder that is due, else the next one to come; nothing when there is none before the end.
std::optional<timestamp> next_reminder(const subscription& state, timestamp now, const policy& rules);

/// The access owes something else from now on. Trouble with what it owed is over.
void go(subscription& s, subscription_access to, timestamp now);
/// The chat is to be told this.
void notify(subscription& s, subscription_notice what);
/// This link is good no more: it is to be revoked. An empty one is none.
void spend(subscription& s, const std::string& link);
/// The same of the one that is good, if there is one.
void spend_invite(subscription& s);
std::vector<std::string> spent(const subscription& s);

/// What the dates have turned by now: the phase, and at the end of access the way out.
void turn(subscription& s, timestamp now, const policy& rules);
/// Access was bought or given: the way in, wherever they are.
void let_in(subscription& s, timestamp now);

/// The end of a link that is made now: stable while it is not made, and not born dead when that takes long.
timestamp invite_end(const subscription& s, timestamp now, const policy& rules);

/// What came of an effect that is still due.
void take_outcome(step& out, const effect_done& message, const step_context& context);

// Texts to people, as HTML.
std::string notice_text(const subscription& s);
std::string reminder_text(const subscription& s);

} // namespace paygate::subscriptions
