#include "actors/channel/channel_machine.hpp"

#include <algorithm>

#include "actors/channel/channel_mail.hpp"
#include "actors/channel/channel_parts.hpp"
#include "actors/channel/channel_posts.hpp"
#include "actors/channel/channel_rights.hpp"
#include "actors/channel/channel_terms.hpp"
#include "addresses/address.hpp"

namespace paygate {

namespace {

using step = decision<channel>;

constexpr std::size_t token_max = 40; // A button names it, in 64 bytes.
/// A change that nobody confirms is forgotten after that.
constexpr std::chrono::hours confirmation_patience{24};

bool same_post(const channel& a, const channel& b) {
  return a.open_title == b.open_title && a.closed_title == b.closed_title && a.description == b.description && a.tiers == b.tiers
         && a.donations == b.donations;
}

bool is_owned_by(const channel& c, std::int64_t user, const std::string& account) {
  return (user != 0 && c.owner_user_id == user) || (!account.empty() && c.owner_account == account);
}

bool same_place(const channel& c, const asset& target, const std::string& address, const std::string& extra_id) {
  return c.payout_asset == target && c.payout_address == address && c.payout_extra_id == extra_id;
}

/// What a person says about a channel; the rest the channel keeps itself.
void take_terms(channel& into, const channel& terms) {
  into.open_channel_id = terms.open_channel_id;
  into.closed_channel_id = terms.closed_channel_id;
  into.open_title = terms.open_title;
  into.closed_title = terms.closed_title;
  into.description = terms.description;
  into.owner_chat_id = terms.owner_chat_id;
  into.tiers = terms.tiers;
  into.donations = terms.donations;
  into.strategy = terms.strategy;
  into.threshold = terms.threshold;
  into.payout_asset = terms.payout_asset;
  into.payout_address = terms.payout_address;
  into.payout_extra_id = terms.payout_extra_id == no_memo ? std::string() : terms.payout_extra_id;
  into.trial_days = terms.trial_days;
  into.owner_user_id = terms.owner_user_id;
  // A private chat has its user's id.
  if (into.owner_user_id == 0 && terms.owner_chat_id > 0) into.owner_user_id = terms.owner_chat_id;
  // Terms that do not name the account keep it.
  if (!terms.owner_account.empty()) into.owner_account = terms.owner_account;
}

std::string minutes_text(milliseconds span) {
  const auto minutes = std::chrono::ceil<std::chrono::minutes>(span).count();
  return std::to_string(minutes) + (minutes == 1 ? " minute" : " minutes");
}

struct channel_step {
  const channel& state;
  bool exists;
  const step_context& context;

  verdict<channel> unchanged(entity_reply reply = ok{}) const { return channels::unchanged(state, std::move(reply)); }
  step begin(std::string note) const { return channels::begin(state, std::move(note)); }
  bool is_live() const { return exists && state.status != channel_status::closed && state.status != channel_status::refused; }

  static void tell_owner(channel& c, channel_notice notice) {
    c.owed_notice = notice;
    ++c.notice_seq;
    channels::owe_mail(c, notice);
  }

  // --- terms ---

  verdict<channel> operator()(const register_channel& command) const {
    if (command.terms.open_channel_id == 0 || std::to_string(command.terms.open_channel_id) != context.self.id)
      return refused{refusal::invalid, "the open channel's id is missing or not this channel's"};
    if (auto why = objection_to_terms(command.terms); !why.empty()) return refused{refusal::invalid, why};
    auto next = exists ? state : channel{};
    take_terms(next, command.terms);
    return command.by_owner ? by_owner(command.terms, std::move(next)) : by_operator(std::move(next));
  }

  /// Terms that read as before keep the post that stands.
  void put_on_sale(channel& next, bool keeps_post) const {
    next.status = keeps_post ? state.status : channel_status::registered;
    if (!keeps_post) next.posts.offer_due_at = context.now;
    if (!next.donations)
      next.posts.donation_due_at.reset();
    else if (!next.posts.donation_due_at)
      next.posts.donation_due_at = next_post_at(next.posts, context.now, context.rules);
  }

  verdict<channel> by_operator(channel next) const {
    const auto keeps_post = exists && is_on_sale(state.status) && same_post(state, next);
    put_on_sale(next, keeps_post);
    if (exists && next == state) return unchanged();
    auto out = begin(exists ? "terms changed" : "registered");
    out.next = std::move(next);
    claim_slot(out, true);
    return out;
  }

  /// Leaves `next` with the place that is in force; answers what was asked for instead.
  change_payout keep_place(channel& next) const {
    change_payout wish{next.payout_asset, next.payout_address, next.payout_extra_id, "t" + std::to_string(state.notice_seq + 1), true, {}};
    next.payout_asset = state.payout_asset;
    next.payout_address = state.payout_address;
    next.payout_extra_id = state.payout_extra_id;
    return wish;
  }

  bool is_in_force(const change_payout& wish) const { return same_place(state, wish.target, wish.address, wish.extra_id); }

  /// Coins of older orders may still come for what was closed: its owner's other place is confirmed like any other.
  verdict<channel> anew(const channel& asked, channel next) const {
    next.owner_account = asked.owner_account;
    channels::drop_change(next);
    next.status = channel_status::claiming;
    auto out = begin("asked for by its owner");
    out.next = std::move(next);
    claim_slot(out, false);
    if (!is_owned_by(state, asked.owner_user_id, asked.owner_account)) return out;
    if (const auto wish = keep_place(out.next); !is_in_force(wish)) ask_for_change(out.next, wish);
    return out;
  }

  verdict<channel> by_owner(const channel& asked, channel next) const {
    if (asked.owner_user_id == 0 && asked.owner_account.empty()) return refused{refusal::invalid, "a channel needs its owner"};
    if (!is_live()) return anew(asked, std::move(next));
    const bool nobodys = state.owner_user_id == 0 && state.owner_account.empty();
    if (!nobodys && !is_owned_by(state, asked.owner_user_id, asked.owner_account))
      return refused{refusal::conflict, "this channel is registered by somebody else"};
    if (!nobodys) next.owner_user_id = state.owner_user_id, next.owner_account = state.owner_account;
    if (next.owner_chat_id == 0) next.owner_chat_id = state.owner_chat_id;
    const auto wish = keep_place(next);
    const auto keeps_post = is_on_sale(state.status) && same_post(state, next);
    put_on_sale(next, keeps_post);
    // Whatever has been on sale has its place, and may hold value: it is never refused, since what is refused is anybody's to register
    // anew, with a place of their own.
    const bool claims = state.status == channel_status::claiming;
    if (claims) next.status = channel_status::claiming;
    const auto& asked_for = state.change;
    const bool moves = !is_in_force(wish)
                       && (asked_for.token.empty() || asked_for.target != wish.target || asked_for.address != wish.address
                           || asked_for.extra_id != wish.extra_id);
    if (!moves && next == state) return unchanged();
    auto out = begin("terms changed");
    out.next = std::move(next);
    if (claims || nobodys) claim_slot(out, !claims);
    if (moves) ask_for_change(out.next, wish);
    return out;
  }

  static void claim_slot(step& out, bool granted) {
    out.rows.emplace_back(slot_claimed{out.next.open_channel_id, out.next.owner_user_id, out.next.owner_account, granted});
  }

  /// As others see it.
  static entity_reply view(channel c) {
    c.mail.email.clear();
    c.mail.secret.clear();
    return channel_view{std::make_shared<const channel>(std::move(c))};
  }

  verdict<channel> operator()(const get_channel& question) const {
    if (exists && state.status == channel_status::claiming) return refused{refusal::busy, "the channel is being registered"};
    if (exists && state.status == channel_status::refused)
      return refused{refusal::conflict,
                     "its owner has " + std::to_string(channels_of_owner_max) + " channels already, more are not possible"};
    if (!exists || !(question.to_pay_out || is_on_sale(state.status))) return refused{refusal::not_found, "the channel is not on sale"};
    return unchanged(view(state));
  }

  bool is_stranger(std::int64_t user) const { return user != 0 && user != state.owner_user_id; }

  verdict<channel> operator()(const close_channel& command) const {
    if (!exists) return refused{refusal::not_found, "there is no such channel"};
    if (is_stranger(command.user_id)) return refused{refusal::conflict, "this channel is somebody else's"};
    if (state.status == channel_status::draining || state.status == channel_status::closed) return unchanged();
    if (!is_on_sale(state.status)) return refused{refusal::out_of_order, "the channel is not on sale"};
    auto out = begin("closed to new sales");
    out.next.status = channel_status::draining;
    take_down_posts(out.next);
    tell_owner(out.next, channel_notice::draining);
    return out;
  }

  // --- where the owner is paid ---

  void ask_for_change(channel& c, const change_payout& wish) const {
    const bool by_button = wish.in_telegram && c.owner_chat_id != 0;
    c.change = {wish.target, wish.address, wish.extra_id, wish.token, by_button, false, context.now + confirmation_patience, {}};
    // Another account may manage the channel, through its owner's Telegram user; it neither confirms nor hides what the owner's own one is
    // told. A channel that was registered in the bot has none: whoever has its chat confirms there.
    c.mail.account = c.owner_account.empty() && c.owner_chat_id == 0 ? wish.account : c.owner_account;
    tell_owner(c, channel_notice::payout_asked);
  }

  verdict<channel> operator()(const change_payout& command) const {
    if (!is_live()) return refused{refusal::not_found, "there is no such channel"};
    if (command.token.empty() || command.token.size() > token_max) return refused{refusal::invalid, "a change needs a token"};
    auto extra_id = command.extra_id == no_memo ? std::string() : command.extra_id;
    // A repeat, perhaps after it was confirmed or took effect.
    if (state.change.token == command.token) return unchanged();
    if (auto why = objection_to_payout(command.target, command.address, command.extra_id); !why.empty())
      return refused{refusal::invalid, why};
    if (same_place(state, command.target, command.address, extra_id)) return unchanged();
    auto out = begin("another payout address is asked for");
    auto wish = command;
    wish.extra_id = std::move(extra_id);
    ask_for_change(out.next, wish);
    return out;
  }

  bool names_change(const std::string& token, std::int64_t user = 0) const {
    return exists && !token.empty() && state.change.token == token && !is_stranger(user);
  }

  verdict<channel> operator()(const confirm_payout_change& command) const {
    if (!names_change(command.token, command.user_id))
      return refused{refusal::conflict, "no change of the payout address waits for this confirmation"};
    if (state.change.confirmed) return unchanged();
    if (context.now >= *state.change.at) return refused{refusal::conflict, "the confirmation came too late: the change was forgotten"};
    return confirmed("another payout address is confirmed");
  }

  /// Their hashes are compared, so how long that takes tells nothing of the token.
  verdict<channel> operator()(const confirm_payout_by_mail& command) const {
    const bool fits = exists && !command.token.empty() && state.change.mail_token == command.token;
    if (fits && state.change.confirmed) return unchanged();
    if (!fits || context.now >= *state.change.at) return refused{refusal::invalid, "The link is not valid, or not any more."};
    return confirmed("another payout address is confirmed by mail");
  }

  verdict<channel> confirmed(std::string note) const {
    auto out = begin(std::move(note));
    out.next.change.confirmed = true;
    out.next.change.at = context.now + context.rules.payout_address_delay;
    tell_owner(out.next, channel_notice::payout_confirmed);
    return out;
  }

  /// Without a token: whatever is under way, asked for by who has made sure that it is the owner's wish.
  verdict<channel> operator()(const cancel_payout_change& command) const {
    const bool whatever = exists && command.token.empty() && command.user_id == 0 && !state.change.token.empty();
    if (!whatever && !names_change(command.token, command.user_id))
      return refused{refusal::conflict, "no such change of the payout address is under way"};
    auto out = begin("the payout address stays");
    channels::drop_change(out.next);
    tell_owner(out.next, channel_notice::payout_kept);
    return out;
  }

  verdict<channel> operator()(const settle_payout_change& command) const {
    if (!names_change(command.token) || context.now < *state.change.at) return unchanged();
    const auto& change = state.change;
    auto out = begin(change.confirmed ? "the payout address is another" : "a change was not confirmed in time");
    auto& c = out.next;
    if (change.confirmed) {
      c.payout_asset = change.target;
      c.payout_address = change.address;
      c.payout_extra_id = change.extra_id;
    }
    channels::drop_change(c);
    tell_owner(c, change.confirmed ? channel_notice::payout_changed : channel_notice::payout_lapsed);
    return out;
  }

  // --- what Telegram and subscriptions say of the bot's rights ---

  verdict<channel> operator()(const rights_changed& event) const {
    if (!exists) return refused{refusal::not_found, "there is no such channel"};
    return channels::take(state, event);
  }

  verdict<channel> operator()(const report_rights& event) const {
    if (!exists) return refused{refusal::not_found, "there is no such channel"};
    return channels::take(state, event);
  }

  // --- what came of our work ---

  verdict<channel> operator()(const effect_done& message) const {
    if (!exists) return refused{refusal::not_found, "there is no such channel"};
    if (message.key.starts_with("rights:")) return channels::take_told(state, message, context.now);
    const auto due = channel_kind::effects_due(state, context.self, context.now, context.rules);
    if (std::none_of(due.begin(), due.end(), [&](const effect& e) { return e.key == message.key; })) return unchanged();
    if (channels::is_of_mail(message.key)) return channels::take_mailed(state, message);
    const auto* io = std::get_if<io_outcome>(&message.outcome);
    if (message.key.starts_with("wake:") && !io) return channels::take_woken(state, std::string_view(message.key).substr(5));
    if (!io) return unchanged();
    if (message.key.starts_with("notice:")) return told(*io);
    if (const auto* waiting = std::get_if<waiting_seen>(io)) return channels::take_waiting(state, *waiting);
    if (const auto* slot = std::get_if<owner_slot_seen>(io)) return slot_read(*slot);
    if (const auto* left = std::get_if<channel_holdings>(io)) return looked(*left);
    if (message.key.starts_with("retire:")) return retired(*io);
    return unchanged();
  }

  /// A chat that refuses messages is not told.
  verdict<channel> told(const io_outcome& outcome) const {
    const auto* failure = std::get_if<io_failure>(&outcome);
    if (!failure && !std::holds_alternative<message_sent>(outcome)) return unchanged();
    auto out = begin(failure ? "the owner cannot be told: " + failure->text : "the owner is told");
    out.next.owed_notice = channel_notice::none;
    return out;
  }

  verdict<channel> slot_read(const owner_slot_seen& slot) const {
    auto out = begin(slot.granted ? "registered" : "its owner has " + std::to_string(slot.used) + " channels already");
    out.next.status = channel_status::refused;
    if (slot.granted) put_on_sale(out.next, false);
    return out;
  }

  verdict<channel> looked(const channel_holdings& left) const {
    if (!left.none()) return unchanged();
    auto out = begin("closed");
    out.next.status = channel_status::closed;
    channels::drop_change(out.next);
    out.rows.emplace_back(slot_returned{state.open_channel_id});
    tell_owner(out.next, channel_notice::closed);
    return out;
  }

  verdict<channel> retired(const io_outcome& outcome) const {
    const auto post = next_retired(state);
    const auto* failure = std::get_if<io_failure>(&outcome);
    auto out = begin(failure ? "the old post " + post->mark + " stays: " + failure->text : "old post deleted");
    drop_retired(out.next, post->mark);
    return out;
  }

  // --- posts ---

  verdict<channel> operator()(const claim_broadcast& command) const {
    if (!exists || !is_on_sale(state.status)) return refused{refusal::not_found, "the channel is not on sale"};
    if (command.what == broadcast_what::donation && !state.donations) return refused{refusal::conflict, "the channel takes no donations"};
    if (command.scheduled || state.posts.manual_id == command.broadcast_id)
      return unchanged(view(state));
    const auto interval = context.rules.broadcast_manual_interval;
    if (state.posts.manual_at && context.now < *state.posts.manual_at + interval)
      return refused{refusal::conflict, "broadcasts of a channel are at least " + minutes_text(interval)
                                            + " apart: the next one is possible at "
                                            + to_text(*state.posts.manual_at + interval).substr(11, 8) + " UTC"};
    auto out = begin("broadcast " + command.broadcast_id);
    out.next.posts.manual_id = command.broadcast_id;
    out.next.posts.manual_at = context.now;
    out.reply = view(out.next);
    return out;
  }

  verdict<channel> operator()(const post_placed& command) const {
    if (!exists) return refused{refusal::not_found, "there is no such channel"};
    auto out = begin(std::string(to_text(command.what)) + (command.message_id != 0 ? " posted" : " not posted"));
    place_post(out.next, command, context.now, context.rules);
    out.changed = !(out.next == state);
    return out;
  }

  verdict<channel> operator()(const schedule_posts& command) const {
    if (!exists || !is_on_sale(state.status)) return refused{refusal::not_found, "the channel is not on sale"};
    if (auto why = objection_to_schedule(command); !why.empty()) return refused{refusal::invalid, why};
    auto out = begin("posts " + std::string(to_text(command.cadence)));
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
