#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "actors/account/account_machine.hpp"
#include "actors/account/login_guard.hpp"

// Inside actors/account only: what its decisions share.
namespace paygate::account_parts {

using step = decision<account>;

verdict<account> unchanged(const account& state, entity_reply reply = ok{});
step begin(const account& state, std::string note);
account_view view_of(const account& a, const std::string& id);

/// The lists of owed errands and mails.
void add_to(std::string& list, const std::string& entry);
void drop_first(std::string& list);

/// A mail that is owed already is not owed twice.
bool owes(const account& a, std::string_view mail);
void owe(account& a, const std::string& mail);
/// It is of no use any more: what its link carries is void.
void disown(account& a, std::string_view mail);

void forget(std::string& token, std::optional<timestamp>& until);

/// Two guards in one text: log-ins by name and by address are told apart, as the phantoms of both are. With one guard for both, who fails
/// by a name and is then held back by an address would know that they belong together.
struct guards {
  login_guard by_name, by_mail;
};
guards read_guards(std::string_view text);
std::string to_text(const guards& both);

/// The account ends: its names are given back. `say`: its owner is told.
void close(step& out, bool say);
/// What is left of a closed account that owes nothing names nobody.
void wipe_when_done(account& a);

/// What came of the account's own errands, mails and looks. @pre the effect is due.
verdict<account> outcome_of(const account& state, const effect_done& message, const step_context& context);

} // namespace paygate::account_parts
