#include "sandbox/json.hpp"

#include <algorithm>
#include <charconv>

#include <rapidjson/error/en.h>
#include <rapidjson/memorystream.h>
#include <rapidjson/reader.h>

namespace sandbox {
namespace {

/// Builds a json value from RapidJSON's events.
struct builder {
  using size = rapidjson::SizeType;
  std::vector<json> open;
  std::vector<std::string> keys;
  json root;
  bool failed = false;

  bool add(json value) {
    if (open.empty()) {
      root = std::move(value);
      return true;
    }
    if (open.back().is_array()) {
      open.back().push(std::move(value));
      return true;
    }
    if (open.back().has(keys.back())) return false;
    open.back().set(std::move(keys.back()), std::move(value));
    keys.pop_back();
    return true;
  }
  bool close() {
    json done = std::move(open.back());
    open.pop_back();
    return add(std::move(done));
  }
  bool Null() { return add(nullptr); }
  bool Bool(bool value) { return add(value); }
  bool Int(int value) { return add(value); }
  bool Uint(unsigned value) { return add(value); }
  bool Int64(std::int64_t value) { return add(value); }
  bool Uint64(std::uint64_t value) { return add(value); }
  bool Double(double) { return false; }
  bool RawNumber(const char* text, size length, bool) { return add(json::number(std::string(text, length))); }
  bool String(const char* text, size length, bool) { return add(std::string(text, length)); }
  bool StartObject() {
    open.push_back(json::object());
    return open.size() < 200;
  }
  bool Key(const char* text, size length, bool) {
    keys.emplace_back(text, length);
    return true;
  }
  bool EndObject(size) { return close(); }
  bool StartArray() {
    open.push_back(json::array());
    return open.size() < 200;
  }
  bool EndArray(size) { return close(); }
};

const json& nothing() {
  static const json value;
  return value;
}

void print(const json& value, std::string& out) {
  switch (value.type()) {
  case json::kind::null: out += "null"; break;
  case json::kind::boolean:
  case json::kind::number: out += value.text(); break;
  case json::kind::string: out += json_quoted(value.text()); break;
  case json::kind::array: {
    out += '[';
    bool first = true;
    for (const auto& item : value.items()) {
      if (!first) out += ',';
      first = false;
      print(item, out);
    }
    out += ']';
    break;
  }
  case json::kind::object: {
    out += '{';
    bool first = true;
    for (const auto& [key, item] : value.members()) {
      if (!first) out += ',';
      first = false;
      out += json_quoted(key);
      out += ':';
      print(item, out);
    }
    out += '}';
    break;
  }
  }
}

} // namespace

json json::number(std::string literal) {
  json value;
  value.kind_ = kind::number;
  value.text_ = std::move(literal);
  return value;
}

json json::array(std::vector<json> items) {
  json value;
  value.kind_ = kind::array;
  value.items_ = std::move(items);
  return value;
}

json json::object(std::vector<member> members) {
  json value;
  value.kind_ = kind::object;
  value.members_ = std::move(members);
  return value;
}

std::optional<json> json::parse(std::string_view text) {
  builder events;
  rapidjson::Reader reader;
  rapidjson::MemoryStream stream(text.data(), text.size());
  constexpr unsigned flags = rapidjson::kParseNumbersAsStringsFlag | rapidjson::kParseValidateEncodingFlag;
  if (!reader.Parse<flags>(stream, events)) return std::nullopt;
  return std::move(events.root);
}

std::optional<std::int64_t> json::integer() const {
  if (kind_ != kind::number && kind_ != kind::string) return std::nullopt;
  std::int64_t value = 0;
  const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
  if (error != std::errc{} || end != text_.data() + text_.size()) return std::nullopt;
  return value;
}

const json& json::operator[](std::string_view key) const {
  for (const auto& [name, value] : members_)
    if (name == key) return value;
  return nothing();
}

bool json::has(std::string_view key) const {
  return std::any_of(members_.begin(), members_.end(), [&](const member& m) { return m.first == key; });
}

json& json::set(std::string key, json value) {
  kind_ = kind::object;
  for (auto& [name, old] : members_)
    if (name == key) {
      old = std::move(value);
      return *this;
    }
  members_.emplace_back(std::move(key), std::move(value));
  return *this;
}

void json::remove(std::string_view key) {
  std::erase_if(members_, [&](const member& m) { return m.first == key; });
}

json& json::push(json value) {
  kind_ = kind::array;
  items_.push_back(std::move(value));
  return *this;
}

std::string json::dump() const {
  std::string out;
  print(*this, out);
  return out;
}

json json::sorted() const {
  json copy = *this;
  for (auto& item : copy.items_) item = item.sorted();
  for (auto& [key, value] : copy.members_) value = value.sorted();
  std::sort(copy.members_.begin(), copy.members_.end(), [](const member& a, const member& b) { return a.first < b.first; });
  return copy;
}

bool json::operator==(const json& other) const {
  return kind_ == other.kind_ && text_ == other.text_ && items_ == other.items_ && members_ == other.members_;
}

std::string json_quoted(std::string_view text) {
  static constexpr char digits[] = "0123456789abcdef";
  std::string out = "\"";
  for (const char c : text) switch (c) {
    case '"': out += "\\\""; break;
    case '\\': out += "\\\\"; break;
    case '\b': out += "\\b"; break;
    case '\f': out += "\\f"; break;
    case '\n': out += "\\n"; break;
    case '\r': out += "\\r"; break;
    case '\t': out += "\\t"; break;
    default:
      if (static_cast<unsigned char>(c) < 0x20) {
        out += "\\u00";
        out += digits[static_cast<unsigned char>(c) >> 4];
        out += digits[static_cast<unsigned char>(c) & 15];
      } else {
        out += c;
      }
    }
  out += '"';
  return out;
}

} // namespace sandbox
