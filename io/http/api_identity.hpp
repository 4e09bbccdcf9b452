#pragma once

#include "io/codec/token.hpp"
#include "io/http/api.hpp"
#include "messages/envelope.hpp"

// Inside io/http only: what the routes of log-in and account share.
namespace paygate {

/// Asks an entity and waits no longer than a person would.
entity_reply ask_identity(http_service& service, entity_kind kind, const std::string& id, any_message message);

/// The keys of tokens as they are now; an empty current one: nobody can log in.
token_keys keys_of(const http_service& service);

/// Where a client is, as login_guard has it: "203.0.113.0/24", "2001:db8:1::/48".
std::string login_network_of(const std::string& address);

/// The account that has a name or an address; when nobody has it the phantom that stands for it, always the same one.
std::variant<std::string, api_answer> find_account(http_service& service, const std::string& login);

struct proven {
  account_view account;
  std::string hash; ///< What the password was checked against.
};
/// Checks a password as a log-in does, with its delays: the account, or the refusal. It takes the same time whether there is such an account or
/// not. `wrong` is what a wrong password is answered.
std::variant<proven, api_answer> prove_password(const api_call& call, const std::string& account_id, const std::string& password,
                                                const api_answer& wrong);

/// A new session's tokens, as log-in answers them.
api_answer begin_session(const api_call& call, const account_view& account);
shape_ptr tokens_shape();

/// {"status": "..."}.
api_answer said(int status, std::string_view word);
shape_ptr said_shape();

/// "<account id>.<secret>" of a mail's link: the account and the secret's SHA-256.
struct mailed_token {
  std::string account_id, hash;
};
std::optional<mailed_token> read_mailed_token(const std::string& token);

/// 429 with Retry-After.
api_answer wait_answer(milliseconds wait);
/// 401 with WWW-Authenticate.
api_answer not_known(std::string_view detail);

api_field password_field(std::string name, std::string words);
api_field email_field(std::string name, std::string words);
/// Why a password will not do for that name and address; empty when it will.
std::string objection_to_password(const std::string& password, const std::string& user_name, const std::string& email);

} // namespace paygate
