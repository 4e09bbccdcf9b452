#pragma once

#include "actors/channel/channel_machine.hpp"

// What the bot may do in a channel's two sides, and how loudly its owner hears that it may not. For the channel machine alone.
namespace paygate::channels {

/// What the owner is still to be told: that rights are lost, at once and then at growing distance as long as they are; that they are back.
std::optional<effect> rights_message(const channel& state);

verdict<channel> take(const channel& state, const rights_changed& event);
/// Many subscriptions say the same, and some know nothing newer than an hour ago: the owner is told once.
verdict<channel> take(const channel& state, const report_rights& event);
verdict<channel> take_told(const channel& state, const effect_done& message, timestamp now);

/// While those who waited for the rights are told that they are back: a page of them, a message to each, the next page. A step each,
/// however many wait; what they do then goes through Telegram's lane like everything else.
void add_waking(std::vector<effect>& due, const channel& state);
verdict<channel> take_waiting(const channel& state, const waiting_seen& seen);
verdict<channel> take_woken(const channel& state, std::string_view user);

} // namespace paygate::channels
