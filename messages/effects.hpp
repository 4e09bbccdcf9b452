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

/// Command of the operator to a payout or a conversion: this transaction brought what the exchange sends us, or sent the deposit back. Like the
/// provider's own word not more than a hint where to look: what came, the chain says. `out_of_order` when nothing is awaited from an exchange.
struct name_arrival {
  std::string hash; ///< 0x and 64 hexadecimal digits.
  std::string reason;
};

} // namespace paygate
