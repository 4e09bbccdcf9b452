#pragma once

#include <string>
#include <string_view>

#include "io/codec/json.hpp"

namespace paygate {

/// A message's text as Telegram's HTML, with the formatting that its `entities` describe (offsets and lengths in UTF-16 code units). What
/// is no formatting (links that anybody sees, commands, hashtags), and what cannot be written, is left out; marks never overlap in what
/// comes out. Empty when the text has no formatting at all.
std::string formatted_text(std::string_view text, const json_value* entities);

} // namespace paygate
