#include "io/link/refused_list.hpp"

#include <algorithm>
#include <charconv>

namespace paygate {

std::variant<refused_list, std::string> refused_list::parse(std::string_view text) {
  refused_list list;
  for (int number = 1; !text.empty(); ++number) {
    const auto end = std::min(text.find('\n'), text.size());
    auto line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (!line.empty() && line.back() == '\r') line.remove_suffix(1);
    if (line.empty() || line.front() == '#') continue;
    const auto space = std::min(line.find(' '), line.size());
    const auto name = line.substr(0, space);
    const auto seconds = line.substr(std::min(space + 1, line.size()));
    std::int64_t until = 0;
    const auto read = std::from_chars(seconds.data(), seconds.data() + seconds.size(), until);
    const bool is_number = !seconds.empty() && read.ec == std::errc{} && read.ptr == seconds.data() + seconds.size();
    if (!parse_peer_uri("paygate://" + std::string(name)) || !is_number)
      return "line " + std::to_string(number) + " is not understood: expected node/NAME or operator/NAME, and seconds since 1970";
    auto& latest = list.until_[std::string(name)];
    latest = std::max(latest, until);
  }
  return list;
}

std::optional<std::string> refused_list::why(const peer_name& peer, std::int64_t good_from) const {
  const auto found = until_.find(to_text(peer));
  if (found == until_.end() || good_from > found->second) return std::nullopt;
  return "the certificate of " + to_text(peer) + " is on the list of refused ones";
}

} // namespace paygate
