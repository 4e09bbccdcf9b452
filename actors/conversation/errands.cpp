#include "actors/conversation/talk.hpp"

namespace paygate::talk {

namespace {

struct errand_wish {
  conversation_errand what = conversation_errand::none;
  std::int64_t channel_id = 0;
  std::string token;
};

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
  const auto wish = wish_of(press.callback_data);
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
  const entity_ref channel{entity_kind::channel, std::to_string(s.errand_channel_id)};
  switch (s.errand) {
  case conversation_errand::invite: break;
  case conversation_errand::confirm_payout: return {channel, channel_message(confirm_payout_change{s.errand_token, s.user_id})};
  case conversation_errand::keep_payout: return {channel, channel_message(cancel_payout_change{s.errand_token, s.user_id})};
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
  // What went well is told by whom it is about: the subscription sends the link, the channel its notice.
  if (!no) return;
  std::string words = "That cannot be done: " + no->text + ".";
  if (what == conversation_errand::invite)
    words = no->code == refusal::not_found ? "You have no subscription of that channel." : "There is no new invite: " + no->text + ".";
  owe(out, conversation_view::note, std::move(words));
}

} // namespace paygate::talk
