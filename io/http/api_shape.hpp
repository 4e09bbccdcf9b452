#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "io/codec/json.hpp"

// The forms of JSON objects that the API takes and gives. One description is both: what a body is checked against before a handler sees
// it, and its schema in /api/openapi.json. So neither can drift from the other.
namespace paygate {

enum class field_type : std::uint8_t {
  text,    ///< min..max characters, without control characters (line breaks are none).
  integer, ///< min..max. Taken as a number or as its text.
  boolean,
  amount, ///< A decimal string like "10.50", never negative in a body; a number with the same digits is taken as well.
  time,   ///< RFC 3339, given in UTC.
  object, ///< `of`.
  list,   ///< min..max items of `of`.
  texts   ///< min..max texts.
};

struct api_shape;

struct api_field {
  std::string name;
  field_type type = field_type::text;
  std::string words;               ///< A sentence for the reader of the API.
  std::int64_t min = 0, max = 0;   ///< Of what `type` says.
  bool required = true;            ///< In a body. What we give has always all members.
  bool nullable = false;           ///< null is given, or taken.
  std::vector<std::string> one_of; ///< Of a text: these and no other.
  std::string pattern;             ///< Of a text: a regular expression (ECMA-262), anchored.
  std::shared_ptr<const api_shape> of;

  api_field optional() const; ///< The same, not required.
  api_field or_null() const;  ///< The same, null is possible.
  api_field among(std::vector<std::string> words_allowed) const;
  api_field like(std::string expression) const;
};

/// An object. `name` is unique in the API: its schema is #/components/schemas/<name>.
struct api_shape {
  std::string name;
  std::vector<api_field> fields;
};
using shape_ptr = std::shared_ptr<const api_shape>;
shape_ptr make_shape(std::string name, std::vector<api_field> fields);

api_field text_field(std::string name, std::int64_t min, std::int64_t max, std::string words);
api_field integer_field(std::string name, std::int64_t min, std::int64_t max, std::string words);
api_field boolean_field(std::string name, std::string words);
api_field amount_field(std::string name, std::string words);
api_field time_field(std::string name, std::string words);
api_field object_field(std::string name, shape_ptr of, std::string words);
api_field list_field(std::string name, std::int64_t min, std::int64_t max, shape_ptr of, std::string words);
api_field texts_field(std::string name, std::int64_t min, std::int64_t max, std::string words);

/// A Telegram chat's or user's id, given as text because readers of JSON lose digits, taken as text or number.
api_field telegram_id_field(std::string name, std::string words);

/// What is wrong with one member of a body.
struct field_fault {
  std::string pointer; ///< RFC 6901: "/tiers/0/price_usd".
  std::string detail;
  bool operator==(const field_fault&) const = default;
};

/// Everything that is wrong with `value` as a body of that shape: empty when it fits. Unknown and repeated members are faults as well.
std::vector<field_fault> faults_of(const api_shape& shape, const json_value& value);

/// What is wrong with one value in text, as a path or query has it; empty when it fits.
std::string fault_of_text(const api_field& field, std::string_view text);

/// A text as a JSON string, with its quotes.
std::string json_quoted(std::string_view text);

/// The JSON Schema of a field (with `taken` as a body's, else as an answer's), and of a shape.
std::string schema_of(const api_field& field, bool taken);
std::string schema_of(const api_shape& shape, bool taken);

} // namespace paygate
