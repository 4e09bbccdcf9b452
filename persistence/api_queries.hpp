#pragma once

#include <string>
#include <string_view>

// Questions of the owner's API, answered by make_api_reader: (name, JSON arguments) -> JSON made by SQL. Each is one statement. Those about
// a channel name who asks, {"account", "user": Telegram user or 0}, and find nothing that is not theirs: the answer is null then. Amounts
// are decimal strings, times RFC 3339 in UTC. Lists: {"limit"} and the position after which they go on; they answer {"items",
// "next_cursor": the position of the next page in base64url, or null}.
namespace paygate::queries {

/// {"account", "user"} -> {"items": [channel]}, by when they were registered.
inline constexpr std::string_view api_channels = "api_channels";
/// {.., "id"} -> channel.
inline constexpr std::string_view api_channel = "api_channel";
/// {.., "id"} -> {tiers, edition} of it, {payout, payout_change, strategy, threshold_usd, edition} of it.
inline constexpr std::string_view api_tiers = "api_tiers";
inline constexpr std::string_view api_payout = "api_payout";
/// {.., "id", "limit", "before"?: order} -> newest first.
inline constexpr std::string_view api_payments = "api_payments";
/// {.., "id", "limit", "after"?: user id, "now"} -> by user.
inline constexpr std::string_view api_subscribers = "api_subscribers";
/// {.., "id", "limit", "before"?: "time|id"} -> newest first.
inline constexpr std::string_view api_payouts = "api_payouts";
/// {.., "id"} -> {"balances": [{currency, pending, available, held}], "waiting_usd"}.
inline constexpr std::string_view api_balance = "api_balance";
/// {.., "id", "now", "days"} -> {"days": [{day, payments, gross_usd, net_usd, new, churned}], ...sums}.
inline constexpr std::string_view api_stats = "api_stats";

/// {"account", "key", "body_sha256"} -> {"state": "taken"|"running"|"other"|"done", "seed", "status", "answer", "etag", "location"}.
inline constexpr std::string_view api_begin = "api_begin";
/// {"account", "key", "status", "answer", "etag", "location"}: the answer to keep. Old ones go meanwhile.
inline constexpr std::string_view api_end = "api_end";
/// {"account", "key"}: it came to nothing, and may be tried anew.
inline constexpr std::string_view api_forget = "api_forget";

/// {.., "id": a channel, or "account/<id>"} -> {"taken": false while another change of it is under way}; {.., "id"}: the change is over.
inline constexpr std::string_view api_lock = "api_lock";
inline constexpr std::string_view api_unlock = "api_unlock";

/// {.., "channel"?, "limit", "before"?: id} -> {"items": [broadcast]} of one's channels, or of one of them, newest first.
inline constexpr std::string_view api_broadcasts = "api_broadcasts";
/// {.., "id": of a broadcast} -> broadcast.
inline constexpr std::string_view api_broadcast = "api_broadcast";
/// {.., "id"} -> {cadence, day, hour, next_offer_at, next_donation_at} of a channel.
inline constexpr std::string_view api_schedule = "api_schedule";

/// {.., "id"} -> {"items": [promo code]} of a channel; {.., "id", "code"} -> one.
inline constexpr std::string_view api_promo_codes = "api_promo_codes";
inline constexpr std::string_view api_promo_code = "api_promo_code";

/// {"network", "most": tokens, "seconds": in which they fill up} -> {"granted", "retry_after": seconds}: takes one of them.
inline constexpr std::string_view auth_token = "auth_token";

/// {"nonce"} -> {"fresh": false when it was there already}.
inline constexpr std::string_view internal_nonce = "internal_nonce";

/// {"id": a scheduler, "since": a round} -> {"round", "status", "reason", "created": [ids of what the round `since` made]}, or null.
inline constexpr std::string_view scheduler_round = "scheduler_round";
/// {"hashes": [..], "to": [addresses]} -> [{"kind", "id"}]: who waits for one of these transactions, or for one to one of our addresses
/// whose hash is not known yet; at most 200, nobody in quarantine.
inline constexpr std::string_view ethereum_concerned = "ethereum_concerned";

/// {} -> {"updated_at", "items": [{currency, network, name, legacy_ticker, has_memo}]}; items is empty before the first reading.
inline constexpr std::string_view currency_networks = "currency_networks";
/// {"older_than": seconds} -> {"due": true} for one caller, who is to read the provider's list and say how it went.
inline constexpr std::string_view currencies_due = "currencies_due";
/// {"items": [{ticker, network, legacy_ticker, name, has_memo}]} -> {"known": how many}: takes the place of all that was known.
inline constexpr std::string_view currencies_read = "currencies_read";
/// {"error"}: the provider could not say; what is known stays.
inline constexpr std::string_view currencies_failed = "currencies_failed";

/// The SQL of a question, with $1 = its arguments as JSON text; empty when there is none of that name.
std::string api_sql_of(std::string_view name);
std::string api_state_sql_of(std::string_view name);

} // namespace paygate::queries
