#pragma once
#include <string>
#include <string_view>
#include <variant>

#include "sandbox/json.hpp"

namespace sandbox {

/// A message's text without its markup, and the entities as the Bot API shows them.
struct formatted_text {
  std::string text;
  json entities = json::array();
};

/// parse_mode HTML. A string is the reason that Telegram gives behind "can't parse entities: ".
std::variant<formatted_text, std::string> parse_html(std::string_view text);

/// Telegram counts lengths and offsets in UTF-16 code units.
std::int64_t utf16_length(std::string_view utf8);

} // namespace sandbox
