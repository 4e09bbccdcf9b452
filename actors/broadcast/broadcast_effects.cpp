#include "actors/broadcast/broadcast_machine.hpp"
#include "actors/channel/channel_posts.hpp"
#include "messages/chat.hpp"

namespace paygate {

namespace {

using namespace std::chrono_literals;

// A post that Telegram takes for so long not is told to the owner, who may have taken the bot's rights.
constexpr auto warn_after = 1min;

entity_ref channel_of(const broadcast& s) { return {entity_kind::channel, std::to_string(s.channel_id)}; }

send_message post_of(const broadcast& s) {
  const auto& terms = *s.terms;
  switch (s.what) {
  case broadcast_what::offer: return {terms.open_channel_id, offer_text(terms), offer_buttons(terms), urgency::broadcast};
  case broadcast_what::donation: return {terms.closed_channel_id, donation_text(terms), donation_buttons(terms), urgency::broadcast};
  case broadcast_what::message: break;
  }
  return {terms.open_channel_id, s.html, {}, urgency::broadcast};
}

std::string title(const broadcast& s) { return "<b>" + escape_html(s.channel_title) + "</b>"; }

std::string warning(const broadcast& s) {
  return "⚠️ <b>A post cannot be sent</b>\n\nTelegram does not take the "
         + std::string(s.what == broadcast_what::message ? "message" : to_text(s.what)) + (s.what == broadcast_what::message ? "" : " post")
         + " for " + title(s)
         + ". Please check that the bot is an administrator of the channel and may post and delete messages. It is tried again until it "
           "succeeds.";
}

std::string ending(const broadcast& s) {
  const auto counts =
      "\n\nSent: " + std::to_string(s.sent) + "\nFailed: " + std::to_string(s.failed) + "\nSkipped: " + std::to_string(s.skipped);
  const auto why = s.reason.empty() ? std::string() : "\nReason: " + escape_html(s.reason);
  if (s.status == broadcast_status::completed) return "📣 <b>Broadcast finished</b>\n\n" + title(s) + counts;
  if (s.status == broadcast_status::cancelled) return "📣 <b>Broadcast cancelled</b>\n\n" + title(s) + counts + why;
  return "⚠️ <b>Broadcast not sent</b>\n\n" + title(s) + (s.sent + s.failed > 0 ? counts : "") + why;
}

void channel_due(std::vector<effect>& due, const broadcast& s, const entity_ref& self) {
  const auto claim = ask_entity{channel_of(s), channel_message(claim_broadcast{self.id, s.what, s.scheduled})};
  if (s.status == broadcast_status::requested) due.push_back({broadcast_keys::claim, claim, timestamp{}, 1000ms, 60'000ms});
  if (s.status == broadcast_status::posting) {
    if (!s.terms)
      due.push_back({broadcast_keys::terms, claim, timestamp{}, 1000ms, 60'000ms});
    else
      due.push_back({broadcast_keys::post, io_request(post_of(s)), timestamp{}, 30'000ms, 600'000ms});
    if (s.owner_chat_id != 0 && !s.warned_at)
      due.push_back({broadcast_keys::warn, io_request(send_message{s.owner_chat_id, warning(s), {}, urgency::notice}),
                     s.started_at + warn_after, 30'000ms, 600'000ms});
  }
  const bool over = s.status == broadcast_status::placing || (s.ended_at && s.status != broadcast_status::completed);
  if (s.target == broadcast_target::channel && over && !s.placed)
    due.push_back({broadcast_keys::place, ask_entity{channel_of(s), channel_message(post_placed{self.id, s.what, s.message_id})},
                   timestamp{}, 1000ms, 60'000ms});
}

void subscribers_due(std::vector<effect>& due, const broadcast& s) {
  if (s.status == broadcast_status::counting)
    due.push_back({broadcast_keys::count, io_request(get_audience{s.channel_id, s.started_at}), timestamp{}, 1000ms, 60'000ms});
  if (s.status != broadcast_status::sending) return;
  if (auto chats = next_chunk(s); !chats.empty())
    due.push_back({broadcast_keys::chunk(s), io_request(send_batch{std::move(chats), s.html, {}}),
                   is_second_round(s) && s.again_at ? *s.again_at : timestamp{}, 1000ms, 30'000ms});
  else
    due.push_back({broadcast_keys::read(s), io_request(get_recipients{s.channel_id, s.started_at, s.cursor, broadcast_kind::page_max}),
                   timestamp{}, 1000ms, 60'000ms});
}

} // namespace

std::vector<effect> broadcast_kind::effects_due(const broadcast& s, const entity_ref& self, timestamp, const policy&) {
  std::vector<effect> due;
  channel_due(due, s, self);
  subscribers_due(due, s);
  // A post that stands is seen; all else, good or bad, is news.
  const bool news = !s.scheduled && s.ended_at && (s.target == broadcast_target::subscribers || s.status != broadcast_status::completed);
  if (news && s.owner_chat_id != 0 && !s.told_at)
    due.push_back({broadcast_keys::tell, io_request(send_message{s.owner_chat_id, ending(s), {}, urgency::notice}), timestamp{}, 30'000ms,
                   600'000ms});
  return due;
}

std::optional<timestamp> broadcast_kind::wakes_at(const broadcast&, timestamp, const policy&) { return std::nullopt; }

std::optional<std::chrono::seconds> broadcast_kind::stuck_after(const broadcast& s) {
  switch (s.status) {
  case broadcast_status::requested:
  case broadcast_status::placing:
  case broadcast_status::counting: return 10min;
  case broadcast_status::posting: return 30min;
  case broadcast_status::sending: return 24h;
  case broadcast_status::paused:
  case broadcast_status::completed:
  case broadcast_status::refused:
  case broadcast_status::failed:
  case broadcast_status::cancelled: break;
  }
  return std::nullopt;
}

} // namespace paygate
