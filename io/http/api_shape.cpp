#include "io/http/api_shape.hpp"

#include <algorithm>
#include <charconv>
#include <regex>

namespace paygate {

namespace {

constexpr std::size_t faults_max = 20;
constexpr std::size_t amount_digits_max = 20; // Before the point.

std::string_view view(const json_value& value) { return {value.GetString(), value.GetStringLength()}; }

std::int64_t characters(std::string_view text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
}

bool has_control(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) < 0x20 && c != '\n') || c == 0x7f; });
}

std::string between(std::int64_t min, std::int64_t max) { return "from " + std::to_string(min) + " to " + std::to_string(max); }

bool is_amount(std::string_view text) {
  const auto point = text.find('.');
  const auto whole = text.substr(0, point), rest = point == text.npos ? std::string_view("0") : text.substr(point + 1);
  const auto digits = [](std::string_view t) {
    return !t.empty() && std::all_of(t.begin(), t.end(), [](char c) { return c >= '0' && c <= '9'; });
  };
  return digits(whole) && digits(rest) && whole.size() <= amount_digits_max && rest.size() <= 18 && (whole.size() == 1 || whole[0] != '0');
}

std::string fault_of_integer(const api_field& field, std::string_view text) {
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc{} || end != text.data() + text.size() || value < field.min || value > field.max)
    return "Expected a whole number " + between(field.min, field.max) + ".";
  return {};
}

std::string fault_of_plain_text(const api_field& field, std::string_view text) {
  if (!field.one_of.empty()) {
    if (std::find(field.one_of.begin(), field.one_of.end(), text) != field.one_of.end()) return {};
    std::string words;
    for (const auto& word : field.one_of) words += (words.empty() ? "" : ", ") + word;
    return "Expected one of: " + words + ".";
  }
  if (const auto n = characters(text); n < field.min || n > field.max) return "Expected " + between(field.min, field.max) + " characters.";
  if (has_control(text)) return "Expected a text without control characters.";
  if (!field.pattern.empty() && !std::regex_match(text.begin(), text.end(), std::regex(field.pattern)))
    return "Expected a text of the form " + field.pattern + ".";
  return {};
}

class checker {
public:
  std::vector<field_fault> faults;

  void object(const api_shape& shape, const json_value& value, const std::string& at) {
    if (!value.IsObject()) return fault(at, "Expected an object.");
    std::vector<std::string_view> seen;
    for (auto member = value.MemberBegin(); member != value.MemberEnd(); ++member) {
      const auto name = view(member->name);
      if (std::find(seen.begin(), seen.end(), name) != seen.end()) fault(at, "A member comes twice.");
      seen.push_back(name);
      const auto known = std::find_if(shape.fields.begin(), shape.fields.end(), [&](const auto& f) { return f.name == name; });
      // The name is a stranger's text: it is not repeated.
      if (known == shape.fields.end())
        fault(at, "There is a member that is not known here.");
      else
        field(*known, member->value, at + "/" + known->name);
      if (faults.size() >= faults_max) return;
    }
    for (const auto& wanted : shape.fields)
      if (wanted.required && std::find(seen.begin(), seen.end(), wanted.name) == seen.end())
        fault(at + "/" + wanted.name, "It is missing.");
  }

private:
  void fault(const std::string& at, std::string detail) {
    if (faults.size() < faults_max) faults.push_back({at, std::move(detail)});
  }

  void items(const api_field& of, const json_value& value, const std::string& at) {
    if (!value.IsArray()) return fault(at, "Expected a list.");
    const auto size = static_cast<std::int64_t>(value.Size());
    if (size < of.min || size > of.max) return fault(at, "Expected a list of " + between(of.min, of.max) + ".");
    for (rapidjson::SizeType i = 0; i < value.Size(); ++i) {
      const auto place = at + "/" + std::to_string(i);
      if (of.type == field_type::list)
        object(*of.of, value[i], place);
      else if (!value[i].IsString() || has_control(view(value[i])) || characters(view(value[i])) > 200)
        fault(place, "Expected a text.");
    }
  }

  void field(const api_field& of, const json_value& value, const std::string& at) {
    if (value.IsNull()) {
      if (!of.nullable) fault(at, "Expected a value, not null.");
      return;
    }
    switch (of.type) {
    case field_type::boolean:
      if (!value.IsBool()) fault(at, "Expected true or false.");
      return;
    case field_type::object: return object(*of.of, value, at);
    case field_type::list:
    case field_type::texts: return items(of, value, at);
    default: break;
    }
    if (!value.IsString()) return fault(at, of.type == field_type::integer ? "Expected a number." : "Expected a text.");
    if (auto why = fault_of_text(of, view(value)); !why.empty()) fault(at, std::move(why));
  }
};

std::string type_of(const api_field& field, const char* type) {
  return field.nullable ? R"("type":[")" + std::string(type) + R"(","null"])" : R"("type":")" + std::string(type) + "\"";
}

std::string bounds(const char* min, const char* max, const api_field& field) {
  return std::string(",\"") + min + "\":" + std::to_string(field.min) + ",\"" + max + "\":" + std::to_string(field.max);
}

std::string text_schema(const api_field& field) {
  auto schema = type_of(field, "string");
  if (!field.one_of.empty()) {
    schema += ",\"enum\":[";
    for (const auto& word : field.one_of) schema += (schema.back() == '[' ? "" : ",") + json_quoted(word);
    return schema + (field.nullable ? ",null]" : "]");
  }
  schema += bounds("minLength", "maxLength", field);
  if (!field.pattern.empty()) schema += ",\"pattern\":" + json_quoted("^" + field.pattern + "$");
  return schema;
}

std::string reference(const shape_ptr& shape) { return R"("$ref":"#/components/schemas/)" + shape->name + "\""; }

std::string inside_of(const api_field& field, bool taken) {
  switch (field.type) {
  case field_type::text: return text_schema(field);
  case field_type::integer:
    if (!taken) return type_of(field, "integer") + bounds("minimum", "maximum", field);
    return R"("type":["integer","string")" + std::string(field.nullable ? ",\"null\"" : "") + "]" + bounds("minimum", "maximum", field)
           + R"(,"pattern":"^-?[0-9]{1,19}$")";
  case field_type::boolean: return type_of(field, "boolean");
  case field_type::amount:
    if (!taken) return type_of(field, "string") + R"(,"pattern":"^-?[0-9]{1,20}(\\.[0-9]{1,18})?$")";
    return R"("type":["string","number")" + std::string(field.nullable ? ",\"null\"" : "")
           + R"(],"minimum":0,"pattern":"^(0|[1-9][0-9]{0,19})(\\.[0-9]{1,18})?$")";
  case field_type::time: return type_of(field, "string") + R"(,"format":"date-time")";
  case field_type::object:
    if (field.nullable) return "\"oneOf\":[{" + reference(field.of) + R"(},{"type":"null"}])";
    return "\"allOf\":[{" + reference(field.of) + "}]";
  case field_type::list:
    return type_of(field, "array") + bounds("minItems", "maxItems", field) + ",\"items\":{" + reference(field.of) + "}";
  case field_type::texts:
    return type_of(field, "array") + bounds("minItems", "maxItems", field) + R"(,"items":{"type":"string","maxLength":200})";
  }
  return {};
}

api_field field_of(std::string name, field_type type, std::string words, std::int64_t min = 0, std::int64_t max = 0) {
  api_field field;
  field.name = std::move(name);
  field.type = type;
  field.words = std::move(words);
  field.min = min;
  field.max = max;
  return field;
}

} // namespace

api_field api_field::optional() const {
  auto copy = *this;
  copy.required = false;
  return copy;
}
api_field api_field::or_null() const {
  auto copy = *this;
  copy.nullable = true;
  return copy;
}
api_field api_field::among(std::vector<std::string> words_allowed) const {
  auto copy = *this;
  copy.one_of = std::move(words_allowed);
  return copy;
}
api_field api_field::like(std::string expression) const {
  auto copy = *this;
  copy.pattern = std::move(expression);
  return copy;
}

shape_ptr make_shape(std::string name, std::vector<api_field> fields) {
  return std::make_shared<const api_shape>(api_shape{std::move(name), std::move(fields)});
}

api_field text_field(std::string name, std::int64_t min, std::int64_t max, std::string words) {
  return field_of(std::move(name), field_type::text, std::move(words), min, max);
}
api_field integer_field(std::string name, std::int64_t min, std::int64_t max, std::string words) {
  return field_of(std::move(name), field_type::integer, std::move(words), min, max);
}
api_field boolean_field(std::string name, std::string words) { return field_of(std::move(name), field_type::boolean, std::move(words)); }
api_field amount_field(std::string name, std::string words) { return field_of(std::move(name), field_type::amount, std::move(words)); }
api_field time_field(std::string name, std::string words) { return field_of(std::move(name), field_type::time, std::move(words)); }
api_field object_field(std::string name, shape_ptr of, std::string words) {
  auto field = field_of(std::move(name), field_type::object, std::move(words));
  field.of = std::move(of);
  return field;
}
api_field list_field(std::string name, std::int64_t min, std::int64_t max, shape_ptr of, std::string words) {
  auto field = field_of(std::move(name), field_type::list, std::move(words), min, max);
  field.of = std::move(of);
  return field;
}
api_field texts_field(std::string name, std::int64_t min, std::int64_t max, std::string words) {
  return field_of(std::move(name), field_type::texts, std::move(words), min, max);
}
api_field telegram_id_field(std::string name, std::string words) {
  return field_of(std::move(name), field_type::text, std::move(words), 1, 20).like("-?[1-9][0-9]{0,17}");
}

std::string json_quoted(std::string_view text) {
  json_buffer buffer;
  json_writer writer(buffer);
  writer.String(text.data(), static_cast<rapidjson::SizeType>(text.size()));
  return take_text(buffer);
}

std::vector<field_fault> faults_of(const api_shape& shape, const json_value& value) {
  checker check;
  check.object(shape, value, "");
  return std::move(check.faults);
}

std::string fault_of_text(const api_field& field, std::string_view text) {
  switch (field.type) {
  case field_type::integer: return fault_of_integer(field, text);
  case field_type::amount: return is_amount(text) ? "" : "Expected an amount like 10.50.";
  case field_type::time: return parse_iso_time(text) ? "" : "Expected a time like 2026-11-21T07:00:00Z.";
  case field_type::boolean: return text == "true" || text == "false" ? "" : "Expected true or false.";
  default: return fault_of_plain_text(field, text);
  }
}

std::string schema_of(const api_field& field, bool taken) {
  return "{" + inside_of(field, taken) + ",\"description\":" + json_quoted(field.words) + "}";
}

std::string schema_of(const api_shape& shape, bool taken) {
  std::string members, required;
  for (const auto& field : shape.fields) {
    members += (members.empty() ? "" : ",") + json_quoted(field.name) + ":" + schema_of(field, taken);
    if (!taken || field.required) required += (required.empty() ? "" : ",") + json_quoted(field.name);
  }
  return R"({"type":"object","additionalProperties":false,"properties":{)" + members + "}"
         + (required.empty() ? "" : ",\"required\":[" + required + "]") + "}";
}

} // namespace paygate
