#include "io/codec/ipn_signature.hpp"

#include "io/codec/json_canonical.hpp"
#include "crypto/hash.hpp"

namespace paygate {

namespace {

constexpr std::size_t signature_digits = 128;

} // namespace

bool ipn_signature_matches(std::string_view body, std::string_view signature_hex, std::string_view secret) {
  secret = trimmed(secret);
  signature_hex = trimmed(signature_hex);
  if (secret.empty() || signature_hex.size() != signature_digits) return false;
  const auto signature = hex_decode(signature_hex);
  if (!signature || signature->size() != signature_digits / 2) return false;
  const auto wanted = as_text(*signature);
  const auto tokens = json_tokens::parse(body);
  if (!tokens) return false;

  std::string plain;
  for (int variant = 0; variant < 8; ++variant) {
    const canonical_form form{(variant & 1) != 0, (variant & 2) != 0, (variant & 4) != 0};
    // Forms that cannot differ from an earlier one are not tried: a wrong signature is to cost little.
    if ((form.js_numbers && !tokens->has_numbers()) || (form.arrays_as_objects && !tokens->has_arrays())
        || (form.index_keys_first && !tokens->has_index_keys()))
      continue;
    const auto text = canonical_text(*tokens, form);
    if (!text || (variant != 0 && *text == plain)) continue;
    if (constant_time_equal(as_text(hmac_sha512(secret, as_bytes(*text))), wanted)) return true;
    if (variant == 0) plain = *text;
  }
  return false;
}

} // namespace paygate
