#pragma once

#include <optional>
#include <string>
#include <vector>

#include "messages/step.hpp"

// What a payout and a conversion have in common: they sell what they may spend through a fixed-rate swap that the wallet funds.
namespace paygate {

inline const asset eth_on_eth{"eth", "eth"};
inline const asset usdt_on_eth{"usdt", "eth"};

/// 0x and 40 hex digits, not all zero.
bool is_evm_address(std::string_view address);

// --- the ends of the swap, told apart by overload ---

asset swap_from(const payout& state);
asset swap_to(const payout& state);
inline asset swap_from(const conversion&) { return eth_on_eth; }
inline asset swap_to(const conversion&) { return usdt_on_eth; }
/// Where the provider is to pay.
std::string swap_address(const payout& state, const policy& rules);
inline std::string swap_address(const conversion& state, const policy&) { return state.address; }
/// What may be spent, in the pot's own currency: what was given less what ways back cost.
int128 source_units(const payout& state);
inline int128 source_units(const conversion& state) { return checked_sub(state.source.units(), state.lost); }
/// What the provider is asked to swap: it takes 8 decimals of ETH, USDT has 6; what is cut off stays with whom it belongs to.
template <class State>
int128 swap_units(const State& state) {
  return truncate_to(source_units(state), swap_from(state) == usdt_on_eth ? 6 : 8);
}
int128 funded_units(const payout& state);
inline int128 funded_units(const conversion& state) { return state.funded.units(); }
void set_funded(payout& state, int128 units);
inline void set_funded(conversion& state, int128 units) { state.funded = eth_amount::of_units(units); }
inline std::string swap_extra_id(const payout& state) { return state.leg == 1 ? "" : state.extra_id; }
inline std::string swap_extra_id(const conversion&) { return ""; }

// --- the wallet ---

/// Swaps that may be created before a person has to look; the second leg of a payout has as many as the first.
inline std::uint32_t swap_tries_max(const payout& state, const policy& rules) { return rules.swap_tries_max * (state.leg == 2 ? 2 : 1); }
inline std::uint32_t swap_tries_max(const conversion&, const policy& rules) { return rules.swap_tries_max; }

/// The transfer that is wanted of the wallet, once per try.
template <class State>
std::string transfer_intent(const State& state, const entity_ref& self) {
  return to_text(self) + "/" + std::to_string(state.swap_tries);
}

/// After the release: a deposit of a rate that has ended is money in limbo, so the wallet may not sign after half of the least validity.
template <class State>
std::optional<timestamp> sign_deadline(const State& state, const policy& rules) {
  if (state.swap_id.empty() || !state.valid_until || !state.quoted_at) return std::nullopt;
  const auto life = *state.valid_until - *state.quoted_at;
  return *state.valid_until - life * rules.swap_min_validity_bps / 20'000;
}

/// The provider has (or may have) the deposit, but a person was called: its later words are still heard.
template <class State>
bool is_still_followed(const State& p) {
  const bool open =
      p.provider_status != swap_status::new_swap && p.provider_status != swap_status::waiting && p.provider_status != swap_status::refunded;
  return p.status == decltype(p.status)::needs_attention && p.funding_released && !p.swap_id.empty() && open;
}

// --- what comes to us ---

/// The coin that is looked for on the chain: the deposit's when it comes back, else what was bought.
template <class State>
asset incoming_asset(const State& p) {
  return p.status == decltype(p.status)::refunding ? swap_from(p) : swap_to(p);
}
/// Our address that it is to come to.
inline std::string incoming_address(const payout& p) { return p.wallet_address; }
inline std::string incoming_address(const conversion& p) { return p.status == conversion_status::refunding ? p.wallet_address : p.address; }
std::string upper_ticker(const asset& a);

template <class State>
bool is_coming(const State& p) {
  return p.status == decltype(p.status)::refunding || p.status == decltype(p.status)::receiving;
}
template <class State>
bool is_awaiting_refund(const State& p) {
  return p.status == decltype(p.status)::refunding && p.incoming_hash.empty();
}
template <class State>
bool is_looking_at_chain(const State& p) {
  return is_coming(p) && !p.incoming_hash.empty() && p.incoming_units == 0;
}
template <class State>
bool is_looking_at_books(const State& p) {
  return is_coming(p) && p.incoming_units > 0;
}

/// Keys of the effects: a late answer to an earlier try carries another key.
namespace swap_keys {
inline const std::string range = "range";
template <class State>
std::string estimate(const State& p) {
  return "estimate:" + std::to_string(p.swap_tries);
}
template <class State>
std::string create(const State& p) {
  return "swap:" + std::to_string(p.swap_tries);
}
template <class State>
std::string expect(const State& p) {
  return "expect:" + p.swap_id;
}
template <class State>
std::string follow(const State& p) {
  return "follow:" + p.swap_id;
}
template <class State>
std::string arrival(const State& p) {
  return "arrival:" + p.incoming_hash;
}
template <class State>
std::string used(const State& p) {
  return "used:" + p.incoming_hash;
}
inline std::string transfer(const std::string& intent) { return "transfer:" + intent; }
template <class State>
std::string acknowledge(const State& p) {
  return "ack:" + p.settled_intent;
}
} // namespace swap_keys

/// Effects that are asked again soon when they change nothing.
effect soon(std::string key, io_request request);

/// What the swap of this state owes. `plain_debit` is the account that pays a transfer without a swap (to `state.address`).
void swap_due(std::vector<effect>& due, const payout& state, const entity_ref& self, const policy& rules, const std::string& plain_debit);
void swap_due(std::vector<effect>& due, const conversion& state, const entity_ref& self, const policy& rules);

} // namespace paygate
