#include "sandbox/amounts.hpp"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>

namespace sandbox {

namespace mp = boost::multiprecision;

std::optional<decimal> parse_decimal(std::string_view text) {
  std::size_t at = 0;
  const auto digits = [&] {
    const auto start = at;
    while (at < text.size() && std::isdigit(static_cast<unsigned char>(text[at]))) ++at;
    return at > start;
  };
  if (text.size() > 80) return std::nullopt;
  if (at < text.size() && text[at] == '-') ++at;
  if (!digits()) return std::nullopt;
  if (at < text.size() && text[at] == '.' && (++at, !digits())) return std::nullopt;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    if (++at; at < text.size() && (text[at] == '+' || text[at] == '-')) ++at;
    if (const auto start = at; !digits() || at - start > 3) return std::nullopt;
  }
  if (at != text.size()) return std::nullopt;
  return decimal(std::string(text));
}

std::optional<decimal> decimal_of(const json& value) {
  if (!value.is_number() && !value.is_string()) return std::nullopt;
  return parse_decimal(value.text());
}

/// A quotient such as 0.3/60000 comes out as 0.00000499...9 after a hundred digits; this much is forgiven.
static const decimal division_slack("1e-60");

decimal cut(const decimal& value, int places) {
  const decimal scale = mp::pow(decimal(10), places);
  return mp::trunc(value * scale + (value < 0 ? -division_slack : division_slack)) / scale;
}

decimal raise(const decimal& value, int places) {
  const decimal scale = mp::pow(decimal(10), places);
  return mp::ceil(value * scale - division_slack) / scale;
}

std::string plain(const decimal& value, int places) {
  std::string text = value.str(places, std::ios::fixed);
  if (text.find('.') != std::string::npos) {
    text.erase(text.find_last_not_of('0') + 1);
    if (text.back() == '.') text.pop_back();
  }
  return text == "-0" ? "0" : text;
}

std::string js_number(const decimal& value) {
  // The services are JavaScript programs: what they print is a double, in its shortest form (ECMA-262, Number::toString).
  const double near = std::strtod(value.str(40, std::ios::scientific).c_str(), nullptr);
  char buffer[40];
  const auto end = std::to_chars(buffer, buffer + sizeof buffer, near, std::chars_format::scientific).ptr;
  std::string text(buffer, end);
  std::string sign;
  if (text.front() == '-') {
    sign = "-";
    text.erase(0, 1);
  }
  const auto e = text.find('e');
  const int exponent = std::atoi(text.c_str() + e + 1);
  std::string digits = text.substr(0, e);
  std::erase(digits, '.');
  if (digits.find_first_not_of('0') == std::string::npos) return "0";
  const int count = static_cast<int>(digits.size());
  const int point = exponent + 1;
  if (point >= count && point <= 21) return sign + digits + std::string(static_cast<std::size_t>(point - count), '0');
  if (point > 0 && point <= 21) return sign + digits.substr(0, point) + "." + digits.substr(point);
  if (point > -6 && point <= 0) return sign + "0." + std::string(static_cast<std::size_t>(-point), '0') + digits;
  const std::string power = std::string(exponent < 0 ? "e-" : "e+") + std::to_string(std::abs(exponent));
  return sign + digits.substr(0, 1) + (count > 1 ? "." + digits.substr(1) : "") + power;
}

json js(const decimal& value) { return json::number(js_number(value)); }

big_int units_of(const decimal& value, int places) {
  const decimal scaled = mp::trunc(cut(value, places) * mp::pow(decimal(10), places) + division_slack);
  return big_int(scaled.str(0, std::ios::fixed).substr(0, scaled.str(0, std::ios::fixed).find('.')));
}

decimal from_units(const big_int& units, int places) { return decimal(units.str()) / mp::pow(decimal(10), places); }

std::string hex_quantity(const big_int& value) {
  std::string text = value.str(0, std::ios::hex);
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return "0x" + text;
}

std::optional<big_int> parse_quantity(std::string_view text) {
  if (text.size() < 3 || text.size() > 66 || text.substr(0, 2) != "0x") return std::nullopt;
  if (!std::all_of(text.begin() + 2, text.end(), [](unsigned char c) { return std::isxdigit(c); })) return std::nullopt;
  return big_int(std::string(text));
}

} // namespace sandbox
