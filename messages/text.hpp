#pragma once

#include <string>
#include <string_view>

#include "messages/time.hpp"

namespace paygate {

/// Well formed: no overlong forms, no surrogates, nothing beyond Unicode. Source: RFC 3629, section 4.
bool is_utf8(std::string_view text);

/// A moment as people read it: "2026-11-21 07:00 UTC".
std::string moment_text(timestamp at);

} // namespace paygate
