#include "actors/account/account_texts.hpp"

#include "actors/mail/letter.hpp"

namespace paygate {

bool needs_secret(std::string_view mail) { return mail == "verify" || mail == "reset" || mail == "change"; }

send_mail mail_of(const account& s, std::string_view mail, const std::string& account_id, const policy& rules) {
  const auto token = account_id + "." + s.secret;
  const auto verify_url = rules.public_url + "/verify-email?token=" + token;
  const auto reset_url = rules.public_url + "/reset-password?token=" + token;
  if (mail == "verify")
    return letter("Confirm your e-mail address")
        .say("Hello " + s.user_name + ", welcome to PayGatePrime. Please confirm that this is your address; the link is good for 24 hours.")
        .link(verify_url, "Confirm my address")
        .say("You did not sign up? Then do nothing: the account will not come to be.")
        .to(s.email);
  if (mail == "welcome")
    return letter("Welcome to PayGatePrime")
        .say("Hello " + s.user_name + ", your address is confirmed and you can log in.")
        .say("Next: link your Telegram account, then register your channels.")
        .to(s.email);
  if (mail == "taken")
    return letter("You have an account already")
        .say("Somebody signed up with this address. You have an account already; its user name is " + s.user_name + ".")
        .say("If that was you: log in, or ask for a new password. If not, there is nothing to do.")
        .to(s.email);
  if (mail == "reset")
    return letter("Set a new password")
        .say("Somebody asked for a new password for " + s.user_name + ". The link is good for one hour and for one use.")
        .link(reset_url, "Set a new password")
        .say("It was not you? Then do nothing: your password stays as it is.")
        .to(s.email);
  if (mail == "change")
    return letter("Confirm your new e-mail address")
        .say("Hello " + s.user_name + ", please confirm that this is to be the address of your account; the link is good for 24 hours.")
        .link(verify_url, "Confirm my new address")
        .say("You did not ask for this? Then do nothing.")
        .to(s.pending_email);
  if (mail == "notice")
    return letter("Your e-mail address is about to change")
        .say("Somebody who is logged in to your account " + s.user_name + " asked to change its address to " + s.pending_email + ".")
        .say("It was not you? Then change your password now; that ends all sessions.")
        .to(s.email);
  if (mail == "changed")
    return letter("Your e-mail address was changed")
        .say("The address of your account " + s.user_name + " is now " + s.email + ". Mails do not come here any more.")
        .say("It was not you? Then please write to us at once.")
        .to(s.notice_email);
  if (mail == "password")
    return letter("Your password was changed")
        .say("The password of your account " + s.user_name + " was changed, and all sessions were ended.")
        .say("It was not you? Then ask for a new password at once.")
        .to(s.email);
  if (mail == "linked")
    return letter("Your account is linked to Telegram")
        .say("Your account " + s.user_name + " is now linked to the Telegram user " + s.telegram_name + ".")
        .say("It was not you? Then change your password and link your own Telegram account again.")
        .to(s.email);
  if (mail == "unlinked")
    return letter("Your account is not linked to Telegram any more")
        .say("The Telegram user that your account " + s.user_name + " was linked to has undone it. All sessions were ended.")
        .say("It was you? Then link another Telegram account when you like.")
        .to(s.email);
  return letter("Your account is closed")
      .say("Your account " + s.user_name + " is closed. What was earned before is still paid out as agreed.")
      .to(s.email);
}

} // namespace paygate
