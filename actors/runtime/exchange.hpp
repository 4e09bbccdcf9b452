#pragma once

#include <memory>

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include "messages/cluster.hpp"
#include "messages/pack.hpp"
#include "messages/ports.hpp"
#include "messages/time.hpp"

namespace paygate {

struct exchange_setup {
  caf::actor router;    ///< This node's.
  caf::actor inspector; ///< This node's; null: questions to the node are refused.
  std::shared_ptr<metrics_sink> metrics;
  std::size_t in_flight_max = 1'024; ///< Letters of one peer that wait for their answer here; more are refused as busy.
  milliseconds patience_max{10'000}; ///< Whatever the letter says.
  pack_pause pause{};                ///< For answers to one node to gather.
};

/// Starts the exchange: the one actor of this node that other nodes talk to. It takes what it is sent for what it says, but believes
/// nothing: the bytes are read without trust.
///   (forward, bytes) -> bytes   a letter or an errand for an entity here, answered when its step is committed; never passed on to a third
///                               node: `not_here` names who holds the shard, as far as this node knows. Formats: messages/wire.hpp.
///   (letters, pack)   the same for several at once; the answers follow in packs (answers, pack) to the sender, as they come
///   (answers, pack)   such answers to this node's letters: handed to the router, with the sender
///   (ctl, whoever, JSON) -> JSON   a question to this node's inspector, always as another node's: none steers in an operator's name
/// Metrics: letters_received_total{outcome}.
caf::actor spawn_exchange(caf::actor_system& system, exchange_setup setup);

} // namespace paygate
