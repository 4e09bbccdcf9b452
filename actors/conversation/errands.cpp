#include <algorithm>

#include "actors/conversation/talk.hpp"
#include "messages/chat.hpp"

namespace paygate::talk {

namespace {

struct errand_wish {
  conversation_errand what = conversation_errand::none;
  std::int64_t channel_id = 0;
  std::string token;
};

/// "join:<web account>", "unjoin:<web account>".
std::optional<errand_wish> join_of(std::string_view data) {
  const auto leaves = after(data, "unjoin:");
  const auto id = leaves ? leaves : after(data, "join:");
  if (!id || !id_bytes(*id)) return std::nullopt;
  return errand_wish{leaves ? conversation_errand::leave_account : conversation_errand::join_account, 0, std::string(*id)};
}

/// "inv:<channel>", "payc:<channel>:<token>", "payx:<channel>:<token>".
std::optional<errand_wish> wish_of(std::string_view data) {
  errand_wish wish;
  std::string_view rest;
  for (const auto& [prefix, what] : {std::pair{"inv:", conversation_errand::invite},
                                     {"payc:", conversation_errand::confirm_payout},
                                     {"payx:", conversation_errand::keep_payout}})
    if (const auto found = after(data, prefix)) wish.what = what, rest = *found;
  if (wish.what == conversation_errand::none) return std::nullopt;
  const auto colon = rest.find(':');
  if ((colon == std::string_view::npos) != (wish.what == conversation_errand::invite)) return std::nullopt;
  const auto channel = number_of(rest.substr(0, colon));
  if (!channel || *channel == 0) return std::nullopt;
  wish.channel_id = *channel;
  if (colon != std::string_view::npos) wish.token = rest.substr(colon + 1);
  return wish;
}

} // namespace

bool press_errand(step& out, const chat_update& press) {
  auto wish = wish_of(press.callback_data);
  if (!wish) wish = join_of(press.callback_data);
  if (!wish) return false;
  auto& s = out.next;
  const bool same = s.errand == wish->what && s.errand_channel_id == wish->channel_id && s.errand_token == wish->token;
  if (s.errand != conversation_errand::none) {
    answer_stale(out, press, same ? "One moment, please." : "One moment, please: something else is not done yet.");
    return true;
  }
  answer(out, press);
  s.errand = wish->what;
  s.errand_channel_id = wish->channel_id;
  s.errand_token = wish->token;
  out.note = "asks for " + std::string(to_text(s.errand));
  return true;
}

ask_entity errand_request(const conversation& s) {
  // A claim's token is "<account>:<hash>", else the account alone.
  const entity_ref account{entity_kind::account, s.errand_token.substr(0, s.errand_token.find(':'))};
  if (s.errand == conversation_errand::claim_link)
    return {account, account_message(claim_link{s.errand_token.substr(account.id.size() + 1), s.user_id})};
  if (s.errand == conversation_errand::join_account) return {account, account_message(link_telegram{s.user_id, s.user_name})};
  if (s.errand == conversation_errand::leave_account) return {account, account_message(unlink_telegram{s.user_id})};
  const entity_ref channel{entity_kind::channel, std::to_string(s.errand_channel_id)};
  switch (s.errand) {
  case conversation_errand::invite: break;
  case conversation_errand::confirm_payout: return {channel, channel_message(confirm_payout_change{s.errand_token, s.user_id})};
  case conversation_errand::keep_payout: return {channel, channel_message(cancel_payout_change{s.errand_token, s.user_id})};
  case conversation_errand::claim_link:
  case conversation_errand::join_account:
  case conversation_errand::leave_account:
  case conversation_errand::close_channel:
  case conversation_errand::none: return {channel, channel_message(close_channel{s.user_id})};
  }
  return {{entity_kind::subscription, std::to_string(s.errand_channel_id) + ":" + std::to_string(s.user_id)},
          subscription_message(ask_invite{})};
}

void errand_answered(step& out, const entity_reply& reply) {
  auto& s = out.next;
  const auto what = std::exchange(s.errand, conversation_errand::none);
  s.errand_channel_id = 0;
  s.errand_token.clear();
  out.note = std::string(to_text(what)) + " answered";
  const auto* no = std::get_if<refused>(&reply);
  if (const auto* web = std::get_if<account_view>(&reply); web && what == conversation_errand::claim_link)
    return owe(out, conversation_view::confirm_link, web->account_id + " " + web->user_name);
  if (what == conversation_errand::claim_link || what == conversation_errand::join_account)
    return owe(out, conversation_view::note,
               no ? "This link is not valid any more. Please ask for a new one where you are logged in."
                  : "✅ Your web account is linked to this Telegram account. /account shows it, and undoes it.");
  if (what == conversation_errand::leave_account)
    return owe(out, conversation_view::note,
               no ? "That web account does not exist any more."
                  : "That web account is not linked to this Telegram account any more. Whoever was logged in there has been logged out.");
  // What went well is told by whom it is about: the subscription sends the link, the channel its notice.
  if (!no) return;
  std::string words = "That cannot be done: " + no->text + ".";
  if (what == conversation_errand::invite)
    words = no->code == refusal::not_found ? "You have no subscription of that channel." : "There is no new invite: " + no->text + ".";
  owe(out, conversation_view::note, std::move(words));
}

} // namespace paygate::talk
