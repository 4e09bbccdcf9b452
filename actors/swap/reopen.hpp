#pragma once

#include <string>

#include "actors/swap/swap.hpp"

// An operator puts a payout or a conversion back to try again: never by itself, and only while its money is proven to lie in our wallet.
namespace paygate {

/// Why it may not be put back; empty when it may.
template <class State>
std::string why_not_reopened(const State& p, std::string_view after_failure) {
  using status = decltype(p.status);
  if (p.status == status::failed) return "its money went back when it failed: " + std::string(after_failure);
  if (p.status != status::needs_attention) return "it is " + std::string(to_text(p.status)) + ": only what needs attention is put back";
  if (!p.settled_intent.empty()) return "the wallet is still to be told of the transfer before";
  if (!p.funding_released) return ""; // Nothing was ever signed for this try.
  // Mined without effect: the nonce is used, by a transaction that moved nothing, and the provider never saw a deposit.
  const bool unseen = p.provider_status == swap_status::new_swap || p.provider_status == swap_status::waiting;
  if (p.gas_used > 0 && unseen) return "";
  return "its deposit may be signed, or lie at the provider: \"" + p.reason + "\"";
}

/// Forgets the try before, so that the next one has an intent of its own. @pre why_not_reopened is empty
template <class State>
void reopen(State& p) {
  ++p.swap_tries;
  p.funding_released = false;
  p.gas_used = 0;
  p.gas_fee = {};
  p.incoming_hash.clear();
  p.incoming_named = p.incoming_units = 0;
}

} // namespace paygate
