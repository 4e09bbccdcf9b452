#include "crypto/encoding.hpp"

#include <array>

#include <openssl/crypto.h>

namespace paygate {

namespace {

constexpr std::string_view hex_digits = "0123456789abcdef";
constexpr std::string_view base64url_digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr std::array<std::int8_t, 256> base64url_values = [] {
  std::array<std::int8_t, 256> values{};
  values.fill(-1);
  for (std::size_t i = 0; i < base64url_digits.size(); ++i)
    values[static_cast<unsigned char>(base64url_digits[i])] = static_cast<std::int8_t>(i);
  return values;
}();

void append_hex(std::string& text, byte_view data) {
  for (auto byte : data) {
    text += hex_digits[byte >> 4];
    text += hex_digits[byte & 15];
  }
}

} // namespace

std::string hex_encode(byte_view data) {
  std::string text;
  text.reserve(data.size() * 2);
  append_hex(text, data);
  return text;
}

std::string hex_encode_0x(byte_view data) {
  std::string text = "0x";
  text.reserve(data.size() * 2 + 2);
  append_hex(text, data);
  return text;
}

std::optional<bytes> hex_decode(std::string_view text) {
  if (text.starts_with("0x") || text.starts_with("0X")) text.remove_prefix(2);
  if (text.size() % 2 != 0) return std::nullopt;
  bytes data;
  data.reserve(text.size() / 2);
  for (std::size_t i = 0; i < text.size(); i += 2) {
    const int high = hex_value(text[i]), low = hex_value(text[i + 1]);
    if (high < 0 || low < 0) return std::nullopt;
    data.push_back(static_cast<std::uint8_t>(high << 4 | low));
  }
  return data;
}

std::string base64url_encode(byte_view data) {
  std::string text;
  text.reserve((data.size() * 4 + 2) / 3);
  std::uint32_t pending = 0;
  int bits = 0;
  for (auto byte : data) {
    pending = pending << 8 | byte;
    bits += 8;
    for (; bits >= 6; bits -= 6) text += base64url_digits[pending >> (bits - 6) & 63];
  }
  if (bits > 0) text += base64url_digits[pending << (6 - bits) & 63];
  return text;
}

std::optional<bytes> base64url_decode(std::string_view text) {
  if (text.size() % 4 == 1) return std::nullopt;
  bytes data;
  data.reserve(text.size() * 3 / 4);
  std::uint32_t pending = 0;
  int bits = 0;
  for (char c : text) {
    const int value = base64url_values[static_cast<unsigned char>(c)];
    if (value < 0) return std::nullopt;
    pending = pending << 6 | static_cast<std::uint32_t>(value);
    bits += 6;
    if (bits >= 8) {
      bits -= 8;
      data.push_back(static_cast<std::uint8_t>(pending >> bits));
    }
  }
  if ((pending & ((1U << bits) - 1)) != 0) return std::nullopt;
  return data;
}

bool constant_time_equal(std::string_view a, std::string_view b) {
  return a.size() == b.size() && CRYPTO_memcmp(a.data(), b.data(), a.size()) == 0;
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view white = " \t\r\n\v\f";
  const auto first = text.find_first_not_of(white);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(white) - first + 1);
}

} // namespace paygate
