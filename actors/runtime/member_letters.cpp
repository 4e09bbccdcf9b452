#include "actors/runtime/member_letters.hpp"

#include <charconv>

namespace paygate {

std::int64_t user_of_invite(std::string_view name) {
  if (!name.starts_with('s')) return 0;
  name.remove_prefix(1);
  std::int64_t user = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), user);
  if (error != std::errc{} || user <= 0 || end == name.data() + name.size() || *end != '-') return 0;
  return user;
}

std::int64_t channel_of_invite(std::string_view name) {
  const auto dot = name.find('.');
  if (user_of_invite(name) == 0 || dot == std::string_view::npos) return 0;
  name.remove_prefix(dot + 1);
  std::int64_t channel = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), channel);
  return error == std::errc{} && end == name.data() + name.size() && channel > 0 ? -channel : 0;
}

std::deque<envelope> letters_about(const chat_update& update, const std::vector<channel_found>& channels) {
  std::deque<envelope> letters;
  const auto& m = *update.member;
  for (const auto& c : channels) {
    const auto open = std::to_string(c.open_channel_id);
    if (m.change == member_change::rights) {
      letters.push_back({{entity_kind::channel, open},
                         channel_message{rights_changed{update.update_id, m.group_id, m.administrator, m.can_invite, m.can_restrict, m.can_post}}});
      continue;
    }
    if (m.group_id != c.closed_channel_id) continue; // Anybody comes and goes in the open channel.
    const auto subscription_of = [&](std::int64_t user) { return entity_ref{entity_kind::subscription, open + ":" + std::to_string(user)}; };
    const membership who{c.open_channel_id, c.closed_channel_id, update.user_id, update.user_name, c.closed_title};
    const auto tell = [&](subscription_message what) { letters.push_back({subscription_of(update.user_id), std::move(what)}); };
    switch (m.change) {
    case member_change::joined: {
      const auto owner = m.our_link ? user_of_invite(m.link_name) : 0;
      // A closed channel of several open ones: whoever is a stranger to one may have paid by another. The one whose link it is looks after them.
      const auto its_link = m.our_link && (channels.size() == 1 || channel_of_invite(m.link_name) == c.open_channel_id);
      tell(member_joined{update.update_id, who, m.link, its_link});
      if (owner != 0 && owner != update.user_id) letters.push_back({subscription_of(owner), subscription_message{invite_spent{m.link}}});
      break;
    }
    case member_change::left: tell(member_left{update.update_id, false, m.by_us}); break;
    case member_change::banned: tell(member_left{update.update_id, true, m.by_us}); break;
    case member_change::asks: tell(join_requested{update.update_id, who}); break;
    case member_change::rights: break;
    }
  }
  return letters;
}

} // namespace paygate
