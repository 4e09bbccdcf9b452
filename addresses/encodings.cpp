#include "addresses/encodings.hpp"

#include <algorithm>

namespace paygate::addresses {

namespace {

constexpr std::size_t text_max = 160; // No base58 or base32 address is longer.
constexpr std::string_view bech32_digits = "qpzry9x8gf2tvdw0s3jn54khce6mua7l";
constexpr std::uint32_t bech32_sum = 1, bech32m_sum = 0x2bc830a3;
constexpr std::size_t bech32_sum_size = 6, cashaddr_sum_size = 8;

std::uint32_t bech32_polymod(byte_view values) {
  constexpr std::uint32_t generator[] = {0x3b6a57b2, 0x26508e6d, 0x1ea119fa, 0x3d4233dd, 0x2a1462b3};
  std::uint32_t sum = 1;
  for (auto value : values) {
    const auto top = sum >> 25;
    sum = (sum & 0x1ffffff) << 5 ^ value;
    for (int i = 0; i < 5; ++i)
      if (top >> i & 1) sum ^= generator[i];
  }
  return sum;
}

std::uint64_t cashaddr_polymod(byte_view values) {
  constexpr std::uint64_t generator[] = {0x98f2bc8e61, 0x79b76d99e2, 0xf33e5fb3c4, 0xae2eabe2a8, 0x1e4f43e470};
  std::uint64_t sum = 1;
  for (auto value : values) {
    const auto top = sum >> 35;
    sum = (sum & 0x07ffffffff) << 5 ^ value;
    for (int i = 0; i < 5; ++i)
      if (top >> i & 1) sum ^= generator[i];
  }
  return sum ^ 1;
}

/// The values of the characters, 5 bits each.
std::optional<bytes> read_digits(std::string_view text, std::string_view digits) {
  bytes values;
  values.reserve(text.size());
  for (char c : text) {
    const auto value = digits.find(c);
    if (value == digits.npos) return std::nullopt;
    values.push_back(static_cast<std::uint8_t>(value));
  }
  return values;
}

/// Lower case; nothing when the text mixes cases.
std::optional<std::string> one_case(std::string_view text) {
  auto small = lower(text);
  const bool has_upper = small != text;
  const bool has_lower = std::any_of(text.begin(), text.end(), [](char c) { return c >= 'a' && c <= 'z'; });
  if (has_upper && has_lower) return std::nullopt;
  return small;
}

} // namespace

std::optional<bytes> read_number(std::string_view text, std::string_view digits) {
  if (text.empty() || text.size() > text_max) return std::nullopt;
  bytes number; // Little endian while it grows.
  std::size_t zeros = 0;
  for (bool leading = true; char c : text) {
    const auto digit = digits.find(c);
    if (digit == digits.npos) return std::nullopt;
    leading = leading && digit == 0;
    if (leading) ++zeros;
    auto carry = static_cast<std::uint32_t>(digit);
    for (auto& byte : number) {
      carry += byte * static_cast<std::uint32_t>(digits.size());
      byte = static_cast<std::uint8_t>(carry);
      carry >>= 8;
    }
    if (carry > 0) number.push_back(static_cast<std::uint8_t>(carry));
  }
  number.resize(number.size() + zeros);
  std::reverse(number.begin(), number.end());
  return number;
}

std::optional<bytes> read_monero_base58(std::string_view text) {
  constexpr std::size_t block_digits = 11, block_bytes = 8;
  constexpr int bytes_of_digits[] = {0, -1, 1, 2, -1, 3, 4, 5, -1, 6, 7, 8};
  if (text.empty() || text.size() > text_max) return std::nullopt;
  bytes data;
  for (std::size_t at = 0; at < text.size(); at += block_digits) {
    const auto block = text.substr(at, block_digits);
    const int size = bytes_of_digits[block.size()];
    auto number = size < 0 ? std::nullopt : read_number(block, bitcoin_base58);
    if (!number) return std::nullopt;
    // Leading zero digits say nothing here: the block's size is known.
    const auto first = std::find_if(number->begin(), number->end(), [](auto byte) { return byte != 0; });
    const auto used = static_cast<std::size_t>(number->end() - first);
    if (used > static_cast<std::size_t>(size) || static_cast<std::size_t>(size) > block_bytes) return std::nullopt;
    data.insert(data.end(), static_cast<std::size_t>(size) - used, 0);
    data.insert(data.end(), first, number->end());
  }
  return data;
}

std::optional<bytes> five_to_eight(byte_view values) {
  bytes data;
  data.reserve(values.size() * 5 / 8);
  std::uint32_t pending = 0;
  int bits = 0;
  for (auto value : values) {
    pending = (pending << 5 | value) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      data.push_back(static_cast<std::uint8_t>(pending >> bits));
    }
  }
  if (bits > 4 || (pending & ((1U << bits) - 1)) != 0) return std::nullopt;
  return data;
}

std::optional<bytes> read_base32(std::string_view text, std::string_view digits) {
  if (text.empty() || text.size() > text_max) return std::nullopt;
  const auto values = read_digits(text, digits);
  if (!values) return std::nullopt;
  return five_to_eight(*values);
}

std::optional<bech32_text> read_bech32(std::string_view text, std::size_t length_max) {
  const auto small = one_case(text);
  if (!small || small->size() > length_max) return std::nullopt;
  const auto one = small->rfind('1');
  if (one == small->npos || one == 0 || small->size() - one - 1 < bech32_sum_size) return std::nullopt;
  bech32_text read;
  read.prefix = small->substr(0, one);
  for (unsigned char c : read.prefix)
    if (c < 33 || c > 126) return std::nullopt;
  auto values = read_digits(std::string_view(*small).substr(one + 1), bech32_digits);
  if (!values) return std::nullopt;
  bytes summed;
  for (char c : read.prefix) summed.push_back(static_cast<std::uint8_t>(c >> 5));
  summed.push_back(0);
  for (char c : read.prefix) summed.push_back(static_cast<std::uint8_t>(c & 31));
  summed.insert(summed.end(), values->begin(), values->end());
  const auto sum = bech32_polymod(summed);
  read.kind = sum == bech32_sum ? bech32_kind::bech32 : sum == bech32m_sum ? bech32_kind::bech32m : bech32_kind::neither;
  values->resize(values->size() - bech32_sum_size);
  read.values = std::move(*values);
  return read;
}

std::optional<cashaddr_text> read_cashaddr(std::string_view prefix, std::string_view text) {
  const auto small = one_case(text);
  if (!small || small->size() <= cashaddr_sum_size || small->size() > text_max) return std::nullopt;
  auto values = read_digits(*small, bech32_digits);
  if (!values) return std::nullopt;
  bytes summed;
  for (char c : prefix) summed.push_back(static_cast<std::uint8_t>(c & 31));
  summed.push_back(0);
  summed.insert(summed.end(), values->begin(), values->end());
  values->resize(values->size() - cashaddr_sum_size);
  return cashaddr_text{std::move(*values), cashaddr_polymod(summed) == 0};
}

std::uint16_t crc16_xmodem(byte_view data) {
  std::uint32_t crc = 0;
  for (auto byte : data) {
    crc ^= static_cast<std::uint32_t>(byte) << 8;
    for (int i = 0; i < 8; ++i) crc = crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1;
  }
  return static_cast<std::uint16_t>(crc);
}

std::uint32_t crc32(byte_view data) {
  std::uint32_t crc = 0xffffffff;
  for (auto byte : data) {
    crc ^= byte;
    for (int i = 0; i < 8; ++i) crc = crc & 1 ? crc >> 1 ^ 0xedb88320 : crc >> 1;
  }
  return ~crc;
}

bool consists_of(std::string_view text, std::string_view allowed) { return text.find_first_not_of(allowed) == text.npos; }

bool is_hex(std::string_view text) { return consists_of(text, "0123456789abcdefABCDEF"); }

std::optional<bytes> read_hex(std::string_view text, std::string_view prefix, std::size_t size) {
  if (!text.starts_with(prefix) || text.size() != prefix.size() + 2 * size) return std::nullopt;
  const auto digits = text.substr(prefix.size());
  return is_hex(digits) ? hex_decode(digits) : std::nullopt;
}

std::string lower(std::string_view text) {
  std::string small(text);
  for (auto& c : small)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return small;
}

} // namespace paygate::addresses
