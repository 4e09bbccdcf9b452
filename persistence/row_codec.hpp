#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "messages/enums.hpp"
#include "messages/money.hpp"
#include "messages/time.hpp"

// A struct with each_field <-> the columns of its table, by type: no table needs mapping code of its own.
namespace paygate {

/// A value that no column can hold (a zero byte, a year beyond 9999), or a column that no value can be read from.
struct codec_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// Array literals of PostgreSQL, one per column, filled row by row: the parameters of a statement over unnest.
class column_arrays {
public:
  explicit column_arrays(std::size_t columns) : texts_(columns, "{") {}

  void begin_row() {
    ++rows_;
    cursor_ = 0;
  }
  /// Where the next column's element of this row is to be appended.
  std::string& next() {
    auto& text = texts_.at(cursor_++);
    if (rows_ > 1) text += ',';
    return text;
  }
  std::size_t rows() const { return rows_; }
  /// The literals; the object is used up. @pre every row filled every column.
  std::vector<std::string> finish() {
    for (auto& text : texts_) text += '}';
    return std::move(texts_);
  }

private:
  std::vector<std::string> texts_;
  std::size_t rows_ = 0, cursor_ = 0;
};

/// Appends an element of an array literal. Text is always quoted; a zero byte throws codec_error.
void append_element(std::string& out, std::string_view text);
/// Raw bytes as an element of a bytea[] literal.
void append_bytes(std::string& out, std::string_view bytes);
void append_element(std::string& out, int128 units);
/// Microseconds exactly, UTC; throws codec_error outside years 1 to 9999.
void append_element(std::string& out, timestamp at);

inline void append_element(std::string& out, const std::string& text) { append_element(out, std::string_view(text)); }
inline void append_element(std::string& out, bool value) { out += value ? 't' : 'f'; }
template <class Int>
requires(std::is_same_v<Int, std::int64_t> || std::is_same_v<Int, std::int32_t> || std::is_same_v<Int, std::uint32_t> || std::is_same_v<Int, std::uint64_t>) void append_element(
    std::string& out, Int value) {
  char digits[24];
  out.append(digits, std::to_chars(digits, digits + sizeof digits, value).ptr);
}
template <class Unit>
void append_element(std::string& out, const money<Unit>& value) {
  append_element(out, value.units());
}
template <named_enum E>
void append_element(std::string& out, E value) {
  out += to_text(value);
}
template <class T>
void append_element(std::string& out, const std::optional<T>& value) {
  if (value)
    append_element(out, *value);
  else
    out += "NULL";
}

/// Reads a column's text as PostgreSQL prints it (ISO dates, UTC); throws codec_error when it is none.
void read_value(std::string_view text, std::string& value);
void read_value(std::string_view text, bool& value);
void read_value(std::string_view text, int128& units);
void read_value(std::string_view text, timestamp& at);
template <class Int>
requires std::is_integral_v<Int>
void read_value(std::string_view text, Int& value) {
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) throw codec_error("not an integer in range: " + std::string(text));
}
template <class Unit>
void read_value(std::string_view text, money<Unit>& value) {
  int128 units = 0;
  read_value(text, units);
  value = money<Unit>::of_units(units);
}
template <named_enum E>
void read_value(std::string_view text, E& value) {
  const auto parsed = parse_enum<E>(text);
  if (!parsed) throw codec_error("not a " + std::string(enum_names<E>::type) + ": " + std::string(text));
  value = *parsed;
}

/// SQL type of a field and whether its column may be null.
struct column_type {
  std::string_view name;
  bool nullable = false;
};
template <class T>
struct column_type_of;
template <>
struct column_type_of<std::string> {
  static constexpr column_type value{"text"};
};
template <>
struct column_type_of<bool> {
  static constexpr column_type value{"boolean"};
};
template <>
struct column_type_of<std::int32_t> {
  static constexpr column_type value{"integer"};
};
template <>
struct column_type_of<std::uint32_t> {
  static constexpr column_type value{"integer"};
};
template <>
struct column_type_of<std::int64_t> {
  static constexpr column_type value{"bigint"};
};
template <>
struct column_type_of<std::uint64_t> {
  static constexpr column_type value{"bigint"};
};
template <>
struct column_type_of<int128> {
  static constexpr column_type value{"numeric"};
};
template <>
struct column_type_of<timestamp> {
  static constexpr column_type value{"timestamptz"};
};
template <class Unit>
struct column_type_of<money<Unit>> {
  static constexpr column_type value{"numeric"};
};
template <named_enum E>
struct column_type_of<E> {
  static constexpr column_type value{enum_names<E>::type};
};
template <class T>
struct column_type_of<std::optional<T>> {
  static constexpr column_type value{column_type_of<T>::value.name, true};
};

struct column {
  std::string name;
  column_type type;
};

/// The columns that a struct's each_field lists, in its order.
template <class T>
std::vector<column> columns_of() {
  std::vector<column> columns;
  const T sample{};
  T::each_field(sample, [&]<class V>(std::string_view name, const V&) {
    columns.push_back({std::string(name), column_type_of<V>::value});
  });
  return columns;
}

/// Appends every field of `value` to the current row.
template <class T>
void append_fields(column_arrays& arrays, const T& value) {
  T::each_field(value, [&](std::string_view, const auto& field) { append_element(arrays.next(), field); });
}

} // namespace paygate
