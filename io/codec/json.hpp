#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include <rapidjson/document.h>
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "messages/money.hpp"
#include "messages/time.hpp"

// Reading and writing JSON (RFC 8259) without ever passing a number through a double: in a parsed document every number is a string that
// holds the token as it came. So a number and a string with the same characters look alike, which suits providers that mix them.
// Do not compare values by operator== with numbers: C++20 turns that into endless recursion in RapidJSON 1.1.
namespace paygate {

using json_document = rapidjson::Document;
using json_value = rapidjson::Value;
using json_buffer = rapidjson::StringBuffer;
using json_writer = rapidjson::Writer<json_buffer>;

/// Parses a whole text; nothing when it is no JSON, no valid UTF-8, or something follows the value. Any depth is safe.
std::optional<json_document> parse_json(std::string_view text);

/// The member, or nullptr when `object` is no object, has no such member, or the member is null.
const json_value* json_member(const json_value& object, std::string_view name);

/// A string, or a number's token; nothing for anything else.
std::optional<std::string> json_text(const json_value& value);
std::optional<std::string> json_text(const json_value& object, std::string_view name);
/// The same, with "" for nothing.
std::string json_text_or_empty(const json_value& object, std::string_view name);

/// An amount, from a string or a number; more than 18 decimals are cut off (towards zero). Nothing when absent or no number.
std::optional<int128> json_decimal(const json_value& object, std::string_view name);

/// A whole number of 64 bits, from a string or a number ("-1001234567890").
std::optional<std::int64_t> json_int(const json_value& object, std::string_view name);

/// A provider's id: 1..40 digits from a string or a number token, as they came; nothing when anything but a digit is in it.
std::optional<std::string> json_id(const json_value& object, std::string_view name);

/// true or false, not "true".
std::optional<bool> json_bool(const json_value& object, std::string_view name);

/// An instant in ISO 8601: "2026-11-21T07:00:00.123Z", "...+02:00", or without any zone (read as UTC); fractions beyond microseconds are
/// cut off.
std::optional<timestamp> parse_iso_time(std::string_view text);
std::optional<timestamp> json_time(const json_value& object, std::string_view name);

/// "key":"text"
void write_member(json_writer& writer, std::string_view key, std::string_view text);
/// "key":10.5: an exact JSON number, never a double.
void write_number(json_writer& writer, std::string_view key, int128 units);
/// "key":-100123
void write_int(json_writer& writer, std::string_view key, std::int64_t value);
void write_bool(json_writer& writer, std::string_view key, bool value);
std::string take_text(const json_buffer& buffer);

} // namespace paygate
