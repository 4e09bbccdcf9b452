#pragma once

#include <functional>
#include <memory>

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include "actors/rehearse.hpp"
#include "actors/runtime/operator_verbs.hpp"
#include "actors/runtime/ports.hpp"
#include "messages/interfaces.hpp"

namespace paygate {

/// Reads a webhook's body; a text says what is wrong with it.
using ipn_reader = std::function<std::variant<provider_payment, std::string>(std::string_view body)>;
using rehearsal_fn = std::function<std::variant<rehearsal, refused>(const loaded_entity& loaded, const envelope& letter, timestamp now,
                                                                    const policy& rules)>;

/// What the inspector steers, and what it asks.
struct inspector_setup {
  reader_actor reader;
  caf::actor router; ///< spawn_router's.
  loader_actor loader;
  ports_ptr ports; ///< Clock and rules, for rehearsals.
  rehearsal_fn rehearse;
  address_check check_address;
  ipn_reader read_ipn;
  std::function<std::string(bool reload)> config; ///< The settings as JSON; or reads the file again and says what changed.
};

/// Starts the inspector (inspector_actor): each command is a JSON object with "verb", each answer a JSON value. An error is
/// {"error":{"code":"invalid"|"not_found"|"conflict"|"unavailable"|..., "text":"..."}}. Verbs:
///   query     {name, args}            a question of persistence/queries.hpp that writes nothing, answered as it says there
///   show      {kind, id}              the row with its history, and under "live" what only memory knows (effects due, attempts, next try)
///   config                            every setting as it is now
/// and those that steer, each with {reason, operator?, dry_run?}:
///   retry     {kind, id}              ends a back-off or a quarantine
///   channel   {channel: {...}}        registers a channel or changes its terms (the fields of messages/channel.hpp; tiers as
///                                     [{price_usd, days}])
///   approve   {id}                    releases a payout that awaits approval
///   cancel    {kind?, id}             ends a payout (or a conversion) before money moved
///   accept    {id}                    a payment that was not judged good counts as if it had been
///   refund    {id, address, currency?, network?, extra_id?} or {id, outside: true}   gives it back
///   reopen    {kind?, id}             a payout (or a conversion) that needs attention tries again
///   run       {id}                    a scheduler looks now: "conversions", "payouts"
///   reload                            the settings file is read again
///   resolve   {id}                    a listed failure is dealt with
///   replay    {id}                    a webhook kept raw is handled again by its entity
/// Each is written to the audit log before it is done (no audit, no deed), and what came of it afterwards; with dry_run it only says what
/// would happen.
caf::actor spawn_inspector(caf::actor_system& system, inspector_setup setup);

} // namespace paygate
