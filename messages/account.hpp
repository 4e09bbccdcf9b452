#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "messages/effects.hpp"

namespace paygate {

enum class account_status : std::uint8_t {
  phantom,    ///< Nobody's: it takes the log-ins and requests for names and addresses that nobody has, so that these look like anybody's.
  unverified, ///< Signed up; the e-mail address was not confirmed yet. Nobody can log in.
  active,
  closing, ///< Told to close: its channels sell nothing new and drain.
  closed
};
template <>
struct enum_names<account_status> {
  static constexpr std::string_view type = "account_status";
  static constexpr std::string_view values[] = {"phantom", "unverified", "active", "closing", "closed"};
};

/// An owner's account: the snapshot. Tokens are kept as SHA-256 in hex, each good once and until its instant.
struct account {
  account_status status = account_status::phantom;
  std::string user_name, email;
  std::string password_hash; ///< A PHC string of Argon2id, or bcrypt of an imported owner until the first log-in.
  std::string pending_email; ///< Takes the place of `email` once it is confirmed.
  std::int64_t telegram_user_id = 0;
  std::string telegram_name;
  std::int64_t link_user_id = 0; ///< The Telegram user who followed the link and has not confirmed it yet.
  std::int64_t login_epoch = 0;  ///< Sessions and access tokens of an earlier one are void.
  timestamp opened_at{};
  std::optional<timestamp> lapses_at; ///< Unverified until then: it closes by itself and gives its names back.
  std::optional<timestamp> last_login_at;
  std::string verify_token, reset_token, change_token, link_token;
  std::optional<timestamp> verify_until, reset_until, change_until, link_until;
  std::string owed_names;   ///< What is still to be asked of names, in this order: "confirm name:ann,release mail:a@b.c".
  std::string owed_mails;   ///< Mails still to be sent, in this order, each with its number: "verify:3,welcome:4".
  std::string notice_email; ///< Where the mail about a changed address goes: the former one.
  std::int64_t mail_seq = 0;
  std::optional<timestamp> mails_at; ///< When somebody who was not logged in last made us send a mail,
  std::int32_t mails_asked = 0;      ///< and how often that was within a day of each other.
  std::string guard;                 ///< login_guard as text.
  std::vector<std::int64_t> selling; ///< Channels that are still to be told that they close. Not stored: read again after a restart.
  std::string secret;                ///< The token of the mail at the head. Not stored: after a restart another one is made.
  bool operator==(const account&) const = default;

  template <class Self, class F>
  static void each_field(Self& self, F&& f) {
    f("status", self.status);
    f("user_name", self.user_name);
    f("email", self.email);
    f("password_hash", self.password_hash);
    f("pending_email", self.pending_email);
    f("telegram_user_id", self.telegram_user_id);
    f("telegram_name", self.telegram_name);
    f("link_user_id", self.link_user_id);
    f("login_epoch", self.login_epoch);
    f("opened_at", self.opened_at);
    f("lapses_at", self.lapses_at);
    f("last_login_at", self.last_login_at);
    f("verify_token", self.verify_token);
    f("reset_token", self.reset_token);
    f("change_token", self.change_token);
    f("link_token", self.link_token);
    f("verify_until", self.verify_until);
    f("reset_until", self.reset_until);
    f("change_until", self.change_until);
    f("link_until", self.link_until);
    f("owed_names", self.owed_names);
    f("owed_mails", self.owed_mails);
    f("notice_email", self.notice_email);
    f("mail_seq", self.mail_seq);
    f("mails_at", self.mails_at);
    f("mails_asked", self.mails_asked);
    f("guard", self.guard);
  }
};

/// Command: makes the account, whose names are reserved for it. `email_verified`: an imported owner's. A repeat changes nothing.
struct open_account {
  std::string user_name, email, password_hash;
  bool email_verified = false;
  bool operator==(const open_account&) const = default;
};
/// Command: somebody signed up with this account's address; its owner is told by mail. Answers `ok` whatever comes of it.
struct address_wanted {};
/// Command: a log-in begins. It is counted as failed until login_succeeded says otherwise, so that a thousand at once are a thousand.
/// Answers a login_view: what the password is to be checked against, or how long this network has to wait. Also of an account that does
/// not exist: a phantom then.
struct begin_login {
  std::string network;  ///< Of the client: "203.0.113.0/24".
  bool by_mail = false; ///< The account was named by its address.
  bool operator==(const begin_login&) const = default;
};
/// Event: the password was right. `new_hash`: the same password hashed anew, empty when that is not needed; taken only while the hash is
/// still `old_hash`. Answers an account_view; refused as `conflict` when the password was changed meanwhile, or nobody may log in.
struct login_succeeded {
  std::string network, old_hash, new_hash;
  bool operator==(const login_succeeded&) const = default;
};
/// Command: answers an account_view; refused as `not_found` when there is none (any more). `login_epoch` >= 0: refused as `conflict` when
/// that is not the present one.
struct get_account {
  std::int64_t login_epoch = -1;
  bool operator==(const get_account&) const = default;
};
/// Command: the mail with the link that confirms the address is to come again. `ok` whatever comes of it.
struct ask_verification {};
/// Command: a mail with a link to set another password. `ok` whatever comes of it, also of a phantom.
struct ask_reset {};
/// Command: the link of a mail was followed: confirms the address, or the changed one. `invalid` when the token is not, or not any more.
struct confirm_email {
  std::string token; ///< Its SHA-256.
  bool operator==(const confirm_email&) const = default;
};
/// Command: sets the password; every session ends. `invalid` when the token is not, or not any more.
struct reset_password {
  std::string token, password_hash, network;
  bool operator==(const reset_password&) const = default;
};
/// Command: sets the password of who is logged in; every session ends. Answers the account_view with the new login_epoch.
struct change_password {
  std::string password_hash;
  bool operator==(const change_password&) const = default;
};
/// Command: another address, to be confirmed by a mail to it. Answers the account_view, also when somebody else has it: only that one is
/// told.
struct change_email {
  std::string email;
  bool operator==(const change_email&) const = default;
};
/// Command: the account ends; its channels stop selling and drain first.
struct close_account {};
/// Command: every session and access token ends.
struct log_out_everywhere {};
/// Command: a deep link with this token joins the account with the Telegram user who follows it.
struct offer_link {
  std::string token; ///< Its SHA-256.
  bool operator==(const offer_link&) const = default;
};
/// Command, of a conversation: its person followed that link. Answers the account_view, so that they see what they would be joined with;
/// `invalid` when the token is not good, or not any more.
struct claim_link {
  std::string token;
  std::int64_t user_id = 0;
  bool operator==(const claim_link&) const = default;
};
/// Command, of that conversation: the person wants it. `invalid` when it is not the one who followed the link, or too late.
struct link_telegram {
  std::int64_t user_id = 0;
  std::string user_name;
  bool operator==(const link_telegram&) const = default;
};
/// Command, of a conversation: its person does not want to be joined any more. Every session ends, for whoever is logged in may not be that
/// person. `ok` also when they are not joined.
struct unlink_telegram {
  std::int64_t user_id = 0;
  bool operator==(const unlink_telegram&) const = default;
};
/// Command, of the account itself: the time to confirm the address is over.
struct lapse_account {};

using account_message = std::variant<effect_done, open_account, address_wanted, begin_login, login_succeeded, get_account, ask_verification,
                                     ask_reset, confirm_email, reset_password, change_password, change_email, close_account,
                                     log_out_everywhere, offer_link, link_telegram, lapse_account, claim_link, unlink_telegram>;

} // namespace paygate
