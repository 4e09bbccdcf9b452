#pragma once

#include <string>
#include <string_view>

#include "messages/account.hpp"
#include "messages/policy.hpp"

// The mails of an account. Whatever a person wrote is escaped in their HTML form.
namespace paygate {

/// `mail` is the word of an entry in owed_mails: "verify", "welcome", "taken", "reset", "change", "notice", "changed", "password", "linked"
/// or "closed".
send_mail mail_of(const account& state, std::string_view mail, const std::string& account_id, const policy& rules);

/// The mail carries a link with a token.
bool needs_secret(std::string_view mail);

} // namespace paygate
