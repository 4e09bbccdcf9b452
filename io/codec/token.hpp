#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "crypto/encoding.hpp"
#include "io/codec/identity.hpp"
#include "messages/time.hpp"

// JSON Web Tokens (RFC 7519) of one kind only: compact JWS, HS256, with a kid. Nothing in a token's header chooses how it is checked; it must
// say what we say. Access tokens name the caller, refresh tokens a session; neither passes for the other.
namespace paygate {

/// JWT_SECRET_KEY: the key on its first line; on an optional second one the key before it, whose tokens are good until they end.
struct token_keys {
  std::string current, previous;
};
token_keys parse_token_keys(std::string_view secret);

/// A key's name in a token's header; tells nothing about the key.
std::string key_id(std::string_view key);

inline constexpr seconds access_life{15 * 60}, refresh_life{30 * 24 * 3600};
/// Nodes' clocks may differ by so much before a token counts as from the future.
inline constexpr seconds clock_leeway{60};

enum class token_fault : std::uint8_t { malformed, algorithm, unknown_key, signature, expired, not_yet, other_use };
std::string_view to_text(token_fault why);

struct refresh_claim {
  std::string account_id, session_id;
  std::int64_t generation = 0;
  bool operator==(const refresh_claim&) const = default;
};

/// @pre the current key is not empty; `nonce` comes from random_bytes.
std::string make_access_token(const identity& who, timestamp now, const token_keys& keys);
std::string make_refresh_token(const refresh_claim& claim, byte_view nonce, timestamp now, const token_keys& keys);

/// Who holds it, or why it is not good. With no key nothing is.
std::variant<identity, token_fault> verify_access(std::string_view token, timestamp now, const token_keys& keys);
std::variant<refresh_claim, token_fault> verify_refresh(std::string_view token, timestamp now, const token_keys& keys);

/// The signature over "<header>.<payload>", base64url: RFC 7515, appendix A.1.
std::string sign_hs256(std::string_view signed_text, std::string_view key);

} // namespace paygate
