#include "io/codec/password.hpp"

#include <charconv>
#include <memory>
#include <optional>
#include <stdexcept>

#include <argon2.h>
#include <crypt.h>

#include "crypto/bcrypt.hpp"

namespace paygate {

namespace {

constexpr std::size_t hash_size = 32;
/// A stored hash never makes us spend more than this.
constexpr std::uint32_t memory_max = 1u << 18, passes_max = 16, lanes_max = 16;

std::optional<std::uint32_t> number_after(std::string_view& text, std::string_view word) {
  if (!text.starts_with(word)) return std::nullopt;
  text.remove_prefix(word.size());
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{}) return std::nullopt;
  text.remove_prefix(static_cast<std::size_t>(end - text.data()));
  return value;
}

/// The cost that an Argon2id hash names, when it is one that we pay.
std::optional<argon2_cost> cost_of(std::string_view hash) {
  const auto version = number_after(hash, "$argon2id$v=");
  const auto memory = version ? number_after(hash, "$m=") : std::nullopt;
  const auto passes = memory ? number_after(hash, ",t=") : std::nullopt;
  const auto lanes = passes ? number_after(hash, ",p=") : std::nullopt;
  if (!lanes || *version != ARGON2_VERSION_13 || !hash.starts_with('$')) return std::nullopt;
  if (*memory > memory_max || *passes > passes_max || *lanes > lanes_max) return std::nullopt;
  return argon2_cost{*memory, *passes, *lanes};
}

bool bcrypt_matches(const std::string& password, const std::string& hash) {
  const auto room = std::make_unique<crypt_data>();
  const char* made = crypt_r(password.c_str(), hash.c_str(), room.get());
  return made != nullptr && constant_time_equal(made, hash);
}

} // namespace

std::string hash_password(std::string_view password, const argon2_cost& cost, byte_view salt) {
  std::string encoded(
      argon2_encodedlen(cost.passes, cost.memory_kib, cost.lanes, static_cast<std::uint32_t>(salt.size()), hash_size, Argon2_id), '\0');
  const int failed = argon2id_hash_encoded(cost.passes, cost.memory_kib, cost.lanes, password.data(), password.size(), salt.data(),
                                           salt.size(), hash_size, encoded.data(), encoded.size());
  if (failed != ARGON2_OK) throw std::runtime_error(argon2_error_message(failed));
  encoded.resize(encoded.find('\0'));
  return encoded;
}

password_verdict check_password(std::string_view password, const std::string& hash, const argon2_cost& wanted) {
  // crypt's texts end at a zero byte: what follows one would not be looked at.
  if (password.find('\0') != password.npos || hash.find('\0') != hash.npos) return {};
  if (is_bcrypt(hash)) {
    const bool matches = bcrypt_matches(std::string(password), hash);
    return {matches, matches};
  }
  const auto cost = cost_of(hash);
  if (!cost || argon2id_verify(hash.c_str(), password.data(), password.size()) != ARGON2_OK) return {};
  return {true, *cost != wanted};
}

bool is_password_hash(const std::string& hash) {
  return hash.find('\0') == hash.npos && (is_bcrypt(hash) || (cost_of(hash) && hash.size() < 512));
}

} // namespace paygate
