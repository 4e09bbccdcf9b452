#include "actors/channel/channel_mail.hpp"

#include "actors/channel/channel_parts.hpp"
#include "actors/mail/letter.hpp"
#include "messages/text.hpp"

namespace paygate::channels {

namespace {

std::string place_text(const asset& target, const std::string& address, const std::string& extra_id) {
  return target.ticker + " on " + target.network + ": " + address + (extra_id.empty() ? "" : " with the memo " + extra_id);
}

send_mail mail_of(const channel& s, const policy& rules) {
  const auto wished = place_text(s.change.target, s.change.address, s.change.extra_id);
  if (s.mail.owed == channel_notice::payout_asked)
    return letter("Confirm the new payout address")
        .say("Another payout address was asked for, for your channel \"" + s.open_title + "\":")
        .say(wished)
        .say("Until you confirm it nothing changes. The link is good until " + moment_text(*s.change.at) + ".")
        .link(rules.public_url + "/confirm-payout?token=" + std::to_string(s.open_channel_id) + "." + s.mail.secret,
              "Confirm the new address")
        .say("It was not you? Then do not confirm it, and change your password now.")
        .to(s.mail.email);
  if (s.mail.owed == channel_notice::payout_confirmed)
    return letter("Your payout address is about to change")
        .say("Payouts of your channel \"" + s.open_title + "\" go to another address from " + moment_text(*s.change.at) + " on:")
        .say(wished)
        .say("It was not you? Then log in, take the change back, and change your password now.")
        .to(s.mail.email);
  return letter("Your payout address was changed")
      .say("Payouts of your channel \"" + s.open_title + "\" go to this address now:")
      .say(place_text(s.payout_asset, s.payout_address, s.payout_extra_id))
      .say("It was not you? Then please write to us at once.")
      .to(s.mail.email);
}

effect make(std::string key, std::variant<io_request, ask_entity> request) {
  return {std::move(key), std::move(request), timestamp{}, milliseconds(1'000), milliseconds(60'000)};
}

void settle_mail(channel& c) {
  c.mail.owed = channel_notice::none;
  c.mail.email.clear();
  c.mail.secret.clear();
}

verdict<channel> addressed(const channel& state, const entity_reply& reply) {
  if (const auto* account = std::get_if<account_view>(&reply)) {
    auto out = begin(state, "the account has an address");
    out.next.mail.email = account->email;
    return out;
  }
  const auto* no = std::get_if<refused>(&reply);
  if (!no || is_for_now(no->code)) return unchanged(state);
  auto out = begin(state, "no mail: the account has no confirmed address");
  settle_mail(out.next);
  return out;
}

} // namespace

void owe_mail(channel& c, channel_notice notice) {
  if (notice != channel_notice::payout_asked && notice != channel_notice::payout_confirmed && notice != channel_notice::payout_changed)
    return;
  settle_mail(c);
  if (c.mail.account.empty()) return;
  c.mail.owed = notice;
  ++c.mail.seq;
}

void drop_change(channel& c) {
  c.change = {};
  if (c.mail.owed != channel_notice::payout_changed) settle_mail(c);
}

std::optional<effect> mail_effect(const channel& state, const policy& rules) {
  const auto& mail = state.mail;
  if (mail.owed == channel_notice::none) return std::nullopt;
  const auto number = std::to_string(mail.seq);
  if (mail.email.empty())
    return make("address:" + number, ask_entity{{entity_kind::account, mail.account}, account_message{get_account{}}});
  if (mail.owed == channel_notice::payout_asked && mail.secret.empty()) return make("secret:" + number, io_request(make_secret{}));
  return make("mail:" + number, io_request(mail_of(state, rules)));
}

bool is_of_mail(std::string_view effect_key) {
  return effect_key.starts_with("address:") || effect_key.starts_with("secret:") || effect_key.starts_with("mail:");
}

verdict<channel> take_mailed(const channel& state, const effect_done& message) {
  if (const auto* reply = std::get_if<entity_reply>(&message.outcome)) return addressed(state, *reply);
  const auto& outcome = std::get<io_outcome>(message.outcome);
  if (const auto* made = std::get_if<secret_made>(&outcome)) {
    auto out = begin(state, "token made");
    out.next.mail.secret = made->secret;
    out.next.change.mail_token = made->hash;
    return out;
  }
  const auto* failure = std::get_if<io_failure>(&outcome);
  if (!failure && !std::holds_alternative<done>(outcome)) return unchanged(state);
  // A mail that is refused for good: the change may still be confirmed in Telegram, or asked for again.
  auto out = begin(state, failure ? "mail refused: " + failure->code : "mail sent");
  if (failure) out.rows.emplace_back(failure_listed{failure->code, "a mail is refused: " + failure->text});
  settle_mail(out.next);
  return out;
}

} // namespace paygate::channels
