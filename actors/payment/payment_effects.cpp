#include <algorithm>

#include "actors/payment/payment_parts.hpp"

namespace paygate {

namespace payments {

milliseconds poll_distance(std::uint32_t polls, const policy& rules) {
  auto distance = rules.payment_poll_first;
  for (std::uint32_t i = 0; i < polls && distance < rules.payment_poll_max; ++i) distance *= 2;
  return std::min(distance, rules.payment_poll_max);
}

} // namespace payments

namespace {

using namespace payments;

// What only a person can mend (no rights in a channel, a refused key) is tried at this distance, growing.
constexpr milliseconds mend_first{30'000}, mend_max{600'000};

std::string micros(timestamp at) { return std::to_string(at.time_since_epoch().count()); }

struct due_list {
  const payment& s;
  const entity_ref& self;
  timestamp now;
  const policy& rules;
  std::vector<effect> due{};

  void add(std::string key, io_request request, milliseconds again, milliseconds again_max, timestamp not_before = {}) {
    due.push_back({std::move(key), std::move(request), not_before, again, again_max});
  }
  void ask(std::string key, entity_ref to, any_message message) {
    due.push_back({std::move(key), ask_entity{std::move(to), std::move(message)}, timestamp{}, mend_first, mend_max});
  }
  void tell(std::string key, std::int64_t chat, std::string html, keyboard buttons = {}, urgency importance = urgency::answer) {
    add(std::move(key), send_message{chat, std::move(html), std::move(buttons), importance}, mend_first, mend_max);
  }

  void ordering() {
    if (s.promo == promo_state::wanted) return; // The price is not known yet.
    if (s.invoice_url.empty()) {
      if (!s.judged_at) add("invoice", create_invoice{self.id, s.price, invoice_description(s)}, mend_first, mend_max);
      return;
    }
    if (!s.link_sent_at && (s.status == payment_status::created || s.status == payment_status::waiting))
      tell("pay_link", s.chat_id, pay_link_text(s), {{button{"Pay $" + to_fixed(s.price.units(), 2), s.invoice_url, true}}});
  }

  /// The provider is asked where it may have forgotten to tell us. The key names the time counted from: news restarts the distance.
  void polling() {
    const auto from = s.polled_at.value_or(timestamp{});
    const auto at = from + poll_distance(s.polls, rules);
    const auto open = std::find_if(s.deposits.begin(), s.deposits.end(), is_open);
    if (open != s.deposits.end())
      add("poll:" + open->payment_id + "@" + micros(from), get_payment{open->payment_id}, mend_first, mend_max, at);
    else if (s.deposits.empty() && !s.invoice_id.empty() && !s.judged_at && s.polls < search_limit)
      add("find@" + micros(from), find_payments{s.invoice_id}, mend_first, mend_max, at);
  }

  void judging() {
    if (s.status == payment_status::held) return; // A person decides; the provider's own figures may still overrule.
    for (const auto& d : s.deposits) {
      if (needs_reading(d)) add("reread:" + d.payment_id, get_payment{d.payment_id}, milliseconds(1'000), milliseconds(300'000));
      if (needs_price(d)) add("price:" + d.payment_id, get_usd_price{d.outcome_currency}, milliseconds(1'000), milliseconds(60'000));
    }
  }

  void granting() {
    if (s.status != payment_status::paid) return;
    if (s.donation) {
      if (!s.invited_at) tell("tell_subscriber", s.chat_id, thanks_text(s));
      return;
    }
    if (!s.ends_at) {
      extend_subscription command;
      command.order_id = self.id;
      command.channel_id = s.channel_id;
      command.closed_channel_id = s.closed_channel_id;
      command.user_id = s.user_id;
      command.chat_id = s.chat_id;
      command.user_name = s.user_name;
      command.channel_title = s.channel_title;
      command.days = s.days;
      command.remark = payment_remark(s);
      ask("extend", {entity_kind::subscription, std::to_string(s.channel_id) + ":" + std::to_string(s.user_id)},
          subscription_message(std::move(command)));
      return;
    }
    // The subscription lets them in, tells the chat, and says so here (access_given).
  }

  /// A use of a promo code is taken before there is an invoice, and free again when the order came to nothing.
  void promo() {
    const auto wants = s.promo == promo_state::wanted;
    const auto again = s.promo == promo_state::released && s.status == payment_status::paid;
    const entity_ref code{entity_kind::promo_code, std::to_string(s.channel_id) + ":" + s.promo_code};
    if (wants || again)
      return ask(wants ? "promo" : "promo_again", code, promo_code_message(redeem_promo{self.id, s.user_id, s.list_price, again}));
    if (s.promo != promo_state::taken) return;
    const auto dead = s.status == payment_status::expired || s.status == payment_status::failed || s.status == payment_status::refunded;
    const auto untouched = s.deposits.empty() && !s.judged_at;
    if (!dead && !untouched) return;
    due.push_back({"promo_release", ask_entity{code, promo_code_message(release_promo{self.id})},
                   dead ? timestamp{} : timestamp(s.promo_at.value_or(timestamp{}) + promo_patience), mend_first, mend_max});
  }

  /// What was given back leaves only when all of it has arrived: a payout spends what lies in the wallet.
  void refunding() {
    if (s.decision != payment_decision::refunded) return;
    if (!s.refund_told_at) tell("tell_refund:" + std::to_string(s.refunds), s.chat_id, refund_text(s, self.id), {}, urgency::notice);
    if (s.refund_address.empty() || s.refund_started_at) return;
    const auto id = refund_id_of(s, self.id);
    eth_amount source;
    usd_amount worth;
    for (const auto& d : s.deposits) {
      if (d.refund_id != id) continue;
      if (!d.arrived_at) return;
      source = source + d.gross_eth;
      worth = worth + d.gross_usd;
    }
    request_payout command{s.channel_id, 0, self.id, s.refund_asset, s.refund_address, s.refund_extra_id, source, worth, true};
    ask("refund:" + id, {entity_kind::payout, id}, payout_message(std::move(command)));
  }

  void telling() {
    const auto suffix = ":" + std::string(to_text(s.status)) + ":" + std::to_string(s.deposits.size());
    const auto short_of =
        s.status == payment_status::underpaid || s.status == payment_status::partially_paid || s.status == payment_status::held;
    if (short_of && !s.shortfall_told_at) tell("tell_shortfall" + suffix, s.chat_id, shortfall_text(s), {}, urgency::notice);
    const auto for_owner = s.status == payment_status::paid || s.status == payment_status::underpaid;
    if (for_owner && s.owner_chat_id != 0 && !s.owner_told_at)
      tell("tell_owner" + suffix, s.owner_chat_id, owner_text(s), {}, urgency::notice);
  }

  /// The owner may be paid elsewhere since the order. Of an owner who could not be told from the channel's next one nothing is asked.
  bool may_have_moved(const deposit& d) const {
    const bool known = s.owner_chat_id > 0 || !s.owner_account.empty();
    return known && (!s.payout_place_at || *s.payout_place_at < *d.arrived_at);
  }

  void arriving() {
    for (const auto& d : s.deposits) {
      if (!d.settled_at || d.refund_id == refunded_outside) continue;
      if (!d.arrived_at) {
        if (d.payout_hash.empty())
          add("payout_hash:" + d.payment_id, get_payment{d.payment_id}, milliseconds(1'000), milliseconds(300'000));
        else
          add("arrival:" + d.payment_id, get_transfer{d.payout_hash}, milliseconds(1'000), milliseconds(60'000));
      } else if (s.strategy == payout_strategy::instant && d.payout_id.empty() && is_credited(d) && d.net_eth.is_positive()) {
        if (may_have_moved(d)) {
          ask("place:" + d.payment_id, {entity_kind::channel, std::to_string(s.channel_id)}, channel_message(get_channel{true}));
          continue;
        }
        request_payout command{s.channel_id,     s.owner_chat_id,   self.id,   s.payout_asset,
                               s.payout_address, s.payout_extra_id, d.net_eth, d.net_usd};
        ask("payout:" + d.payment_id, {entity_kind::payout, payout_id_of(s, d, self.id)}, payout_message(std::move(command)));
      }
    }
  }
};

} // namespace

std::string payout_id_of(const payment& state, const deposit& of, const std::string& order_id) {
  const auto before = std::count_if(state.deposits.begin(), state.deposits.end(),
                                    [&](const deposit& d) { return d.settled_at && of.settled_at && *d.settled_at < *of.settled_at; });
  return before == 0 ? order_id : order_id + "." + std::to_string(before + 1);
}

std::vector<effect> payment_kind::effects_due(const payment& state, const entity_ref& self, timestamp now, const policy& rules) {
  if (state.imported) return {}; // Nobody is told, invited or asked; the accrual goes its way by itself.
  due_list list{state, self, now, rules};
  list.promo();
  list.ordering();
  list.polling();
  list.judging();
  list.granting();
  list.telling();
  list.refunding();
  list.arriving();
  return std::move(list.due);
}

std::optional<timestamp> payment_kind::wakes_at(const payment&, timestamp, const policy&) { return std::nullopt; }

std::optional<std::chrono::seconds> payment_kind::stuck_after(const payment& state) {
  if (state.imported) return std::nullopt;
  using std::chrono::hours;
  using std::chrono::minutes;
  switch (state.status) {
  case payment_status::created: return minutes(10);
  case payment_status::confirming:
  case payment_status::confirmed:
  case payment_status::sending: return hours(24);
  case payment_status::held: return hours(1);
  case payment_status::underpaid: return hours(24);
  case payment_status::waiting:
  case payment_status::partially_paid:
  case payment_status::failed:
  case payment_status::expired: return std::nullopt; // The subscriber may come back, or never.
  case payment_status::refunded:
    if (state.decision != payment_decision::refunded || state.refund_address.empty() || state.refund_started_at) return std::nullopt;
    return hours(1);
  case payment_status::paid: break;
  }
  const auto granted = state.invited_at && (state.owner_told_at || state.owner_chat_id == 0);
  const auto at_home = std::all_of(state.deposits.begin(), state.deposits.end(), [&](const deposit& d) {
    return !d.settled_at || (d.arrived_at && (state.strategy != payout_strategy::instant || !d.payout_id.empty()));
  });
  if (granted && at_home) return std::nullopt;
  return hours(1);
}

} // namespace paygate
