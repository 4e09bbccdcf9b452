#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "crypto/encoding.hpp"

// Passwords as PHC strings of Argon2id (RFC 9106), and bcrypt of imported owners. Each call takes tens of milliseconds and much memory: see
// password_pool for where it may run.
namespace paygate {

/// What a hash costs; the defaults are OWASP's.
struct argon2_cost {
  std::uint32_t memory_kib = 19'456, passes = 2, lanes = 1;
  bool operator==(const argon2_cost&) const = default;
};

/// "$argon2id$v=19$m=19456,t=2,p=1$<salt>$<hash>". @pre the salt has at least 8 bytes; throws std::runtime_error when there is no memory.
std::string hash_password(std::string_view password, const argon2_cost& cost, byte_view salt);

struct password_verdict {
  bool matches = false;
  bool outdated = false; ///< It matches, but the hash is bcrypt's or was made at another cost: store a new one.
};

/// Judges a password by a stored hash; what is no hash that we know matches nothing. The time depends on the hash's cost, not on the answer.
password_verdict check_password(std::string_view password, const std::string& hash, const argon2_cost& wanted);

/// A hash that check_password can judge, at a cost that we are willing to pay: for an import.
bool is_password_hash(const std::string& hash);

} // namespace paygate
