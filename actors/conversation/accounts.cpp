#include <algorithm>

#include "actors/conversation/talk.hpp"
#include "crypto/hash.hpp"

namespace paygate::talk {

void follow_account_link(step& out, std::string_view word) {
  auto& s = out.next;
  constexpr std::size_t id_size = 16;
  const auto id = word.size() > id_size ? id_of_bytes(word.substr(0, id_size)) : std::nullopt;
  if (!id) return owe(out, conversation_view::unknown_link);
  if (s.errand != conversation_errand::none)
    return owe(out, conversation_view::note, "One moment, please: something else is not done yet. Then follow the link again.");
  leave(s);
  s.owed_view = conversation_view::none;
  s.errand = conversation_errand::claim_link;
  s.errand_channel_id = 0;
  // The token itself is nobody's to keep.
  s.errand_token = *id + ":" + sha256_hex(word.substr(id_size));
  out.note = "followed a link of a web account";
}

std::string link_text(const conversation& s) {
  return "🔗 Link this Telegram account to the web account <b>"
         + escape_html(s.words.substr(std::min(s.words.find(' '), s.words.size() - 1) + 1))
         + "</b>?\n\nWhoever can log in there will see and manage your channels. Say yes only if that account is yours and you have just "
           "asked "
           "for this link yourself.";
}

keyboard link_buttons(const conversation& s) { return {{button{"Yes, link it", "join:" + s.words.substr(0, s.words.find(' ')), false}}}; }

std::string accounts_text(const accounts_listed& found) {
  if (found.accounts.empty()) return "No web account is linked to this Telegram account.";
  std::string text = "🔗 <b>Web accounts that are linked to this Telegram account</b>";
  for (const auto& one : found.accounts) text += "\n\n" + escape_html(one.user_name);
  return text + "\n\nWhoever can log in there sees and manages your channels. Is one not yours? Then unlink it.";
}

keyboard accounts_buttons(const accounts_listed& found) {
  keyboard rows;
  for (const auto& one : found.accounts) rows.push_back(button_line("Unlink: ", one.user_name, "unjoin:" + one.account_id));
  return rows;
}

} // namespace paygate::talk
