#pragma once

#include <functional>

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include "messages/interfaces.hpp"

namespace paygate {

/// Lets threads that are no actors (HTTP handlers) ask entities: the call blocks for at most `timeout` and answers
/// refused{unavailable} after it.
using ask_fn = std::function<entity_reply(envelope, milliseconds timeout)>;

/// Hands over updates that a webhook brought; true when all of them are committed within `timeout`.
using take_updates_fn = std::function<bool(updates_received, milliseconds timeout)>;

/// Starts the gateway's actor; end it with an exit message after the HTTP server has stopped.
caf::actor spawn_gateway(caf::actor_system& system, router_actor router, lane_actor intake);
ask_fn ask_through(caf::actor gateway);
take_updates_fn take_updates_through(caf::actor gateway);

} // namespace paygate
