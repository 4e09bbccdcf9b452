#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "messages/channel.hpp"
#include "messages/effects.hpp"

namespace paygate {

enum class broadcast_target : std::uint8_t { channel, subscribers };
template <>
struct enum_names<broadcast_target> {
  static constexpr std::string_view type = "broadcast_target";
  static constexpr std::string_view values[] = {"channel", "subscribers"};
};

enum class broadcast_status : std::uint8_t {
  requested, ///< The channel is asked whether it may go out.
  posting,   ///< To the channel: the post is being sent.
  placing,   ///< It stands; the channel is told.
  counting,  ///< To the subscribers: how many there are.
  sending,   ///< A chunk at a time.
  paused,    ///< By the owner or the operator, between two chunks.
  completed,
  refused, ///< By the channel: too soon, not on sale. Nothing was sent.
  failed,  ///< Telegram refuses the message.
  cancelled
};
template <>
struct enum_names<broadcast_status> {
  static constexpr std::string_view type = "broadcast_status";
  static constexpr std::string_view values[] = {"requested", "posting",   "placing", "counting", "sending",
                                                "paused",    "completed", "refused", "failed",   "cancelled"};
};

/// What was asked of a broadcast while a chunk was under way: done when the chunk has ended, so that what it sent is counted.
enum class broadcast_wish : std::uint8_t { none, pause, cancel };
template <>
struct enum_names<broadcast_wish> {
  static constexpr std::string_view type = "broadcast_wish";
  static constexpr std::string_view values[] = {"none", "pause", "cancel"};
};

/// One message to a channel, or to all of its subscribers: the snapshot. The subscribers up to `cursor` have been dealt with, by user id,
/// but for those in `again`; a crash repeats at most the chunk that was under way.
struct broadcast {
  broadcast_status status = broadcast_status::requested;
  std::int64_t channel_id = 0;
  broadcast_what what = broadcast_what::message;
  broadcast_target target = broadcast_target::channel;
  bool scheduled = false;         ///< By the channel's schedule; else the owner's own.
  std::string html;               ///< The owner's words; empty for an offer or donation post, whose text comes from the terms.
  std::int64_t owner_chat_id = 0; ///< Known when the channel has answered.
  std::string channel_title;
  timestamp started_at{};
  std::int64_t message_id = 0; ///< Of the post in the channel.
  bool placed = false;         ///< The channel knows what came of it.
  std::int64_t recipients = 0, sent = 0, failed = 0, skipped = 0;
  std::int64_t cursor = 0;
  std::string again;       ///< Chats that could not be reached for now: "12,15".
  std::int32_t rounds = 0; ///< Those in `again` are being tried, so often in vain; 0: the others are.
  broadcast_wish wish = broadcast_wish::none;
  std::optional<timestamp> again_at, warned_at, told_at, ended_at; ///< The next such try; the owner was warned, was told the end.
  std::string reason;                                              ///< Why it ended as it did, or is paused.
  std::shared_ptr<const channel> terms;                            ///< While a post is owed. Not stored: asked for again after a restart.
  std::shared_ptr<const recipients_seen> page;                     ///< Who comes next. Not stored: read again.
  bool operator==(const broadcast&) const = default;

  template <class Self, class F>
  static void each_field(Self& self, F&& f) {
    f("status", self.status);
    f("channel_id", self.channel_id);
    f("what", self.what);
    f("target", self.target);
    f("scheduled", self.scheduled);
    f("html", self.html);
    f("owner_chat_id", self.owner_chat_id);
    f("channel_title", self.channel_title);
    f("started_at", self.started_at);
    f("message_id", self.message_id);
    f("placed", self.placed);
    f("recipients", self.recipients);
    f("sent", self.sent);
    f("failed", self.failed);
    f("skipped", self.skipped);
    f("cursor_user_id", self.cursor);
    f("again", self.again);
    f("rounds", self.rounds);
    f("wish", self.wish);
    f("again_at", self.again_at);
    f("warned_at", self.warned_at);
    f("told_at", self.told_at);
    f("ended_at", self.ended_at);
    f("reason", self.reason);
  }
};

/// Command: sends `html` (Telegram's HTML, at most 4096 characters; empty unless `what` is message) to the channel or its subscribers; `ok`
/// for a repeat. Refused as `invalid` with the words why. Whether it may go out now, the channel decides (claim_broadcast): a broadcast
/// that may not ends as `refused`, with the words in `reason`, and the owner is told.
struct start_broadcast {
  std::int64_t channel_id = 0;
  broadcast_what what = broadcast_what::message;
  broadcast_target target = broadcast_target::channel;
  std::string html;
  bool scheduled = false;
};
/// Command of the owner or the operator: what was not sent yet is not sent, but for the chunk under way; `ok` for a repeat.
struct cancel_broadcast {
  std::string reason;
};
/// Commands: nothing more is sent after the chunk under way; goes on where it stood. Only of a broadcast to subscribers, else
/// `out_of_order`.
struct pause_broadcast {
  std::string reason;
};
struct resume_broadcast {};

using broadcast_message = std::variant<effect_done, start_broadcast, cancel_broadcast, pause_broadcast, resume_broadcast>;

} // namespace paygate
