#pragma once

#include <functional>
#include <memory>

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include "messages/interfaces.hpp"

namespace paygate {

/// What the inspector steers.
struct inspector_setup {
  reader_actor reader;
  caf::actor router; ///< spawn_router's.
};

/// Starts the inspector (inspector_actor): each command is a JSON object with "verb", each answer a JSON value. An error is
/// {"error":{"code":"invalid"|"not_found"|"conflict"|"unavailable"|..., "text":"..."}}. Verbs:
///   query     {name, args}            a question of persistence/queries.hpp, answered as it says there
///   show      {kind, id}              the row with its history, and under "live" what only memory knows (effects due, attempts, next try)
///   retry     {kind, id, reason}      ends a back-off or a quarantine
///   channel   {channel: {...}, reason} registers a channel or changes its terms (the fields of messages/channel.hpp; tiers as
///                                     [{price_usd, days}])
///   approve   {id, reason}            releases a payout that awaits approval
///   cancel    {id, reason}            ends a payout before money moved
///   reconcile {}                      starts a round of reconciliation, or another after the one under way: {round}
///   resolve   {id, as, reason}        resolves an exception (messages/reconciliation.hpp); the query "reconcile" tells how it ended
/// Each verb that changes something wants a reason and is written to the audit log before it is done; no audit, no deed.
caf::actor spawn_inspector(caf::actor_system& system, inspector_setup setup);

} // namespace paygate
