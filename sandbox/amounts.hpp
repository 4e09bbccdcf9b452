#pragma once
#include <optional>
#include <string>
#include <string_view>

#include <boost/multiprecision/cpp_dec_float.hpp>
#include <boost/multiprecision/cpp_int.hpp>

#include "sandbox/json.hpp"

namespace sandbox {

using decimal = boost::multiprecision::cpp_dec_float_100;
using big_int = boost::multiprecision::cpp_int;

/// A decimal text such as "12", "0.5" or "1e-7"; nullopt for all else.
std::optional<decimal> parse_decimal(std::string_view text);
/// A JSON number, or a string that holds one.
std::optional<decimal> decimal_of(const json& value);
/// Cut towards zero at so many places.
decimal cut(const decimal& value, int places);
/// Rounded up at so many places. @pre value >= 0
decimal raise(const decimal& value, int places);
/// Without an exponent and without trailing zeros: "0.0000001".
std::string plain(const decimal& value, int places = 18);
/// As JavaScript prints the double next to it: 15 significant digits survive, small values become "1e-7".
std::string js_number(const decimal& value);
/// The same as a JSON number.
json js(const decimal& value);
/// Whole units of 10^-places, cut towards zero.
big_int units_of(const decimal& value, int places);
decimal from_units(const big_int& units, int places);
/// "0x1bc" without leading zeros. @pre value >= 0
std::string hex_quantity(const big_int& value);
/// nullopt: not 0x and hexadecimal digits.
std::optional<big_int> parse_quantity(std::string_view text);

} // namespace sandbox
