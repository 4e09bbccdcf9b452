#include "actors/account/account_parts.hpp"

namespace paygate::account_parts {

namespace {

/// What came of a look at its channels, or of telling one that it closes.
verdict<account> drain(const account& state, const std::string& key, const account_channels* seen) {
  auto out = begin(state, "drains");
  if (!seen) {
    std::erase_if(out.next.selling, [&](std::int64_t id) { return key == "close:" + std::to_string(id); });
    return out;
  }
  if (seen->open == 0) {
    close(out, true);
    out.note = "closed";
    return out;
  }
  out.next.selling = seen->selling;
  return out;
}

verdict<account> take_secret(const account& state, const secret_made& made, timestamp now) {
  auto out = begin(state, "token made");
  auto& a = out.next;
  const auto mail = first_owed(a.owed_mails);
  if (mail.starts_with("verify:")) {
    a.verify_token = made.hash;
    a.verify_until = now + account_kind::verify_life;
  } else if (mail.starts_with("reset:")) {
    a.reset_token = made.hash;
    a.reset_until = now + account_kind::reset_life;
  } else {
    a.change_token = made.hash;
    a.change_until = now + account_kind::change_life;
  }
  a.secret = made.secret;
  return out;
}

/// A name that was to be confirmed is another account's.
void lose(step& out, bool is_address, const std::string& owner) {
  auto& a = out.next;
  if (a.status != account_status::unverified) {
    out.rows.emplace_back(failure_listed{"name_lost", "a name of this account is another account's"});
  } else if (is_address) {
    // Who signed up learns nothing of it, only the owner does. The user name stays reserved as it would be for a new account.
    a.status = account_status::closed;
    ++a.login_epoch;
    a.owed_names = "tell " + owner;
  } else {
    close(out, false);
  }
  out.note = is_address ? "the address is taken" : "the name is taken";
}

verdict<account> named(const account& state, const std::string& errand, const entity_reply& reply, const std::string& own_id) {
  auto out = begin(state, "name: " + errand.substr(0, errand.find(' ')));
  auto& a = out.next;
  drop_first(a.owed_names);
  const auto* name = std::get_if<name_view>(&reply);
  const bool lost = name && name->account_id != own_id;
  if (errand.starts_with("reserve ")) {
    // Replaced by a newer wish meanwhile, or closed: what was reserved is released by an errand behind this one.
    const bool wanted = a.status != account_status::closed && !a.pending_email.empty() && errand.substr(8) == mail_id(a.pending_email);
    if (wanted && lost) {
      a.pending_email.clear();
      add_to(a.owed_names, "tell " + name->account_id);
    } else if (wanted) {
      owe(a, "change");
      owe(a, "notice");
    }
  } else if (errand.starts_with("confirm ") && a.status != account_status::closed) {
    const bool is_address = errand.substr(8) == mail_id(a.email);
    if (!lost && is_address && a.status == account_status::unverified) owe(a, "verify");
    if (lost) lose(out, is_address, name->account_id);
  }
  wipe_when_done(a);
  return out;
}

} // namespace

verdict<account> outcome_of(const account& state, const effect_done& message, const step_context& context) {
  if (const auto* reply = std::get_if<entity_reply>(&message.outcome)) {
    if (message.key.starts_with("name:")) return named(state, message.key.substr(5), *reply, context.self.id);
    if (message.key.starts_with("close:")) return drain(state, message.key, nullptr);
    return unchanged(state);
  }
  const auto& outcome = std::get<io_outcome>(message.outcome);
  if (const auto* made = std::get_if<secret_made>(&outcome)) return take_secret(state, *made, context.now);
  if (const auto* seen = std::get_if<account_channels>(&outcome)) return drain(state, message.key, seen);
  const auto* failure = std::get_if<io_failure>(&outcome);
  const bool is_mail = message.key.starts_with("mail:") || message.key.starts_with("secret:");
  if (!is_mail || (!failure && !std::holds_alternative<done>(outcome))) return unchanged(state);
  // A mail that is refused for good would hold up the others; the person can ask again.
  auto out = begin(state, failure ? "mail refused: " + failure->code : "mail sent");
  if (failure) out.rows.emplace_back(failure_listed{failure->code, "a mail is refused: " + failure->text});
  drop_first(out.next.owed_mails);
  out.next.secret.clear();
  wipe_when_done(out.next);
  return out;
}

} // namespace paygate::account_parts
