#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

// Telegram's HTML as text: how long it is, whether Telegram will take it, and how it is cut and joined without breaking a tag.
namespace paygate {

inline constexpr std::size_t message_length_max = 4096; ///< Of what is read, in UTF-16 code units, as Telegram counts.

/// The length of what is read. Anything counts that is neither a tag nor part of an entity.
std::size_t html_length(std::string_view html);

/// Why Telegram would not take this as a message; empty when it would: its tags, well nested, with text in them, and not too long.
std::string objection_to_html(std::string_view html);

/// The beginning of a text that Telegram takes, at most `most` long: cut between two characters, entities whole, open tags closed, with "…"
/// at the end. The whole text when it is short enough.
std::string cut_html(std::string_view html, std::size_t most);

/// As many of the texts, from the first on, as fit into one message, with a line between two; at least one, which is cut if it must be.
struct joined_html {
  std::string html;
  std::size_t count = 0;
};
joined_html join_html(const std::vector<std::string_view>& texts, std::size_t most = message_length_max);

} // namespace paygate
