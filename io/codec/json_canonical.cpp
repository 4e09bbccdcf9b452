#include "io/codec/json_canonical.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace paygate {

namespace {

class canonical_writer {
public:
  canonical_writer(const json_tokens& tokens, canonical_form form) : tokens_(tokens), form_(form) {
    out_.reserve(tokens.source_size() + 16);
  }

  // False when a number has no text.
  bool write(const json_node& node) {
    switch (node.kind) {
    case json_kind::literal: out_ += node.text; return true;
    case json_kind::number: return write_number(node.text);
    case json_kind::string: write_quoted(node.text); return true;
    case json_kind::array: return write_array(node);
    case json_kind::object: return write_object(node);
    }
    return false;
  }

  std::string take() { return std::move(out_); }

private:
  void write_quoted(std::string_view text) {
    out_ += '"';
    out_ += text;
    out_ += '"';
  }

  bool write_number(std::string_view token) {
    if (!form_.js_numbers) {
      out_ += token;
      return true;
    }
    const auto text = js_number_text(token);
    if (!text) return false;
    out_ += *text;
    return true;
  }

  bool write_array(const json_node& node) {
    out_ += form_.arrays_as_objects ? '{' : '[';
    for (std::uint32_t i = 0; i < node.count; ++i) {
      if (i != 0) out_ += ',';
      if (form_.arrays_as_objects) {
        write_quoted(std::to_string(i));
        out_ += ':';
      }
      if (!write(tokens_.child(node, i))) return false;
    }
    out_ += form_.arrays_as_objects ? '}' : ']';
    return true;
  }

  bool write_member(const json_node& member) {
    if (out_.back() != '{') out_ += ',';
    write_quoted(member.key_text);
    out_ += ':';
    return write(member);
  }

  bool write_object(const json_node& node) {
    out_ += '{';
    if (form_.index_keys_first && !write_index_members(node)) return false;
    for (std::uint32_t i = 0; i < node.count; ++i) {
      const auto& member = tokens_.child(node, i);
      if (form_.index_keys_first && index_of_key(member.key)) continue;
      if (!write_member(member)) return false;
    }
    out_ += '}';
    return true;
  }

  bool write_index_members(const json_node& node) {
    std::vector<std::pair<std::uint32_t, const json_node*>> members;
    for (std::uint32_t i = 0; i < node.count; ++i) {
      const auto& member = tokens_.child(node, i);
      if (const auto index = index_of_key(member.key)) members.emplace_back(*index, &member);
    }
    std::sort(members.begin(), members.end());
    return std::all_of(members.begin(), members.end(), [this](const auto& entry) { return write_member(*entry.second); });
  }

  const json_tokens& tokens_;
  const canonical_form form_;
  std::string out_;
};

} // namespace

std::optional<std::string> canonical_text(const json_tokens& tokens, canonical_form form) {
  canonical_writer writer(tokens, form);
  if (!writer.write(tokens.root())) return std::nullopt;
  return writer.take();
}

std::optional<std::string> js_number_text(std::string_view token) {
  double value = 0;
  const auto* token_end = token.data() + token.size();
  const auto read = std::from_chars(token.data(), token_end, value);
  if (read.ec != std::errc() || read.ptr != token_end) return std::nullopt;
  if (value == 0) return "0"; // Also for -0.
  // "d.ddde+XX" with the fewest digits that still give this double, which is what ECMAScript asks for.
  std::array<char, 32> buffer;
  const auto written = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  const std::string_view shortest(buffer.data(), static_cast<std::size_t>(written.ptr - buffer.data()));
  const auto e = shortest.find('e');
  int exponent = 0;
  const auto exponent_at = e + (shortest[e + 1] == '+' ? 2 : 1);
  std::from_chars(shortest.data() + exponent_at, shortest.data() + shortest.size(), exponent);
  std::string digits;
  for (char c : shortest.substr(0, e))
    if (c >= '0' && c <= '9') digits += c;
  std::string text = value < 0 ? "-" : "";
  const int count = static_cast<int>(digits.size());
  const int point = exponent + 1; // Digits before the decimal point; n in the standard.
  if (count <= point && point <= 21) return text + digits + std::string(static_cast<std::size_t>(point - count), '0');
  if (0 < point && point <= 21) return text + digits.insert(static_cast<std::size_t>(point), ".");
  if (-6 < point && point <= 0) return text + "0." + std::string(static_cast<std::size_t>(-point), '0') + digits;
  if (count > 1) digits.insert(1, ".");
  return text + digits + (exponent < 0 ? "e-" : "e+") + std::to_string(exponent < 0 ? -exponent : exponent);
}

} // namespace paygate
