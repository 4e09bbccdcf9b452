#pragma once

#include <functional>
#include <memory>

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include "actors/import/import_plan.hpp"
#include "actors/rehearse.hpp"
#include "actors/runtime/operator_verbs.hpp"
#include "actors/runtime/ports.hpp"
#include "messages/cluster.hpp"
#include "messages/interfaces.hpp"

namespace paygate {

/// Reads a webhook's body; a text says what is wrong with it.
using ipn_reader = std::function<std::variant<provider_payment, std::string>(std::string_view body)>;
using rehearsal_fn = std::function<std::variant<rehearsal, refused>(const loaded_entity& loaded, const envelope& letter, timestamp now,
                                                                    const policy& rules)>;

/// What the inspector steers, and what it asks.
struct inspector_setup {
  reader_actor reader; ///< One of its own: a long look must not keep the timers waiting.
  caf::actor router;   ///< spawn_router's.
  loader_actor loader;
  ports_ptr ports; ///< Clock and rules, for rehearsals; what is under way, for looks.
  rehearsal_fn rehearse;
  ipn_reader read_ipn;
  importer_actor importer{}; ///< spawn_importer's; none: this node cannot import.
  std::function<import_plan(const legacy_database&, timestamp now, const policy&)> plan_import{};
  std::function<std::string(bool reload)> config; ///< The settings as JSON; or reads the file again and says what changed.
  std::function<std::string(const std::string& level)>
      log_level{};                 ///< Sets it unless empty; answers the one that holds, "" for a wrong word.
  caf::actor node{};               ///< spawn_node's.
  caf::actor pauses{};             ///< spawn_pause_watch's.
  std::vector<caf::actor> lanes{}; ///< spawn_lane's.
  std::string identity{}, name{};  ///< Of this node, until a view of the cluster says otherwise.
};

/// Starts the inspector (inspector_actor): each command is a JSON object with "verb", each answer a JSON value. An error is
/// {"error":{"code":"invalid"|"not_found"|"conflict"|"unavailable"|..., "text":"..."}}. A node is named by its name or identity.
///   (ctl, JSON) -> JSON            from within the process, or a door that does not know who is there
///   (ctl, operator, JSON) -> JSON  from the door that knows the operator by their certificate, or from another node's inspector
///   (view, cluster_view_ptr)       who is in the cluster now
/// Verbs that look:
///   query     {name, args}            a question of persistence/queries.hpp that writes nothing, answered as it says there
///   show      {kind, id}              the row with its history, and under "live" what only memory knows (effects due, attempts, next try)
///   config    {node?}                 every setting as it is now
///   nodes     {all?}                  the nodes by the database, each with what it says of itself
///   tree      {node?}                 each node: shards, residents by kind and whereabouts, lanes, committers, pauses
///   top       {node?, limit?}         mailboxes, restarts and the slowest steps of all nodes
///   job       {id}                    how far a sweep is, at the node that was asked for it
/// and those that steer, each with {reason, operator?, dry_run?}:
///   retry     {kind, id}              ends a back-off or a quarantine
///   restart   {kind, id}              ends the activation and loads the row anew
///   channel   {channel: {...}}        registers a channel or changes its terms (the fields of messages/channel.hpp; tiers as
///                                     [{price_usd, days}])
///   approve   {id}                    releases a payout that awaits approval
///   cancel    {kind?, id}             ends a payout (or a conversion) before money moved
///   accept    {id}                    a payment that was not judged good counts as if it had been
///   refund    {id, address, currency?, network?, extra_id?} or {id, outside: true}   gives it back
///   reopen    {kind?, id}             a payout (or a conversion) that needs attention tries again
///   run       {id}                    a scheduler looks now: "conversions", "payouts", "broadcasts"
///   wallet_sign_off {nonce}, wallet_settle {nonce, hash, intent}, wallet_disown {nonce, hash}, wallet_release {intent}: of the hot wallet
///   pause, resume {what}              payouts, kind/<kind> or lane/<lane>, on every node, until resumed
///   drain     {node}                  the node gives its shards to the others, and stays
///   reload    {node?}                 the settings file is read again, on every node
///   log_level {level, node?}          debug, info, warning or error, until the settings change it
///   resolve   {id}                    a listed failure is dealt with
///   reconcile {}                      starts a round of reconciliation, or another after the one under way: {round}. It only looks: no
///   audit resolve_exception {id, as}        resolves one of its exceptions (messages/reconciliation.hpp); the query "reconcile" tells how
///   it ended replay    {id}                    a webhook kept raw is handled again by its entity sweep     {of, kind?, status?,
///   reason_is?, stuck?, node?}   retry, restart, cancel, reopen or approve of all that the filter fits: {job}
///   import    {from, platform_bps}   takes a predecessor's database over, row by row: {job}, which `job` tells the end of, with every row that
///   was not taken over, or not as it stood there
/// Each is written to the audit log before it is done (no audit, no deed), and what came of it afterwards; with dry_run it only says what
/// would happen.
caf::actor spawn_inspector(caf::actor_system& system, inspector_setup setup);

} // namespace paygate
