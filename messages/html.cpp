#include "messages/html.hpp"

#include <algorithm>
#include <array>

namespace paygate {

namespace {

constexpr std::string_view ellipsis = "…", line = "\n\n———\n\n";

/// One tag, entity or character.
struct piece {
  std::string_view text;
  enum { tag, entity, character, broken } kind = character;
  std::size_t length = 0; ///< In UTF-16 code units, as read.
};

/// @pre html is not empty.
piece first_piece(std::string_view html) {
  const auto c = static_cast<unsigned char>(html.front());
  if (c == '<') {
    const auto end = html.find('>');
    return end == html.npos ? piece{html, piece::broken, 0} : piece{html.substr(0, end + 1), piece::tag, 0};
  }
  if (c == '&') {
    const auto end = html.find(';');
    if (end != html.npos && end <= 10) return {html.substr(0, end + 1), piece::entity, html[1] == '#' ? std::size_t{2} : std::size_t{1}};
    return {html.substr(0, 1), piece::character, 1}; // Telegram takes it as it stands.
  }
  const std::size_t bytes = c < 0x80 ? 1 : c < 0xe0 ? 2 : c < 0xf0 ? 3 : 4;
  return {html.substr(0, std::min(bytes, html.size())), piece::character, bytes == 4 ? std::size_t{2} : std::size_t{1}};
}

std::string_view tag_name(std::string_view tag) {
  tag = tag.substr(1, tag.size() - 2);
  if (tag.starts_with('/')) tag.remove_prefix(1);
  return tag.substr(0, tag.find_first_of(" \n"));
}

bool is_end(std::string_view tag) { return tag.starts_with("</"); }

bool is_known(std::string_view name) {
  static constexpr std::array names = {"b",   "strong", "i",    "em",  "u",          "ins",  "s",          "strike",
                                       "del", "a",      "code", "pre", "blockquote", "span", "tg-spoiler", "tg-emoji"};
  return std::find(names.begin(), names.end(), name) != names.end();
}

std::string closing(const std::vector<std::string_view>& open) {
  std::string text;
  for (auto at = open.rbegin(); at != open.rend(); ++at) text += "</" + std::string(*at) + ">";
  return text;
}

} // namespace

std::size_t html_length(std::string_view html) {
  std::size_t length = 0;
  while (!html.empty()) {
    const auto next = first_piece(html);
    length += next.length;
    html.remove_prefix(next.text.size());
  }
  return length;
}

std::string objection_to_html(std::string_view html) {
  std::vector<std::string_view> open;
  bool has_text = false;
  const auto length = html_length(html);
  while (!html.empty()) {
    const auto next = first_piece(html);
    html.remove_prefix(next.text.size());
    if (next.kind == piece::broken) return "a \"<\" is not escaped, or a tag is not closed by \">\"";
    if (next.kind != piece::tag) {
      const auto c = static_cast<unsigned char>(next.text.front());
      if (next.kind == piece::character && c < 0x20 && c != '\n' && c != '\t') return "it has a control character";
      has_text = has_text || c > ' ';
      continue;
    }
    const auto name = tag_name(next.text);
    if (!is_known(name)) return "Telegram knows no tag \"" + std::string(name.substr(0, 20)) + "\"";
    if (!is_end(next.text))
      open.push_back(name);
    else if (open.empty() || open.back() != name)
      return "the tag \"" + std::string(name) + "\" is closed where it is not open";
    else
      open.pop_back();
  }
  if (!open.empty()) return "the tag \"" + std::string(open.back()) + "\" is not closed";
  if (!has_text) return "it is empty";
  if (length > message_length_max)
    return "it has " + std::to_string(length) + " characters: a message has at most " + std::to_string(message_length_max);
  return "";
}

std::string cut_html(std::string_view html, std::size_t most) {
  if (html_length(html) <= most) return std::string(html);
  std::vector<std::string_view> open;
  std::string text;
  std::size_t length = 1; // The ellipsis.
  while (!html.empty()) {
    const auto next = first_piece(html);
    if (next.kind == piece::broken || length + next.length > most) break;
    length += next.length;
    text += next.text;
    html.remove_prefix(next.text.size());
    if (next.kind != piece::tag) continue;
    if (!is_end(next.text))
      open.push_back(tag_name(next.text));
    else if (!open.empty())
      open.pop_back();
  }
  return text + std::string(ellipsis) + closing(open);
}

joined_html join_html(const std::vector<std::string_view>& texts, std::size_t most) {
  joined_html all;
  std::size_t length = 0;
  for (const auto text : texts) {
    const auto more = html_length(text) + (all.count == 0 ? 0 : html_length(line));
    if (all.count > 0 && length + more > most) break;
    if (all.count > 0) all.html += line;
    all.html += all.count == 0 ? cut_html(text, most) : std::string(text);
    length += more;
    ++all.count;
  }
  return all;
}

} // namespace paygate
