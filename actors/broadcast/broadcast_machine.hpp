#pragma once

#include <optional>
#include <string>
#include <vector>

#include "messages/envelope.hpp"
#include "messages/step.hpp"

namespace paygate {

/// One broadcast (spec 6), to a channel or to its subscribers. Pure. To a channel: asks it whether it may go out, posts, and tells it that
/// the post stands. To subscribers: reads them page by page and sends a chunk at a time; each chunk is one step, so that a crash repeats at
/// most the chunk under way and skips nobody, and progress costs one commit for `chunk_max` messages.
struct broadcast_kind {
  using state = broadcast;
  using message = broadcast_message;
  static constexpr entity_kind kind = entity_kind::broadcast;

  static constexpr std::uint32_t page_max = 500; ///< Read at once.
  static constexpr std::uint32_t chunk_max = 50; ///< Sent in one step: what is in flight.
  static constexpr std::int32_t rounds_max = 6;  ///< How often chats that cannot be reached for now are tried in vain.
  static constexpr std::size_t again_max = 500;  ///< So many of them are tried again before others come first.

  /// Decides one message; refusals are in messages/broadcast.hpp.
  static verdict<broadcast> apply(const broadcast& state, bool exists, const broadcast_message& message, const step_context& context);
  static std::vector<effect> effects_due(const broadcast& state, const entity_ref& self, timestamp now, const policy& rules);
  static std::optional<timestamp> wakes_at(const broadcast& state, timestamp now, const policy& rules);
  static std::optional<std::chrono::seconds> stuck_after(const broadcast& state);
};

/// The chats of the next chunk of a broadcast that is sending: of the page, or of those who are tried again. Empty: a page has to be read
/// first.
std::vector<std::int64_t> next_chunk(const broadcast& state);
/// Those in `again` are being tried.
bool is_second_round(const broadcast& state);

namespace broadcast_keys {
inline const std::string claim = "claim", terms = "terms", post = "post", place = "place", count = "count", warn = "warn", tell = "tell";
inline std::string read(const broadcast& s) { return "read:" + std::to_string(s.cursor); }
inline std::string chunk(const broadcast& s) {
  return "chunk:" + std::to_string(s.rounds) + ":" + std::to_string(s.cursor) + ":" + std::to_string(s.sent + s.failed);
}
} // namespace broadcast_keys

} // namespace paygate
