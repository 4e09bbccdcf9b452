#pragma once

#include <compare>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>

namespace paygate {

/// A count of 10^-18 units. 128 bits hold 1.7 * 10^20 whole coins; NUMERIC(38,18) in SQL holds 10^20.
using int128 = __int128;
inline constexpr int128 one_coin = 1'000'000'000'000'000'000;

/// Arithmetic on amounts left 128 bits, or amounts of two currencies met. Never a wrap.
struct money_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

int128 checked_add(int128 a, int128 b);
int128 checked_sub(int128 a, int128 b);

/// a * b / c in 256 bits, rounded towards minus infinity / plus infinity. Throws money_error when c is 0 or the result leaves 128 bits.
int128 mul_div_floor(int128 a, int128 b, int128 c);
int128 mul_div_ceil(int128 a, int128 b, int128 c);

/// A decimal token as it came: `units` holds its value truncated towards zero to 18 decimals, `exact` tells whether anything was cut off.
struct decimal {
  int128 units = 0;
  bool exact = true;
};

/// Reads a JSON or SQL number token ("10.50", "1e-7", "-0.3", "+1" is none). Nothing when it is no number or leaves 128 bits.
std::optional<decimal> parse_decimal(std::string_view token);

/// The shortest plain decimal text: no exponent, no trailing zeros, "0" for zero. parse_decimal reads it back exactly.
std::string to_decimal(int128 units);

/// `to_decimal` truncated to `places` decimals (towards zero), always with exactly that many: to_fixed(10.5, 2) is "10.50". For texts to people.
std::string to_fixed(int128 units, int places);

/// Rounds towards zero to a multiple of 10^-places: money that a provider takes with 8 decimals only.
int128 truncate_to(int128 units, int places);

/// Decimal text of an integer of any sign ("1000000000000000000"): wei on the wire and in logs.
std::string to_integer_text(int128 value);
std::optional<int128> parse_integer(std::string_view text);

/// An amount whose currency the type knows: amounts of two currencies cannot meet by mistake.
template <class Unit>
class money {
public:
  constexpr money() = default;
  static constexpr money of_units(int128 units) {
    money m;
    m.units_ = units;
    return m;
  }
  constexpr int128 units() const { return units_; }
  constexpr bool is_positive() const { return units_ > 0; }
  constexpr bool is_zero() const { return units_ == 0; }
  friend money operator+(money a, money b) { return of_units(checked_add(a.units_, b.units_)); }
  friend money operator-(money a, money b) { return of_units(checked_sub(a.units_, b.units_)); }
  money operator-() const { return of_units(checked_sub(0, units_)); }
  constexpr auto operator<=>(const money&) const = default;
  static constexpr std::string_view currency = Unit::currency;

private:
  int128 units_ = 0;
};

struct eth_unit { static constexpr std::string_view currency = "eth"; };
struct usd_unit { static constexpr std::string_view currency = "usd"; };
struct usdt_unit { static constexpr std::string_view currency = "usdt"; };
using eth_amount = money<eth_unit>;   ///< One unit is one wei.
using usd_amount = money<usd_unit>;
using usdt_amount = money<usdt_unit>; ///< The token itself has 6 decimals; so does every amount that is sent.

template <class Unit>
std::string to_decimal(money<Unit> m) { return to_decimal(m.units()); }

/// An amount of a currency known at run time only: what a subscriber pays in, what an owner is paid in. `currency` is a lower-case ticker.
struct amount {
  std::string currency;
  int128 units = 0;
  bool operator==(const amount&) const = default;
};

/// A coin as ChangeNOW names it: ticker and network, both lower case ("usdt", "eth").
struct asset {
  std::string ticker;
  std::string network;
  bool operator==(const asset&) const = default;
};

} // namespace paygate
