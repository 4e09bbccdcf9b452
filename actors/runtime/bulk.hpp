#pragma once

#include <cstddef>
#include <memory>

#include <caf/actor_system.hpp>

#include "messages/interfaces.hpp"
#include "messages/ports.hpp"

namespace paygate {

/// How the bulk mailer feeds its lane.
struct bulk_limits {
  std::size_t credit = 24; ///< Messages of all batches together that are at the lane: a broadcast of 100 000 takes no more room there.
  milliseconds batch_time{20'000}; ///< After that a batch begins nothing more, and is answered with what it got done.
};

/// Starts the bulk mailer: the lane that answers send_batch. It hands the messages of a batch to the Telegram lane one by one, in the order
/// of the chats, several batches in turns, and answers when all that it handed over has ended. A batch that meets a lane that is closed to
/// it (paused, its circuit open, full) begins nothing more: what was not sent is `pending`.
///   (stats) -> lane_stats_ptr
lane_actor spawn_bulk(caf::actor_system& system, lane_actor telegram, std::shared_ptr<metrics_sink> metrics, bulk_limits limits = {});

} // namespace paygate
