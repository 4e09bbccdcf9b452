#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

// A JSON text (RFC 8259) as a tree of its own tokens, made for writing it again in canonical form: number tokens are kept as they came,
// object members are sorted. Not for reading values; that is json.hpp.
namespace paygate {

enum class json_kind : std::uint8_t { literal, number, string, array, object };

struct json_node {
  json_kind kind = json_kind::literal;
  /// Literals and numbers: the token as it came. Strings: what stands between the quotes when JavaScript's JSON.stringify writes it.
  std::string_view text;
  std::string_view key_text;          ///< The same of a member's key; empty for what is no member.
  std::string_view key;               ///< The key decoded to UTF-8, a lone surrogate as the three bytes it would have.
  std::uint32_t first = 0, count = 0; ///< An array's elements in order, an object's members by key: json_tokens::children()[first ...].
};

/// Refers to the text it was parsed from, which must outlive it.
class json_tokens {
public:
  static constexpr int depth_max = 64;

  /// Nothing when the text is no JSON, no valid UTF-8, deeper than depth_max, has an object with the same key twice, or goes on after its
  /// value.
  static std::optional<json_tokens> parse(std::string_view text);

  const json_node& root() const { return nodes_.back(); }
  const json_node& child(const json_node& parent, std::uint32_t index) const { return nodes_[children_[parent.first + index]]; }
  std::size_t source_size() const { return source_size_; }
  bool has_arrays() const { return has_arrays_; }
  bool has_numbers() const { return has_numbers_; }
  /// Whether any key is an array index to JavaScript ("0", "17"): its objects list those first, by value, however they were sorted.
  bool has_index_keys() const { return has_index_keys_; }

private:
  friend class json_token_parser;
  std::vector<json_node> nodes_; // Children before their parent.
  std::vector<std::uint32_t> children_;
  // Strings that had escapes. Neither ever outgrows the source, so they are reserved once and views into them stay valid.
  std::vector<char> escaped_, decoded_;
  std::size_t source_size_ = 0;
  bool has_arrays_ = false, has_numbers_ = false, has_index_keys_ = false;
};

/// Whether JavaScript takes the key for an array index: "0", or digits without a leading zero up to 4294967294. Its value, or nothing.
std::optional<std::uint32_t> index_of_key(std::string_view key);

/// Order by UTF-16 code units, as JavaScript's sort() has it, of two texts in UTF-8. Differs from the order of the bytes beyond U+FFFF.
bool less_by_utf16(std::string_view a, std::string_view b);

} // namespace paygate
