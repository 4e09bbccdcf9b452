#pragma once

#include <string>
#include <vector>

#include "actors/runtime/effects_running.hpp"
#include "messages/step.hpp"

namespace paygate {

/// JSON of what only the live entity knows: status, version, effects due with attempts, last error and next try, messages waiting.
std::string inspect_json(const entity_ref& ref, const entity_header& header, const std::string& status,
                         const std::vector<running_effect>& effects, std::size_t waiting, bool committing, timestamp now);

} // namespace paygate
