#include "io/providers/telegram_text.hpp"

#include <algorithm>
#include <cstdint>
#include <vector>

#include "messages/chat.hpp"

namespace paygate {

namespace {

constexpr std::size_t marks_max = 200;

/// A stretch of the text, in bytes, and its tags.
struct mark {
  std::size_t from = 0, to = 0;
  std::string open, close;
  bool verbatim = false; ///< Nothing inside it is formatted.
};

std::size_t bytes_of(char lead) {
  const auto c = static_cast<unsigned char>(lead);
  return c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
}

/// Where each UTF-16 code unit begins, in bytes; at the end the text's size. A unit in the middle of a character is where the character
/// begins.
std::vector<std::size_t> units_of(std::string_view text) {
  std::vector<std::size_t> units;
  units.reserve(text.size() + 1);
  for (std::size_t at = 0; at < text.size();) {
    const auto bytes = bytes_of(text[at]);
    units.push_back(at);
    if (bytes == 4) units.push_back(at);
    at += bytes;
  }
  units.push_back(text.size());
  return units;
}

mark tagged(std::string_view name, std::string_view attribute = {}) {
  mark m;
  m.open = "<" + std::string(name) + (attribute.empty() ? "" : " " + std::string(attribute)) + ">";
  m.close = "</" + std::string(name) + ">";
  return m;
}

/// The tags of an entity; without tags when it is no formatting.
mark tags_of(const json_value& entity) {
  const auto type = json_text_or_empty(entity, "type");
  static constexpr std::pair<std::string_view, std::string_view> plain[] = {
      {"bold", "b"}, {"italic", "i"}, {"underline", "u"}, {"strikethrough", "s"}, {"spoiler", "tg-spoiler"}, {"blockquote", "blockquote"}};
  for (const auto& [what, name] : plain)
    if (type == what) return tagged(name);
  if (type == "expandable_blockquote") return tagged("blockquote", "expandable");
  if (type == "text_link") {
    const auto url = json_text_or_empty(entity, "url");
    return url.empty() ? mark{} : tagged("a", "href=\"" + escape_html(url) + "\"");
  }
  if (type == "text_mention") {
    const auto* user = json_member(entity, "user");
    const auto id = user ? json_int(*user, "id").value_or(0) : 0;
    return id <= 0 ? mark{} : tagged("a", "href=\"tg://user?id=" + std::to_string(id) + "\"");
  }
  if (type != "code" && type != "pre") return {};
  auto m = tagged(type);
  const auto language = json_text_or_empty(entity, "language");
  if (type == "pre" && !language.empty()) {
    m.open = "<pre><code class=\"language-" + escape_html(language) + "\">";
    m.close = "</code></pre>";
  }
  m.verbatim = true;
  return m;
}

std::vector<mark> marks_of(std::string_view text, const json_value& entities) {
  const auto units = units_of(text);
  const auto byte_at = [&](std::int64_t unit) {
    return units[static_cast<std::size_t>(std::clamp<std::int64_t>(unit, 0, static_cast<std::int64_t>(units.size() - 1)))];
  };
  std::vector<mark> marks;
  for (const auto& entity : entities.GetArray()) {
    if (!entity.IsObject() || marks.size() == marks_max) continue;
    auto m = tags_of(entity);
    const auto offset = json_int(entity, "offset").value_or(-1), length = json_int(entity, "length").value_or(0);
    if (m.open.empty() || offset < 0 || offset > INT32_MAX || length <= 0 || length > INT32_MAX) continue;
    m.from = byte_at(offset);
    m.to = byte_at(offset + length);
    if (m.from < m.to) marks.push_back(std::move(m));
  }
  // Whatever contains others comes before them.
  std::stable_sort(marks.begin(), marks.end(),
                   [](const mark& a, const mark& b) { return a.from != b.from ? a.from < b.from : a.to > b.to; });
  return marks;
}

} // namespace

std::string formatted_text(std::string_view text, const json_value* entities) {
  if (!entities || !entities->IsArray()) return "";
  const auto marks = marks_of(text, *entities);
  if (marks.empty()) return "";
  std::string html;
  std::vector<mark> open;
  std::size_t at = 0;
  const auto write_to = [&](std::size_t end) {
    html += escape_html(text.substr(at, end - at));
    at = end;
  };
  const auto close_to = [&](std::size_t end) {
    for (; !open.empty() && open.back().to <= end; open.pop_back()) {
      write_to(open.back().to);
      html += open.back().close;
    }
  };
  for (auto m : marks) {
    close_to(m.from);
    if (!open.empty()) {
      if (open.back().verbatim) continue;
      m.to = std::min(m.to, open.back().to);
    }
    write_to(m.from);
    html += m.open;
    open.push_back(std::move(m));
  }
  close_to(text.size());
  write_to(text.size());
  return html;
}

} // namespace paygate
