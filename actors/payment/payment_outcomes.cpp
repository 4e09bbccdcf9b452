#include <algorithm>
#include <string_view>

#include "actors/payment/payment_parts.hpp"

// What came of the effects of a payment.
namespace paygate::payments {

namespace {

std::string_view after(std::string_view key, std::string_view prefix) { return key.substr(prefix.size()); }

/// The part of a poll's key between "poll:" and its time.
std::string polled_payment(std::string_view key) {
  key = after(key, "poll:");
  return std::string(key.substr(0, key.find('@')));
}

struct outcome_step {
  step& out;
  std::string_view key;
  const step_context& context;
  payment& s = out.next;

  bool is(std::string_view word) const { return key == word; }
  bool starts(std::string_view prefix) const { return key.starts_with(prefix); }

  void told() {
    if (is("pay_link")) {
      s.link_sent_at = context.now;
      if (s.status == payment_status::created) s.status = payment_status::waiting;
    } else if (is("tell_subscriber"))
      s.invited_at = context.now;
    else if (starts("tell_shortfall"))
      s.shortfall_told_at = context.now;
    else if (starts("tell_owner"))
      s.owner_told_at = context.now;
    else if (starts("tell_refund"))
      s.refund_told_at = context.now;
  }

  bool is_message() const { return is("pay_link") || starts("tell_"); }
  bool is_poll() const { return starts("poll:") || starts("find@"); }

  void polled() {
    ++s.polls;
    s.polled_at = context.now;
  }

  void operator()(const io_failure& failure) {
    if (is_message()) {
      // A chat that refuses messages is not asked for ever: what it should have got is on the status page.
      told();
      out.note = std::string(key) + " given up, the chat refuses messages: " + failure.text;
      return;
    }
    if (is_poll()) {
      polled();
      if (failure.code == "no_credentials") s.polls = search_limit;
      out.note = std::string(key) + ": " + failure.code;
      return;
    }
    list_failure(out, failure.code, std::string(key) + ": " + failure.text);
  }

  void operator()(const invoice_created& answer) {
    if (!is("invoice") || answer.invoice_url.empty()) return;
    s.invoice_id = answer.invoice_id;
    s.invoice_url = answer.invoice_url;
    s.polled_at = context.now;
    s.polls = 0;
    out.note = "invoice " + answer.invoice_id;
  }

  void operator()(const message_sent&) {
    if (!is_message()) return;
    told();
    out.note = std::string(key) + " sent";
  }

  void operator()(const provider_payment& answer) {
    if (is_poll()) polled();
    // The answer must be about the payment that was asked for.
    const auto asked = starts("poll:") ? polled_payment(key) : std::string(after(key, key.substr(0, key.find(':') + 1)));
    if (answer.payment_id == asked) take_report(out, answer, true, context);
  }

  void operator()(const payments_listed& answer) {
    if (!starts("find@")) return;
    polled();
    for (const auto& each : answer.payments) take_report(out, each, true, context);
  }

  void operator()(const usd_price& answer) {
    if (starts("price:")) take_price(out, std::string(after(key, "price:")), answer, context);
  }

  void operator()(const transfer_seen& answer) {
    if (starts("arrival:")) take_transfer(out, std::string(after(key, "arrival:")), answer, context);
  }

  void operator()(const subscription_extended& answer) {
    if (!is("extend")) return;
    s.ends_at = answer.ends_at;
    out.note = "subscription extended";
  }

  /// What the code makes of the price. Free: there is nothing to wait for.
  void operator()(const promo_price& answer) {
    if (is("promo_again")) {
      s.promo = promo_state::taken;
      out.note = "the use of " + s.promo_code + " counts again";
      return;
    }
    if (!is("promo") || answer.price > s.list_price) return;
    s.promo = promo_state::taken;
    s.promo_at = context.now;
    s.price = answer.price;
    out.note = "code " + s.promo_code + ": $" + to_decimal(answer.price);
    if (!s.price.is_zero()) return;
    s.status = payment_status::paid;
    s.judged_at = context.now;
  }

  /// Whatever this node's clock says: it is known as of these coins.
  void placed() {
    const auto* d = find_deposit(s, std::string(after(key, "place:")));
    s.payout_place_at = d && d->arrived_at ? std::max(context.now, *d->arrived_at) : context.now;
  }

  /// Where the owner is paid now. The channel may have another owner by now, whom this order is nothing to.
  void operator()(const channel_view& answer) {
    if (!starts("place:") || !answer.terms) return;
    const auto& c = *answer.terms;
    placed();
    // A group, or an account that an operator's terms do not name, may be several clients'.
    const bool by_chat = s.owner_chat_id > 0 && c.owner_chat_id > 0;
    const bool same_owner = by_chat ? c.owner_chat_id == s.owner_chat_id : !s.owner_account.empty() && c.owner_account == s.owner_account;
    if (!same_owner) {
      out.note = "the channel is another owner's now: paid where the order says";
      return;
    }
    out.note = "the owner is paid at " + c.payout_address;
    s.payout_asset = c.payout_asset;
    s.payout_address = c.payout_address;
    s.payout_extra_id = c.payout_extra_id;
  }

  void operator()(const ok&) {
    if (is("promo_release")) {
      s.promo = promo_state::released;
      out.note = "the use of " + s.promo_code + " is free again";
      return;
    }
    if (starts("refund:")) {
      s.refund_started_at = context.now;
      out.note = "handed to payout " + std::string(after(key, "refund:"));
      return;
    }
    if (!starts("payout:")) return;
    auto* d = find_deposit(s, std::string(after(key, "payout:")));
    if (!d || !d->payout_id.empty()) return;
    d->payout_id = payout_id_of(s, *d, context.self.id);
    out.note = "handed to payout " + d->payout_id;
  }

  void operator()(const refused& answer) {
    if (is("promo")) {
      s.promo = promo_state::refused;
      s.promo_words = answer.text;
      out.note = "code " + s.promo_code + " refused: " + answer.text;
      return;
    }
    if (starts("place:")) {
      placed();
      out.note = "paid where the order says, since the channel does not: " + answer.text;
      return;
    }
    // The code is gone: there is nothing that could be counted.
    if (is("promo_again")) s.promo = promo_state::taken;
    list_failure(out, std::string(to_text(answer.code)), std::string(key) + ": " + answer.text);
  }

  // Whatever else the world may answer is not what was asked: the effect stays due.
  template <class Other>
  void operator()(const Other&) {}
};

} // namespace

void take_outcome(step& out, const effect_done& message, const step_context& context) {
  outcome_step handle{out, message.key, context};
  std::visit([&](const auto& outcome) { std::visit(handle, outcome); }, message.outcome);
}

} // namespace paygate::payments
