#include "io/codec/json_tokens.hpp"

#include <algorithm>
#include <array>
#include <string>

namespace paygate {

namespace {

using byte = unsigned char;

// Bytes of a string that stand for themselves: ASCII without control characters, quote and backslash.
constexpr std::array<bool, 256> plain = [] {
  std::array<bool, 256> table{};
  for (std::size_t c = 0x20; c < 0x80; ++c) table[c] = c != '"' && c != '\\';
  return table;
}();

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_high(std::uint32_t unit) { return unit >= 0xd800 && unit <= 0xdbff; }
bool is_low(std::uint32_t unit) { return unit >= 0xdc00 && unit <= 0xdfff; }

// The length of the well-formed UTF-8 sequence of two bytes or more at `at` (Unicode 15, table 3-7), 0 when there is none.
std::size_t utf8_length(const char* at, const char* end) {
  const auto lead = static_cast<byte>(*at);
  const std::size_t length = lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
  if (lead < 0xc2 || lead > 0xf4 || static_cast<std::size_t>(end - at) < length) return 0;
  const auto second = static_cast<byte>(at[1]);
  // No overlong forms, no surrogates, nothing beyond U+10FFFF.
  const byte low = lead == 0xe0 ? 0xa0 : lead == 0xf0 ? 0x90 : 0x80;
  const byte high = lead == 0xed ? 0x9f : lead == 0xf4 ? 0x8f : 0xbf;
  if (second < low || second > high) return 0;
  for (std::size_t i = 2; i < length; ++i)
    if ((static_cast<byte>(at[i]) & 0xc0) != 0x80) return 0;
  return length;
}

void append_utf8(std::vector<char>& out, std::uint32_t point) {
  const auto put = [&](std::uint32_t value) { out.push_back(static_cast<char>(value)); };
  if (point < 0x80) {
    put(point);
  } else if (point < 0x800) {
    put(0xc0 | point >> 6), put(0x80 | (point & 0x3f));
  } else if (point < 0x10000) {
    put(0xe0 | point >> 12), put(0x80 | (point >> 6 & 0x3f)), put(0x80 | (point & 0x3f));
  } else {
    put(0xf0 | point >> 18), put(0x80 | (point >> 12 & 0x3f)), put(0x80 | (point >> 6 & 0x3f)), put(0x80 | (point & 0x3f));
  }
}

// ECMAScript 2019, QuoteJSONString: short escapes where there are any, lower-case \u for other control characters and lone surrogates.
void append_quoted(std::vector<char>& out, std::uint32_t point) {
  constexpr std::string_view named = "\"\\\b\t\n\f\r", names = "\"\\btnfr", hex = "0123456789abcdef";
  if (point < 0x80) {
    if (const auto found = named.find(static_cast<char>(point)); found != std::string_view::npos) {
      out.push_back('\\');
      out.push_back(names[found]);
      return;
    }
  }
  if (point >= 0x20 && !is_high(point) && !is_low(point)) return append_utf8(out, point);
  out.push_back('\\');
  out.push_back('u');
  for (int shift = 12; shift >= 0; shift -= 4) out.push_back(hex[point >> shift & 15]);
}

// UTF-16 of a text that is UTF-8 with lone surrogates as three bytes each.
std::u16string to_utf16(std::string_view text) {
  std::u16string units;
  for (std::size_t i = 0; i < text.size();) {
    const auto lead = static_cast<byte>(text[i]);
    const int more = lead >= 0xf0 ? 3 : lead >= 0xe0 ? 2 : lead >= 0xc0 ? 1 : 0;
    std::uint32_t point = more == 0 ? lead : lead & (0x3fU >> more);
    for (int k = 1; k <= more; ++k) point = point << 6 | (static_cast<byte>(text[i + static_cast<std::size_t>(k)]) & 0x3f);
    i += static_cast<std::size_t>(more) + 1;
    if (point >= 0x10000) {
      units += static_cast<char16_t>(0xd800 + ((point - 0x10000) >> 10));
      units += static_cast<char16_t>(0xdc00 + (point & 0x3ff));
    } else {
      units += static_cast<char16_t>(point);
    }
  }
  return units;
}

} // namespace

// Recursive descent; its recursion is bounded by depth_max.
class json_token_parser {
public:
  json_token_parser(std::string_view text, json_tokens& out)
      : at_(text.data()), end_(text.data() + text.size()), size_(text.size()), out_(out) {}

  bool run() {
    json_node root;
    if (!value(root, 0)) return false;
    skip_space();
    if (at_ != end_) return false;
    out_.nodes_.push_back(root);
    return true;
  }

private:
  void skip_space() {
    while (at_ != end_ && (*at_ == ' ' || *at_ == '\n' || *at_ == '\r' || *at_ == '\t')) ++at_;
  }

  bool take(char wanted) {
    if (at_ == end_ || *at_ != wanted) return false;
    ++at_;
    return true;
  }

  bool value(json_node& node, int depth) {
    skip_space();
    if (at_ == end_) return false;
    switch (*at_) {
    case '{': return container(node, json_kind::object, '}', depth);
    case '[': return container(node, json_kind::array, ']', depth);
    case '"': {
      std::string_view decoded;
      node.kind = json_kind::string;
      return string(node.text, decoded);
    }
    case 't': return literal(node, "true");
    case 'f': return literal(node, "false");
    case 'n': return literal(node, "null");
    default: return number(node);
    }
  }

  bool literal(json_node& node, std::string_view word) {
    if (!std::string_view(at_, static_cast<std::size_t>(end_ - at_)).starts_with(word)) return false;
    node.kind = json_kind::literal;
    node.text = word;
    at_ += word.size();
    return true;
  }

  bool digits() {
    const auto* start = at_;
    while (at_ != end_ && is_digit(*at_)) ++at_;
    return at_ != start;
  }

  bool number(json_node& node) {
    const auto* start = at_;
    take('-');
    if (!take('0') && !digits()) return false;
    if (take('.') && !digits()) return false;
    if (take('e') || take('E')) {
      if (!take('+')) take('-');
      if (!digits()) return false;
    }
    node.kind = json_kind::number;
    node.text = {start, static_cast<std::size_t>(at_ - start)};
    out_.has_numbers_ = true;
    return true;
  }

  bool container(json_node& node, json_kind kind, char closing, int depth) {
    if (depth == json_tokens::depth_max) return false;
    ++at_;
    node.kind = kind;
    // Children wait on a stack until their parent is complete, then move to one stretch of children_.
    const auto start = waiting_.size();
    skip_space();
    if (!take(closing)) {
      do {
        json_node child;
        if (kind == json_kind::object && !member_key(child)) return false;
        if (!value(child, depth + 1)) return false;
        waiting_.push_back(static_cast<std::uint32_t>(out_.nodes_.size()));
        out_.nodes_.push_back(child);
        skip_space();
      } while (take(','));
      if (!take(closing)) return false;
    }
    if (kind == json_kind::array) out_.has_arrays_ = true;
    const auto first = waiting_.begin() + static_cast<std::ptrdiff_t>(start);
    if (kind == json_kind::object && !sort_members(first, waiting_.end())) return false;
    node.first = static_cast<std::uint32_t>(out_.children_.size());
    node.count = static_cast<std::uint32_t>(waiting_.size() - start);
    out_.children_.insert(out_.children_.end(), first, waiting_.end());
    waiting_.resize(start);
    return true;
  }

  bool member_key(json_node& child) {
    skip_space();
    if (!string(child.key_text, child.key)) return false;
    if (index_of_key(child.key)) out_.has_index_keys_ = true;
    skip_space();
    return take(':');
  }

  // False when a key is there twice.
  template <class Iterator>
  bool sort_members(Iterator first, Iterator last) {
    const auto key = [this](std::uint32_t index) { return out_.nodes_[index].key; };
    std::sort(first, last, [&](auto a, auto b) { return less_by_utf16(key(a), key(b)); });
    return std::adjacent_find(first, last, [&](auto a, auto b) { return key(a) == key(b); }) == last;
  }

  bool string(std::string_view& text, std::string_view& decoded) {
    if (!take('"')) return false;
    const auto* start = at_;
    while (at_ != end_) {
      if (plain[static_cast<byte>(*at_)]) {
        ++at_;
      } else if (*at_ == '"') {
        text = decoded = {start, static_cast<std::size_t>(at_ - start)};
        ++at_;
        return true;
      } else if (*at_ == '\\') {
        return string_with_escapes(start, text, decoded);
      } else if (!skip_utf8()) {
        return false;
      }
    }
    return false;
  }

  bool skip_utf8() {
    if (static_cast<byte>(*at_) < 0x80) return false; // A control character.
    const auto length = utf8_length(at_, end_);
    at_ += length;
    return length != 0;
  }

  bool string_with_escapes(const char* start, std::string_view& text, std::string_view& decoded) {
    auto &escaped_out = out_.escaped_, &decoded_out = out_.decoded_;
    escaped_out.reserve(size_);
    decoded_out.reserve(size_);
    const auto escaped_start = escaped_out.size(), decoded_start = decoded_out.size();
    const auto copy = [&](const char* from, const char* to) {
      escaped_out.insert(escaped_out.end(), from, to);
      decoded_out.insert(decoded_out.end(), from, to);
    };
    copy(start, at_);
    while (at_ != end_) {
      if (take('"')) {
        text = {escaped_out.data() + escaped_start, escaped_out.size() - escaped_start};
        decoded = {decoded_out.data() + decoded_start, decoded_out.size() - decoded_start};
        return true;
      }
      if (take('\\')) {
        std::uint32_t point = 0;
        if (!escape(point)) return false;
        append_quoted(escaped_out, point);
        append_utf8(decoded_out, point);
        continue;
      }
      const auto* from = at_;
      if (plain[static_cast<byte>(*at_)])
        ++at_;
      else if (!skip_utf8())
        return false;
      copy(from, at_);
    }
    return false;
  }

  // What follows the backslash.
  bool escape(std::uint32_t& point) {
    constexpr std::string_view names = "\"\\/bfnrt", values = "\"\\/\b\f\n\r\t";
    if (at_ == end_) return false;
    if (take('u')) return unicode_escape(point);
    const auto found = names.find(*at_);
    if (found == std::string_view::npos) return false;
    ++at_;
    point = static_cast<byte>(values[found]);
    return true;
  }

  bool unicode_escape(std::uint32_t& point) {
    if (!hex4(point)) return false;
    if (!is_high(point) || end_ - at_ < 6 || at_[0] != '\\' || at_[1] != 'u') return true;
    const auto* before = at_;
    at_ += 2;
    std::uint32_t low = 0;
    if (!hex4(low)) return false;
    if (is_low(low))
      point = 0x10000 + ((point - 0xd800) << 10) + (low - 0xdc00);
    else
      at_ = before; // Two lone ones: the second is read on its own.
    return true;
  }

  bool hex4(std::uint32_t& unit) {
    if (end_ - at_ < 4) return false;
    unit = 0;
    for (int i = 0; i < 4; ++i, ++at_) {
      const char c = *at_;
      const int digit = is_digit(c) ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
      if (digit < 0) return false;
      unit = unit << 4 | static_cast<std::uint32_t>(digit);
    }
    return true;
  }

  const char* at_;
  const char* end_;
  std::size_t size_;
  json_tokens& out_;
  std::vector<std::uint32_t> waiting_;
};

std::optional<json_tokens> json_tokens::parse(std::string_view text) {
  // Positions in nodes_ are 32 bits.
  if (text.size() > 0x7fffffff) return std::nullopt;
  json_tokens tokens;
  tokens.source_size_ = text.size();
  tokens.nodes_.reserve(48);
  tokens.children_.reserve(48);
  if (!json_token_parser(text, tokens).run()) return std::nullopt;
  return tokens;
}

std::optional<std::uint32_t> index_of_key(std::string_view key) {
  if (key.empty() || key.size() > 10 || (key.front() == '0' && key.size() > 1)) return std::nullopt;
  std::uint64_t value = 0;
  for (char c : key) {
    if (!is_digit(c)) return std::nullopt;
    value = value * 10 + static_cast<std::uint64_t>(c - '0');
  }
  if (value > 4294967294) return std::nullopt;
  return static_cast<std::uint32_t>(value);
}

bool less_by_utf16(std::string_view a, std::string_view b) {
  const auto [left, right] = std::mismatch(a.begin(), a.end(), b.begin(), b.end());
  if (right == b.end()) return false;
  if (left == a.end()) return true;
  const auto x = static_cast<byte>(*left), y = static_cast<byte>(*right);
  // Only where one of them begins U+D000 or later can the orders differ: surrogates stand below U+E000.
  if (x < 0xed && y < 0xed) return x < y;
  return to_utf16(a) < to_utf16(b);
}

} // namespace paygate
