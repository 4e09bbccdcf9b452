#pragma once

#include <optional>
#include <string>
#include <vector>

#include "messages/step.hpp"

namespace paygate {

/// The schedulers, decisions only: "conversions" looks every conversion.interval whether enough has gathered to convert, "payouts" every
/// payouts.interval which channels are to be paid, "broadcasts" every minute which scheduled posts are due. What they create is named by
/// the round, so that a repeat, also after a crash, creates nothing twice; what is claimed is decided by the created entity's own claim,
/// not by what was seen here.
struct scheduler_kind {
  using state = scheduler;
  using message = scheduler_message;
  static constexpr entity_kind kind = entity_kind::scheduler;
  static verdict<scheduler> apply(const scheduler& state, bool exists, const scheduler_message& message, const step_context& context);
  static std::vector<effect> effects_due(const scheduler& state, const entity_ref& self, timestamp now, const policy& rules);
  static std::optional<timestamp> wakes_at(const scheduler& state, timestamp now, const policy& rules);
  static std::optional<std::chrono::seconds> stuck_after(const scheduler& state);
};

namespace scheduler_ids {
inline const std::string conversions = "conversions";
inline const std::string payouts = "payouts";
inline const std::string broadcasts = "broadcasts";
} // namespace scheduler_ids

/// What a round creates.
entity_ref conversion_of(const scheduler& state);
entity_ref payout_of(const scheduler& state, const due_payout& due);
entity_ref broadcast_of(const due_post& due);

namespace scheduler_keys {
inline std::string look(const scheduler& s) { return "look:" + std::to_string(s.round); }
inline std::string range(const scheduler& s) { return "range:" + std::to_string(s.round); }
inline std::string create(const entity_ref& ref) { return "create:" + to_text(ref); }
} // namespace scheduler_keys

} // namespace paygate
