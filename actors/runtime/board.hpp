#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "messages/ids.hpp"

namespace paygate {

/// What is remarkable on this node now: entities whose messages wait, entities that were restarted, the slowest steps. Entities and shards
/// write it down as it happens, so that looking costs nothing per entity that is well. Bounded; safe from any thread.
class activity_board {
public:
  using instant = std::chrono::steady_clock::time_point;
  using who = std::shared_ptr<const entity_ref>;

  /// So many messages wait for this entity, the oldest since then; 0: none any more.
  void waiting(const who& entity, std::size_t depth, instant oldest);
  /// A step ended: from its decision to its commit it took so long. Kept when it is among the slowest of the last minutes.
  void stepped(const who& entity, std::string_view message, std::chrono::microseconds took, instant now);
  /// An activation ended otherwise than by leaving memory.
  void restarted(const who& entity, std::string_view cause, instant now);

  struct mailbox {
    entity_ref entity;
    std::size_t depth = 0;
    std::chrono::milliseconds age{0};
  };
  struct restart {
    entity_ref entity;
    std::uint64_t times = 0;
    std::chrono::milliseconds ago{0};
    std::string cause;
  };
  struct step {
    entity_ref entity;
    std::string message;
    std::chrono::microseconds took{0};
    std::chrono::milliseconds ago{0};
  };
  struct view {
    std::vector<mailbox> mailboxes;
    std::vector<restart> restarts;
    std::vector<step> slowest;
  };
  /// At most `limit` of each: the oldest waiting, the newest restarts, the slowest steps.
  view look(instant now, std::size_t limit) const;

  static constexpr std::chrono::minutes memory{10};
  static constexpr std::size_t kept_steps = 64, kept_restarts = 256, kept_mailboxes = 10'000;

private:
  struct kept_mailbox {
    std::size_t depth = 0;
    instant oldest{};
  };
  struct kept_restart {
    std::uint64_t times = 0;
    instant at{};
    std::string cause;
  };
  struct kept_step {
    who entity;
    std::string message;
    std::chrono::microseconds took{0};
    instant at{};
  };
  struct ref_hash {
    std::size_t operator()(const entity_ref& ref) const { return std::hash<std::string>{}(ref.id) ^ static_cast<std::size_t>(ref.kind); }
  };

  mutable std::mutex mutex_;
  std::unordered_map<entity_ref, kept_mailbox, ref_hash> mailboxes_;
  std::unordered_map<entity_ref, kept_restart, ref_hash> restarts_;
  std::vector<kept_step> steps_;
  // A step faster than the floor is none of the slowest; the floor is good for a while, because steps are forgotten.
  std::atomic<std::int64_t> floor_{-1}, floor_until_{0};
};

} // namespace paygate
