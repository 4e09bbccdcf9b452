#include "io/codec/json.hpp"

#include <charconv>

namespace paygate {

std::optional<json_document> parse_json(std::string_view text) {
  // Iterative: the parser's recursion would otherwise be as deep as a stranger's nesting.
  constexpr unsigned flags = rapidjson::kParseNumbersAsStringsFlag | rapidjson::kParseValidateEncodingFlag | rapidjson::kParseIterativeFlag;
  json_document document;
  document.Parse<flags>(text.data(), text.size());
  if (document.HasParseError()) return std::nullopt;
  return document;
}

const json_value* json_member(const json_value& object, std::string_view name) {
  if (!object.IsObject()) return nullptr;
  for (auto member = object.MemberBegin(); member != object.MemberEnd(); ++member) {
    if (std::string_view(member->name.GetString(), member->name.GetStringLength()) == name)
      return member->value.IsNull() ? nullptr : &member->value;
  }
  return nullptr;
}

namespace {

std::optional<std::string_view> view_of(const json_value& object, std::string_view name) {
  const auto* value = json_member(object, name);
  if (!value || !value->IsString()) return std::nullopt;
  return std::string_view(value->GetString(), value->GetStringLength());
}

bool all_digits(std::string_view text) {
  for (char c : text)
    if (c < '0' || c > '9') return false;
  return !text.empty();
}

// Takes exactly `count` digits off the front.
std::optional<int> take_number(std::string_view& text, std::size_t count) {
  if (text.size() < count || !all_digits(text.substr(0, count))) return std::nullopt;
  int value = 0;
  for (char c : text.substr(0, count)) value = value * 10 + (c - '0');
  text.remove_prefix(count);
  return value;
}

bool take_char(std::string_view& text, char wanted) {
  if (text.empty() || text.front() != wanted) return false;
  text.remove_prefix(1);
  return true;
}

// ".123" or nothing at all, in microseconds.
std::optional<std::chrono::microseconds> take_fraction(std::string_view& text) {
  if (!take_char(text, '.')) return std::chrono::microseconds{0};
  std::int64_t micros = 0;
  std::size_t digits = 0;
  for (; digits < text.size() && text[digits] >= '0' && text[digits] <= '9'; ++digits)
    if (digits < 6) micros = micros * 10 + (text[digits] - '0');
  if (digits == 0) return std::nullopt;
  for (auto i = digits; i < 6; ++i) micros *= 10;
  text.remove_prefix(digits);
  return std::chrono::microseconds{micros};
}

// "", "Z", "+02:00" or "+0200": how far local time is ahead of UTC.
std::optional<std::chrono::minutes> take_zone(std::string_view& text) {
  if (text.empty() || take_char(text, 'Z')) return std::chrono::minutes{0};
  const bool minus = text.front() == '-';
  if (!minus && text.front() != '+') return std::nullopt;
  text.remove_prefix(1);
  const auto hours = take_number(text, 2);
  take_char(text, ':');
  const auto minutes = take_number(text, 2);
  if (!hours || !minutes || *hours > 23 || *minutes > 59) return std::nullopt;
  const std::chrono::minutes ahead{*hours * 60 + *minutes};
  return minus ? -ahead : ahead;
}

} // namespace

std::optional<std::string> json_text(const json_value& value) {
  if (!value.IsString()) return std::nullopt;
  return std::string(value.GetString(), value.GetStringLength());
}

std::optional<std::string> json_text(const json_value& object, std::string_view name) {
  const auto text = view_of(object, name);
  if (!text) return std::nullopt;
  return std::string(*text);
}

std::string json_text_or_empty(const json_value& object, std::string_view name) { return json_text(object, name).value_or(std::string()); }

std::optional<int128> json_decimal(const json_value& object, std::string_view name) {
  const auto text = view_of(object, name);
  if (!text) return std::nullopt;
  const auto read = parse_decimal(*text);
  if (!read) return std::nullopt;
  return read->units;
}

std::optional<std::int64_t> json_int(const json_value& object, std::string_view name) {
  const auto text = view_of(object, name);
  if (!text || text->empty()) return std::nullopt;
  std::int64_t value = 0;
  const auto* end = text->data() + text->size();
  const auto read = std::from_chars(text->data(), end, value);
  if (read.ec != std::errc() || read.ptr != end) return std::nullopt;
  return value;
}

std::optional<std::string> json_id(const json_value& object, std::string_view name) {
  const auto text = view_of(object, name);
  if (!text || text->size() > 40 || !all_digits(*text)) return std::nullopt;
  return std::string(*text);
}

std::optional<bool> json_bool(const json_value& object, std::string_view name) {
  const auto* value = json_member(object, name);
  if (!value || !value->IsBool()) return std::nullopt;
  return value->GetBool();
}

std::optional<timestamp> parse_iso_time(std::string_view text) {
  const auto year = take_number(text, 4);
  if (!year || !take_char(text, '-')) return std::nullopt;
  const auto month = take_number(text, 2);
  if (!month || !take_char(text, '-')) return std::nullopt;
  const auto day = take_number(text, 2);
  if (!day || (!take_char(text, 'T') && !take_char(text, ' '))) return std::nullopt;
  const auto hour = take_number(text, 2);
  if (!hour || !take_char(text, ':')) return std::nullopt;
  const auto minute = take_number(text, 2);
  if (!minute || !take_char(text, ':')) return std::nullopt;
  const auto second = take_number(text, 2);
  if (!second || *hour > 23 || *minute > 59 || *second > 60) return std::nullopt;
  const auto fraction = take_fraction(text);
  if (!fraction) return std::nullopt;
  const auto zone = take_zone(text);
  const std::chrono::year_month_day date{std::chrono::year{*year}, std::chrono::month{static_cast<unsigned>(*month)},
                                         std::chrono::day{static_cast<unsigned>(*day)}};
  if (!zone || !text.empty() || !date.ok()) return std::nullopt;
  const auto local =
      std::chrono::sys_days{date} + std::chrono::hours{*hour} + std::chrono::minutes{*minute} + std::chrono::seconds{*second};
  return timestamp{local} + *fraction - *zone;
}

std::optional<timestamp> json_time(const json_value& object, std::string_view name) {
  const auto text = view_of(object, name);
  if (!text) return std::nullopt;
  return parse_iso_time(*text);
}

void write_member(json_writer& writer, std::string_view key, std::string_view text) {
  writer.Key(key.data(), static_cast<rapidjson::SizeType>(key.size()));
  writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
}

void write_number(json_writer& writer, std::string_view key, int128 units) {
  const auto text = to_decimal(units);
  writer.Key(key.data(), static_cast<rapidjson::SizeType>(key.size()));
  writer.RawValue(text.data(), text.size(), rapidjson::kNumberType);
}

void write_int(json_writer& writer, std::string_view key, std::int64_t value) {
  writer.Key(key.data(), static_cast<rapidjson::SizeType>(key.size()));
  writer.Int64(value);
}

void write_bool(json_writer& writer, std::string_view key, bool value) {
  writer.Key(key.data(), static_cast<rapidjson::SizeType>(key.size()));
  writer.Bool(value);
}

std::string take_text(const json_buffer& buffer) { return std::string(buffer.GetString(), buffer.GetSize()); }

} // namespace paygate
