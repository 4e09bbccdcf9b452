// An IPN's body and signature: what the provider would sign verifies, anything else does not, and what is read of it does no harm.
#include <string>

#include "crypto/hash.hpp"
#include "io/codec/ipn.hpp"
#include "io/codec/ipn_signature.hpp"
#include "io/codec/json_canonical.hpp"
#include "tests/fuzz/fuzz.hpp"

using namespace paygate;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const auto body = fuzz::text_of(data, size);
  const std::string secret = "ipn secret";
  fuzz::promise(!ipn_signature_matches(body, std::string(128, '0'), secret), "no signature of zeros");
  fuzz::promise(!ipn_signature_matches(body, body, secret), "no body signs itself");
  if (const auto tokens = json_tokens::parse(body)) {
    const auto text = canonical_text(*tokens, {});
    fuzz::promise(text.has_value(), "numbers as they came can always be written");
    fuzz::promise(ipn_signature_matches(body, hmac_sha512_hex(secret, *text), secret), "what was signed verifies");
    fuzz::promise(!ipn_signature_matches(body, hmac_sha512_hex("other", *text), secret), "another secret does not");
  }
  const auto read = parse_provider_payment(body);
  if (const auto* payment = std::get_if<provider_payment>(&read)) {
    fuzz::promise(!payment->payment_id.empty(), "a payment has its id");
    for (const char c : payment->payment_id) fuzz::promise(c >= '0' && c <= '9', "a payment's id is digits");
  }
  return 0;
}
