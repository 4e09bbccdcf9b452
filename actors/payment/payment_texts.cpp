#include <algorithm>

#include "actors/payment/payment_parts.hpp"
#include "messages/chat.hpp"

namespace paygate::payments {

namespace {

std::string dollars(usd_amount value) { return "$" + to_fixed(value.units(), 2); }

std::string what_was_bought(const payment& s) {
  if (s.donation) return "Donation";
  return "Tier " + std::to_string(s.tier + 1) + " (" + std::to_string(s.days) + (s.days == 1 ? " day)" : " days)");
}

struct totals {
  usd_amount usd;
  eth_amount eth;
  std::string payment_ids;
  int count = 0;
};

totals settled(const payment& s) {
  totals t;
  for (const auto& d : s.deposits) {
    if (!d.settled_at || !d.refund_id.empty()) continue;
    t.usd = t.usd + d.gross_usd;
    t.eth = t.eth + d.gross_eth;
    t.payment_ids += (t.count++ == 0 ? "" : ", ") + d.payment_id;
  }
  return t;
}

std::string person(const payment& s) { return escape_html(s.user_name.empty() ? "user " + std::to_string(s.user_id) : s.user_name); }

} // namespace

// Goes to the provider, whose page shows it: no HTML, no personal data.
std::string invoice_description(const payment& s) {
  if (s.donation) return "Donation to " + s.channel_title;
  return s.channel_title + ", " + std::to_string(s.days) + (s.days == 1 ? " day" : " days");
}

std::string pay_link_text(const payment& s) {
  return (s.donation ? "Your donation to <b>" : "Your subscription of <b>") + escape_html(s.channel_title) + "</b>: " + dollars(s.price)
         + ".\n\nOpen the payment page and choose the coin that you like. "
         + (s.donation ? "You get a message here when it has come in." : "You get your invite link here when the payment is finished.")
         + (s.promo == promo_state::taken ? "\n\nThe code " + escape_html(s.promo_code) + " has taken off " + dollars(s.list_price - s.price) + "." : "")
         + (s.promo == promo_state::refused ? "\n\nYour code could not be used: " + escape_html(s.promo_words) + "." : "");
}

std::string payment_remark(const payment& s) {
  std::string text;
  if (s.decision == payment_decision::accepted && settled(s).usd < s.price)
    text += "\n\nIt was less than the price, or came in another way; it was accepted all the same.";
  if (s.late) text += "\n\nThe payment came late; it counts all the same.";
  if (s.overpaid) text += "\n\nYou paid more than the price; all of it went to the channel's owner.";
  return text;
}

std::string thanks_text(const payment& s) {
  return "Thank you! Your donation of " + dollars(settled(s).usd) + " to <b>" + escape_html(s.channel_title) + "</b> has come in. 🎁"
         + payment_remark(s);
}

std::string shortfall_text(const payment& s) {
  const auto title = "<b>" + escape_html(s.channel_title) + "</b>";
  if (s.status == payment_status::held)
    return "Your payment for " + title
           + " has come in, but not in the way that was ordered. Somebody will look at it and get back to you; nothing is lost.";
  if (s.status == payment_status::underpaid && s.decision == payment_decision::refunded)
    return "Your order for " + title + " was refunded before, and now " + dollars(settled(s).usd)
           + " came in for it. Somebody will look at it and get back to you; nothing is lost.";
  if (s.status == payment_status::underpaid) {
    const auto paid = settled(s).usd;
    const auto missing = s.price > paid ? s.price - paid : usd_amount{};
    return "Your payment for " + title + " is too low: " + dollars(paid) + " of " + dollars(s.price) + " came in, " + dollars(missing)
           + " is missing. You can send the rest to the same address; the parts count together. The owner has been told as well.";
  }
  return "Only a part of your payment for " + title + " (" + dollars(s.price)
         + ") came in. Please send the rest to the same address; the payment page shows how much is missing.";
}

std::string refund_text(const payment& s, const std::string& order_id) {
  const auto title = "<b>" + escape_html(s.channel_title) + "</b>";
  if (s.refund_address.empty())
    return "Your payment for " + title + " was given back to you by hand.\nOrder: <code>" + escape_html(order_id) + "</code>";
  const auto id = refund_id_of(s, order_id);
  eth_amount eth;
  usd_amount usd;
  for (const auto& d : s.deposits)
    if (d.refund_id == id) eth = eth + d.gross_eth, usd = usd + d.gross_usd;
  return "Your payment for " + title + " is being refunded: " + to_decimal(eth) + " ETH (" + dollars(usd)
         + ") is on its way back to you as " + escape_html(s.refund_asset.ticker + " (" + s.refund_asset.network + ")")
         + ", less the fees of the transfer.\nAddress: <code>" + escape_html(s.refund_address) + "</code>"
         + (s.refund_extra_id.empty() ? "" : "\nMemo: <code>" + escape_html(s.refund_extra_id) + "</code>") + "\nRefund: <code>"
         + escape_html(id) + "</code>";
}

std::string owner_text(const payment& s) {
  const auto got = settled(s);
  const auto amount = dollars(got.usd) + " USD (" + to_decimal(got.eth) + " ETH)";
  std::string text;
  if (s.status == payment_status::underpaid)
    text = "⚠️ <b>A payment is too low</b>\n\nReceived: " + amount + " of " + dollars(s.price);
  else if (s.donation)
    text = "🎁 <b>New Donation Received!</b>\n\nAmount: " + amount;
  else
    text = "💰 <b>New Subscription Payment Received!</b>\n\nAmount: " + amount;
  text += "\nChannel: " + escape_html(s.channel_title);
  text += (s.donation ? "\nFrom: " : "\nSubscriber: ") + person(s);
  if (!s.donation) text += "\nTier: " + what_was_bought(s);
  if (!s.donation_message.empty()) text += "\nMessage: " + escape_html(s.donation_message);
  text += "\nPayment ID: " + escape_html(got.payment_ids);
  if (s.status == payment_status::underpaid)
    return text + "\nStatus: Underpaid. The subscriber was asked for the rest; no access was given yet.";
  text += "\nStatus: Confirmed ✅";
  if (!s.promo_code.empty() && s.promo != promo_state::refused)
    text += "\nPromo code: " + escape_html(s.promo_code) + " ($" + to_fixed(s.list_price.units(), 2) + " before it)";
  if (s.price.is_zero()) return text + "\nThe code makes it free: nothing was to be paid.";
  if (s.estimated) text += "\nThe value in USD is an estimate.";
  if (s.overpaid) text += "\nIt is more than the price.";
  if (s.late) text += "\nIt came late.";
  if (s.decision == payment_decision::accepted) text += "\nIt was accepted by the operator.";
  if (got.count == 0) return text + "\nIts value did not come as ETH: it is settled outside of the payouts.";
  if (got.count > 1) text += "\nPaid in " + std::to_string(got.count) + " parts; the amount is their sum.";
  text += s.strategy == payout_strategy::instant ? "\nPayout: starts as soon as the ETH has arrived, usually within minutes."
                                                 : "\nPayout: with the next batch after your threshold is reached.";
  if (s.donation) text += "\n\nThank you for creating what people love to support!";
  return text;
}

} // namespace paygate::payments
