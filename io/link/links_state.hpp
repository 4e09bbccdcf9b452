#pragma once

#include <map>
#include <memory>
#include <random>
#include <set>
#include <string>
#include <variant>

#include <caf/all.hpp>

#include "io/link/links.hpp"
#include "io/link/roster.hpp"

// The state of the links actor (links.cpp), and what is told to it.
namespace paygate {

/// What became of a dial.
struct dial_answer {
  std::string identity;
  std::uint64_t generation = 0;
  std::variant<link_opened_ptr, std::string> outcome;
};
using dial_answer_ptr = std::shared_ptr<dial_answer>;

} // namespace paygate

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(paygate::dial_answer_ptr)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(paygate::link_opened_ptr)

namespace paygate {

enum class link_phase : std::uint8_t { idle, dialing, greeting, up };

/// What there is with a member.
struct peer_link {
  cluster_member member;
  link_phase phase = link_phase::idle;
  std::uint64_t connection = 0;
  std::uint64_t generation = 0; ///< Of the newest attempt: what an older one brings is stale.
  caf::actor exchange;
  bool packs = false; ///< It takes letters in packs.
  unsigned failures = 0;
  std::string last_failure;
};

/// A connection that was let in, or that we dialed.
struct connection_info {
  peer_name peer;
  caf::actor door;      ///< Null on the dialing side.
  std::string identity; ///< Of a node, once it is known.
};

/// What the links actor holds.
struct links_state {
  cluster_door_setup setup;
  std::shared_ptr<roster> members = std::make_shared<roster>();
  std::string self;
  std::map<std::string, peer_link> peers; ///< By identity; only those that may be linked.
  std::map<std::uint64_t, connection_info> connections;
  std::set<std::string> told_twins; ///< Whose CAF node id was complained about.
  std::minstd_rand chance{std::random_device{}()};
  std::shared_ptr<link_pump> pump; ///< Ends first: its hooks speak to this actor.
  static inline const char* name = "links";
};

} // namespace paygate
