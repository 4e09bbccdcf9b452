#include "messages/text.hpp"

namespace paygate {

bool is_utf8(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i++]);
    if (c < 0x80) continue;
    if (c < 0xc2 || c > 0xf4) return false;
    const int more = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    const auto second = i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
    if ((c == 0xe0 && second < 0xa0) || (c == 0xed && second > 0x9f) || (c == 0xf0 && second < 0x90) || (c == 0xf4 && second > 0x8f))
      return false;
    for (int k = 0; k < more; ++k, ++i)
      if (i >= text.size() || (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return false;
  }
  return true;
}

std::string moment_text(timestamp at) {
  const auto text = to_text(at); // 2026-11-21T07:00:00.000000Z
  return text.substr(0, 10) + " " + text.substr(11, 5) + " UTC";
}

} // namespace paygate
