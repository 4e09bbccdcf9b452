#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace paygate {

/// Bytes from outside or on their way there.
using bytes = std::vector<std::uint8_t>;
using byte_view = std::span<const std::uint8_t>;

inline byte_view as_bytes(std::string_view text) { return {reinterpret_cast<const std::uint8_t*>(text.data()), text.size()}; }
inline std::string as_text(byte_view data) { return {reinterpret_cast<const char*>(data.data()), data.size()}; }

/// Lower-case hex without prefix / with "0x".
std::string hex_encode(byte_view data);
std::string hex_encode_0x(byte_view data);

/// Reads hex of either case, with or without "0x". Nothing on an odd count of digits or any other character.
std::optional<bytes> hex_decode(std::string_view text);

/// Base64url without padding (RFC 4648, section 5).
std::string base64url_encode(byte_view data);

/// Reads exactly what base64url_encode writes: padding, other characters and spare bits that are not zero are refused, so that each byte
/// string has one text only.
std::optional<bytes> base64url_decode(std::string_view text);

/// True when equal. Takes the same time whatever the bytes are; the lengths are no secret.
bool constant_time_equal(std::string_view a, std::string_view b);

/// The text without white space at either end: secrets often come with a newline.
std::string_view trimmed(std::string_view text);

} // namespace paygate
