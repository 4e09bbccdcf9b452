#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "io/codec/json_tokens.hpp"

namespace paygate {

/// The ways in which a signer may have written the same JSON value. All are compact, with keys sorted at every level and strings as
/// JavaScript writes them.
struct canonical_form {
  bool js_numbers = false;        ///< Numbers as JavaScript prints them (15 for 15.00), not as they came.
  bool arrays_as_objects = false; ///< ["a"] as {"0":"a"}: what the sorting function in NOWPayments' documentation makes of it.
  bool index_keys_first = false; ///< Keys like "10" before others and by value, as JavaScript's objects keep them however they were sorted.
};

/// Writes the value in that form. Nothing when JavaScript could not hold one of its numbers (js_numbers only).
std::optional<std::string> canonical_text(const json_tokens& tokens, canonical_form form);

/// The token as JavaScript prints the number after parsing it (ECMAScript, Number::toString): 0.0000001 is 1e-7, 123456789012345678 is
/// 123456789012345680. Nothing beyond the range of a double. The only double in this project's neighbourhood of money: it is
/// compared with a signature and read as an amount by nobody.
std::optional<std::string> js_number_text(std::string_view token);

} // namespace paygate
