#include "actors/channel/channel_rights.hpp"

#include <algorithm>

#include "actors/channel/channel_posts.hpp"
#include "addresses/address.hpp"

namespace paygate {

namespace {

using step = decision<channel>;

constexpr std::size_t title_max = 255, description_max = 2000, wallet_max = 256, ticker_max = 32;
const usd_amount price_max = usd_amount::of_units(one_coin * 1'000'000);
constexpr std::int32_t days_max = 3660;

/// A text that every store and every messenger takes: no control characters but line breaks, valid UTF-8 in form.
bool is_clean(std::string_view text) {
  for (std::size_t i = 0; i < text.size();) {
    const auto c = static_cast<unsigned char>(text[i++]);
    if (c < 0x20 && c != '\n') return false;
    if (c < 0x80) continue;
    if (c < 0xc2 || c > 0xf4) return false;
    const int more = c < 0xe0 ? 1 : c < 0xf0 ? 2 : 3;
    // Longer forms than needed, surrogates and what lies beyond Unicode.
    const auto second = i < text.size() ? static_cast<unsigned char>(text[i]) : 0u;
    if ((c == 0xe0 && second < 0xa0) || (c == 0xed && second > 0x9f) || (c == 0xf0 && second < 0x90) || (c == 0xf4 && second > 0x8f))
      return false;
    for (int k = 0; k < more; ++k, ++i)
      if (i >= text.size() || (static_cast<unsigned char>(text[i]) & 0xc0) != 0x80) return false;
  }
  return true;
}

bool is_word(std::string_view text, std::size_t max) {
  return !text.empty() && text.size() <= max && std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

bool is_lower(std::string_view text) {
  return std::all_of(text.begin(), text.end(), [](char c) { return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'); });
}

bool has_cents_only(usd_amount value) { return truncate_to(value.units(), 2) == value.units(); }

std::string objection_to_tiers(const channel& terms) {
  if (terms.tiers[0].days == 0) return "there is no tier 1";
  for (std::size_t i = 0; i < terms.tiers.size(); ++i) {
    const auto& tier = terms.tiers[i];
    const auto name = "tier " + std::to_string(i + 1);
    if (tier.days == 0) {
      if (!tier.price.is_zero()) return name + " has a price without days";
      continue;
    }
    if (i > 0 && terms.tiers[i - 1].days == 0) return name + " follows a tier that is not there";
    if (tier.days < 0 || tier.days > days_max) return name + " lasts from 1 to " + std::to_string(days_max) + " days";
    if (!tier.price.is_positive() || tier.price > price_max) return name + " costs from $0.01 to $1000000";
    if (!has_cents_only(tier.price)) return "the price of " + name + " has more than 2 decimals";
  }
  return "";
}

/// The first term that cannot be; empty when all can.
std::string objection(const channel& terms, const entity_ref& self) {
  if (terms.open_channel_id == 0 || std::to_string(terms.open_channel_id) != self.id)
    return "the open channel's id is missing or not this channel's";
  if (terms.closed_channel_id == 0) return "the closed channel's id is missing";
  if (terms.closed_channel_id == terms.open_channel_id) return "open and closed channel are the same";
  if (terms.open_title.empty() || terms.closed_title.empty()) return "a title is missing";
  if (terms.open_title.size() > title_max || terms.closed_title.size() > title_max) return "a title is too long";
  if (terms.description.size() > description_max) return "the description is too long";
  if (!is_clean(terms.open_title) || !is_clean(terms.closed_title) || !is_clean(terms.description))
    return "a text has characters that no message can have";
  if (auto why = objection_to_tiers(terms); !why.empty()) return why;
  if (!is_word(terms.payout_asset.ticker, ticker_max) || !is_lower(terms.payout_asset.ticker))
    return "the payout ticker is missing or not lower case";
  if (!is_word(terms.payout_asset.network, ticker_max) || !is_lower(terms.payout_asset.network))
    return "the payout network is missing or not lower case";
  if (!is_word(terms.payout_address, wallet_max)) return "the payout address is missing or malformed";
  // What is stored here is paid to, perhaps months later: a coin whose addresses nobody can judge is refused.
  const auto& pays = terms.payout_asset;
  if (const auto wallet = check_address(pays.ticker, pays.network, terms.payout_address, terms.payout_extra_id); !wallet.is_good())
    return "the payout address: " + wallet.text;
  if (terms.threshold.units() < 0 || terms.threshold > price_max || !has_cents_only(terms.threshold))
    return "the threshold is from $0 to $1000000, in cents";
  if (terms.strategy == payout_strategy::threshold && !terms.threshold.is_positive()) return "the threshold strategy needs a threshold";
  if (terms.trial_days < 0 || terms.trial_days > 365) return "a trial lasts from 1 to 365 days, or there is none (0)";
  return "";
}

bool same_post(const channel& a, const channel& b) {
  return a.open_title == b.open_title && a.closed_title == b.closed_title && a.description == b.description && a.tiers == b.tiers
         && a.donations == b.donations;
}

std::string minutes_text(milliseconds span) {
  const auto minutes = std::chrono::ceil<std::chrono::minutes>(span).count();
  return std::to_string(minutes) + (minutes == 1 ? " minute" : " minutes");
}

struct channel_step {
  const channel& state;
  bool exists;
  const step_context& context;

  verdict<channel> unchanged(entity_reply reply = ok{}) const {
    return step{.next = state, .changed = false, .reply = std::move(reply), .entries = {}, .rows = {}, .note = {}};
  }

  step changed(std::string note) const {
    return step{.next = state, .changed = true, .reply = ok{}, .entries = {}, .rows = {}, .note = std::move(note)};
  }

  verdict<channel> operator()(const register_channel& command) const {
    if (auto why = objection(command.terms, context.self); !why.empty()) return refused{refusal::invalid, why};
    auto next = command.terms;
    if (next.payout_extra_id == no_memo) next.payout_extra_id.clear();
    const auto keeps_post = exists && state.status != channel_status::closed && same_post(state, next);
    next.offer_message_id = exists ? state.offer_message_id : 0;
    next.posts = exists ? state.posts : channel_posts{};
    channels::keep_rights(next, exists ? state : channel{});
    next.status = keeps_post ? state.status : channel_status::registered;
    if (!keeps_post) next.posts.offer_due_at = context.now;
    if (!next.donations)
      next.posts.donation_due_at.reset();
    else if (!next.posts.donation_due_at)
      next.posts.donation_due_at = next_post_at(next.posts, context.now, context.rules);
    if (exists && next == state) return unchanged();
    return step{.next = std::move(next),
                .changed = true,
                .reply = ok{},
                .entries = {},
                .rows = {},
                .note = exists ? "terms changed" : "registered"};
  }

  verdict<channel> operator()(const get_channel&) const {
    if (!exists || state.status == channel_status::closed) return refused{refusal::not_found, "the channel is not on sale"};
    return unchanged(channel_view{std::make_shared<const channel>(state)});
  }

  verdict<channel> operator()(const rights_changed& event) const {
    if (!exists) return refused{refusal::not_found, "there is no such channel"};
    return channels::take(state, event);
  }

  verdict<channel> operator()(const report_rights& event) const {
    if (!exists) return refused{refusal::not_found, "there is no such channel"};
    return channels::take(state, event);
  }

  verdict<channel> operator()(const effect_done& message) const {
    if (!exists) return refused{refusal::not_found, "there is no such channel"};
    if (message.key.starts_with("rights:")) return channels::take_told(state, message, context.now);
    const auto* io = std::get_if<io_outcome>(&message.outcome);
    const auto post = next_retired(state);
    if (!io || !post || message.key != "retire:" + post->mark) return unchanged();
    const auto* failure = std::get_if<io_failure>(io);
    auto out = changed(failure ? "the old post " + post->mark + " stays: " + failure->text : "old post deleted");
    drop_retired(out.next, post->mark);
    return out;
  }

  verdict<channel> operator()(const claim_broadcast& command) const {
    if (!exists || state.status == channel_status::closed) return refused{refusal::not_found, "the channel is not on sale"};
    if (command.what == broadcast_what::donation && !state.donations) return refused{refusal::conflict, "the channel takes no donations"};
    if (command.scheduled || state.posts.manual_id == command.broadcast_id)
      return unchanged(channel_view{std::make_shared<const channel>(state)});
    const auto interval = context.rules.broadcast_manual_interval;
    if (state.posts.manual_at && context.now < *state.posts.manual_at + interval)
      return refused{refusal::conflict, "broadcasts of a channel are at least " + minutes_text(interval)
                                            + " apart: the next one is possible at "
                                            + to_text(*state.posts.manual_at + interval).substr(11, 8) + " UTC"};
    auto out = changed("broadcast " + command.broadcast_id);
    out.next.posts.manual_id = command.broadcast_id;
    out.next.posts.manual_at = context.now;
    out.reply = channel_view{std::make_shared<const channel>(out.next)};
    return out;
  }

  verdict<channel> operator()(const post_placed& command) const {
    if (!exists) return refused{refusal::not_found, "there is no such channel"};
    auto out = changed(std::string(to_text(command.what)) + (command.message_id != 0 ? " posted" : " not posted"));
    place_post(out.next, command, context.now, context.rules);
    out.changed = !(out.next == state);
    return out;
  }

  verdict<channel> operator()(const schedule_posts& command) const {
    if (!exists || state.status == channel_status::closed) return refused{refusal::not_found, "the channel is not on sale"};
    if (auto why = objection_to_schedule(command); !why.empty()) return refused{refusal::invalid, why};
    auto out = changed("posts " + std::string(to_text(command.cadence)));
    auto& posts = out.next.posts;
    posts.cadence = command.cadence;
    posts.cadence_day = command.day;
    posts.cadence_hour = command.hour;
    // The offer that is owed now is owed whatever the schedule.
    if (state.status == channel_status::offered) posts.offer_due_at = next_post_at(posts, context.now, context.rules);
    posts.donation_due_at = state.donations ? next_post_at(posts, context.now, context.rules) : std::nullopt;
    const bool same = posts.cadence == state.posts.cadence && posts.cadence_day == state.posts.cadence_day
                      && posts.cadence_hour == state.posts.cadence_hour;
    if (same) return unchanged();
    return out;
  }
};

} // namespace

verdict<channel> channel_kind::apply(const channel& state, bool exists, const channel_message& message, const step_context& context) {
  return std::visit(channel_step{state, exists, context}, message);
}

} // namespace paygate
