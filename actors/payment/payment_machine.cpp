#include "actors/payment/payment_machine.hpp"

#include <algorithm>

#include "actors/payment/payment_parts.hpp"

namespace paygate {

namespace {

using payments::step;

payment_view view_of(const payment& state, const entity_ref& self) {
  return {self.id, std::string(to_text(state.status)), state.channel_title, state.invoice_url, state.invite_link,
          state.invited_at && !state.donation && state.invite_link.empty()};
}

constexpr std::size_t donation_message_max = 800; // 200 characters of four bytes.

/// Why the channel does not sell this; empty when it does.
std::string objection(const create_payment& order, const policy& rules) {
  const auto& terms = order.terms;
  if (!is_on_sale(terms.status)) return "the channel is closed to new sales";
  if (order.chat_id == 0 || order.user_id == 0) return "an order needs a chat and a user";
  if (order.tier == start_link::donation) {
    if (!terms.donations) return "the channel takes no donations";
    if (order.donation_price < rules.donation_min || order.donation_price > rules.donation_max)
      return "a donation is from $" + to_decimal(rules.donation_min) + " to $" + to_decimal(rules.donation_max);
    if (order.donation_message.size() > donation_message_max) return "the message to the owner is too long";
    return "";
  }
  if (order.tier < 0 || order.tier > 2) return "there is no such tier";
  const auto& tier = terms.tiers[static_cast<std::size_t>(order.tier)];
  if (tier.days <= 0 || !tier.price.is_positive()) return "the channel has no such tier";
  if (order.promo_code.size() > 24) return "there is no such promo code";
  return "";
}

struct payment_step {
  const payment& state;
  bool exists;
  const step_context& context;

  verdict<payment> unchanged(entity_reply reply = ok{}) const {
    return step{.next = state, .changed = false, .reply = std::move(reply), .entries = {}, .rows = {}, .note = {}};
  }

  /// Every deposit that differs from before is a row to write: state and rows cannot drift apart.
  verdict<payment> finish(step out) const {
    for (const auto& d : out.next.deposits)
      if (std::find(state.deposits.begin(), state.deposits.end(), d) == state.deposits.end()) out.rows.emplace_back(d);
    out.changed = !(out.next == state);
    return out;
  }

  verdict<payment> operator()(const create_payment& order) const {
    if (exists) return unchanged(view_of(state, context.self));
    if (auto why = objection(order, context.rules); !why.empty()) return refused{refusal::invalid, why};
    payment p;
    p.channel_id = order.terms.open_channel_id;
    p.closed_channel_id = order.terms.closed_channel_id;
    p.owner_chat_id = order.terms.owner_chat_id;
    p.channel_title = order.terms.closed_title;
    p.chat_id = order.chat_id;
    p.user_id = order.user_id;
    p.user_name = order.user_name;
    p.donation = order.tier == start_link::donation;
    p.tier = order.tier;
    if (p.donation) {
      p.price = order.donation_price;
      p.donation_message = order.donation_message;
    } else {
      p.price = order.terms.tiers[static_cast<std::size_t>(order.tier)].price;
      p.days = order.terms.tiers[static_cast<std::size_t>(order.tier)].days;
    }
    if (!p.donation && !order.promo_code.empty()) {
      p.promo_code = order.promo_code;
      p.promo = promo_state::wanted;
      p.list_price = p.price;
    }
    p.strategy = order.terms.strategy;
    p.payout_asset = order.terms.payout_asset;
    p.payout_address = order.terms.payout_address;
    p.payout_extra_id = order.terms.payout_extra_id;
    p.owner_account = order.terms.owner_account;
    auto reply = view_of(p, context.self);
    return step{.next = std::move(p), .changed = true, .reply = std::move(reply), .entries = {}, .rows = {}, .note = "ordered"};
  }

  verdict<payment> operator()(const ipn_received& ipn) const {
    step out{.next = state, .changed = false, .reply = ok{}, .entries = {}, .rows = {}, .note = {}};
    if (!ipn.raw.empty())
      out.rows.emplace_back(webhook_event{"nowpayments", ipn.payment.payment_id, ipn.payment.order_id, exists, ipn.raw});
    if (!exists && ipn.raw.empty()) return refused{refusal::not_found, "there is no such order"};
    if (!exists) return out;
    payments::take_report(out, ipn.payment, false, context);
    return finish(std::move(out));
  }

  verdict<payment> operator()(const payment_poked&) const {
    if (!exists) return refused{refusal::not_found, "there is no such order"};
    const auto open = std::any_of(state.deposits.begin(), state.deposits.end(), payments::is_open);
    const auto unseen = state.deposits.empty() && !state.invoice_id.empty() && !state.judged_at;
    if (!open && !unseen) return unchanged();
    const auto last = state.polled_at.value_or(timestamp{});
    const auto due = state.polls < payments::search_limit && last + payments::poll_distance(state.polls, context.rules) <= context.now;
    if (due || context.now < last + payments::poke_distance) return unchanged();
    step out{.next = state, .changed = true, .reply = ok{}, .entries = {}, .rows = {}, .note = "a poll was asked for"};
    out.next.polls = 0;
    out.next.polled_at = context.now - payments::poll_distance(0, context.rules);
    return out;
  }

  verdict<payment> operator()(const access_given& event) const {
    if (!exists) return refused{refusal::not_found, "there is no such order"};
    step out{.next = state, .changed = false, .reply = ok{}, .entries = {}, .rows = {}, .note = "the way in is there"};
    if (state.donation || state.status != payment_status::paid) return unchanged();
    out.next.invite_link = event.link;
    if (!state.invited_at) out.next.invited_at = context.now;
    return finish(std::move(out));
  }

  verdict<payment> operator()(const get_payment_view&) const {
    if (!exists) return refused{refusal::not_found, "there is no such order"};
    return unchanged(view_of(state, context.self));
  }

  verdict<payment> operator()(const accept_payment& command) const {
    if (!exists) return refused{refusal::not_found, "there is no such order"};
    auto result = payments::accept(state, command, context);
    if (auto* out = std::get_if<step>(&result)) return finish(std::move(*out));
    return result;
  }

  verdict<payment> operator()(const refund_payment& command) const {
    if (!exists) return refused{refusal::not_found, "there is no such order"};
    auto result = payments::refund(state, command, context);
    if (auto* out = std::get_if<step>(&result)) return finish(std::move(*out));
    return result;
  }

  verdict<payment> operator()(const import_opening& command) const {
    auto result = payments::take_over(state, exists, command, context);
    if (auto* out = std::get_if<step>(&result)) return finish(std::move(*out));
    return result;
  }

  verdict<payment> operator()(const effect_done& message) const {
    if (!exists) return refused{refusal::not_found, "there is no such order"};
    const auto due = payment_kind::effects_due(state, context.self, context.now, context.rules);
    if (std::none_of(due.begin(), due.end(), [&](const effect& e) { return e.key == message.key; })) return unchanged();
    step out{.next = state, .changed = false, .reply = ok{}, .entries = {}, .rows = {}, .note = {}};
    payments::take_outcome(out, message, context);
    return finish(std::move(out));
  }
};

} // namespace

verdict<payment> payment_kind::apply(const payment& state, bool exists, const payment_message& message, const step_context& context) {
  return std::visit(payment_step{state, exists, context}, message);
}

} // namespace paygate
