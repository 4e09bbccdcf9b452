#include "actors/channel/channel_machine.hpp"

#include "actors/channel/channel_mail.hpp"
#include "actors/channel/channel_posts.hpp"
#include "actors/channel/channel_rights.hpp"
#include "messages/text.hpp"

namespace paygate {

namespace {

std::string place_text(const asset& target, const std::string& address, const std::string& extra_id) {
  return escape_html(target.ticker + " (" + target.network + ")") + "\n<code>" + escape_html(address) + "</code>"
         + (extra_id.empty() ? "" : "\nMemo: <code>" + escape_html(extra_id) + "</code>");
}

std::string notice_text(const channel& s) {
  const auto title = "<b>" + escape_html(s.open_title) + "</b>";
  const auto wished = place_text(s.change.target, s.change.address, s.change.extra_id);
  switch (s.owed_notice) {
  case channel_notice::payout_asked:
    return "🔐 Another payout address was asked for, for " + title + ":\n\n" + wished
           + (s.change.in_telegram ? s.mail.account.empty() ? "\n\nPlease confirm it." : "\n\nPlease confirm it, here or by the link in the mail to you."
                                   : "\n\nIt has to be confirmed by the link in the mail to you.")
           + " Until then nothing changes. If it was not you, keep the old address.";
  case channel_notice::payout_confirmed:
    return "🔐 Payouts of " + title + " go to another address from " + (s.change.at ? moment_text(*s.change.at) : "soon") + " on:\n\n"
           + wished + "\n\nIf it was not you, keep the old address.";
  case channel_notice::payout_changed:
    return "🔐 Payouts of " + title + " go to another address now:\n\n" + place_text(s.payout_asset, s.payout_address, s.payout_extra_id);
  case channel_notice::payout_kept: return "🔐 Payouts of " + title + " go to the same address as before.";
  case channel_notice::payout_lapsed:
    return "🔐 The other payout address for " + title + " was not confirmed in time. Payouts go to the same address as before.";
  case channel_notice::draining:
    return title
           + " is closed to new sales. Those who have paid keep their access until its end, and what is still yours is paid out to you.";
  case channel_notice::closed: return title + " is closed: nobody has access any more, and everything is paid out.";
  case channel_notice::none: break;
  }
  return "";
}

keyboard notice_buttons(const channel& s) {
  const auto id = std::to_string(s.open_channel_id) + ":" + s.change.token;
  if (s.owed_notice == channel_notice::payout_asked && s.change.in_telegram)
    return {{button{"✅ Confirm", "payc:" + id, false}, button{"Keep the old one", "payx:" + id, false}}};
  if (s.owed_notice == channel_notice::payout_confirmed) return {{button{"Keep the old one", "payx:" + id, false}}};
  return {};
}

effect read(std::string key, io_request request, milliseconds again_max) {
  return {std::move(key), std::move(request), timestamp{}, milliseconds(1'000), again_max};
}

} // namespace

std::vector<effect> channel_kind::effects_due(const channel& state, const entity_ref& self, timestamp, const policy& rules) {
  std::vector<effect> due;
  constexpr milliseconds again{30'000}, again_max{600'000};
  // The receiver treats a repeat as the first; that its post stands it says by post_placed.
  if (const auto post = offer_broadcast(state))
    due.push_back({"offer:" + post->id,
                   ask_entity{*post, broadcast_message(start_broadcast{state.open_channel_id, broadcast_what::offer,
                                                                       broadcast_target::channel, "", true})},
                   *state.posts.offer_due_at, again, again_max});
  if (const auto post = next_retired(state))
    due.push_back({"retire:" + post->mark, io_request(delete_message{post->chat_id, post->message_id}), timestamp{}, again, again_max});
  if (state.status == channel_status::claiming) due.push_back(read("slot", get_owner_slot{state.open_channel_id}, milliseconds(60'000)));
  if (state.status == channel_status::draining)
    due.push_back(read("holdings", get_channel_holdings{state.open_channel_id}, milliseconds(600'000)));
  if (!state.change.token.empty())
    due.push_back({"settle:" + state.change.token, ask_entity{self, channel_message(settle_payout_change{state.change.token})},
                   *state.change.at, milliseconds(1'000), milliseconds(60'000)});
  if (state.owed_notice != channel_notice::none && state.owner_chat_id != 0)
    due.push_back({"notice:" + std::to_string(state.notice_seq),
                   io_request(send_message{state.owner_chat_id, notice_text(state), notice_buttons(state), urgency::notice}), timestamp{},
                   milliseconds(1'000), milliseconds(60'000)});
  if (auto mail = channels::mail_effect(state, rules)) due.push_back(std::move(*mail));
  if (auto tell = channels::rights_message(state)) due.push_back(std::move(*tell));
  channels::add_waking(due, state);
  return due;
}

std::optional<timestamp> channel_kind::wakes_at(const channel&, timestamp, const policy&) { return std::nullopt; }

std::optional<std::chrono::seconds> channel_kind::stuck_after(const channel& state) {
  if (state.status == channel_status::registered || state.status == channel_status::claiming) return std::chrono::minutes(10);
  return std::nullopt;
}

} // namespace paygate
