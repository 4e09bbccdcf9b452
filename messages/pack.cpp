#include "messages/pack.hpp"

#include <optional>
#include <utility>

namespace paygate {

namespace {

void append_number(std::string& out, std::uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(static_cast<std::uint8_t>(value) | 0x80));
  out.push_back(static_cast<char>(value));
}

std::optional<std::uint64_t> take_number(std::string_view& in) {
  std::uint64_t value = 0;
  for (unsigned shift = 0; shift < 64 && !in.empty(); shift += 7) {
    const auto byte = static_cast<std::uint8_t>(in.front());
    in.remove_prefix(1);
    if (shift == 63 && byte > 1) return std::nullopt;
    value |= static_cast<std::uint64_t>(byte & 0x7F) << shift;
    if (byte < 0x80) return value;
  }
  return std::nullopt;
}

} // namespace

void pack_writer::add(std::uint64_t number, std::string_view bytes) {
  if (packs_.empty() || packs_.back().size() >= pack_full) packs_.emplace_back(1, static_cast<char>(pack_version));
  auto& pack = packs_.back();
  append_number(pack, number);
  append_number(pack, bytes.size());
  pack += bytes;
}

std::vector<std::string> pack_writer::take() { return std::exchange(packs_, {}); }

std::variant<std::vector<packed>, wire_error> read_pack(std::string_view pack) {
  if (pack.empty()) return wire_error{"an empty pack"};
  if (static_cast<std::uint8_t>(pack.front()) != pack_version)
    return wire_error{"a pack of version " + std::to_string(static_cast<std::uint8_t>(pack.front()))};
  pack.remove_prefix(1);
  std::vector<packed> all;
  while (!pack.empty()) {
    const auto number = take_number(pack);
    const auto size = number ? take_number(pack) : std::nullopt;
    if (!size || *size > pack.size()) return wire_error{"a pack that is cut off"};
    if (*size > wire_max) return wire_error{"a pack with something too long in it"};
    all.push_back({*number, pack.substr(0, static_cast<std::size_t>(*size))});
    pack.remove_prefix(static_cast<std::size_t>(*size));
  }
  if (all.empty()) return wire_error{"a pack with nothing in it"};
  return all;
}

} // namespace paygate
