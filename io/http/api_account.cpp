#include "crypto/hash.hpp"
#include "io/codec/json.hpp"
#include "io/http/api_identity.hpp"
#include "io/http/api_lock.hpp"
#include "io/http/password_pool.hpp"
#include "io/http/service.hpp"
#include "io/random.hpp"

// The account of who is logged in. These routes want the account's present epoch: after a log-out everywhere an access token that is still
// young opens nothing here.
namespace paygate {

namespace {

shape_ptr account_shape() {
  static const auto shape = make_shape(
      "Account", {text_field("id", 1, 64, "The account."), text_field("status", 1, 20, "active or closing."),
                  text_field("user_name", 3, 32, "The user name."), text_field("email", 6, 254, "Where mails go."),
                  text_field("pending_email", 6, 254, "The address that waits for its confirmation.").or_null(),
                  telegram_id_field("telegram_user_id", "The linked Telegram user.").or_null(),
                  text_field("telegram_name", 0, 200, "Its name there.").or_null(), time_field("created_at", "When it was made.")});
  return shape;
}

void write_or_null(json_writer& writer, std::string_view key, const std::string& text) {
  if (!text.empty()) return write_member(writer, key, text);
  writer.Key(key.data(), static_cast<rapidjson::SizeType>(key.size()));
  writer.Null();
}

void write_account(json_writer& writer, const account_view& a) {
  writer.StartObject();
  write_member(writer, "id", a.account_id);
  write_member(writer, "status", a.status);
  write_member(writer, "user_name", a.user_name);
  write_member(writer, "email", a.email);
  write_or_null(writer, "pending_email", a.pending_email);
  write_or_null(writer, "telegram_user_id", a.telegram_user_id != 0 ? std::to_string(a.telegram_user_id) : "");
  write_or_null(writer, "telegram_name", a.telegram_name);
  write_member(writer, "created_at", to_text(a.opened_at));
  writer.EndObject();
}

std::string account_json(const account_view& a) {
  json_buffer buffer;
  json_writer writer(buffer);
  write_account(writer, a);
  return take_text(buffer);
}

std::string etag_of(const account_view& a) { return '"' + sha256_hex(account_json(a)).substr(0, 32) + '"'; }

/// `tokens`: JSON, of the session that takes the place of those that ended; "null" when none did.
api_answer show_change(const account_view& a, const std::string& tokens) {
  json_buffer buffer;
  json_writer writer(buffer);
  writer.StartObject();
  writer.Key("account");
  write_account(writer, a);
  writer.Key("tokens");
  writer.RawValue(tokens.data(), tokens.size(), rapidjson::kObjectType);
  writer.EndObject();
  return {200, take_text(buffer), etag_of(a), {}};
}

/// The caller's account, if its sessions were not ended since.
std::variant<account_view, api_answer> own_account(const api_call& call) {
  const auto reply =
      ask_identity(call.service, entity_kind::account, call.caller.account_id, account_message{get_account{call.caller.login_epoch}});
  if (const auto* view = std::get_if<account_view>(&reply)) return *view;
  const auto* no = std::get_if<refused>(&reply);
  return no && is_for_now(no->code) ? api_refused(*no) : not_known("The session is over. Please log in.");
}

api_answer get_own(const api_call& call) {
  const auto own = own_account(call);
  if (const auto* no = std::get_if<api_answer>(&own)) return *no;
  const auto& account = std::get<account_view>(own);
  return {200, account_json(account), etag_of(account), {}};
}

/// What needs the password once more: the account, or the refusal.
std::variant<account_view, api_answer> own_proven(const api_call& call) {
  const auto own = own_account(call);
  if (const auto* no = std::get_if<api_answer>(&own)) return *no;
  auto known = prove_password(call, call.caller.account_id, false, json_text_or_empty(*call.body, "current_password"),
                              api_problem(403, "The current password is wrong."));
  if (auto* no = std::get_if<api_answer>(&known)) return std::move(*no);
  return std::get<proven>(std::move(known)).account;
}

api_answer change_own(const api_call& call) {
  const auto proof = own_proven(call);
  if (const auto* no = std::get_if<api_answer>(&proof)) return *no;
  const change_lock lock(call, "account/" + call.caller.account_id);
  if (auto no = lock.refusal("account")) return *no;
  const auto own = own_account(call);
  if (const auto* no = std::get_if<api_answer>(&own)) return *no;
  const auto& account = std::get<account_view>(own);
  if (!if_match_holds(call, etag_of(account)))
    return api_problem(412, "The account was changed since it was read. Please read it again.");
  const auto email = json_text_or_empty(*call.body, "email"), password = json_text_or_empty(*call.body, "password");
  if (email.empty() && password.empty()) return api_problem(422, "There is nothing to change: expected email or password.");
  if (const auto why = objection_to_password(password, account.user_name, account.email); !password.empty() && !why.empty())
    return api_problem(422, "The body is not as expected.", {{"/password", why}});
  auto changed = account;
  if (!email.empty()) {
    const auto reply = ask_identity(call.service, entity_kind::account, account.account_id, account_message{change_email{email}});
    if (const auto* no = std::get_if<refused>(&reply)) return api_refused(*no);
    changed = std::get<account_view>(reply);
  }
  if (password.empty()) return show_change(changed, "null");
  const auto hash = call.service.ports.accounts.passwords->hash(password);
  if (!hash) return api_busy();
  const auto reply = ask_identity(call.service, entity_kind::account, account.account_id, account_message{change_password{*hash}});
  if (const auto* no = std::get_if<refused>(&reply)) return api_refused(*no);
  // Every session ended, this one too: its bearer gets a new one.
  changed = std::get<account_view>(reply);
  const auto tokens = begin_session(call, changed);
  return tokens.status == 200 ? show_change(changed, tokens.body) : tokens;
}

/// A deep link that only the owner sees: who follows it, and says yes there, is joined with the account.
api_answer offer_telegram_link(const api_call& call) {
  const auto own = own_account(call);
  if (const auto* no = std::get_if<api_answer>(&own)) return *no;
  const auto id = id_bytes(call.caller.account_id);
  if (!id || !call.service.ports.deep_link) return api_busy();
  const auto token = as_text(random_bytes(start_link::word_max - id->size()));
  const auto url = call.service.ports.deep_link(start_link{0, start_link::account, *id + token});
  if (url.empty()) return api_busy();
  const auto reply =
      ask_identity(call.service, entity_kind::account, call.caller.account_id, account_message{offer_link{sha256_hex(token)}});
  if (const auto* no = std::get_if<refused>(&reply)) return api_refused(*no);
  json_buffer buffer;
  json_writer writer(buffer);
  writer.StartObject();
  write_member(writer, "url", url);
  write_int(writer, "expires_in", 15 * 60);
  writer.EndObject();
  return {200, take_text(buffer), "", {}};
}

api_answer close_own(const api_call& call) {
  const auto own = own_proven(call);
  if (const auto* no = std::get_if<api_answer>(&own)) return *no;
  const auto reply = ask_identity(call.service, entity_kind::account, call.caller.account_id, account_message{close_account{}});
  if (const auto* no = std::get_if<refused>(&reply)) return api_refused(*no);
  return said(202, "closing");
}

api_route account_row(std::string method, std::string name, std::string summary, api_handler handler) {
  api_route route;
  route.method = std::move(method);
  route.pattern = "/api/account";
  route.name = std::move(name);
  route.summary = std::move(summary);
  route.tag = "account";
  route.access = api_access::owner;
  route.body_max = 4 * 1024;
  route.handler = std::move(handler);
  return route;
}

api_field current_password() { return text_field("current_password", 1, 128, "The present password."); }

} // namespace

void add_account_api(std::vector<api_route>& routes) {
  routes.push_back(account_row("GET", "get_account", "The account of who is logged in.", get_own));
  routes.back().gives = {{200, account_shape(), "The account.", true}};
  routes.push_back(account_row("PATCH", "change_account",
                               "Changes the e-mail address, which is to be confirmed by a mail to it, or the password, which ends every "
                               "session and begins a new one.",
                               change_own));
  routes.back().takes = make_shape("AccountChange", {current_password(), email_field("email", "The new address.").optional(),
                                                     password_field("password", "The new password.").optional()});
  routes.back().gives = {
      {200,
       make_shape("AccountChanged",
                  {object_field("account", account_shape(), "The account."),
                   object_field("tokens", tokens_shape(), "Of the new session, when the password is another.").or_null()}),
       "It is changed, or a mail is on its way to the new address.", true}};
  routes.back().matches = true;
  routes.back().fails = {403, 409, 429};
  routes.back().is_auth = true;
  routes.push_back(account_row(
      "POST", "link_telegram",
      "A deep link that joins the account with the Telegram user who follows and confirms it; good once, for a quarter of an hour.",
      offer_telegram_link));
  routes.back().pattern = "/api/account/telegram-link";
  routes.back().gives = {{200,
                          make_shape("TelegramLink", {text_field("url", 1, 300, "To be opened in Telegram by the owner."),
                                                      integer_field("expires_in", 1, 86'400, "Seconds that it is good.")}),
                          "The link."}};
  routes.push_back(account_row("DELETE", "close_account",
                               "Closes the account: its channels sell nothing new, and what is owed is still paid out.", close_own));
  routes.back().takes = make_shape("AccountEnd", {current_password()});
  routes.back().gives = {{202, said_shape(), "It is closing."}};
  routes.back().fails = {403, 429};
  routes.back().is_auth = true;
}

} // namespace paygate
