#include "crypto/hash.hpp"
#include "io/codec/json.hpp"
#include "io/http/api_identity.hpp"
#include "io/http/password_pool.hpp"
#include "io/http/service.hpp"
#include "io/random.hpp"

// Signing up, logging in and out, and what mails are for. What is answered to somebody who is not logged in never tells whether an address
// is known: the same words, after the same work.
namespace paygate {

api_answer tokens_answer(http_service& service, const account_view& account, const std::string& session_id, const std::string& refresh);

namespace {

const api_answer& wrong_login() {
  static const auto answer = not_known("The name or password is wrong, or the e-mail address is not confirmed yet.");
  return answer;
}

api_answer sign_up(const api_call& call) {
  auto& service = call.service;
  const auto name = json_text_or_empty(*call.body, "user_name"), email = json_text_or_empty(*call.body, "email");
  const auto password = json_text_or_empty(*call.body, "password");
  if (const auto why = objection_to_password(password, name, email); !why.empty())
    return api_problem(422, "The body is not as expected.", {{"/password", why}});
  const auto hash = service.ports.accounts.passwords->hash(password);
  if (!hash) return api_busy();
  const auto id = new_order_id(service.ports.clock->now(), hex_encode(random_bytes(16)));
  const auto reserved = ask_identity(service, entity_kind::login_name, name_id(name), login_name_message{reserve_name{id}});
  if (const auto* no = std::get_if<refused>(&reserved)) return api_refused(*no);
  if (std::get<name_view>(reserved).account_id != id) return api_problem(409, "This user name is taken.");
  // Whether the address is free the account finds out by itself, later: nobody can tell it from this answer or its time.
  const auto opened = ask_identity(service, entity_kind::account, id, account_message{open_account{name, email, *hash, false}});
  if (const auto* no = std::get_if<refused>(&opened)) return api_refused(*no);
  return said(202, "check_your_mail");
}

api_answer log_in(const api_call& call) {
  const auto login = json_text_or_empty(*call.body, "login");
  const auto found = find_account(call.service, login);
  if (const auto* no = std::get_if<api_answer>(&found)) return *no;
  const bool by_mail = login.find('@') != login.npos;
  const auto known = prove_password(call, std::get<std::string>(found), by_mail, json_text_or_empty(*call.body, "password"), wrong_login());
  if (const auto* no = std::get_if<api_answer>(&known)) return *no;
  return begin_session(call, std::get<proven>(known).account);
}

std::string bearer_of(const api_call& call) {
  const auto header = call.header("Authorization");
  return header.size() > 7 && (header.starts_with("Bearer ") || header.starts_with("bearer ")) ? std::string(trimmed(header.substr(7)))
                                                                                               : std::string();
}

/// The refresh token of the header, or the refusal.
std::variant<refresh_claim, api_answer> refresh_of(const api_call& call, const std::string& token) {
  const auto claim = verify_refresh(token, call.service.ports.clock->now(), keys_of(call.service));
  if (const auto* good = std::get_if<refresh_claim>(&claim)) return *good;
  call.service.ports.metrics->count("refresh_tokens_refused_total", to_text(std::get<token_fault>(claim)));
  return not_known("Expected a good refresh token in the header Authorization.");
}

api_answer refresh(const api_call& call) {
  auto& service = call.service;
  const auto token = bearer_of(call);
  const auto claim = refresh_of(call, token);
  if (const auto* no = std::get_if<api_answer>(&claim)) return *no;
  const auto& shown = std::get<refresh_claim>(claim);
  const auto looked = ask_identity(service, entity_kind::account, shown.account_id, account_message{get_account{}});
  const auto* gone = std::get_if<refused>(&looked);
  if (gone && is_for_now(gone->code)) return api_refused(*gone);
  const auto account = gone ? account_view{} : std::get<account_view>(looked);
  const auto now = service.ports.clock->now();
  const auto keys = keys_of(service);
  const auto next = make_refresh_token({shown.account_id, shown.session_id, shown.generation + 1}, random_bytes(16), now, keys);
  // Without an account the session ends as well: no epoch is below zero.
  const auto epoch = gone ? -1 : account.login_epoch;
  const auto rotated = ask_identity(service, entity_kind::session, shown.session_id,
                                    session_message{rotate_session{shown.generation, sha256_hex(token), sha256_hex(next), epoch}});
  if (const auto* no = std::get_if<refused>(&rotated)) {
    if (is_for_now(no->code)) return api_refused(*no);
    service.ports.metrics->count("refresh_tokens_refused_total", "over");
    return not_known("The session is over. Please log in.");
  }
  return tokens_answer(service, account, shown.session_id, next);
}

api_answer log_out(const api_call& call) {
  const auto claim = refresh_of(call, bearer_of(call));
  if (const auto* no = std::get_if<api_answer>(&claim)) return *no;
  const auto reply =
      ask_identity(call.service, entity_kind::session, std::get<refresh_claim>(claim).session_id, session_message{close_session{}});
  if (const auto* no = std::get_if<refused>(&reply)) return api_refused(*no);
  return {204, "", "", {}};
}

api_answer log_out_of_all(const api_call& call) {
  const auto reply =
      ask_identity(call.service, entity_kind::account, call.caller.account_id, account_message{get_account{call.caller.login_epoch}});
  if (const auto* no = std::get_if<refused>(&reply)) return is_for_now(no->code) ? api_refused(*no) : not_known("The session is over.");
  const auto ended = ask_identity(call.service, entity_kind::account, call.caller.account_id, account_message{log_out_everywhere{}});
  if (const auto* no = std::get_if<refused>(&ended)) return api_refused(*no);
  return {204, "", "", {}};
}

api_answer take_mailed(const api_call& call, const std::function<account_message(const mailed_token&)>& message, std::string_view word) {
  const auto token = read_mailed_token(json_text_or_empty(*call.body, "token"));
  const auto bad = api_problem(422, "The link is not valid, or not any more.");
  if (!token) return bad;
  const auto reply = ask_identity(call.service, entity_kind::account, token->account_id, message(*token));
  if (const auto* no = std::get_if<refused>(&reply)) return is_for_now(no->code) ? api_refused(*no) : bad;
  return said(200, word);
}

api_answer verify_email(const api_call& call) {
  return take_mailed(
      call, [](const mailed_token& t) { return account_message{confirm_email{t.hash}}; }, "confirmed");
}

api_answer set_new_password(const api_call& call) {
  const auto password = json_text_or_empty(*call.body, "password");
  if (const auto why = objection_to_password(password, "paygate", ""); !why.empty())
    return api_problem(422, "The body is not as expected.", {{"/password", why}});
  if (!read_mailed_token(json_text_or_empty(*call.body, "token"))) return api_problem(422, "The link is not valid, or not any more.");
  const auto hash = call.service.ports.accounts.passwords->hash(password);
  if (!hash) return api_busy();
  return take_mailed(
      call,
      [&](const mailed_token& t) {
        return account_message{reset_password{t.hash, *hash, login_network_of(call.client)}};
      },
      "password_set");
}

/// Tells the account of an address, or the phantom that stands for it.
api_answer mail_to(const api_call& call, account_message message) {
  const auto found = find_account(call.service, json_text_or_empty(*call.body, "email"));
  if (const auto* no = std::get_if<api_answer>(&found)) return *no;
  const auto reply = ask_identity(call.service, entity_kind::account, std::get<std::string>(found), std::move(message));
  if (const auto* no = std::get_if<refused>(&reply); no && is_for_now(no->code)) return api_refused(*no);
  return said(202, "check_your_mail");
}

api_route auth_row(std::string name, std::string path, std::string summary, std::vector<api_field> body, std::vector<api_outcome> gives,
                   api_handler handler) {
  api_route route;
  route.method = "POST";
  route.pattern = "/api/auth/" + path;
  route.name = std::move(name);
  route.summary = std::move(summary);
  route.tag = "auth";
  route.access = api_access::anyone;
  std::string shape = "Body";
  shape += route.name;
  if (!body.empty()) route.takes = make_shape(std::move(shape), std::move(body));
  route.body_max = 4 * 1024;
  route.gives = std::move(gives);
  route.is_auth = true;
  route.handler = std::move(handler);
  return route;
}

api_field token_field() { return text_field("token", 1, 200, "From the link in the mail."); }

} // namespace

void add_auth_api(std::vector<api_route>& routes) {
  const api_outcome mailed{202, said_shape(), "A mail is on its way, if there is reason for one."};
  const api_outcome tokens{200, tokens_shape(), "The tokens of the session."};
  auto name = text_field("user_name", 3, 32, "Letters, digits, '_', '.' and '-'; the same in any case.").like("[A-Za-z0-9_.-]+");
  routes.push_back(auth_row("sign_up", "signup", "Makes an account; the mail that follows confirms its address.",
                            {name, email_field("email", "Where mails go."), password_field("password", "At least 10 characters.")},
                            {mailed}, sign_up));
  routes.back().fails = {409};
  routes.push_back(
      auth_row("log_in", "login", "Begins a session.",
               {text_field("login", 1, 254, "The user name or the e-mail address."), text_field("password", 1, 128, "The password.")},
               {tokens}, log_in));
  routes.back().fails = {401, 429};
  routes.push_back(auth_row("refresh", "refresh",
                            "Trades the refresh token in the header Authorization for new tokens. One that comes twice ends the session.",
                            {}, {tokens}, refresh));
  routes.back().refreshes = true;
  routes.push_back(auth_row("log_out", "logout", "Ends the session of the refresh token in the header Authorization.", {},
                            {{204, nullptr, "It is over."}}, log_out));
  routes.back().refreshes = true;
  routes.push_back(auth_row("log_out_everywhere", "logout-everywhere",
                            "Ends every session of the account; its access tokens end with the next quarter of an hour.", {},
                            {{204, nullptr, "All are over."}}, log_out_of_all));
  routes.back().access = api_access::owner;
  routes.push_back(auth_row("verify_email", "verify-email", "Confirms an e-mail address.", {token_field()},
                            {{200, said_shape(), "It is confirmed."}}, verify_email));
  routes.push_back(auth_row("resend_verification", "resend-verification", "Sends the mail that confirms the address again.",
                            {email_field("email", "The address.")}, {mailed},
                            [](const api_call& call) { return mail_to(call, account_message{ask_verification{}}); }));
  routes.push_back(auth_row("forgot_password", "forgot-password", "Sends a mail with a link to set another password.",
                            {email_field("email", "The address.")}, {mailed},
                            [](const api_call& call) { return mail_to(call, account_message{ask_reset{}}); }));
  routes.push_back(auth_row("reset_password", "reset-password", "Sets the password by the link of a mail; every session ends.",
                            {token_field(), password_field("password", "At least 10 characters.")}, {{200, said_shape(), "It is set."}},
                            set_new_password));
}

} // namespace paygate
