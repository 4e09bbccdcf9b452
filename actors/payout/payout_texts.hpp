#pragma once

#include <string>

#include "messages/ids.hpp"
#include "messages/payout.hpp"

// What the owner is told, as Telegram HTML. Everything from outside is escaped.
namespace paygate::payout_texts {

/// The deposit is on its way. Names nothing that may still change (the transaction may be replaced), so that a repeat is the same message.
std::string sent(const payout& state);
/// How it ended: completed, failed or needs_attention. @pre the status is one of them.
std::string ended(const payout& state, const entity_ref& self);

} // namespace paygate::payout_texts
