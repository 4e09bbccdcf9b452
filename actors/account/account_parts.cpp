#include "actors/account/account_parts.hpp"

#include <algorithm>

namespace paygate::account_parts {

verdict<account> unchanged(const account& state, entity_reply reply) {
  return step{.next = state, .changed = false, .reply = std::move(reply), .entries = {}, .rows = {}, .note = {}};
}

step begin(const account& state, std::string note) {
  return {.next = state, .changed = true, .reply = ok{}, .entries = {}, .rows = {}, .note = std::move(note)};
}

account_view view_of(const account& a, const std::string& id) {
  return {
      id,         std::string(to_text(a.status)), a.user_name, a.email, a.pending_email, a.telegram_user_id, a.telegram_name, a.login_epoch,
      a.opened_at};
}

void add_to(std::string& list, const std::string& entry) {
  if (!list.empty()) list += ',';
  list += entry;
}

void drop_first(std::string& list) {
  if (!list.empty()) list.erase(0, std::min(list.find(','), list.size() - 1) + 1);
}

bool owes(const account& a, std::string_view mail) {
  const auto list = "," + a.owed_mails;
  return list.find("," + std::string(mail) + ":") != std::string::npos;
}

void owe(account& a, const std::string& mail) {
  if (!owes(a, mail)) add_to(a.owed_mails, mail + ":" + std::to_string(++a.mail_seq));
}

void disown(account& a, std::string_view mail) {
  const auto prefix = std::string(mail) + ":";
  if (first_owed(a.owed_mails).starts_with(prefix)) a.secret.clear();
  std::string kept;
  for (auto rest = a.owed_mails; !rest.empty(); drop_first(rest))
    if (const auto entry = first_owed(rest); !entry.starts_with(prefix)) add_to(kept, std::string(entry));
  a.owed_mails = std::move(kept);
}

void forget(std::string& token, std::optional<timestamp>& until) {
  token.clear();
  until.reset();
}

guards read_guards(std::string_view text) {
  const auto line = std::min(text.find('\n'), text.size());
  return {read_guard(text.substr(0, line)), read_guard(text.substr(std::min(line + 1, text.size())))};
}

std::string to_text(const guards& both) { return paygate::to_text(both.by_name) + "\n" + paygate::to_text(both.by_mail); }

void close(step& out, bool say) {
  auto& a = out.next;
  a.status = account_status::closed;
  ++a.login_epoch;
  a.owed_mails.clear();
  a.secret.clear();
  a.selling.clear();
  if (!a.user_name.empty()) add_to(a.owed_names, "release " + name_id(a.user_name));
  add_to(a.owed_names, "release " + mail_id(a.email));
  if (!a.pending_email.empty()) add_to(a.owed_names, "release " + mail_id(a.pending_email));
  if (say) owe(a, "closed");
}

void wipe_when_done(account& a) {
  if (a.status != account_status::closed || !a.owed_names.empty() || !a.owed_mails.empty()) return;
  account bare;
  bare.status = account_status::closed;
  bare.opened_at = a.opened_at;
  bare.login_epoch = a.login_epoch;
  bare.mail_seq = a.mail_seq;
  a = std::move(bare);
}

} // namespace paygate::account_parts
