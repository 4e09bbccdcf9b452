#include "crypto/bcrypt.hpp"

#include <algorithm>

namespace paygate {

namespace {

constexpr int cost_min = 4, cost_max = 14;

bool is_digit(char c) { return c >= '0' && c <= '9'; }

} // namespace

bool is_bcrypt(std::string_view text) {
  if (text.size() != 60 || !(text.starts_with("$2a$") || text.starts_with("$2b$") || text.starts_with("$2y$")) || text[6] != '$') return false;
  if (!is_digit(text[4]) || !is_digit(text[5])) return false;
  const int cost = (text[4] - '0') * 10 + text[5] - '0';
  if (cost < cost_min || cost > cost_max) return false;
  return std::all_of(text.begin() + 7, text.end(),
                     [](char c) { return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '.' || c == '/'; });
}

} // namespace paygate
