#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/actor.hpp>
#include <caf/atom.hpp>
#include <caf/typed_actor.hpp>

#include "messages/cluster.hpp"
#include "messages/import.hpp"
#include "messages/step.hpp"

// Every actor interface of the daemon, with a line per message. Spokes meet here and nowhere else. The payloads are local to a node:
// shared, never copied, never on the network.
namespace paygate {

using commit_atom = caf::atom_constant<caf::atom("commit")>;
using load_atom = caf::atom_constant<caf::atom("load")>;
using call_atom = caf::atom_constant<caf::atom("call")>;
using deliver_atom = caf::atom_constant<caf::atom("deliver")>;
using query_atom = caf::atom_constant<caf::atom("query")>;
using ctl_atom = caf::atom_constant<caf::atom("ctl")>;
using wake_atom = caf::atom_constant<caf::atom("wake")>;

using step_ptr = std::shared_ptr<const step_record>;
using envelope_ptr = std::shared_ptr<const envelope>;
struct committed { step_ptr step; commit_result result; };
struct load_answer { entity_ref ref; bool available = true; loaded_entity entity; std::string error; };
using load_answer_ptr = std::shared_ptr<const load_answer>;
struct call_answer { io_outcome outcome; };
using call_answer_ptr = std::shared_ptr<const call_answer>;
struct wake_list { std::vector<entity_ref> refs; timestamp scanned_to{}; bool more = false; };
using wake_list_ptr = std::shared_ptr<const wake_list>;

using shard_list = std::vector<std::uint32_t>;

/// Committer (persistence/): gathers steps while the previous commit runs and writes them as one database transaction.
///   (commit, step): answers its sender with `committed`, always, exactly once.
using committer_actor = caf::typed_actor<caf::reacts_to<commit_atom, step_ptr>>;

/// Loader (persistence/): reads entities; requests that wait together are read together.
///   (load, ref): answers its sender with a load_answer_ptr, always; `available == false` when the database cannot be asked.
using loader_actor = caf::typed_actor<caf::reacts_to<load_atom, std::shared_ptr<const entity_ref>>>;

/// Reader (persistence/): questions of operators, pages and timers; no decisions hang on them.
///   (query, name, JSON arguments) -> JSON answer; names are in persistence/queries.hpp.
///   (wake, from, to, limit, shards): the entities of those shards whose wake_at lies in (from, to], oldest first; from 0 means from the
///   beginning.
using reader_actor = caf::typed_actor<caf::replies_to<query_atom, std::string, std::string>::with<std::string>,
                                      caf::replies_to<wake_atom, std::int64_t, std::int64_t, std::uint32_t, shard_list>::with<wake_list_ptr>>;

/// Lease keeper (persistence/): this node's membership and its leases on shards, on the database's clock. Times out rather than lies. Its
/// identity is made anew when the old one was declared dead or has left.
///   take: a heartbeat. Joins if it must, renews, declares nodes dead whose time ran out, and takes free shards up to a fair share.
///   renew: the same without taking anything.
///   give: frees those of our shards; their entities must have finished.
///   drain: as renew, and this node takes nothing from now on.
///   release: frees all shards and leaves, at a clean stop.
/// `available == false`: could not ask; what was held may still be.
struct lease_answer {
  bool available = true;
  std::array<std::uint64_t, shard_count> epochs{}; ///< Of the shards held now; 0: not ours.
  cluster_view_ptr view;                           ///< The same object as before when nothing changed; null when it could not ask.
  std::uint32_t surplus = 0;                       ///< So many of ours should be given to others; all, when this node drains.
  bool settled = true;                             ///< false: shards are about to change hands, look again soon.
  std::string refused;                             ///< Why this node cannot be a member; it holds nothing then.
  std::string error;                               ///< Who holds what is not ours, or the database's words.
};
using lease_answer_ptr = std::shared_ptr<const lease_answer>;
using take_atom = caf::atom_constant<caf::atom("take")>;
using renew_atom = caf::atom_constant<caf::atom("renew")>;
using give_atom = caf::atom_constant<caf::atom("give")>;
using drain_atom = caf::atom_constant<caf::atom("drain")>;
using release_atom = caf::atom_constant<caf::atom("release")>;
using lease_actor = caf::typed_actor<caf::replies_to<take_atom>::with<lease_answer_ptr>, caf::replies_to<renew_atom>::with<lease_answer_ptr>,
                                     caf::replies_to<give_atom, shard_list>::with<lease_answer_ptr>,
                                     caf::replies_to<drain_atom>::with<lease_answer_ptr>,
                                     caf::replies_to<release_atom>::with<lease_answer_ptr>>;

/// Router (actors/runtime): the one door to every entity.
///   (deliver, envelope) -> entity_reply_ptr, after the step it caused is committed.
using entity_reply_ptr = std::shared_ptr<const entity_reply>;
using router_actor = caf::typed_actor<caf::replies_to<deliver_atom, envelope_ptr>::with<entity_reply_ptr>>;

/// Effect lane (actors/runtime): runs a request under its provider's limits.
///   (call, request) -> call_answer_ptr; never an error: a refusal of the lane itself is a transient io_failure.
using io_request_ptr = std::shared_ptr<const io_request>;
using lane_actor = caf::typed_actor<caf::replies_to<call_atom, io_request_ptr>::with<call_answer_ptr>>;

/// Inspector (actors/runtime): paygatectl's door.
///   (ctl, JSON command) -> JSON answer. The only messages that cross the network in this version; both are plain strings.
using inspector_actor = caf::typed_actor<caf::replies_to<ctl_atom, std::string>::with<std::string>>;

/// Importer (persistence/): reads a predecessor's database, in one read-only transaction.
///   (import, DSN): every table that it knows, as text. From then on no other import runs in the cluster, until
///   (importend): the next one may.
using import_atom = caf::atom_constant<caf::atom("import")>;
using import_end_atom = caf::atom_constant<caf::atom("importend")>;
using legacy_database_ptr = std::shared_ptr<const legacy_database>;
using importer_actor = caf::typed_actor<caf::replies_to<import_atom, std::string>::with<legacy_database_ptr>, caf::reacts_to<import_end_atom>>;

} // namespace paygate

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(paygate::step_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(paygate::committed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(paygate::load_answer_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(std::shared_ptr<const paygate::entity_ref>)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(paygate::envelope_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(paygate::entity_reply_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(paygate::io_request_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(paygate::call_answer_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(paygate::wake_list_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(paygate::lease_answer_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(paygate::legacy_database_ptr)
