#pragma once

#include <string_view>

namespace paygate {

/// Whether `signature_hex` (the header x-nowpayments-sig) is NOWPayments' HMAC-SHA512 of `body` under `secret`. Signed is not the body's
/// bytes but the value written anew with sorted keys (provider-apis 1.6), so it is written in each form the signer may have used: numbers
/// as they came, then as JavaScript prints them; arrays kept, then as the objects that the documentation's code makes of them. White space
/// around secret and signature is ignored; an empty secret matches nothing. False for a body that json_tokens::parse refuses, one with the
/// same key twice above all: two readers might take different ones for the signed value.
bool ipn_signature_matches(std::string_view body, std::string_view signature_hex, std::string_view secret);

} // namespace paygate
