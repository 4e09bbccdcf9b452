#include "actors/channel/channel_machine.hpp"
#include "actors/channel/channel_posts.hpp"
#include "actors/channel/channel_rights.hpp"

namespace paygate {

std::vector<effect> channel_kind::effects_due(const channel& state, const entity_ref&, timestamp, const policy&) {
  constexpr milliseconds again{30'000}, again_max{600'000};
  std::vector<effect> due;
  // The receiver treats a repeat as the first; that its post stands it says by post_placed.
  if (const auto post = offer_broadcast(state))
    due.push_back({"offer:" + post->id,
                   ask_entity{*post, broadcast_message(start_broadcast{state.open_channel_id, broadcast_what::offer,
                                                                       broadcast_target::channel, "", true})},
                   *state.posts.offer_due_at, again, again_max});
  if (const auto post = next_retired(state))
    due.push_back({"retire:" + post->mark, io_request(delete_message{post->chat_id, post->message_id}), timestamp{}, again, again_max});
  if (auto tell = channels::rights_message(state)) due.push_back(std::move(*tell));
  return due;
}

std::optional<timestamp> channel_kind::wakes_at(const channel&, timestamp, const policy&) { return std::nullopt; }

std::optional<std::chrono::seconds> channel_kind::stuck_after(const channel& state) {
  if (state.status == channel_status::registered) return std::chrono::minutes(10);
  return std::nullopt;
}

} // namespace paygate
