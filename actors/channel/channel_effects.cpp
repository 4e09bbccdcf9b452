#include "actors/channel/channel_rights.hpp"
#include "messages/chat.hpp"

namespace paygate {

namespace {

std::string offer_text(const channel& s) {
  auto text = "<b>" + escape_html(s.closed_title) + "</b>";
  if (!s.description.empty()) text += "\n\n" + escape_html(s.description);
  return text + "\n\nChoose how long you want access:";
}

keyboard offer_buttons(const channel& s) {
  keyboard rows;
  for (std::size_t i = 0; i < s.tiers.size(); ++i) {
    const auto& tier = s.tiers[i];
    if (tier.days == 0) continue;
    const auto text = std::to_string(tier.days) + (tier.days == 1 ? " day - $" : " days - $") + to_fixed(tier.price.units(), 2);
    rows.push_back({button{text, start_link{s.open_channel_id, static_cast<int>(i)}, false}});
  }
  if (s.donations) rows.push_back({button{"🎁 Donate", start_link{s.open_channel_id, start_link::donation}, false}});
  return rows;
}

} // namespace

std::vector<effect> channel_kind::effects_due(const channel& state, const entity_ref&, timestamp, const policy&) {
  std::vector<effect> due;
  if (state.status != channel_status::closed && state.offer_message_id == 0)
    due.push_back({"offer", io_request(send_message{state.open_channel_id, offer_text(state), offer_buttons(state)}), timestamp{},
                   milliseconds(30'000), milliseconds(600'000)});
  if (auto tell = channels::rights_message(state)) due.push_back(std::move(*tell));
  return due;
}

std::optional<timestamp> channel_kind::wakes_at(const channel&, timestamp, const policy&) { return std::nullopt; }

std::optional<std::chrono::seconds> channel_kind::stuck_after(const channel& state) {
  if (state.status == channel_status::registered) return std::chrono::minutes(10);
  return std::nullopt;
}

} // namespace paygate
