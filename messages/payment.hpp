#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "messages/channel.hpp"
#include "messages/effects.hpp"
#include "messages/provider_payment.hpp"

namespace paygate {

/// Where a payment is. It follows the provider forward (spec 3.4); the ends may be overruled by a later truth.
enum class payment_status : std::uint8_t {
  created, ///< Our order; the invoice or the pay link is still owed.
  waiting,
  confirming,
  confirmed,
  sending,
  partially_paid,
  failed,
  refunded,
  expired,   ///< As the provider says.
  underpaid, ///< Finished, but less than the tolerance: waits for the operator.
  held,      ///< Finished in a way that needs the operator (outcome not in ETH): nothing is granted or paid out by itself.
  paid       ///< Finished and judged good: access granted, owner told, value on its way.
};
template <>
struct enum_names<payment_status> {
  static constexpr std::string_view type = "payment_status";
  static constexpr std::string_view values[] = {"created", "waiting",  "confirming", "confirmed", "sending", "partially_paid",
                                                "failed",  "refunded", "expired",    "underpaid", "held",    "paid"};
};

/// What an operator decided about a payment that was not judged good by itself.
enum class payment_decision : std::uint8_t {
  none,
  accepted, ///< As if it had been judged good.
  refunded  ///< Given back: what comes for it later is nobody's again, until the next decision.
};
template <>
struct enum_names<payment_decision> {
  static constexpr std::string_view type = "payment_decision";
  static constexpr std::string_view values[] = {"none", "accepted", "refunded"};
};

/// How a payment stands with its promo code.
enum class promo_state : std::uint8_t {
  none,
  wanted,   ///< The code is to be asked for its price; there is no invoice before.
  taken,    ///< It counts as a use of the code; the price is the discounted one.
  refused,  ///< It could not be used; the price is the full one.
  released  ///< The order came to nothing: the use is free again.
};
template <>
struct enum_names<promo_state> {
  static constexpr std::string_view type = "promo_state";
  static constexpr std::string_view values[] = {"none", "wanted", "taken", "refused", "released"};
};

/// One arrival of coins for an order: the first, or a repeated deposit (provider-apis 1.7). A child row, table `deposit`.
struct deposit {
  std::string payment_id; ///< The provider's; unique.
  std::string order_id;
  std::string parent_payment_id;
  provider_status status = provider_status::waiting;
  std::string pay_currency;
  int128 actually_paid = 0; ///< In pay_currency.
  std::string outcome_currency;
  eth_amount gross_eth, fee_eth, net_eth; ///< Fee and net are 0 until it is credited; then gross = fee + net, in both currencies.
  usd_amount gross_usd, fee_usd, net_usd;
  std::string payin_hash, payout_hash;
  std::optional<timestamp> settled_at; ///< Finished (or partially paid), valued and posted: to the owner, or as undecided while underpaid.
  std::optional<timestamp> arrived_at; ///< Its ETH was seen on the chain: available.
  std::string payout_id;               ///< The payout that took it, once that is committed to do so.
  std::string refund_id;               ///< The payout that gives it back; "outside": given back by hand, outside of our books.
  bool by_hand = false;                ///< A person decides about it, or has: it is not read again nor judged by itself any more.
  bool operator==(const deposit&) const = default;

  template <class Self, class F>
  static void each_field(Self& self, F&& f) {
    f("payment_id", self.payment_id);
    f("order_id", self.order_id);
    f("parent_payment_id", self.parent_payment_id);
    f("status", self.status);
    f("pay_currency", self.pay_currency);
    f("actually_paid", self.actually_paid);
    f("outcome_currency", self.outcome_currency);
    f("gross_eth", self.gross_eth);
    f("fee_eth", self.fee_eth);
    f("net_eth", self.net_eth);
    f("gross_usd", self.gross_usd);
    f("fee_usd", self.fee_usd);
    f("net_usd", self.net_usd);
    f("payin_hash", self.payin_hash);
    f("payout_hash", self.payout_hash);
    f("settled_at", self.settled_at);
    f("arrived_at", self.arrived_at);
    f("payout_id", self.payout_id);
    f("refund_id", self.refund_id);
    f("by_hand", self.by_hand);
  }
};

/// A payment: the snapshot. The terms are those of the moment of the order; a later change of the channel does not touch them.
struct payment {
  payment_status status = payment_status::created;
  std::int64_t channel_id = 0, closed_channel_id = 0, owner_chat_id = 0;
  std::string channel_title;
  std::int64_t chat_id = 0, user_id = 0; ///< The subscriber's private chat and user.
  std::string user_name;
  bool donation = false;
  std::int32_t tier = 0, days = 0;
  usd_amount price;
  payout_strategy strategy = payout_strategy::instant;
  asset payout_asset;
  std::string payout_address, payout_extra_id;
  std::string invoice_id, invoice_url;
  std::optional<timestamp> link_sent_at;    ///< The subscriber has the pay link, or their chat refuses messages (the history says so).
  std::optional<timestamp> judged_at;       ///< The verdict (paid, underpaid, held) was committed.
  bool estimated = false;                   ///< Its value came from price sources, not from the provider.
  bool late = false, overpaid = false;      ///< Honoured all the same; shown and told.
  std::optional<timestamp> ends_at;         ///< The subscription's new end, once it was extended for this order.
  std::string invite_link;                  ///< The newest that the subscription has made for this order, for the status page.
  std::optional<timestamp> invited_at;      ///< The subscription says that the way in is there; a donor was thanked.
  std::optional<timestamp> owner_told_at, shortfall_told_at; ///< Told, or given up because the chat refuses messages.
  std::optional<timestamp> polled_at;       ///< Last news of the provider, or try to get some: the next poll is counted from here,
  std::uint32_t polls = 0;                  ///< in a distance that doubles with each poll without news.
  payment_decision decision = payment_decision::none; ///< The operator's newest,
  std::optional<timestamp> decided_at;                ///< when,
  std::string decision_reason;                        ///< and why.
  std::int32_t refunds = 0;                           ///< Refunds asked for so far; the newest goes there:
  asset refund_asset;
  std::string refund_address, refund_extra_id;
  std::optional<timestamp> refund_started_at; ///< The payout that makes the newest refund has taken it over,
  std::optional<timestamp> refund_told_at;    ///< and the subscriber knows.
  std::string donation_message;               ///< What the donor wrote to the owner.
  std::string promo_code;                   ///< "SPRING"; the entity is "<channel>:SPRING".
  promo_state promo = promo_state::none;
  usd_amount list_price;                    ///< Before the code; 0 without one.
  std::optional<timestamp> promo_at;        ///< When the use was taken.
  std::string promo_words;                  ///< Why the code could not be used.
  bool imported = false;                    ///< No order of ours: value that gathered with a predecessor (import_opening).
  std::string owner_account;                ///< The owner's web account when it was ordered; empty: none.
  std::optional<timestamp> payout_place_at; ///< When the channel last said where its owner is paid (instant payouts).
  std::vector<deposit> deposits;            ///< Child rows, first deposit first.
  bool operator==(const payment&) const = default;

  template <class Self, class F>
  static void each_field(Self& self, F&& f) {
    f("status", self.status);
    f("channel_id", self.channel_id);
    f("closed_channel_id", self.closed_channel_id);
    f("owner_chat_id", self.owner_chat_id);
    f("channel_title", self.channel_title);
    f("chat_id", self.chat_id);
    f("user_id", self.user_id);
    f("user_name", self.user_name);
    f("donation", self.donation);
    f("tier", self.tier);
    f("days", self.days);
    f("price_usd", self.price);
    f("strategy", self.strategy);
    f("payout_ticker", self.payout_asset.ticker);
    f("payout_network", self.payout_asset.network);
    f("payout_address", self.payout_address);
    f("payout_extra_id", self.payout_extra_id);
    f("invoice_id", self.invoice_id);
    f("invoice_url", self.invoice_url);
    f("link_sent_at", self.link_sent_at);
    f("judged_at", self.judged_at);
    f("estimated", self.estimated);
    f("late", self.late);
    f("overpaid", self.overpaid);
    f("ends_at", self.ends_at);
    f("invite_link", self.invite_link);
    f("invited_at", self.invited_at);
    f("owner_told_at", self.owner_told_at);
    f("shortfall_told_at", self.shortfall_told_at);
    f("polled_at", self.polled_at);
    f("polls", self.polls);
    f("decision", self.decision);
    f("decided_at", self.decided_at);
    f("decision_reason", self.decision_reason);
    f("refunds", self.refunds);
    f("refund_ticker", self.refund_asset.ticker);
    f("refund_network", self.refund_asset.network);
    f("refund_address", self.refund_address);
    f("refund_extra_id", self.refund_extra_id);
    f("refund_started_at", self.refund_started_at);
    f("refund_told_at", self.refund_told_at);
    f("donation_message", self.donation_message);
    f("promo_code", self.promo_code);
    f("promo", self.promo);
    f("list_price_usd", self.list_price);
    f("promo_at", self.promo_at);
    f("promo_words", self.promo_words);
    f("imported", self.imported);
    f("owner_account", self.owner_account);
    f("payout_place_at", self.payout_place_at);
  }
};

/// Command: a subscriber presses Pay. Repeating it for the same order changes nothing. Answers payment_view.
struct create_payment {
  channel terms;         ///< The channel as it is now.
  std::int32_t tier = 0; ///< 0..2, or start_link::donation with `donation_price`.
  usd_amount donation_price;
  std::int64_t chat_id = 0, user_id = 0;
  std::string user_name;
  std::string donation_message{}; ///< To the owner, at most 800 bytes.
  std::string promo_code{};  ///< Upper case; empty: none. Of a tier alone. One that cannot be used leaves the price as it is.
};
/// Event: a verified IPN, or what the provider's API said. Answers `ok`, also for a repeated or out-of-order one; every one is kept raw.
/// For an order that does not exist it is kept for the operator and answered `ok` as well. Without `raw` it is an operator's replay of one
/// that is kept already: not_found when there is no such order.
struct ipn_received {
  provider_payment payment;
  std::string raw;
};
/// Event: the subscriber came back to the success page: asks for a poll of the provider. Proves nothing.
struct payment_poked {};
/// Command: answers payment_view, or not_found.
struct get_payment_view {};
/// Command of the operator: what is underpaid, partially paid or held counts as if it had been judged good: access, and what lies undecided
/// goes to the owner. Of a held payment whose value did not come as ETH nothing is posted: it is settled outside. Refused as `out_of_order`
/// in any other status; a repeat answers `ok` and changes nothing.
struct accept_payment {
  std::string reason;
};
/// Command of the operator: gives back all that lies undecided, by a payout of its own. Refused as `out_of_order` in any other status than
/// those of accept_payment, as `invalid` when nothing lies in our books or the address cannot be one. A repeat answers `ok` and changes
/// nothing. With `outside` nothing is sent: it was given back by hand, where it lies.
struct refund_payment {
  asset target;
  std::string address, extra_id;
  std::string reason;
  bool outside = false;
  std::string ended{}; ///< The payout of a refund before that is known to have ended for good without having paid: given back anew.
};

/// Command of an import: what gathered for a channel's owner with a predecessor, in ETH or in USDT, is owed by us from now on. `covered`: our
/// wallet holds it already, as the platform's own; else it is booked as still to come, and no payout may claim it. A repeat changes nothing,
/// but one that is covered makes one that was not so. Refused as `conflict` with other amounts, and for an order of ours.
struct import_opening {
  channel terms; ///< Of the channel that it is for.
  std::int64_t user_id = 0;
  usd_amount net;
  eth_amount eth;
  usdt_amount usdt;
  bool covered = false;
  std::string source; ///< "payout_accumulation/17"
};

/// Event from the subscription: the way in is there. `link` for the status page; empty when they are in already. Answers `ok`.
struct access_given { std::string link; };

using payment_message
  = std::variant<effect_done, create_payment, ipn_received, payment_poked, get_payment_view, accept_payment, refund_payment, access_given,
                 import_opening>;

} // namespace paygate
