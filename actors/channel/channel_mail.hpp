#pragma once

#include "actors/channel/channel_machine.hpp"

// The mails to the owner's web account about where a channel's value is paid to. For the channel machine alone.
namespace paygate::channels {

/// The owner is to be told that: the mail about it takes the place of one that was not sent yet. Only payout_asked, payout_confirmed and
/// payout_changed have a mail, and only a channel with an account to send it to.
void owe_mail(channel& c, channel_notice notice);
/// The change is no more, and with it the mails about it.
void drop_change(channel& c);

/// The next thing that the mail needs: the account's address, a secret for its link, the provider.
std::optional<effect> mail_effect(const channel& state, const policy& rules);
bool is_of_mail(std::string_view effect_key);
/// What came of it. @pre the effect is due.
verdict<channel> take_mailed(const channel& state, const effect_done& message);

} // namespace paygate::channels
