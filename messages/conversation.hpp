#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "messages/channel.hpp"
#include "messages/effects.hpp"

namespace paygate {

/// What the chat is waiting for: for the person, or for work of ours (said so).
enum class conversation_status : std::uint8_t {
  idle,            ///< Nothing is going on. Buttons of lists work all the same: they say what they are about.
  looking_up,      ///< Ours. A deep link or its like was followed: the channel's terms are being fetched.
  offered,         ///< The tier with its Pay button, or the amounts of a donation, are (to be) shown.
  ordering,        ///< Ours. Pay was pressed: the payment is being created; it sends the pay link itself.
  listing,         ///< Ours. What `query` asks for is being read, and then shown.
  typing_amount,   ///< The keypad of a donation is shown.
  writing_message, ///< The amount of a donation is known; a message to the owner may be written.
  opening,         ///< Ours. The owner's form is opened: the channel's terms are being fetched.
  editing,         ///< The owner's form is shown.
  entering,        ///< The value of `field` is awaited as a text.
  finding,         ///< Ours. A channel's public name is being looked up.
  verifying,       ///< Ours. "Save all changes": the rights in both channels are being checked.
  saving,          ///< Ours. The channel is being told its new terms.
  settling,        ///< Ours. The new channel is finding out whether its owner has a place free.
  addressing,      ///< Ours. A broadcast is begun: the channel's terms are being fetched.
  writing_post,    ///< Its text is awaited.
  confirming_post, ///< It is shown as it will be sent; to whom is to be said.
  claiming_post,   ///< Ours. The channel is asked whether it may go out now.
  posting,         ///< Ours. The broadcast is being started.
  entering_code,   ///< A promo code for the offer is awaited.
  quoting,         ///< Ours. The code is asked what it makes of the price.
  trying,          ///< Ours. A trial is begun.
  entering_promo,  ///< The line of a new promo code of the owner's is awaited.
  setting_promo,   ///< Ours. The code is being made, or its terms changed, once the channel says that it is this owner's.
  disabling_promo  ///< Ours. The same for a code that nobody is to use any more.
};
template <>
struct enum_names<conversation_status> {
  static constexpr std::string_view type = "conversation_status";
  static constexpr std::string_view values[] = {"idle",          "looking_up",      "offered",       "ordering", "listing",
                                                "typing_amount", "writing_message", "opening",       "editing",  "entering",
                                                "finding",       "verifying",       "saving",        "settling", "addressing",
                                                "writing_post",  "confirming_post", "claiming_post", "posting",  "entering_code",
                                                "quoting",       "trying",          "entering_promo", "setting_promo", "disabling_promo"};
};

/// What is still to be sent to the chat. A newer view replaces one that was not sent yet: the person sees the answer to their last word.
enum class conversation_view : std::uint8_t {
  none,
  help,
  offer,
  unknown_link,
  not_for_sale,
  use_buttons,
  cancelled, ///< What was going on is over.
  choice,    ///< All that a channel sells.
  keypad,
  ask_message, ///< To the owner, with a donation.
  list,        ///< What `query` found.
  form,
  ask_field,
  confirm_close, ///< Of the channel in the form.
  note,          ///< `words`, and nothing else.
  ask_post,      ///< The text of a broadcast.
  preview_post,
  ask_code,    ///< A promo code for the offer.
  confirm_link, ///< Whether this Telegram user is to be joined with a web account: "<id> <name>" in `words`.
  ask_promo     ///< The line of a new promo code of the owner's channel.
};
template <>
struct enum_names<conversation_view> {
  static constexpr std::string_view type = "conversation_view";
  static constexpr std::string_view values[] = {"none",      "help",          "offer",  "unknown_link", "not_for_sale", "use_buttons",
                                                "cancelled", "choice",        "keypad", "ask_message",  "list",         "form",
                                                "ask_field", "confirm_close", "note",   "ask_post",     "preview_post", "ask_code",
                                                "confirm_link", "ask_promo"};
};

/// What a list shows.
enum class conversation_query : std::uint8_t { none, subscriptions, donations, own_channels, stats, broadcasts, promo_codes, accounts };
template <>
struct enum_names<conversation_query> {
  static constexpr std::string_view type = "conversation_query";
  static constexpr std::string_view values[] = {"none", "subscriptions", "donations", "own_channels", "stats", "broadcasts", "promo_codes", "accounts"};
};

/// Something that another entity is asked beside what is going on, because a button said so.
enum class conversation_errand : std::uint8_t { none, invite, confirm_payout, keep_payout, close_channel, claim_link, join_account, leave_account };
template <>
struct enum_names<conversation_errand> {
  static constexpr std::string_view type = "conversation_errand";
  static constexpr std::string_view values[] = {"none",          "invite",     "confirm_payout", "keep_payout",
                                                "close_channel", "claim_link", "join_account",   "leave_account"};
};

/// A line of the owner's form that is filled in by a text.
enum class form_field : std::uint8_t {
  none,
  open_channel,
  closed_channel,
  open_title,
  closed_title,
  description,
  price_1,
  days_1,
  price_2,
  days_2,
  price_3,
  days_3,
  coin,
  address,
  memo,
  threshold,
  trial
};
template <>
struct enum_names<form_field> {
  static constexpr std::string_view type = "form_field";
  static constexpr std::string_view values[] = {"none",    "open_channel", "closed_channel", "open_title", "closed_title", "description",
                                                "price_1", "days_1",       "price_2",        "days_2",     "price_3",      "days_3",
                                                "coin",    "address",      "memo",           "threshold",  "trial"};
};

/// What an owner has changed in the form and not saved yet. A child row, at most one per chat; it is kept until it is saved or discarded.
struct channel_draft {
  std::string conversation_id;
  bool open = true;        ///< false: saved or discarded.
  bool registered = false; ///< It changes a channel that is registered already.
  std::int64_t open_channel_id = 0, closed_channel_id = 0;
  std::string open_title, closed_title, description;
  std::array<tier, 3> tiers;
  bool donations = true;
  payout_strategy strategy = payout_strategy::instant;
  usd_amount threshold;
  asset payout_asset;
  std::string payout_address, payout_extra_id;
  std::int32_t trial_days = 0;
  bool operator==(const channel_draft&) const = default;

  template <class Self, class F>
  static void each_field(Self& self, F&& f) {
    f("conversation_id", self.conversation_id);
    f("open", self.open);
    f("registered", self.registered);
    f("open_channel_id", self.open_channel_id);
    f("closed_channel_id", self.closed_channel_id);
    f("open_title", self.open_title);
    f("closed_title", self.closed_title);
    f("description", self.description);
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
    f("trial_days", self.trial_days);
  }
};

/// A private chat with the bot: the snapshot.
struct conversation {
  conversation_status status = conversation_status::idle;
  std::int64_t chat_id = 0, user_id = 0;
  std::string user_name;
  std::int64_t last_update_id = 0; ///< Updates up to here are handled: a repeat changes nothing.
  conversation_view owed_view = conversation_view::none;
  std::int64_t view_seq = 0; ///< Counts views and questions, so that a late answer to an older one is told apart.
  std::string open_callback; ///< Callback queries to be answered, a line each: its id, and after a space what to say.
  std::int64_t channel_id = 0;
  std::int32_t tier = 0;
  std::string channel_title;
  usd_amount price;
  std::int32_t days = 0;
  std::string order_id;      ///< The order that Pay makes; made when the offer is, so that a second press is the same order.
  std::int64_t panel_id = 0; ///< The message whose buttons are in use: the newest of ours that had some.
  bool edit_panel = false;   ///< The owed view takes its place, instead of coming as a new message.
  std::string words;         ///< Said with the owed view; plain text.
  conversation_query query = conversation_query::none;
  std::int32_t page = 0; ///< Of the list, from 0.
  std::string amount;    ///< As typed on the keypad: "12.5".
  std::string donation_message;
  form_field field = form_field::none;
  conversation_errand errand = conversation_errand::none;
  std::int64_t errand_channel_id = 0;
  std::string errand_token;
  std::string promo_code;               ///< Of the offer, upper case.
  usd_amount promo_price;               ///< What it makes of the price; said, not promised: it may be used up before the order.
  bool promo_good = false;              ///< The code has answered with a price.
  std::int32_t trial_days = 0;          ///< Of the offer's channel.
  std::string post_html;                ///< Of a broadcast, as it will be sent.
  bool to_subscribers = false;          ///< Where it goes; else to the channel.
  std::string promo_line;               ///< Of an owner's promo code: the line that makes it, as typed; while disabling, the code alone.
  std::vector<channel_draft> drafts;    ///< Child row: the open one, if any.
  std::shared_ptr<const channel> terms; ///< While ordering, saving or setting a code: the channel's terms of this moment. Not stored: fetched again after
                                        ///< a restart, like
  std::shared_ptr<const io_outcome> found; ///< what a list is to show.
  bool operator==(const conversation&) const = default;

  template <class Self, class F>
  static void each_field(Self& self, F&& f) {
    f("status", self.status);
    f("chat_id", self.chat_id);
    f("user_id", self.user_id);
    f("user_name", self.user_name);
    f("last_update_id", self.last_update_id);
    f("owed_view", self.owed_view);
    f("view_seq", self.view_seq);
    f("open_callback", self.open_callback);
    f("channel_id", self.channel_id);
    f("tier", self.tier);
    f("channel_title", self.channel_title);
    f("price_usd", self.price);
    f("days", self.days);
    f("order_id", self.order_id);
    f("panel_id", self.panel_id);
    f("edit_panel", self.edit_panel);
    f("words", self.words);
    f("query", self.query);
    f("page", self.page);
    f("amount", self.amount);
    f("donation_message", self.donation_message);
    f("field", self.field);
    f("errand", self.errand);
    f("errand_channel_id", self.errand_channel_id);
    f("errand_token", self.errand_token);
    f("promo_code", self.promo_code);
    f("promo_price_usd", self.promo_price);
    f("promo_good", self.promo_good);
    f("trial_days", self.trial_days);
    f("post_html", self.post_html);
    f("to_subscribers", self.to_subscribers);
    f("promo_line", self.promo_line);
  }
};

/// Event: Telegram handed us an update of this chat. Answers `ok` once it is committed, also for a repeat.
struct update_received {
  chat_update update;
};

using conversation_message = std::variant<effect_done, update_received>;

} // namespace paygate
