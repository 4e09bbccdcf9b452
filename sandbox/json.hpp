#pragma once
#include <concepts>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace sandbox {

/// A JSON value as the services write it: object keys keep their order, a number keeps the literal it was written with.
/// Parsing is RapidJSON's; printing is JSON.stringify's (compact, `/` and non-ASCII as they are).
class json {
public:
  enum class kind { null, boolean, number, string, array, object };
  using member = std::pair<std::string, json>;

  json() = default;
  json(std::nullptr_t) {}
  json(const char* text) : kind_(kind::string), text_(text) {}
  json(std::string text) : kind_(kind::string), text_(std::move(text)) {}
  template <std::same_as<bool> T>
  json(T value) : kind_(kind::boolean), text_(value ? "true" : "false") {}
  template <std::integral T>
  requires(!std::same_as<T, bool>) json(T value) : kind_(kind::number), text_(std::to_string(value)) {}

  /// A number by its literal, which is printed as given. @pre literal is a JSON number.
  static json number(std::string literal);
  static json array(std::vector<json> items = {});
  static json object(std::vector<member> members = {});
  /// nullopt: not JSON, or a key twice in one object.
  static std::optional<json> parse(std::string_view text);

  kind type() const { return kind_; }
  bool is_null() const { return kind_ == kind::null; }
  bool is_string() const { return kind_ == kind::string; }
  bool is_number() const { return kind_ == kind::number; }
  bool is_object() const { return kind_ == kind::object; }
  bool is_array() const { return kind_ == kind::array; }
  bool is_true() const { return kind_ == kind::boolean && text_ == "true"; }

  /// The characters of a string, the literal of a number, "true" or "false"; empty for the others.
  const std::string& text() const { return text_; }
  std::string text_or(std::string other) const { return kind_ == kind::null || text_.empty() ? std::move(other) : text_; }
  /// An integer given as number or as string; nullopt for all else.
  std::optional<std::int64_t> integer() const;

  /// The member, or a null value that lives for ever.
  const json& operator[](std::string_view key) const;
  bool has(std::string_view key) const;
  /// Replaces or appends a member; makes an object of a null.
  json& set(std::string key, json value);
  void remove(std::string_view key);
  json& push(json value);
  const std::vector<json>& items() const { return items_; }
  const std::vector<member>& members() const { return members_; }
  std::vector<json>& items() { return items_; }
  std::size_t size() const { return kind_ == kind::object ? members_.size() : items_.size(); }

  std::string dump() const;
  /// The same value with the keys of every object in code unit order; arrays stay as they are.
  json sorted() const;
  bool operator==(const json& other) const;

private:
  kind kind_ = kind::null;
  std::string text_;
  std::vector<json> items_;
  std::vector<member> members_;
};

/// A string as JSON.stringify prints it, with its quotes.
std::string json_quoted(std::string_view text);

} // namespace sandbox
