#pragma once

#include <string>

#include "messages/envelope.hpp"

namespace paygate {

/// A message as JSON, for a person who has to find out what broke on it: {"message": its name, "content": its members in their order, by name
/// where they have names}. Amounts and large numbers are texts. Never longer than `most` bytes: what is too long is cut, and says so.
std::string message_json(const any_message& message, std::size_t most = 8192);

} // namespace paygate
