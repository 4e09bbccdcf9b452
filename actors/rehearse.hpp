#pragma once

#include <string>
#include <variant>
#include <vector>

#include "messages/envelope.hpp"
#include "messages/step.hpp"

namespace paygate {

/// What a message would do to an entity.
struct rehearsal {
  bool changes = false;
  std::string from_status, to_status, note; ///< from_status is empty for an entity that would be born.
  std::vector<ledger_entry> entries;
};

/// Decides as the entity would, from its row as it is stored, and writes nothing. What the entity is just committing is not seen.
std::variant<rehearsal, refused> rehearse(const loaded_entity& loaded, const envelope& letter, timestamp now, const policy& rules);

} // namespace paygate
