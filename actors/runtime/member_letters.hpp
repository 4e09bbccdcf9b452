#pragma once

#include <cstdint>
#include <deque>
#include <string_view>
#include <vector>

#include "messages/envelope.hpp"

namespace paygate {

/// Who is to hear of an update about a member, in this order; `channels` are those that its group is a side of. Somebody who came in by a
/// link that the bot has made for somebody else: both. Pure; for whoever takes updates in, by polls or by the webhook.
std::deque<envelope> letters_about(const chat_update& update, const std::vector<channel_found>& channels);

/// Whose invite it is by its name, "s<user id>-<number>.<open channel's id without its sign>"; 0 when it is no name of ours.
std::int64_t user_of_invite(std::string_view link_name);
/// The open channel of such a name; 0 when it does not say.
std::int64_t channel_of_invite(std::string_view link_name);

} // namespace paygate
