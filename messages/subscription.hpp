#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "messages/effects.hpp"

namespace paygate {

/// What the dates say: a function of them and of now, stored so that people can ask for it.
enum class subscription_status : std::uint8_t {
  active,
  expiring, ///< The first reminder is due, or was sent.
  grace,    ///< The end has passed, access goes on for a while.
  expired
};
template <>
struct enum_names<subscription_status> {
  static constexpr std::string_view type = "subscription_status";
  static constexpr std::string_view values[] = {"active", "expiring", "grace", "expired"};
};

/// How far the user is on the way into the closed channel, or out of it. Each but invited, inside, outside, removed and exempt owes one call.
enum class subscription_access : std::uint8_t {
  inviting,  ///< A link is to be made, after those that are spent were revoked.
  invited,   ///< There is a link; nobody has come in by it.
  admitting, ///< They asked to be let in: to be approved.
  inside,
  outside,   ///< They may come in, but left, or somebody else used their link.
  looking,   ///< Access goes on: are they in?
  judging,   ///< Access has ended: are they in?
  banning,   ///< It has ended and they are in: a ban puts them out,
  unbanning, ///< and its end lets them come back.
  removed,   ///< They are out. Now and then somebody looks whether they came back by another way.
  exempt,    ///< Cannot be put out: an administrator or the creator; or stays by another access to the same channel.
  comparing  ///< It has ended and they are in: do they have another access to the same channel, that lasts?
};
template <>
struct enum_names<subscription_access> {
  static constexpr std::string_view type = "subscription_access";
  static constexpr std::string_view values[] = {"inviting", "invited", "admitting", "inside",  "outside", "looking",
                                                "judging",  "banning", "unbanning", "removed", "exempt", "comparing"};
};

/// What is still to be said in the chat. A newer word replaces one that was not sent yet.
enum class subscription_notice : std::uint8_t {
  none,
  invited,   ///< The way in, with the link.
  extended,  ///< They are in, and access lasts longer.
  admitted,  ///< Their request was approved.
  present,   ///< They asked for a link, but are in.
  ended,     ///< Access has ended.
  misused,   ///< Somebody else came in by their link.
  requested  ///< They asked to be let in, and have not paid.
};
template <>
struct enum_names<subscription_notice> {
  static constexpr std::string_view type = "subscription_notice";
  static constexpr std::string_view values[] = {"none", "invited", "extended", "admitted", "present", "ended", "misused", "requested"};
};

/// A stretch of access bought by one order. A child row, table `subscription_period`; unique by order: an order extends once.
struct subscription_period {
  std::string order_id;
  std::string subscription_id;
  timestamp starts_at{}, ends_at{};
  bool announced = false; ///< Its payment knows the way in; a trial has none.
  bool operator==(const subscription_period&) const = default;

  template <class Self, class F>
  static void each_field(Self& self, F&& f) {
    f("order_id", self.order_id);
    f("subscription_id", self.subscription_id);
    f("starts_at", self.starts_at);
    f("ends_at", self.ends_at);
    f("announced", self.announced);
  }
};

/// One user's access to one channel: the snapshot.
struct subscription {
  subscription_status status = subscription_status::active;
  std::int64_t channel_id = 0, closed_channel_id = 0, user_id = 0, chat_id = 0;
  std::string user_name, channel_title;
  timestamp starts_at{}, ends_at{};
  timestamp extended_at{};             ///< When it last got longer: reminders whose time was before are none.
  timestamp reminded_to{};             ///< Reminders whose time is up to here were sent.
  subscription_access access = subscription_access::inviting;
  timestamp access_at{};               ///< Since when.
  std::int64_t access_seq = 0;         ///< Counts what was owed for it, so that a late answer to an older call is told apart.
  std::string invite_link;             ///< The one that is good; bound before it is shown.
  std::optional<timestamp> invite_expires_at;
  std::string spent_links;             ///< To be revoked, with spaces between; no new link is made before.
  std::optional<timestamp> requested_at; ///< They asked to be let in, and nobody has answered.
  std::optional<timestamp> recheck_at; ///< Access was bought while they were being put out: look again when no such call can be under way.
  subscription_notice owed_notice = subscription_notice::none;
  std::int64_t notice_seq = 0;         ///< Counts notices.
  std::string remark;                  ///< HTML of the payments' own, for the notice about them.
  bool asked = false;                  ///< They asked for a link, which nobody has sent yet.
  std::optional<timestamp> removed_at; ///< Access had ended and they were put out, or cannot be.
  std::int32_t sweeps = 0;             ///< Looks since then.
  std::string trial_order;             ///< The trial that they had; empty: none. Kept for ever.
  std::string trouble;                 ///< Why the call owed for `access` is refused; empty when it is not.
  std::int32_t tries = 0;              ///< How often.
  std::optional<timestamp> retry_at;   ///< It is tried again then.
  bool report_owed = false;            ///< The channel is to hear of it,
  bool reported = false;               ///< and has heard of it.
  std::int64_t last_update_id = 0;     ///< Updates about the member up to here are handled: a repeat changes nothing.
  std::vector<subscription_period> periods; ///< Child rows.
  bool operator==(const subscription&) const = default;

  template <class Self, class F>
  static void each_field(Self& self, F&& f) {
    f("status", self.status);
    f("channel_id", self.channel_id);
    f("closed_channel_id", self.closed_channel_id);
    f("user_id", self.user_id);
    f("chat_id", self.chat_id);
    f("user_name", self.user_name);
    f("channel_title", self.channel_title);
    f("starts_at", self.starts_at);
    f("ends_at", self.ends_at);
    f("extended_at", self.extended_at);
    f("reminded_to", self.reminded_to);
    f("access", self.access);
    f("access_at", self.access_at);
    f("access_seq", self.access_seq);
    f("invite_link", self.invite_link);
    f("invite_expires_at", self.invite_expires_at);
    f("spent_links", self.spent_links);
    f("requested_at", self.requested_at);
    f("recheck_at", self.recheck_at);
    f("owed_notice", self.owed_notice);
    f("notice_seq", self.notice_seq);
    f("remark", self.remark);
    f("asked", self.asked);
    f("removed_at", self.removed_at);
    f("sweeps", self.sweeps);
    f("trial_order", self.trial_order);
    f("trouble", self.trouble);
    f("tries", self.tries);
    f("retry_at", self.retry_at);
    f("report_owed", self.report_owed);
    f("reported", self.reported);
    f("last_update_id", self.last_update_id);
  }
};

/// Command: one paid order extends the subscription by `days`: from its current end at any phase before expiry, else from now. Once per
/// order: a repeat answers the same subscription_extended again. The subscription lets them in and tells the chat and the payment.
struct extend_subscription {
  std::string order_id;
  std::int64_t channel_id = 0, closed_channel_id = 0, user_id = 0, chat_id = 0;
  std::string user_name, channel_title;
  std::int32_t days = 0;
  std::string remark{}; ///< HTML that the chat is told with it.
  bool operator==(const extend_subscription&) const = default;
};

/// Command of an import: access that was bought from a predecessor, until `ends_at`. Once per order id; where there is access already, the later
/// end holds. Nothing is said to anybody about it.
struct import_subscription {
  std::string order_id;
  std::int64_t channel_id = 0, closed_channel_id = 0, user_id = 0, chat_id = 0;
  std::string user_name, channel_title;
  timestamp starts_at{}, ends_at{};
  bool operator==(const import_subscription&) const = default;
};

/// Command: `days` for nothing, once per user for ever. Refused as `invalid` without days, as `conflict` when there was a trial, as
/// `out_of_order` while there is access. A repeat of the same order answers the same subscription_extended again.
struct start_trial {
  std::string order_id;
  std::int64_t channel_id = 0, closed_channel_id = 0, user_id = 0, chat_id = 0;
  std::string user_name, channel_title;
  std::int32_t days = 0;
  bool operator==(const start_trial&) const = default;
};

/// Command: they lost their link, or left: a fresh one is sent to the chat, the older one is revoked first. Refused as `not_found`, or as
/// `out_of_order` when access has ended. One that is younger than half a minute is sent again instead.
struct ask_invite {};

/// Whom an update is about: what a row is made of when there was none.
struct membership {
  std::int64_t channel_id = 0, closed_channel_id = 0, user_id = 0;
  std::string user_name, channel_title;
  bool operator==(const membership&) const = default;
};
/// Event: they came in. By somebody else's link of ours and without access: then they are put out again. Refused as `not_found` when they are
/// nobody of ours. Answers `ok`, also for a repeat; as all events here.
struct member_joined {
  std::int64_t update_id = 0;
  membership who;
  std::string link;
  bool our_link = false;
};
/// Event: they left, or were put out; `by_us`: the bot did it.
struct member_left {
  std::int64_t update_id = 0;
  bool banned = false, by_us = false;
};
/// Event: they ask to be let in. Kept, also of those who have not paid yet; approved for payers.
struct join_requested {
  std::int64_t update_id = 0;
  membership who;
};
/// Event: somebody else came in by this user's link.
struct invite_spent { std::string link; };
/// Event from itself: a date has come that changes the phase.
struct turn_phase {};
/// Event from the channel: the bot has its rights there again. What waits because of them is tried at once; what does not wait changes nothing.
struct rights_returned {};

using subscription_message = std::variant<effect_done, extend_subscription, start_trial, ask_invite, member_joined, member_left,
                                          join_requested, invite_spent, turn_phase, import_subscription, rights_returned>;

} // namespace paygate
