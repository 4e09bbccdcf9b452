#include "actors/runtime/pauses.hpp"

namespace paygate {

bool pause_set::add(std::string_view what) {
  if (what == "payouts") {
    bits_ |= bit(entity_kind::payout) | bit(lane::signer);
    return true;
  }
  const auto slash = what.find('/');
  if (slash == what.npos) return false;
  const auto sort = what.substr(0, slash);
  const auto name = what.substr(slash + 1);
  if (sort == "kind") {
    if (const auto kind = parse_enum<entity_kind>(name)) return bits_ |= bit(*kind), true;
  } else if (sort == "lane") {
    if (const auto which = parse_enum<lane>(name)) return bits_ |= bit(*which), true;
  }
  return false;
}

std::vector<std::string> pausable() {
  std::vector<std::string> names{"payouts"};
  for (const auto kind : enum_names<entity_kind>::values) names.push_back("kind/" + std::string(kind));
  for (const auto which : enum_names<lane>::values) names.push_back("lane/" + std::string(which));
  return names;
}

} // namespace paygate
