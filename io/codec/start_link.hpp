#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "messages/chat.hpp"

namespace paygate {

// The payload of https://t.me/<bot>?start=<payload>: base64url of the channel id (8 bytes, big endian), the tier (1 byte; 255 is a
// donation) and the first 8 bytes of an HMAC-SHA256 over both. 23 characters of the 64 that Telegram allows (provider-apis 3.4).

/// @pre link.tier is 0..2 or start_link::donation.
std::string make_start_payload(const start_link& link, std::string_view key);

/// What the payload says if we made it with this key; nothing for anything else, and for everything when the key is empty.
std::optional<start_link> read_start_payload(std::string_view payload, std::string_view key);

} // namespace paygate
