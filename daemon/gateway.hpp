#pragma once

#include <functional>

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include "messages/interfaces.hpp"

namespace paygate {

/// Lets threads that are no actors (HTTP handlers) ask entities: the call blocks for at most `timeout` and answers
/// refused{unavailable} after it.
using ask_fn = std::function<entity_reply(envelope, milliseconds timeout)>;

/// No actor stands between: whoever answers hands the answer to the thread that waits. @pre what it answers is not called when `system` has
/// ended.
ask_fn ask_through(caf::actor_system& system, router_actor router);

/// Hands over updates that a webhook brought; true when all of them are committed within `timeout`. The same holds.
using take_updates_fn = std::function<bool(updates_received, milliseconds timeout)>;
take_updates_fn take_updates_through(caf::actor_system& system, lane_actor intake);

} // namespace paygate
