#pragma once

#include <string>
#include <vector>

#include "actors/runtime/effects_running.hpp"
#include "messages/step.hpp"

namespace paygate {

/// What an activation says of itself besides its header and effects.
struct live_view {
  std::string_view status;
  std::size_t inbox = 0;  ///< Messages that wait for the step under way.
  milliseconds oldest{0}; ///< How long the first of them has waited.
  bool committing = false;
  milliseconds step_age{0};  ///< Of the step under way.
  std::uint64_t handled = 0; ///< Messages taken since it was loaded.
  std::vector<bool> paused;  ///< For each effect: an operator's pause holds it back.
};

/// JSON of what only the live entity knows: status, version, effects due with attempts, last error and next try, messages waiting.
std::string inspect_json(const entity_ref& ref, const entity_header& header, const std::vector<running_effect>& effects,
                         const live_view& live, timestamp now);

} // namespace paygate
