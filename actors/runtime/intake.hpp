#pragma once

#include <caf/actor_system.hpp>

#include "messages/interfaces.hpp"

namespace paygate {

/// Starts the update intake: the lane that answers poll_updates and hand_over_updates (what a webhook brought goes the same way). It asks
/// `telegram` for updates, hands each in order per chat to its conversation, or what happens in a channel (which `books` knows) to the
/// subscription or channel that it is about, waits until every one is committed, and only then answers; the next poll's offset is what
/// confirms them to Telegram. A crash in between makes Telegram deliver them again, and the conversations know them by their number.
lane_actor spawn_intake(caf::actor_system& system, lane_actor telegram, lane_actor books, router_actor router);

} // namespace paygate
