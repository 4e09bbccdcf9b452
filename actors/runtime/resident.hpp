#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include <caf/all.hpp>

#include "actors/runtime/entity.hpp"

// What a shard knows of each entity in memory.
namespace paygate {

using letter_promise = caf::response_promise;
using text_promise = caf::typed_response_promise<std::string>;

enum class residence : std::uint8_t {
  loading,
  live,
  leaving,      ///< Was offered to leave memory; it goes, or says that it stays after all.
  backing_off,  ///< Crashed, or the database could not be asked; loaded again after a pause.
  quarantining, ///< The row that says so is being written.
  quarantined
};
constexpr std::size_t residences = 6;

struct waiting_letter {
  envelope_ptr letter;
  letter_promise promise;
};

/// What only an entity in trouble needs.
struct trouble {
  std::uint32_t crashes = 0; ///< In a row; forgotten after crash_memory without one.
  timestamp crashed_at{};
  bool lifting = false;      ///< The operator ended the quarantine: write that when loaded.
  std::uint32_t reloads = 0; ///< Commits in a row that failed for no fault of the entity's.
  timestamp reloaded_at{};
  std::uint32_t load_failures = 0; ///< In a row.
  std::string cause;               ///< Of the newest crash or of the quarantine.
  std::string message;             ///< The one that it broke on, as JSON.
  std::uint64_t generation = 0;    ///< Of the pending restart timer.
};

struct waiting_room {
  std::vector<waiting_letter> letters;
  std::vector<text_promise> inspectors;
};

/// One per entity in memory, of which there may be a million: what is seldom needed is behind a pointer.
struct resident {
  ref_ptr ref;
  caf::actor actor;
  std::uint64_t sent = 0;             ///< Messages handed to this activation.
  std::unique_ptr<waiting_room> room; ///< Null when nobody waits.
  std::unique_ptr<trouble> ill;       ///< Null for an entity that never was in trouble.
  residence where = residence::loading;
  bool reloading = false; ///< The next exit is no crash: the row has to be looked at again.

  waiting_room& waiting() { return room ? *room : *(room = std::make_unique<waiting_room>()); }
  trouble& troubles() { return ill ? *ill : *(ill = std::make_unique<trouble>()); }
  std::uint32_t crashes() const { return ill ? ill->crashes : 0; }
  bool is_lifting() const { return ill && ill->lifting; }
};

constexpr std::chrono::minutes crash_memory{10}, reload_memory{2};
/// A database that is back finds everybody within this many doublings of a second.
constexpr std::uint32_t load_failures_max = 4;

// The key is the reference that the resident and its actor share; it is looked up by value.
struct ref_hash {
  using is_transparent = void;
  std::size_t operator()(const entity_ref& ref) const { return std::hash<std::string>{}(ref.id) ^ static_cast<std::size_t>(ref.kind); }
  std::size_t operator()(const ref_ptr& ref) const { return (*this)(*ref); }
};
struct ref_equal {
  using is_transparent = void;
  bool operator()(const ref_ptr& a, const ref_ptr& b) const { return *a == *b; }
  bool operator()(const entity_ref& a, const ref_ptr& b) const { return a == *b; }
  bool operator()(const ref_ptr& a, const entity_ref& b) const { return *a == b; }
};

inline const char* where_text(residence where) {
  switch (where) {
  case residence::loading: return "loading";
  case residence::live: return "live";
  case residence::leaving: return "leaving";
  case residence::backing_off: return "backing off";
  case residence::quarantining: return "quarantining";
  case residence::quarantined: return "quarantined";
  }
  return "";
}

} // namespace paygate
