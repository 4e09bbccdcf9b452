#include "messages/ids.hpp"

#include <cstdio>

namespace paygate {

namespace {

std::uint64_t fnv1a(std::uint64_t hash, std::string_view bytes) {
  for (unsigned char byte : bytes) {
    hash ^= byte;
    hash *= 1099511628211ull;
  }
  return hash;
}

constexpr std::uint64_t fnv_offset = 14695981039346656037ull;

/// ASCII letters alone: names and addresses have no others.
std::string folded(std::string prefix, std::string_view name) {
  for (char c : name) prefix += c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return prefix;
}

} // namespace

std::string to_text(const entity_ref& ref) { return std::string(to_text(ref.kind)) + "/" + ref.id; }

std::uint32_t shard_of(const entity_ref& ref) {
  auto hash = fnv1a(fnv1a(fnv1a(fnv_offset, to_text(ref.kind)), "/"), ref.id);
  hash ^= hash >> 32;
  hash ^= hash >> 16;
  hash ^= hash >> 8;
  return static_cast<std::uint32_t>(hash % shard_count);
}

std::string name_id(std::string_view user_name) { return folded("name:", user_name); }
std::string mail_id(std::string_view email) { return folded("mail:", email); }

namespace {
constexpr std::string_view crockford = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
} // namespace

std::optional<std::string> id_bytes(std::string_view id) {
  if (id.size() != 26 || id[0] > '7') return std::nullopt;
  unsigned __int128 value = 0;
  for (char c : id) {
    const auto digit = crockford.find(c);
    if (digit == crockford.npos) return std::nullopt;
    value = value << 5 | digit;
  }
  std::string bytes;
  for (int shift = 120; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 0xff);
  return bytes;
}

std::optional<std::string> id_of_bytes(std::string_view bytes) {
  if (bytes.size() != 16) return std::nullopt;
  unsigned __int128 value = 0;
  for (unsigned char byte : bytes) value = value << 8 | byte;
  std::string id;
  for (int shift = 125; shift >= 0; shift -= 5) id += crockford[static_cast<std::size_t>(value >> shift & 31)];
  return id;
}

std::string new_order_id(timestamp now, std::string_view seed) {
  static constexpr char alphabet[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
  const auto millis = static_cast<std::uint64_t>(std::chrono::floor<milliseconds>(now.time_since_epoch()).count());
  const auto first = fnv1a(fnv1a(fnv_offset, std::to_string(now.time_since_epoch().count())), seed);
  const auto second = fnv1a(first, "tail");
  // 48 bits of time in 10 characters, 80 bits of hash in 16, as a ULID lays them out.
  std::string id(26, '0');
  for (int i = 0; i < 10; ++i) id[static_cast<std::size_t>(i)] = alphabet[millis >> (45 - 5 * i) & 31];
  for (int i = 0; i < 8; ++i) id[static_cast<std::size_t>(10 + i)] = alphabet[first >> (5 * i) & 31];
  for (int i = 0; i < 8; ++i) id[static_cast<std::size_t>(18 + i)] = alphabet[second >> (5 * i) & 31];
  return id;
}

std::string to_text(timestamp at) {
  const auto day = std::chrono::floor<std::chrono::days>(at);
  const std::chrono::year_month_day date{day};
  const std::chrono::hh_mm_ss time{at - day};
  char text[48];
  std::snprintf(text, sizeof text, "%04d-%02u-%02uT%02d:%02d:%02d.%06dZ", static_cast<int>(date.year()),
                static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()), static_cast<int>(time.hours().count()),
                static_cast<int>(time.minutes().count()), static_cast<int>(time.seconds().count()),
                static_cast<int>(time.subseconds().count()));
  return text;
}

} // namespace paygate
