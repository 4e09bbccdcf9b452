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

} // namespace paygate
