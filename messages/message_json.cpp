#include "messages/message_json.hpp"

#include <algorithm>
#include <type_traits>

#include "messages/fields.hpp"

namespace paygate {

namespace {

/// How many bytes of the UTF-8 character at the beginning there are; 0 when it is none.
std::size_t character(std::string_view text) {
  const auto lead = static_cast<unsigned char>(text[0]);
  const std::size_t length = lead < 0x80 ? 1 : lead >= 0xC2 && lead < 0xE0 ? 2 : lead >= 0xE0 && lead < 0xF0 ? 3 : lead >= 0xF0 && lead < 0xF5 ? 4 : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((static_cast<unsigned char>(text[i]) & 0xC0) != 0x80) return 0;
  const auto second = length > 1 ? static_cast<unsigned char>(text[1]) : 0;
  const bool too_long = (lead == 0xE0 && second < 0xA0) || (lead == 0xF0 && second < 0x90);
  const bool none = (lead == 0xED && second >= 0xA0) || (lead == 0xF4 && second >= 0x90);
  return too_long || none ? 0 : length;
}

/// Text that may be what a message broke on: whatever is no character is shown as its bytes, so that the database takes it.
void put_text(std::string& out, std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  out += '"';
  while (!text.empty()) {
    const auto length = character(text);
    const auto c = static_cast<unsigned char>(text[0]);
    if (length == 0)
      (out += "\\\\x") += {hex[c >> 4], hex[c & 15]};
    else if (c < 0x20)
      (out += "\\u00") += {hex[c >> 4], hex[c & 15]};
    else {
      if (c == '"' || c == '\\') out += '\\';
      out += text.substr(0, length);
    }
    text.remove_prefix(std::max<std::size_t>(length, 1));
  }
  out += '"';
}

template <class T>
struct is_optional : std::false_type {};
template <class T>
struct is_optional<std::optional<T>> : std::true_type {};
template <class T>
struct is_variant : std::false_type {};
template <class... T>
struct is_variant<std::variant<T...>> : std::true_type {};
template <class T>
struct is_duration : std::false_type {};
template <class Rep, class Period>
struct is_duration<std::chrono::duration<Rep, Period>> : std::true_type {};

template <class T>
void put(std::string& out, const T& value);

template <class T>
void put_members(std::string& out, const T& value) {
  bool first = true;
  if constexpr (requires { T::each_field(value, [](std::string_view, const auto&) {}); }) {
    out += '{';
    T::each_field(value, [&](std::string_view name, const auto& field) {
      if (!std::exchange(first, false)) out += ',';
      put_text(out, name);
      out += ':';
      put(out, field);
    });
    out += '}';
  } else {
    out += '[';
    std::apply(
      [&](const auto&... field) { ((out += std::exchange(first, false) ? "" : ",", put(out, field)), ...); }, fields_of(value));
    out += ']';
  }
}

template <class T>
void put(std::string& out, const T& value) {
  if constexpr (std::is_same_v<T, bool>)
    out += value ? "true" : "false";
  else if constexpr (std::is_same_v<T, int128>)
    put_text(out, to_integer_text(value));
  else if constexpr (std::is_integral_v<T>)
    out += std::to_string(value);
  else if constexpr (named_enum<T>)
    put_text(out, to_text(value));
  else if constexpr (std::is_enum_v<T>)
    out += std::to_string(static_cast<std::int64_t>(value));
  else if constexpr (std::is_convertible_v<T, std::string_view>)
    put_text(out, value);
  else if constexpr (std::is_same_v<T, timestamp>)
    put_text(out, to_text(value));
  else if constexpr (is_duration<T>::value)
    out += std::to_string(value.count());
  else if constexpr (requires { value.first; value.second; }) {
    out += '[';
    put(out, value.first);
    out += ',';
    put(out, value.second);
    out += ']';
  } else if constexpr (is_optional<T>::value || requires { value.use_count(); }) {
    if (value)
      put(out, *value);
    else
      out += "null";
  } else if constexpr (is_variant<T>::value)
    std::visit([&](const auto& alternative) { put(out, alternative); }, value);
  else if constexpr (requires { value.units(); })
    put_text(out, to_decimal(value.units()));
  else if constexpr (requires { value.begin(); value.end(); }) {
    out += '[';
    for (auto at = value.begin(); at != value.end(); ++at) {
      if (at != value.begin()) out += ',';
      put(out, *at);
    }
    out += ']';
  } else
    put_members(out, value);
}

/// `text` as at most `most` bytes that are no half of a character.
std::string cut(const std::string& text, std::size_t most) {
  auto end = std::min(text.size(), most);
  while (end > 0 && end < text.size() && (static_cast<unsigned char>(text[end]) & 0xC0) == 0x80) --end;
  return text.substr(0, end);
}

} // namespace

std::string message_json(const any_message& message, std::size_t most) {
  return std::visit(
    [&](const auto& of_kind) {
      std::string head = "{\"message\":", content;
      put_text(head, name_of(of_kind));
      put(content, of_kind);
      if (head.size() + content.size() + 12 <= most) return head + ",\"content\":" + content + "}";
      std::string short_one = head + ",\"cut\":";
      put_text(short_one, cut(content, most / 2));
      return short_one + "}";
    },
    message);
}

} // namespace paygate
