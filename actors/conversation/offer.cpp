#include "actors/conversation/conversation_machine.hpp"
#include "actors/conversation/talk.hpp"

namespace paygate::talk {

namespace {

constexpr std::string_view stale_offer = "This offer is no longer valid.";

void stale(step& out, const chat_update& press) {
  answer(out, press, stale_offer);
  owe(out, conversation_view::help);
}

void offer(step& out, const channel& terms, const step_context& context) {
  auto& s = out.next;
  const auto is_donation = s.tier == start_link::donation;
  const auto known = terms.open_channel_id == s.channel_id;
  if (!known || (is_donation ? !terms.donations : terms.tiers[static_cast<std::size_t>(s.tier)].days <= 0)) return not_for_sale(out);
  s.status = conversation_status::offered;
  s.channel_title = terms.closed_title;
  s.price = is_donation ? usd_amount{} : terms.tiers[static_cast<std::size_t>(s.tier)].price;
  s.days = is_donation ? 0 : terms.tiers[static_cast<std::size_t>(s.tier)].days;
  s.trial_days = is_donation ? 0 : terms.trial_days;
  s.promo_good = false; // Asked for anew: the price may be another one.
  s.order_id = new_order_id(context.now, std::to_string(s.chat_id) + ":" + std::to_string(s.last_update_id));
  s.terms.reset();
  if (!is_donation && !s.promo_code.empty()) {
    // What the code makes of it is shown with the offer.
    s.status = conversation_status::quoting;
    ++s.view_seq;
    out.note = "asks for a code";
    return;
  }
  owe(out, conversation_view::offer);
}

/// All that the channel sells; its only tier at once.
void choose(step& out, const std::shared_ptr<const channel>& terms, const step_context& context) {
  auto& s = out.next;
  if (terms->open_channel_id != s.channel_id) return not_for_sale(out);
  int tiers = 0;
  for (const auto& tier : terms->tiers) tiers += tier.days > 0 ? 1 : 0;
  if (tiers == 1) {
    s.tier = 0;
    return offer(out, *terms, context);
  }
  s.terms = terms; // Until it is shown; its buttons say what they are about.
  owe(out, conversation_view::choice);
}

/// Pay was pressed: what is sold now must still be what was shown.
void check_terms(step& out, const std::shared_ptr<const channel>& terms, const step_context& context) {
  auto& s = out.next;
  if (s.tier != start_link::donation) {
    const auto& tier = terms->tiers[static_cast<std::size_t>(s.tier)];
    if (tier.price != s.price || tier.days != s.days) return offer(out, *terms, context);
  } else if (!terms->donations)
    return offer(out, *terms, context);
  s.terms = terms;
  out.note = "terms read";
}

void press_pay(step& out, const chat_update& press) {
  auto& s = out.next;
  if (s.order_id.empty() || s.days == 0 || s.tier == start_link::donation || press.callback_data != pay_data(s.order_id))
    return stale(out, press);
  answer(out, press);
  if (s.status == conversation_status::ordering) {
    out.note = "pressed again";
    return;
  }
  s.status = conversation_status::ordering;
  s.terms.reset(); // Of now, not of when the offer was shown.
  if (s.owed_view == conversation_view::offer) s.owed_view = conversation_view::none;
  out.note = "ordered " + s.order_id;
}

/// "tier:<channel>:<n>" of a choice, "renew:<channel>", "give:<channel>".
std::optional<start_link> link_of(std::string_view data) {
  if (const auto rest = after(data, "renew:"))
    if (const auto channel = number_of(*rest)) return start_link{*channel, start_link::choice};
  if (const auto rest = after(data, "give:"))
    if (const auto channel = number_of(*rest)) return start_link{*channel, start_link::donation};
  if (const auto rest = after(data, "tier:")) {
    const auto colon = rest->find(':');
    if (colon == std::string_view::npos) return std::nullopt;
    const auto channel = number_of(rest->substr(0, colon)), tier = number_of(rest->substr(colon + 1));
    if (channel && tier && *tier >= 0 && *tier <= 2) return start_link{*channel, static_cast<int>(*tier)};
  }
  return std::nullopt;
}

} // namespace

void not_for_sale(step& out) {
  leave(out.next);
  owe(out, conversation_view::not_for_sale);
}

void follow(step& out, const start_link& link) {
  auto& s = out.next;
  leave(s);
  if (link.channel_id == 0 || link.tier < start_link::choice || link.tier > 2) return owe(out, conversation_view::unknown_link);
  s.status = conversation_status::looking_up;
  s.owed_view = conversation_view::none;
  ++s.view_seq; // The question to the channel is a new one.
  s.channel_id = link.channel_id;
  s.tier = link.tier;
  if (link.tier >= 0) s.promo_code = link.word;
  out.note = "followed a link";
}

bool press_offer(step& out, const chat_update& press, const policy& rules) {
  const std::string_view data = press.callback_data;
  if (const auto link = link_of(data)) {
    answer(out, press);
    follow(out, *link);
    return true;
  }
  if (press_donation(out, press, rules) || press_extra(out, press)) return true;
  if (!data.starts_with("pay:")) return false;
  press_pay(out, press);
  return true;
}

void channel_answered(step& out, const std::shared_ptr<const channel>& terms, const step_context& context) {
  if (out.next.status == conversation_status::ordering) return check_terms(out, terms, context);
  if (out.next.tier == start_link::choice) return choose(out, terms, context);
  offer(out, *terms, context);
}

void order_answered(step& out) {
  auto& s = out.next;
  s.status = conversation_status::idle;
  s.terms.reset();
  // A second press of Pay is the same order; a second donation is another one, with buttons of its own.
  if (s.tier == start_link::donation) {
    s.order_id.clear();
    s.donation_message.clear();
  }
  out.note = "ordered";
}

} // namespace paygate::talk
