#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "messages/chat.hpp"

namespace paygate {

// The payload of https://t.me/<bot>?start=<payload>: base64url of the channel id (8 bytes, big endian), what is wanted (1 byte: the tier,
// 255 a donation, 254 the choice of tiers, 253 to join a web account), the word (0 to 30 bytes) and the first 8 bytes of an HMAC-SHA256
// over all of it. 23 to 63 characters of the 64 that Telegram allows (provider-apis 3.4).

/// @pre link.tier is 0..2 or one of start_link's constants, link.word has at most start_link::word_max bytes.
std::string make_start_payload(const start_link& link, std::string_view key);

/// What the payload says if we made it with this key; nothing for anything else, and for everything when the key is empty.
std::optional<start_link> read_start_payload(std::string_view payload, std::string_view key);

} // namespace paygate
