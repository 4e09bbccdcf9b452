#pragma once

#include <string>
#include <string_view>
#include <variant>

#include "io/codec/json.hpp"
#include "messages/provider_payment.hpp"

namespace paygate {

/// Reads what NOWPayments says of a payment: an IPN whose signature was verified, or an answer of GET /v1/payment (provider-apis 1.4, 1.6).
/// Ids may be strings or numbers, null and absent are the same, an unknown status is `waiting`, currencies become lower case.
/// Otherwise a text that says what is wrong: no JSON object, no payment_id, an id that is not all digits (`5745459419.0` verifies
/// under the signature of `5745459419`, so anything but digits may be forged), an amount that is none.
std::variant<provider_payment, std::string> parse_provider_payment(std::string_view body);
std::variant<provider_payment, std::string> parse_provider_payment(const json_value& object);

} // namespace paygate
