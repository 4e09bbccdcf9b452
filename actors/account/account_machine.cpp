#include "actors/account/account_machine.hpp"

#include <algorithm>

#include "actors/account/account_parts.hpp"

namespace paygate {

namespace {

using namespace account_parts;

/// A token that is good now. Their hashes are compared, so how long that takes tells nothing of the token.
bool fits(const std::string& kept, const std::optional<timestamp>& until, const std::string& shown, timestamp now) {
  return !kept.empty() && kept == shown && until && now < *until;
}

struct account_step {
  const account& state;
  bool exists;
  const step_context& context;

  const refused no_token{refusal::invalid, "The link is not valid, or not any more."};
  const refused nobody{refusal::not_found, "there is no such account"};

  verdict<account> unchanged(entity_reply reply = ok{}) const { return account_parts::unchanged(state, std::move(reply)); }
  step begin(std::string note) const { return account_parts::begin(state, std::move(note)); }
  bool is_open() const { return exists && (state.status == account_status::active || state.status == account_status::closing); }
  account_view view(const account& a) const { return view_of(a, context.self.id); }

  // --- the beginning ---

  verdict<account> operator()(const open_account& command) const {
    if (exists) return state.user_name == command.user_name ? unchanged() : refused{refusal::conflict, "the account is open already"};
    const auto is_word = [](const std::string& text) { return !text.empty() && text.find_first_of(", \n") == text.npos; };
    if (!is_word(command.user_name) || !is_word(command.email) || command.password_hash.empty())
      return refused{refusal::invalid, "a name, an address or a password is missing or malformed"};
    auto out = begin("opened");
    auto& a = out.next;
    a.user_name = command.user_name;
    a.email = command.email;
    a.password_hash = command.password_hash;
    a.opened_at = context.now;
    // The address first: a sign-up with one that is taken ends here, without having touched the name for good.
    a.owed_names = "confirm " + mail_id(a.email) + ",confirm " + name_id(a.user_name);
    a.status = command.email_verified ? account_status::active : account_status::unverified;
    if (!command.email_verified) a.lapses_at = context.now + account_kind::unverified_life;
    return out;
  }

  /// False: too many were asked for already.
  bool may_mail(account& a) const {
    if (a.mails_at && context.now - *a.mails_at >= std::chrono::hours(24)) a.mails_asked = 0;
    const auto apart = a.mails_asked < account_kind::mails_free ? account_kind::mails_apart : account_kind::mails_apart_later;
    if (a.mails_at && context.now - *a.mails_at < apart) return false;
    a.mails_at = context.now;
    ++a.mails_asked;
    return true;
  }

  verdict<account> mail_on_demand(const std::string& mail, std::string note) const {
    auto out = begin(std::move(note));
    if (owes(state, mail) || !may_mail(out.next)) return unchanged();
    owe(out.next, mail);
    return out;
  }

  verdict<account> operator()(const address_wanted&) const {
    if (!exists) return nobody;
    // Unverified: whoever reads the address's mail is its owner, whoever signed up first. They set a password of their own.
    if (state.status == account_status::unverified) return mail_on_demand("reset", "signed up again");
    if (is_open()) return mail_on_demand("taken", "signed up again");
    return unchanged();
  }

  verdict<account> operator()(const ask_verification&) const {
    if (!exists || state.status == account_status::phantom) return seen_by_phantom();
    return state.status == account_status::unverified ? mail_on_demand("verify", "verification asked for") : unchanged();
  }

  verdict<account> operator()(const ask_reset&) const {
    if (!exists || state.status == account_status::phantom) return seen_by_phantom();
    return is_open() || state.status == account_status::unverified ? mail_on_demand("reset", "reset asked for") : unchanged();
  }

  /// The same work as of an account that sends a mail.
  verdict<account> seen_by_phantom() const {
    auto out = begin("asked of nobody");
    out.next.status = account_status::phantom;
    if (!may_mail(out.next)) return unchanged();
    return out;
  }

  // --- logging in ---

  void know(account& a, const std::string& network) const {
    auto both = read_guards(a.guard);
    both.by_name.succeed(network, context.now);
    both.by_mail.succeed(network, context.now);
    a.guard = to_text(both);
  }

  verdict<account> operator()(const begin_login& command) const {
    auto both = read_guards(state.guard);
    auto& guard = command.by_mail ? both.by_mail : both.by_name;
    if (const auto wait = guard.begin(command.network, context.now); wait.count() > 0) return unchanged(login_view{wait, ""});
    auto out = begin("a log-in began");
    out.next.guard = to_text(both);
    out.reply = login_view{milliseconds(0), is_open() ? state.password_hash : std::string()};
    return out;
  }

  verdict<account> operator()(const login_succeeded& event) const {
    if (!is_open() || event.old_hash != state.password_hash) return refused{refusal::conflict, "the password was changed meanwhile"};
    auto out = begin(event.new_hash.empty() ? "logged in" : "logged in, hash renewed");
    know(out.next, event.network);
    out.next.last_login_at = context.now;
    if (!event.new_hash.empty()) out.next.password_hash = event.new_hash;
    out.reply = view(out.next);
    return out;
  }

  verdict<account> operator()(const get_account& command) const {
    if (!is_open()) return nobody;
    if (command.login_epoch >= 0 && command.login_epoch != state.login_epoch) return refused{refusal::conflict, "logged out"};
    return unchanged(view(state));
  }

  verdict<account> operator()(const log_out_everywhere&) const {
    if (!is_open()) return nobody;
    auto out = begin("logged out everywhere");
    ++out.next.login_epoch;
    return out;
  }

  // --- address and password ---

  static void activate(account& a) {
    if (a.status != account_status::unverified) return;
    a.status = account_status::active;
    a.lapses_at.reset();
    forget(a.verify_token, a.verify_until);
    disown(a, "verify");
    owe(a, "welcome");
  }

  verdict<account> operator()(const confirm_email& command) const {
    if (!exists) return no_token;
    if (state.status == account_status::unverified && fits(state.verify_token, state.verify_until, command.token, context.now)) {
      auto out = begin("address confirmed");
      activate(out.next);
      return out;
    }
    if (is_open() && fits(state.change_token, state.change_until, command.token, context.now)) {
      auto out = begin("address changed");
      auto& a = out.next;
      add_to(a.owed_names, "confirm " + mail_id(a.pending_email));
      add_to(a.owed_names, "release " + mail_id(a.email));
      a.notice_email = std::exchange(a.email, std::exchange(a.pending_email, {}));
      forget(a.change_token, a.change_until);
      // A link to set a password went to the address that is no more.
      forget(a.reset_token, a.reset_until);
      disown(a, "reset");
      owe(a, "changed");
      return out;
    }
    return no_token;
  }

  static void set_password(account& a, const std::string& hash) {
    a.password_hash = hash;
    ++a.login_epoch;
    forget(a.reset_token, a.reset_until);
    disown(a, "reset");
    owe(a, "password");
  }

  verdict<account> operator()(const reset_password& command) const {
    const bool possible = is_open() || (exists && state.status == account_status::unverified);
    if (!possible || command.password_hash.empty() || !fits(state.reset_token, state.reset_until, command.token, context.now))
      return no_token;
    auto out = begin("password reset");
    set_password(out.next, command.password_hash);
    activate(out.next);
    know(out.next, command.network);
    return out;
  }

  verdict<account> operator()(const change_password& command) const {
    if (!is_open()) return nobody;
    if (command.password_hash.empty()) return refused{refusal::invalid, "no password"};
    auto out = begin("password changed");
    set_password(out.next, command.password_hash);
    out.reply = view(out.next);
    return out;
  }

  verdict<account> operator()(const change_email& command) const {
    if (!is_open()) return nobody;
    if (command.email.empty() || command.email.find_first_of(", \n") != std::string::npos) return refused{refusal::invalid, "no address"};
    if (mail_id(command.email) == mail_id(state.email) || command.email == state.pending_email) return unchanged(view(state));
    auto out = begin("another address asked for");
    auto& a = out.next;
    if (!a.pending_email.empty()) add_to(a.owed_names, "release " + mail_id(a.pending_email));
    a.pending_email = command.email;
    forget(a.change_token, a.change_until);
    disown(a, "change");
    disown(a, "notice");
    add_to(a.owed_names, "reserve " + mail_id(a.pending_email));
    out.reply = view(a);
    return out;
  }

  // --- Telegram ---

  verdict<account> operator()(const offer_link& command) const {
    if (!is_open()) return nobody;
    auto out = begin("link to Telegram offered");
    out.next.link_token = command.token;
    out.next.link_user_id = 0;
    out.next.link_until = context.now + account_kind::link_life;
    return out;
  }

  /// The token is used up by who shows it first: a link that somebody was tricked into following joins nobody before they have seen with
  /// what, and said yes.
  verdict<account> operator()(const claim_link& command) const {
    if (is_open() && command.user_id != 0 && state.link_user_id == command.user_id && state.link_until && context.now < *state.link_until)
      return unchanged(view(state));
    if (!is_open() || command.user_id == 0 || !fits(state.link_token, state.link_until, command.token, context.now)) return no_token;
    auto out = begin("link to Telegram followed");
    out.next.link_user_id = command.user_id;
    out.next.link_token.clear();
    out.reply = view(out.next);
    return out;
  }

  verdict<account> operator()(const link_telegram& command) const {
    // A repeat of what was done.
    if (is_open() && command.user_id != 0 && state.telegram_user_id == command.user_id && state.link_user_id == 0) return unchanged();
    const bool claimed = is_open() && command.user_id != 0 && state.link_user_id == command.user_id;
    if (!claimed || !state.link_until || context.now >= *state.link_until) return no_token;
    auto out = begin("linked to Telegram");
    out.next.telegram_user_id = command.user_id;
    out.next.telegram_name = command.user_name;
    out.next.link_user_id = 0;
    forget(out.next.link_token, out.next.link_until);
    owe(out.next, "linked");
    return out;
  }

  verdict<account> operator()(const unlink_telegram& command) const {
    if (!is_open()) return nobody;
    if (command.user_id == 0 || state.telegram_user_id != command.user_id) return unchanged();
    auto out = begin("not linked to Telegram any more");
    out.next.telegram_user_id = 0;
    out.next.telegram_name.clear();
    owe(out.next, "unlinked");
    ++out.next.login_epoch;
    return out;
  }

  // --- the end ---

  verdict<account> operator()(const close_account&) const {
    if (!is_open()) return nobody;
    if (state.status == account_status::closing) return unchanged();
    auto out = begin("closing");
    out.next.status = account_status::closing;
    ++out.next.login_epoch;
    return out;
  }

  verdict<account> operator()(const lapse_account&) const {
    if (!exists || state.status != account_status::unverified || !state.lapses_at || context.now < *state.lapses_at) return unchanged();
    auto out = begin("never confirmed");
    close(out, false);
    return out;
  }

  verdict<account> operator()(const effect_done& message) const {
    if (!exists) return nobody;
    const auto due = account_kind::effects_due(state, context.self, context.now, context.rules);
    if (std::none_of(due.begin(), due.end(), [&](const effect& e) { return e.key == message.key; })) return unchanged();
    return outcome_of(state, message, context);
  }
};

} // namespace

verdict<account> account_kind::apply(const account& state, bool exists, const account_message& message, const step_context& context) {
  auto decided = std::visit(account_step{state, exists, context}, message);
  // Said twice within a microsecond.
  if (auto* out = std::get_if<step>(&decided); out && exists && out->next == state) out->changed = false;
  return decided;
}

std::string_view first_owed(std::string_view list) { return list.substr(0, list.find(',')); }

} // namespace paygate
