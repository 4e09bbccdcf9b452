#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "messages/effects.hpp"

namespace paygate {

enum class payout_strategy : std::uint8_t { instant, threshold };
template <>
struct enum_names<payout_strategy> {
  static constexpr std::string_view type = "payout_strategy";
  static constexpr std::string_view values[] = {"instant", "threshold"};
};

enum class channel_status : std::uint8_t {
  registered, ///< On sale; the offer post is still owed.
  offered,    ///< On sale.
  closed,     ///< Nothing is sold, owed or under way any more.
  claiming,   ///< Asked for by its owner: whether one of their places is free is being found out.
  refused,    ///< None was: as if it had never been registered.
  draining    ///< Closed to new sales; what is left (subscribers, value on its way to the owner) comes to its end.
};
template <>
struct enum_names<channel_status> {
  static constexpr std::string_view type = "channel_status";
  static constexpr std::string_view values[] = {"registered", "offered", "closed", "claiming", "refused", "draining"};
};
/// Whoever asks for its terms gets them, whoever follows its links can buy.
constexpr bool is_on_sale(channel_status status) { return status == channel_status::registered || status == channel_status::offered; }

/// What the owner is still to be told. A newer notice replaces one that was not sent yet.
enum class channel_notice : std::uint8_t {
  none,
  payout_asked,
  payout_confirmed,
  payout_changed,
  payout_kept,
  payout_lapsed,
  draining,
  closed
};
template <>
struct enum_names<channel_notice> {
  static constexpr std::string_view type = "channel_notice";
  static constexpr std::string_view values[] = {"none",        "payout_asked",  "payout_confirmed", "payout_changed",
                                                "payout_kept", "payout_lapsed", "draining",         "closed"};
};

/// Another place that the owner wants to be paid to. It takes effect `payouts.address_delay` after it was confirmed.
struct payout_change {
  asset target;
  std::string address, extra_id;
  std::string token;        ///< What its confirmation has to name; empty: no change is under way.
  bool in_telegram = false; ///< To be confirmed by a button, or by mail; else by mail alone.
  bool confirmed = false;
  std::optional<timestamp> at{}; ///< Confirmed: when it takes effect. Not yet: when it is forgotten.
  std::string mail_token{};      ///< What a mail's link has to name to confirm it: its SHA-256 in hex. Empty: no mail is under way.
  bool operator==(const payout_change&) const = default;
};

/// The mail to a web account about where a channel's value is paid to: while a change waits, with a link that confirms it.
struct payout_mail {
  channel_notice owed = channel_notice::none; ///< payout_asked, payout_confirmed or payout_changed.
  std::int64_t seq = 0;                       ///< Counts them.
  std::string account;                        ///< Whose address it goes to; empty: nobody's.
  std::string email;                          ///< Its address. Not stored: asked for again after a restart.
  std::string secret;                         ///< What the link names. Not stored: after a restart another one is made.
  bool operator==(const payout_mail&) const = default;
};

/// At most so many channels of one owner at a time.
inline constexpr std::int64_t channels_of_owner_max = 10;

/// When a channel's offer and donation post are sent anew.
enum class post_cadence : std::uint8_t { automatic, daily, weekly, monthly, off };
template <>
struct enum_names<post_cadence> {
  static constexpr std::string_view type = "post_cadence";
  static constexpr std::string_view values[] = {"automatic", "daily", "weekly", "monthly", "off"};
};

/// A price for a time of access. days == 0: there is no such tier.
struct tier {
  usd_amount price;
  std::int32_t days = 0;
  bool operator==(const tier&) const = default;
};

/// A channel's posts besides the offer, and when they are sent anew (spec 6). Whoever changes terms leaves these alone.
struct channel_posts {
  std::int64_t donation_message_id = 0; ///< In the closed channel.
  std::int64_t words_message_id = 0;    ///< The owner's last message to the open channel.
  std::string retired; ///< Posts that were replaced and are still to be deleted: "o17,c4", in the open or the closed channel.
  post_cadence cadence = post_cadence::automatic;
  std::int32_t cadence_day = 1;                           ///< Weekly: 1 (Monday) to 7; monthly: 1 to 28.
  std::int32_t cadence_hour = 9;                          ///< UTC; of daily, weekly and monthly.
  std::optional<timestamp> offer_due_at, donation_due_at; ///< When the next scheduled post is due; nothing: never.
  std::string manual_id;                                  ///< The broadcast that the owner sent last,
  std::optional<timestamp> manual_at;                     ///< and when.
  bool operator==(const channel_posts&) const = default;
};

/// A registered channel: the snapshot. While it is `registered` it owes its open channel an offer post, by the broadcast `post_of(offer)`.
struct channel {
  channel_status status = channel_status::registered;
  std::int64_t open_channel_id = 0;   ///< Where the offer is posted; the entity's id.
  std::int64_t closed_channel_id = 0; ///< What people pay for.
  std::string open_title, closed_title, description;
  std::int64_t owner_chat_id = 0; ///< Where the owner is told; 0 when the owner has no chat with the bot.
  std::array<tier, 3> tiers;
  bool donations = true;
  payout_strategy strategy = payout_strategy::instant;
  usd_amount threshold;
  asset payout_asset; ///< What the owner wants.
  std::string payout_address, payout_extra_id;
  std::int64_t offer_message_id = 0; ///< The post that stands now; 0: none.
  std::int32_t trial_days = 0;    ///< A first stay for nothing, once per user; 0: none.
  std::int64_t owner_user_id = 0; ///< The owner's Telegram user; 0: unknown.
  std::string owner_account{};    ///< The owner's web account; empty: none.
  payout_change change{};
  channel_notice owed_notice = channel_notice::none;
  std::int64_t notice_seq = 0; ///< Counts notices, so that a late answer to an older one is told apart.
  std::string rights_lost;            ///< What the bot may not do here any more; empty when all is well.
  std::optional<timestamp> rights_told_at; ///< When the owner was last told so,
  std::int32_t rights_tells = 0;      ///< and how often: at growing distance.
  bool rights_back = false;           ///< The owner is to be told that all is well again.
  std::int64_t last_update_id = 0;    ///< Of the updates about the bot's rights: those up to here are handled.
  channel_posts posts;
  std::optional<std::int64_t> waking_after{}; ///< The bot has its rights again: who waited for them is told, by user id; those up to this
                                              ///< were. Nothing: nobody is to be told.
  std::string waking{};                       ///< The users who are being told now, with spaces between.
  payout_mail mail{};
  bool operator==(const channel&) const = default;

  template <class Self, class F>
  static void each_field(Self& self, F&& f) {
    f("status", self.status);
    f("open_channel_id", self.open_channel_id);
    f("closed_channel_id", self.closed_channel_id);
    f("open_title", self.open_title);
    f("closed_title", self.closed_title);
    f("description", self.description);
    f("owner_chat_id", self.owner_chat_id);
    f("tier_1_price_usd", self.tiers[0].price);
    f("tier_1_days", self.tiers[0].days);
    f("tier_2_price_usd", self.tiers[1].price);
    f("tier_2_days", self.tiers[1].days);
    f("tier_3_price_usd", self.tiers[2].price);
    f("tier_3_days", self.tiers[2].days);
    f("donations", self.donations);
    f("strategy", self.strategy);
    f("threshold_usd", self.threshold);
    f("payout_ticker", self.payout_asset.ticker);
    f("payout_network", self.payout_asset.network);
    f("payout_address", self.payout_address);
    f("payout_extra_id", self.payout_extra_id);
    f("offer_message_id", self.offer_message_id);
    f("trial_days", self.trial_days);
    f("rights_lost", self.rights_lost);
    f("rights_told_at", self.rights_told_at);
    f("rights_tells", self.rights_tells);
    f("rights_back", self.rights_back);
    f("last_update_id", self.last_update_id);
    f("owner_user_id", self.owner_user_id);
    f("owner_account", self.owner_account);
    f("change_ticker", self.change.target.ticker);
    f("change_network", self.change.target.network);
    f("change_address", self.change.address);
    f("change_extra_id", self.change.extra_id);
    f("change_token", self.change.token);
    f("change_in_telegram", self.change.in_telegram);
    f("change_confirmed", self.change.confirmed);
    f("change_at", self.change.at);
    f("owed_notice", self.owed_notice);
    f("notice_seq", self.notice_seq);
    f("donation_message_id", self.posts.donation_message_id);
    f("words_message_id", self.posts.words_message_id);
    f("retired", self.posts.retired);
    f("cadence", self.posts.cadence);
    f("cadence_day", self.posts.cadence_day);
    f("cadence_hour", self.posts.cadence_hour);
    f("offer_due_at", self.posts.offer_due_at);
    f("donation_due_at", self.posts.donation_due_at);
    f("manual_id", self.posts.manual_id);
    f("manual_at", self.posts.manual_at);
    f("waking_after", self.waking_after);
    f("waking", self.waking);
    f("change_mail_token", self.change.mail_token);
    f("mail_owed", self.mail.owed);
    f("mail_seq", self.mail.seq);
    f("mail_account", self.mail.account);
  }
};

/// A place among the owner's at most channels_of_owner_max, claimed for the step's channel in one statement that nobody else runs at the
/// same time; whether it got one is written down (`get_owner_slot` reads it). `granted`: it gets one whatever the others have.
struct slot_claimed {
  std::int64_t channel_id = 0, owner_user_id = 0;
  std::string owner_account;
  bool granted = false;
};
/// The step's channel is closed: its place is free again.
struct slot_returned {
  std::int64_t channel_id = 0;
};

/// Command: registers the channel, or changes a registered one to these terms. What the channel itself keeps (status, offer_message_id,
/// change, notices) is ignored in `terms`. Refused as `invalid` when a term cannot be (no tier, days without price, a mistyped payout
/// address, ...); the text says which. A payout_extra_id of "none" says that this wallet needs no memo where its network has them; it is
/// stored as empty. `by_owner`: asked for by an owner whose rights in both channels were checked, not by the operator. Then it is refused
/// as `conflict` when the channel is somebody else's; a new one counts among the owner's channels, which get_channel tells; and another
/// payout address is not taken over but begins a change_payout, to be confirmed in Telegram.
struct register_channel {
  channel terms;
  bool by_owner = false;
};
/// Command: answers the terms (`channel`), refused as `not_found` when it was never registered or is closed to new sales, as `busy` while
/// it is being registered, as `conflict` when its owner has too many channels. `to_pay_out`: also when it is closed, as long as it is known.
struct get_channel {
  bool to_pay_out = false;
};
/// Command: takes it off sale. What is left comes to its end; then it is closed. `out_of_order` when it is not on sale; a repeat is `ok`.
/// Here and below `user_id` is who asks for it in Telegram, `conflict` when that is not the owner; 0: the asker has made sure.
struct close_channel {
  std::int64_t user_id = 0;
};
/// Command: asks for another place to be paid to, replacing one that was asked for before. It must be confirmed with `token` (not empty,
/// not to be guessed, at most 40 bytes). `in_telegram`: by a button under the message that the owner gets; else the message only says so.
/// `account`: the web account that asks. The mail whose link confirms the change goes to the account that the channel was registered with;
/// to the one that asks when the channel has neither an account nor a chat.
struct change_payout {
  asset target;
  std::string address, extra_id;
  std::string token;
  bool in_telegram = false;
  std::string account{};
};
/// Command: the owner confirms the change with that token; `conflict` when there is none such. A repeat is `ok`.
struct confirm_payout_change {
  std::string token;
  std::int64_t user_id = 0;
};
/// Command: the owner confirms the change by the mail's link. `invalid` when the link is not good, or not any more. A repeat is `ok`.
struct confirm_payout_by_mail {
  std::string token; ///< Its SHA-256.
};
/// Command: the owner takes it back, confirmed or not; `conflict` when there is none such.
struct cancel_payout_change {
  std::string token;
  std::int64_t user_id = 0;
};
/// Command of the channel to itself when the change's time has come.
struct settle_payout_change {
  std::string token;
};

/// Command of a broadcast: may it go out? Answers the terms (`channel_view`), again for the same one; refused as `conflict` when it is the
/// owner's and comes too soon after another one of theirs (the text says when it may), as `not_found` when the channel is not on sale.
/// Whoever starts a manual broadcast asks this first, with the id that it will have, and so can tell the owner at once.
struct claim_broadcast {
  std::string broadcast_id;
  broadcast_what what = broadcast_what::message;
  bool scheduled = false;
};
/// Command of a broadcast to the channel: its post stands, `message_id`; 0: it came to nothing. The post before it is deleted.
struct post_placed {
  std::string broadcast_id;
  broadcast_what what = broadcast_what::message;
  std::int64_t message_id = 0;
};
/// Command: when offer and donation post are sent anew. Refused as `invalid` with the words why.
struct schedule_posts {
  post_cadence cadence = post_cadence::automatic;
  std::int32_t day = 1, hour = 9;
};

/// Event: Telegram says what the bot may do in the open or the closed channel. Answers `ok`, also for a repeat.
struct rights_changed {
  std::int64_t update_id = 0, group_id = 0;
  bool administrator = false, can_invite = false, can_restrict = false, can_post = false;
};
/// Event from a subscription: what it owes cannot be done in the closed channel (`lost` says why), or can be again (empty). Many that say
/// the same tell the owner once. Answers `ok`.
struct report_rights { std::string lost; };

using channel_message = std::variant<effect_done, register_channel, get_channel, close_channel, change_payout, confirm_payout_change,
                                     cancel_payout_change, settle_payout_change, claim_broadcast, post_placed, schedule_posts,
                                     rights_changed, report_rights, confirm_payout_by_mail>;

/// The broadcast that is to send this post of the channel: named by the time at which it is due, so that it is sent once however often
/// asked for.
inline std::string scheduled_broadcast_id(std::int64_t channel_id, broadcast_what what, timestamp due_at) {
  return std::to_string(channel_id) + "." + std::string(to_text(what)) + "." + std::to_string(due_at.time_since_epoch().count());
}

} // namespace paygate
