#include "persistence/row_codec.hpp"

namespace paygate {

namespace {

void append_padded(std::string& out, unsigned value, int width) {
  char digits[8];
  for (int i = width - 1; i >= 0; --i, value /= 10) digits[i] = static_cast<char>('0' + value % 10);
  out.append(digits, static_cast<std::size_t>(width));
}

int read_digits(std::string_view text, std::size_t at, std::size_t count) {
  int value = 0;
  for (auto i = at; i < at + count; ++i) {
    if (i >= text.size() || text[i] < '0' || text[i] > '9') throw codec_error("not a time: " + std::string(text));
    value = value * 10 + (text[i] - '0');
  }
  return value;
}

} // namespace

void append_element(std::string& out, std::string_view text) {
  out += '"';
  const auto special = text.find_first_of(std::string_view("\"\\\0", 3));
  if (special == std::string_view::npos) {
    out += text;
  } else {
    out.append(text, 0, special);
    for (char c : text.substr(special)) {
      if (c == '\0') throw codec_error("a zero byte in a text");
      if (c == '"' || c == '\\') out += '\\';
      out += c;
    }
  }
  out += '"';
}

void append_bytes(std::string& out, std::string_view bytes) {
  static constexpr char hex[] = "0123456789abcdef";
  out += "\"\\\\x";
  for (unsigned char byte : bytes) {
    out += hex[byte >> 4];
    out += hex[byte & 15];
  }
  out += '"';
}

void append_element(std::string& out, int128 units) {
  if (units == 0) {
    out += '0';
    return;
  }
  const bool negative = units < 0;
  const auto size = negative ? -static_cast<unsigned __int128>(units) : static_cast<unsigned __int128>(units);
  const auto coin = static_cast<unsigned __int128>(one_coin);
  const auto whole = size / coin;
  if (whole > ~std::uint64_t{0}) { // Beyond 64 bits: rare enough for the slow way.
    out += to_decimal(units);
    return;
  }
  if (negative) out += '-';
  append_element(out, static_cast<std::uint64_t>(whole));
  auto fraction = static_cast<std::uint64_t>(size % coin);
  if (fraction == 0) return;
  char digits[19];
  digits[0] = '.';
  std::size_t length = 1;
  for (int i = 18; i >= 1; --i, fraction /= 10) {
    digits[i] = static_cast<char>('0' + fraction % 10);
    if (length == 1 && digits[i] != '0') length = static_cast<std::size_t>(i) + 1;
  }
  out.append(digits, length);
}

void append_element(std::string& out, timestamp at) {
  using namespace std::chrono;
  const auto day = floor<days>(at);
  const year_month_day date{day};
  const int year = static_cast<int>(date.year());
  if (year < 1 || year > 9999) throw codec_error("a time outside the years 1 to 9999");
  const auto micros = static_cast<std::uint64_t>((at - day).count());
  const auto second = static_cast<unsigned>(micros / 1'000'000);
  append_padded(out, static_cast<unsigned>(year), 4);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.month()), 2);
  out += '-';
  append_padded(out, static_cast<unsigned>(date.day()), 2);
  out += 'T';
  append_padded(out, second / 3600, 2);
  out += ':';
  append_padded(out, second / 60 % 60, 2);
  out += ':';
  append_padded(out, second % 60, 2);
  out += '.';
  append_padded(out, static_cast<unsigned>(micros % 1'000'000), 6);
  out += 'Z';
}

void read_value(std::string_view text, std::string& value) { value = text; }

void read_value(std::string_view text, bool& value) {
  if (text != "t" && text != "f") throw codec_error("not a boolean: " + std::string(text));
  value = text == "t";
}

void read_value(std::string_view text, int128& units) {
  const auto parsed = parse_decimal(text);
  if (!parsed || !parsed->exact) throw codec_error("not an amount of 18 decimals: " + std::string(text));
  units = parsed->units;
}

// "2026-11-21 07:00:00+00" or "2026-11-21 07:00:00.123456+00", trailing zeros of the fraction left out.
void read_value(std::string_view text, timestamp& at) {
  using namespace std::chrono;
  if (text.size() < 22 || text.substr(text.size() - 3) != "+00") throw codec_error("not a time in UTC: " + std::string(text));
  const auto date = year(read_digits(text, 0, 4)) / read_digits(text, 5, 2) / read_digits(text, 8, 2);
  at = timestamp(sys_days(date)) + hours(read_digits(text, 11, 2)) + minutes(read_digits(text, 14, 2)) + seconds(read_digits(text, 17, 2));
  if (text[19] != '.') return;
  const auto places = text.size() - 3 - 20;
  int fraction = read_digits(text, 20, places);
  for (auto i = places; i < 6; ++i) fraction *= 10;
  at += microseconds(fraction);
}

} // namespace paygate
