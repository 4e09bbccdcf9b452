#pragma once

#include <optional>
#include <string>
#include <variant>

#include "messages/ids.hpp"
#include "messages/io.hpp"
#include "messages/replies.hpp"

namespace paygate {

/// How an effect ended, handed to the machine that owed it. Transient and unknown failures never get here: the shell tries again, visibly,
/// for ever. A permanent io_failure does. An entity that was asked answers by `entity_reply`, a refusal included.
struct effect_done {
  std::string key; ///< effect::key.
  std::variant<io_outcome, entity_reply> outcome;
};

} // namespace paygate
