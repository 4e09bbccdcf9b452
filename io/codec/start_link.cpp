#include "io/codec/start_link.hpp"

#include "crypto/hash.hpp"

namespace paygate {

namespace {

constexpr std::size_t head_size = 9, mac_size = 8;
constexpr std::uint8_t donation_byte = 255, choice_byte = 254, account_byte = 253;

std::uint8_t byte_of(int tier) {
  switch (tier) {
  case start_link::donation: return donation_byte;
  case start_link::choice: return choice_byte;
  case start_link::account: return account_byte;
  default: return static_cast<std::uint8_t>(tier);
  }
}

std::optional<int> tier_of(std::uint8_t byte) {
  switch (byte) {
  case donation_byte: return start_link::donation;
  case choice_byte: return start_link::choice;
  case account_byte: return start_link::account;
  default: return byte <= 2 ? std::optional<int>(byte) : std::nullopt;
  }
}

// The label keeps this key's other uses from making a MAC that fits here.
std::string mac_of(std::string_view link_bytes, std::string_view key) {
  const auto mac = hmac_sha256(trimmed(key), as_bytes("paygate start link\n" + std::string(link_bytes)));
  return as_text(byte_view(mac).first(mac_size));
}

} // namespace

std::string make_start_payload(const start_link& link, std::string_view key) {
  std::string text;
  const auto id = static_cast<std::uint64_t>(link.channel_id);
  for (int shift = 56; shift >= 0; shift -= 8) text += static_cast<char>(id >> shift & 0xff);
  text += static_cast<char>(byte_of(link.tier));
  text += std::string_view(link.word).substr(0, start_link::word_max);
  text += mac_of(text, key);
  return base64url_encode(as_bytes(text));
}

std::optional<start_link> read_start_payload(std::string_view payload, std::string_view key) {
  if (trimmed(key).empty()) return std::nullopt;
  const auto decoded = base64url_decode(payload);
  if (!decoded || decoded->size() < head_size + mac_size || decoded->size() > head_size + start_link::word_max + mac_size)
    return std::nullopt;
  const auto text = as_text(*decoded);
  const auto signed_size = text.size() - mac_size;
  if (!constant_time_equal(text.substr(signed_size), mac_of(text.substr(0, signed_size), key))) return std::nullopt;
  std::uint64_t id = 0;
  for (std::size_t i = 0; i < 8; ++i) id = id << 8 | (*decoded)[i];
  const auto tier = tier_of((*decoded)[8]);
  if (!tier) return std::nullopt;
  return start_link{static_cast<std::int64_t>(id), *tier, std::string(text.substr(head_size, signed_size - head_size))};
}

} // namespace paygate
