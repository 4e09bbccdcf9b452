#pragma once

#include <string>
#include <vector>

#include "actors/runtime/board.hpp"
#include "actors/runtime/stats.hpp"
#include "messages/cluster.hpp"

// What a node says of itself, as JSON. Pure.
namespace paygate {

struct node_report {
  std::vector<shard_stats> shards;
  std::vector<lane_stats> lanes;
  std::vector<int> committers;     ///< Steps under way at each.
  std::vector<std::string> pauses; ///< The names of what this node holds back: "kind/payout", "lane/signer".
  bool pauses_known = true;        ///< false: the table was not read yet; nothing is started.
  bool ready = false;
  std::string log_level;
  timestamp started_at{};
  milliseconds asked_ms{0}; ///< How long the shards took to answer.
};

/// {"shards_held", "residents", "ready", ..., "shards": [{shard, epoch, residents, waiting}], "kinds": [{kind, where, count}], "lanes":
/// [..], "committers": [..], "pauses": [..]}
std::string report_json(const node_report& report);

/// {"mailboxes": [{kind, id, depth, age_ms}], "restarts": [{kind, id, times, ago_ms, cause}], "slowest": [{kind, id, message, took_us,
/// ago_ms}]}
std::string board_json(const activity_board::view& seen);

/// {"node", "name", "address", "draining", "state_version"} of a member, without the braces.
std::string member_json(const cluster_member& member);

} // namespace paygate
