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
  std::function<std::string(bool reload)> config; ///< The settings as JSON; or reads the file again and says what changed.
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
///   cancel_conversion {id, reason}    ends a conversion before money moved: its accruals are pending again
///   run       {id, reason}            lets a scheduler ("conversions", "payouts") look now; a dry run is `show` of that scheduler
///   config                            every setting as it is now
///   reload    {reason}                reads the settings file again
/// Each verb that changes something wants a reason and is written to the audit log before it is done; no audit, no deed.
caf::actor spawn_inspector(caf::actor_system& system, inspector_setup setup);

} // namespace paygate
