#include "messages/money.hpp"

#include <algorithm>
#include <cstdlib>
#include <limits>

#include <boost/multiprecision/cpp_int.hpp>

namespace paygate {

namespace {

using int256 = boost::multiprecision::int256_t;

constexpr int128 int128_max = static_cast<int128>(~static_cast<unsigned __int128>(0) >> 1);
constexpr int128 int128_min = -int128_max - 1;

int128 mul_div(int128 a, int128 b, int128 c, bool up) {
  if (c == 0) throw money_error("division of an amount by zero");
  const int256 product = int256(a) * int256(b);
  const int256 divisor(c);
  int256 quotient = product / divisor; // Towards zero.
  const int256 rest = product - quotient * divisor;
  if (rest != 0) {
    const bool negative = (rest < 0) != (divisor < 0);
    if (up && !negative) ++quotient;
    if (!up && negative) --quotient;
  }
  if (quotient > int256(int128_max) || quotient < int256(int128_min)) throw money_error("an amount left 128 bits");
  return static_cast<int128>(quotient);
}

bool is_digit(char c) { return c >= '0' && c <= '9'; }

// The digits of a number token and where its decimal point stands, counted in digits from the left.
struct digits {
  bool negative = false;
  std::string text;
  long point = 0;
};

std::optional<digits> scan(std::string_view token) {
  digits d;
  std::size_t i = 0;
  if (i < token.size() && token[i] == '-') d.negative = true, ++i;
  const auto integer_start = i;
  while (i < token.size() && is_digit(token[i])) d.text += token[i++];
  if (i == integer_start) return std::nullopt;
  d.point = static_cast<long>(d.text.size());
  if (i < token.size() && token[i] == '.') {
    const auto fraction_start = ++i;
    while (i < token.size() && is_digit(token[i])) d.text += token[i++];
    if (i == fraction_start) return std::nullopt;
  }
  if (i < token.size() && (token[i] == 'e' || token[i] == 'E')) {
    ++i;
    bool minus = false;
    if (i < token.size() && (token[i] == '+' || token[i] == '-')) minus = token[i++] == '-';
    long exponent = 0;
    const auto exponent_start = i;
    // An exponent of five digits or more is never an amount; stopping there keeps the sum in range.
    for (; i < token.size() && is_digit(token[i]); ++i) exponent = std::min(exponent * 10 + (token[i] - '0'), 99999L);
    if (i == exponent_start) return std::nullopt;
    d.point += minus ? -exponent : exponent;
  }
  if (i != token.size()) return std::nullopt;
  return d;
}

} // namespace

int128 checked_add(int128 a, int128 b) {
  int128 sum = 0;
  if (__builtin_add_overflow(a, b, &sum)) throw money_error("a sum of amounts left 128 bits");
  return sum;
}

int128 checked_sub(int128 a, int128 b) {
  int128 difference = 0;
  if (__builtin_sub_overflow(a, b, &difference)) throw money_error("a difference of amounts left 128 bits");
  return difference;
}

int128 mul_div_floor(int128 a, int128 b, int128 c) { return mul_div(a, b, c, false); }
int128 mul_div_ceil(int128 a, int128 b, int128 c) { return mul_div(a, b, c, true); }

std::optional<decimal> parse_decimal(std::string_view token) {
  auto scanned = scan(token);
  if (!scanned) return std::nullopt;
  decimal result;
  const long wanted = scanned->point + 18; // Digits that count.
  for (long i = 0; i < static_cast<long>(scanned->text.size()); ++i) {
    const int digit = scanned->text[static_cast<std::size_t>(i)] - '0';
    if (i >= wanted) {
      if (digit != 0) result.exact = false;
      continue;
    }
    if (__builtin_mul_overflow(result.units, static_cast<int128>(10), &result.units)
        || __builtin_add_overflow(result.units, static_cast<int128>(digit), &result.units))
      return std::nullopt;
  }
  for (long i = static_cast<long>(scanned->text.size()); i < wanted && result.units != 0; ++i)
    if (__builtin_mul_overflow(result.units, static_cast<int128>(10), &result.units)) return std::nullopt;
  if (scanned->negative) result.units = -result.units;
  return result;
}

std::string to_integer_text(int128 value) {
  if (value == 0) return "0";
  const bool negative = value < 0;
  auto rest = negative ? -static_cast<unsigned __int128>(value) : static_cast<unsigned __int128>(value);
  std::string text;
  for (; rest != 0; rest /= 10) text += static_cast<char>('0' + static_cast<int>(rest % 10));
  if (negative) text += '-';
  std::reverse(text.begin(), text.end());
  return text;
}

std::optional<int128> parse_integer(std::string_view text) {
  const bool negative = !text.empty() && text.front() == '-';
  if (negative) text.remove_prefix(1);
  if (text.empty()) return std::nullopt;
  int128 value = 0;
  for (char c : text) {
    if (!is_digit(c) || __builtin_mul_overflow(value, static_cast<int128>(10), &value)
        || __builtin_add_overflow(value, static_cast<int128>(c - '0'), &value))
      return std::nullopt;
  }
  return negative ? -value : value;
}

namespace {

std::string with_point(int128 units) {
  const bool negative = units < 0;
  auto text = to_integer_text(units);
  if (negative) text.erase(0, 1);
  if (text.size() < 19) text.insert(0, 19 - text.size(), '0');
  text.insert(text.size() - 18, 1, '.');
  return negative ? "-" + text : text;
}

} // namespace

std::string to_decimal(int128 units) {
  auto text = with_point(units);
  text.erase(text.find_last_not_of('0') + 1);
  if (text.back() == '.') text.pop_back();
  return text;
}

std::string to_fixed(int128 units, int places) {
  auto text = with_point(truncate_to(units, places));
  text.erase(text.size() - static_cast<std::size_t>(18 - places));
  if (places == 0) text.pop_back();
  return text;
}

int128 truncate_to(int128 units, int places) {
  int128 step = 1;
  for (int i = places; i < 18; ++i) step *= 10;
  return units / step * step;
}

} // namespace paygate
