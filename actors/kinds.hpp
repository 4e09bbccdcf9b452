#pragma once

#include "actors/runtime/entity.hpp"

// The shells made for each kind, in actors/<kind>/<kind>_actor.cpp. Adding a kind adds a line here and one in kinds.cpp.
namespace paygate {

caf::actor spawn_payment(caf::actor_system& system, activation self);
caf::actor spawn_subscription(caf::actor_system& system, activation self);
caf::actor spawn_channel(caf::actor_system& system, activation self);
caf::actor spawn_conversation(caf::actor_system& system, activation self);
caf::actor spawn_payout(caf::actor_system& system, activation self);
caf::actor spawn_wallet(caf::actor_system& system, activation self);
caf::actor spawn_poller(caf::actor_system& system, activation self);
caf::actor spawn_conversion(caf::actor_system& system, activation self);
caf::actor spawn_scheduler(caf::actor_system& system, activation self);
caf::actor spawn_reconciliation(caf::actor_system& system, activation self);
caf::actor spawn_broadcast(caf::actor_system& system, activation self);
caf::actor spawn_promo_code(caf::actor_system& system, activation self);
caf::actor spawn_account(caf::actor_system& system, activation self);
caf::actor spawn_login_name(caf::actor_system& system, activation self);
caf::actor spawn_session(caf::actor_system& system, activation self);

} // namespace paygate
