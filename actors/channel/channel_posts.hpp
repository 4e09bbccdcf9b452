#pragma once

#include <optional>
#include <string>

#include "messages/envelope.hpp"
#include "messages/step.hpp"

namespace paygate {

/// When a scheduled post that is sent `now` is sent anew; nothing: never.
std::optional<timestamp> next_post_at(const channel_posts& posts, timestamp now, const policy& rules);

/// Why there is no such schedule; empty when there is.
std::string objection_to_schedule(const schedule_posts& wanted);

/// A post of the channel that is to be deleted: the chat, and the message's id.
struct retired_post {
  std::int64_t chat_id = 0, message_id = 0;
  std::string mark; ///< As it is written in channel_posts::retired.
};
std::optional<retired_post> next_retired(const channel& state);
/// Forgets it: it is gone, or Telegram will not delete it.
void drop_retired(channel& state, const std::string& mark);

/// The post of a broadcast stands as `placed.message_id`, or came to nothing: the one before it is retired, the next one gets its time.
void place_post(channel& state, const post_placed& placed, timestamp now, const policy& rules);

/// The broadcast that is to send the channel's offer next, while it has one to send.
std::optional<entity_ref> offer_broadcast(const channel& state);

/// What the posts say.
std::string offer_text(const channel& terms);
keyboard offer_buttons(const channel& terms);
std::string donation_text(const channel& terms);
keyboard donation_buttons(const channel& terms);

} // namespace paygate
