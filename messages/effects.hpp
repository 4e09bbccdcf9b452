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

/// Command of an import, to a payout or a conversion: money that a predecessor had on its way. It is listed for a person and never acted on:
/// what became of it only the exchange and the chain know. A repeat changes nothing.
struct imported_swap {
  std::int64_t channel_id = 0; ///< 0: of many channels, or not known.
  asset target;
  std::string address;
  usd_amount net;
  std::string words; ///< What the predecessor wrote of it.
};

} // namespace paygate
