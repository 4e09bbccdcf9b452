#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include <caf/allowed_unsafe_message_type.hpp>
#include <caf/atom.hpp>

#include "messages/ids.hpp"
#include "messages/io.hpp"
#include "messages/time.hpp"

// What shards and lanes say of themselves: (stats) -> one of these. Local only.
namespace paygate {

using stats_atom = caf::atom_constant<caf::atom("stats")>;

struct shard_stats {
  struct group {
    entity_kind kind = entity_kind::payment;
    const char* where = ""; ///< "live", "loading", "backing off", ...
    std::uint64_t count = 0;
  };
  std::uint32_t shard = 0;
  std::uint64_t epoch = 0;
  std::uint64_t residents = 0;
  std::uint64_t waiting = 0; ///< Messages for entities that are being loaded.
  std::vector<group> groups;
};
using shard_stats_ptr = std::shared_ptr<const shard_stats>;

struct lane_stats {
  lane which = lane::nowpayments;
  std::uint64_t queue = 0;
  std::uint64_t workers = 0, idle = 0;
  bool circuit_open = false;
  milliseconds held_for{0}; ///< The provider asked for a pause.
};
using lane_stats_ptr = std::shared_ptr<const lane_stats>;

} // namespace paygate

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(paygate::shard_stats_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(paygate::lane_stats_ptr)
