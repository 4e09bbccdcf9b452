#include "io/codec/rlp.hpp"

#include <array>
#include <cassert>

namespace paygate {

namespace {

constexpr std::uint8_t string_offset = 0x80, list_offset = 0xc0;
constexpr std::size_t short_max = 55; // Longer content has its length in bytes of its own.

byte_view without_leading_zeros(byte_view big_endian) {
  while (!big_endian.empty() && big_endian.front() == 0) big_endian = big_endian.subspan(1);
  return big_endian;
}

void append_header(bytes& out, std::uint8_t offset, std::size_t length) {
  if (length <= short_max) {
    out.push_back(static_cast<std::uint8_t>(offset + length));
    return;
  }
  int width = 1;
  while (width < 8 && length >> (8 * width) != 0) ++width;
  out.push_back(static_cast<std::uint8_t>(offset + short_max + static_cast<std::size_t>(width)));
  for (int i = width - 1; i >= 0; --i) out.push_back(static_cast<std::uint8_t>(length >> (8 * i)));
}

// Takes a header off the front: the content's length, which is never more than what is left.
std::optional<std::size_t> take_header(byte_view& in, std::uint8_t offset) {
  std::size_t length = in.front() - static_cast<std::size_t>(offset);
  in = in.subspan(1);
  if (length > short_max) {
    const auto width = length - short_max;
    if (width > in.size() || in.front() == 0) return std::nullopt;
    length = 0;
    for (auto byte : in.first(width)) length = length << 8 | byte;
    if (length <= short_max) return std::nullopt;
    in = in.subspan(width);
  }
  if (length > in.size()) return std::nullopt;
  return length;
}

bool take_item(byte_view& in, rlp_item& item, int depth) {
  if (in.empty()) return false;
  const auto first = in.front();
  if (first < string_offset) {
    item.text.assign(1, first);
    in = in.subspan(1);
    return true;
  }
  item.is_list = first >= list_offset;
  const auto length = take_header(in, item.is_list ? list_offset : string_offset);
  if (!length) return false;
  auto content = in.first(*length);
  in = in.subspan(*length);
  if (!item.is_list) {
    item.text.assign(content.begin(), content.end());
    // A byte below 0x80 stands for itself.
    return item.text.size() != 1 || item.text.front() >= string_offset;
  }
  if (depth == rlp_depth_max) return false;
  while (!content.empty())
    if (!take_item(content, item.items.emplace_back(), depth + 1)) return false;
  return true;
}

} // namespace

bytes rlp_string(byte_view data) {
  bytes out;
  if (data.size() != 1 || data.front() >= string_offset) append_header(out, string_offset, data.size());
  out.insert(out.end(), data.begin(), data.end());
  return out;
}

bytes rlp_integer(byte_view big_endian) { return rlp_string(without_leading_zeros(big_endian)); }

bytes rlp_integer(int128 value) {
  assert(value >= 0);
  std::array<std::uint8_t, 16> big_endian{};
  for (auto i = big_endian.size(); i-- > 0; value >>= 8) big_endian[i] = static_cast<std::uint8_t>(value & 0xff);
  return rlp_integer(byte_view(big_endian));
}

bytes rlp_list(const std::vector<bytes>& encoded_items) {
  std::size_t length = 0;
  for (const auto& item : encoded_items) length += item.size();
  bytes out;
  append_header(out, list_offset, length);
  for (const auto& item : encoded_items) out.insert(out.end(), item.begin(), item.end());
  return out;
}

std::optional<rlp_item> rlp_decode(byte_view encoded) {
  rlp_item item;
  if (!take_item(encoded, item, 0) || !encoded.empty()) return std::nullopt;
  return item;
}

} // namespace paygate
