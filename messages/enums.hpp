#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

namespace paygate {

/// Names of an enum's values, in order, starting at value 0 without gaps. Specialise it beside the enum:
///   template <> struct enum_names<E> { static constexpr std::string_view type = "e"; static constexpr std::string_view values[] = {...}; };
/// `type` is the name of the enum type in SQL, `values` are its labels there, in JSON and in logs: one word for one thing everywhere.
template <class E>
struct enum_names;

template <class E>
concept named_enum = requires { enum_names<E>::values; };

/// The label of a value. @pre the value is one of the enum's.
template <named_enum E>
constexpr std::string_view to_text(E value) {
  return enum_names<E>::values[static_cast<std::size_t>(value)];
}

/// The value with that label, or nothing: text from outside is never trusted to be one.
template <named_enum E>
constexpr std::optional<E> parse_enum(std::string_view text) {
  std::size_t index = 0;
  for (auto label : enum_names<E>::values) {
    if (label == text) return static_cast<E>(index);
    ++index;
  }
  return std::nullopt;
}

} // namespace paygate
