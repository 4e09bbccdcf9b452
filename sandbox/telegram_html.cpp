#include "sandbox/telegram_html.hpp"

#include <algorithm>
#include <cctype>
#include <map>
#include <vector>

namespace sandbox {
namespace {

struct open_tag {
  std::string name, type, argument;
  std::int64_t offset;
};

const std::map<std::string, std::string>& entity_types() {
  static const std::map<std::string, std::string> types = {{"b", "bold"},
                                                           {"strong", "bold"},
                                                           {"i", "italic"},
                                                           {"em", "italic"},
                                                           {"u", "underline"},
                                                           {"ins", "underline"},
                                                           {"s", "strikethrough"},
                                                           {"del", "strikethrough"},
                                                           {"strike", "strikethrough"},
                                                           {"tg-spoiler", "spoiler"},
                                                           {"span", "spoiler"},
                                                           {"a", "text_link"},
                                                           {"code", "code"},
                                                           {"pre", "pre"},
                                                           {"blockquote", "blockquote"},
                                                           {"tg-emoji", "custom_emoji"}};
  return types;
}

void append_code_point(std::string& out, unsigned long code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | (code >> 6));
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | (code >> 12));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | (code >> 18));
    out += static_cast<char>(0x80 | ((code >> 12) & 0x3f));
    out += static_cast<char>(0x80 | ((code >> 6) & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

/// Reads `&...;` at `at` and moves behind it; an unknown one is an ampersand, as in Telegram.
void read_character(std::string_view text, std::size_t& at, std::string& out) {
  const auto end = text.find(';', at);
  const auto name = end == std::string_view::npos || end - at > 10 ? std::string_view() : text.substr(at + 1, end - at - 1);
  const auto plain_character = [&](const char* character) {
    out += character;
    at = end + 1;
  };
  if (name == "lt") return plain_character("<");
  if (name == "gt") return plain_character(">");
  if (name == "amp") return plain_character("&");
  if (name == "quot") return plain_character("\"");
  if (name.size() > 1 && name[0] == '#') {
    const bool hex = name[1] == 'x';
    const std::string digits(name.substr(hex ? 2 : 1));
    char* stop = nullptr;
    const auto code = std::strtoul(digits.c_str(), &stop, hex ? 16 : 10);
    if (!digits.empty() && *stop == '\0' && code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)) {
      append_code_point(out, code);
      at = end + 1;
      return;
    }
  }
  out += '&';
  ++at;
}

std::string at_offset(std::size_t at) { return " at byte offset " + std::to_string(at); }

/// The attributes of a start tag; `at` is behind the tag's name and ends behind '>'. Empty answer: done.
std::string read_attributes(std::string_view text, std::size_t& at, std::size_t start, std::map<std::string, std::string>& out) {
  const std::string unclosed = "Unclosed start tag" + at_offset(start);
  while (true) {
    while (at < text.size() && std::isspace(static_cast<unsigned char>(text[at]))) ++at;
    if (at >= text.size()) return unclosed;
    if (text[at] == '>') return ++at, "";
    std::string name;
    while (at < text.size() && !std::isspace(static_cast<unsigned char>(text[at])) && text[at] != '=' && text[at] != '>')
      name += static_cast<char>(std::tolower(static_cast<unsigned char>(text[at++])));
    if (name.empty()) return "Empty attribute name in the tag" + at_offset(start);
    if (at < text.size() && text[at] != '=') {
      out[name] = "";
      continue;
    }
    if (++at >= text.size()) return unclosed;
    std::string value;
    if (text[at] == '"' || text[at] == '\'') {
      const char quote = text[at++];
      while (at < text.size() && text[at] != quote) {
        if (text[at] == '&') {
          read_character(text, at, value);
        } else {
          value += text[at++];
        }
      }
      if (at++ >= text.size()) return unclosed;
    } else {
      while (at < text.size() && (std::isalnum(static_cast<unsigned char>(text[at])) || text[at] == '.' || text[at] == '-'))
        value += text[at++];
      if (value.empty()) return "Unexpected end of name token" + at_offset(at);
    }
    out[name] = value;
  }
}

} // namespace

std::int64_t utf16_length(std::string_view utf8) {
  std::int64_t length = 0;
  for (const unsigned char c : utf8) {
    if ((c & 0xc0) != 0x80) ++length;
    if (c >= 0xf0) ++length;
  }
  return length;
}

std::variant<formatted_text, std::string> parse_html(std::string_view text) {
  formatted_text out;
  std::vector<open_tag> open;
  for (std::size_t at = 0; at < text.size();) {
    if (text[at] == '&') {
      read_character(text, at, out.text);
      continue;
    }
    if (text[at] != '<') {
      out.text += text[at++];
      continue;
    }
    const std::size_t start = at++;
    const bool closing = at < text.size() && text[at] == '/';
    if (closing) ++at;
    std::string name;
    while (at < text.size() && !std::isspace(static_cast<unsigned char>(text[at])) && text[at] != '>')
      name += static_cast<char>(std::tolower(static_cast<unsigned char>(text[at++])));
    if (at >= text.size()) return (closing ? "Unclosed end tag" : "Unclosed start tag") + at_offset(start);
    if (!closing) {
      const auto known = entity_types().find(name);
      if (known == entity_types().end()) return "Unsupported start tag \"" + name + "\"" + at_offset(start);
      std::map<std::string, std::string> attributes;
      if (auto wrong = read_attributes(text, at, start, attributes); !wrong.empty()) return wrong;
      if (name == "span" && attributes["class"] != "tg-spoiler") return "Tag \"span\" must have class \"tg-spoiler\"" + at_offset(start);
      open.push_back({name, known->second, attributes["href"], utf16_length(out.text)});
      continue;
    }
    if (open.empty()) return "Unexpected end tag" + at_offset(start);
    while (at < text.size() && std::isspace(static_cast<unsigned char>(text[at]))) ++at;
    if (at >= text.size() || text[at] != '>') return "Unclosed end tag" + at_offset(start);
    ++at;
    const auto tag = open.back();
    if (!name.empty() && name != tag.name)
      return "Unmatched end tag" + at_offset(start) + ", expected \"</" + tag.name + ">\", found \"</" + name + ">\"";
    open.pop_back();
    const auto length = utf16_length(out.text) - tag.offset;
    // A link without an address, or around nothing, is no entity.
    if (length == 0 || (tag.type == "text_link" && tag.argument.empty())) continue;
    json entity = json::object({{"offset", tag.offset}, {"length", length}, {"type", tag.type}});
    if (tag.type == "text_link") entity.set("url", tag.argument);
    out.entities.push(entity);
  }
  if (!open.empty()) return "Can't find end tag corresponding to start tag \"" + open.back().name + "\"";
  std::stable_sort(out.entities.items().begin(), out.entities.items().end(),
                   [](const json& a, const json& b) { return *a["offset"].integer() < *b["offset"].integer(); });
  return out;
}

} // namespace sandbox
