#include "io/http/api_identity.hpp"

#include <algorithm>

#include <arpa/inet.h>

#include "crypto/hash.hpp"
#include "io/codec/json.hpp"
#include "io/http/password_pool.hpp"
#include "io/http/service.hpp"
#include "io/random.hpp"

namespace paygate {

namespace {

constexpr milliseconds identity_deadline{5'000};
constexpr std::uint32_t phantoms = 65'536;

std::string lowered(std::string text) {
  for (char& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  return text;
}

/// Which phantom stands for a name is nobody's to know: else two names with one phantom could be found, and one be tried by the other.
std::string phantom_of(const http_service& service, const std::string& name) {
  const auto mac = hmac_sha256(trimmed(service.ports.accounts.phantom_key()), as_bytes("paygate phantom\n" + name));
  const auto number = (std::uint32_t{mac[0]} << 16 | std::uint32_t{mac[1]} << 8 | mac[2]) % phantoms;
  return "phantom-" + std::to_string(number);
}

} // namespace

entity_reply ask_identity(http_service& service, entity_kind kind, const std::string& id, any_message message) {
  return service.ports.ask({{kind, id}, std::move(message)}, identity_deadline);
}

token_keys keys_of(const http_service& service) {
  return service.ports.accounts.token_secret ? parse_token_keys(service.ports.accounts.token_secret()) : token_keys{};
}

std::string login_network_of(const std::string& address) {
  char text[INET6_ADDRSTRLEN] = {};
  in_addr v4{};
  if (inet_pton(AF_INET, address.c_str(), &v4) == 1) {
    v4.s_addr &= htonl(0xffffff00u);
    inet_ntop(AF_INET, &v4, text, sizeof text);
    return std::string(text) + "/24";
  }
  in6_addr v6{};
  if (inet_pton(AF_INET6, address.c_str(), &v6) != 1) return "unknown";
  if (IN6_IS_ADDR_V4MAPPED(&v6)) {
    const auto* b = v6.s6_addr;
    return std::to_string(b[12]) + "." + std::to_string(b[13]) + "." + std::to_string(b[14]) + ".0/24";
  }
  std::fill(v6.s6_addr + 6, v6.s6_addr + 16, std::uint8_t{0});
  inet_ntop(AF_INET6, &v6, text, sizeof text);
  return std::string(text) + "/48";
}

std::variant<std::string, api_answer> find_account(http_service& service, const std::string& login) {
  const auto name = login.find('@') == login.npos ? name_id(login) : mail_id(login);
  const auto reply = ask_identity(service, entity_kind::login_name, name, login_name_message{find_name{}});
  if (const auto* no = std::get_if<refused>(&reply)) return api_refused(*no);
  const auto* view = std::get_if<name_view>(&reply);
  // A reservation is nobody's account yet.
  if (view && view->confirmed) return view->account_id;
  return phantom_of(service, name);
}

api_answer wait_answer(milliseconds wait) {
  auto answer = api_problem(429, "There were too many tries. Please wait.");
  answer.headers.emplace_back("Retry-After", std::to_string(std::chrono::ceil<seconds>(wait).count()));
  return answer;
}

api_answer not_known(std::string_view detail) {
  auto answer = api_problem(401, detail);
  answer.headers.emplace_back("WWW-Authenticate", "Bearer");
  return answer;
}

std::variant<proven, api_answer> prove_password(const api_call& call, const std::string& account_id, bool by_mail,
                                                const std::string& password, const api_answer& wrong) {
  auto& service = call.service;
  const auto network = login_network_of(call.client);
  const auto begun = ask_identity(service, entity_kind::account, account_id, account_message{begin_login{network, by_mail}});
  if (const auto* no = std::get_if<refused>(&begun)) return api_refused(*no);
  const auto& view = std::get<login_view>(begun);
  if (view.wait.count() > 0) return wait_answer(view.wait);
  const auto verdict = service.ports.accounts.passwords->check(password, view.password_hash);
  if (!verdict) return api_busy();
  if (!verdict->matches) return wrong;
  login_succeeded event{network, view.password_hash, {}};
  if (verdict->outdated) event.new_hash = service.ports.accounts.passwords->hash(password).value_or("");
  const auto hash = event.new_hash.empty() ? event.old_hash : event.new_hash;
  auto reply = ask_identity(service, entity_kind::account, account_id, account_message{std::move(event)});
  if (const auto* account = std::get_if<account_view>(&reply)) return proven{*account, hash};
  const auto* no = std::get_if<refused>(&reply);
  return no && is_for_now(no->code) ? api_refused(*no) : wrong;
}

shape_ptr tokens_shape() {
  static const auto shape =
      make_shape("Tokens", {text_field("access_token", 1, 2048, "For the header Authorization, as `Bearer <token>`."),
                            text_field("token_type", 1, 10, "Always Bearer."),
                            integer_field("expires_in", 1, 86'400, "Seconds that the access token is good."),
                            text_field("refresh_token", 1, 2048, "For auth/refresh; good once."),
                            integer_field("refresh_expires_in", 1, 31'536'000, "Seconds that the refresh token is good.")});
  return shape;
}

api_answer tokens_answer(http_service& service, const account_view& account, const std::string& session_id, const std::string& refresh) {
  const identity who{account.account_id, true, account.login_epoch, session_id};
  json_buffer buffer;
  json_writer writer(buffer);
  writer.StartObject();
  write_member(writer, "access_token", make_access_token(who, service.ports.clock->now(), keys_of(service)));
  write_member(writer, "token_type", "Bearer");
  write_int(writer, "expires_in", access_life.count());
  write_member(writer, "refresh_token", refresh);
  write_int(writer, "refresh_expires_in", refresh_life.count());
  writer.EndObject();
  return {200, take_text(buffer), "", {}};
}

api_answer begin_session(const api_call& call, const account_view& account) {
  auto& service = call.service;
  const auto keys = keys_of(service);
  if (keys.current.empty()) return api_busy();
  const auto now = service.ports.clock->now();
  const auto id = new_order_id(now, hex_encode(random_bytes(16)));
  const auto refresh = make_refresh_token({account.account_id, id, 0}, random_bytes(16), now, keys);
  const auto reply = ask_identity(service, entity_kind::session, id,
                                  session_message{open_session{account.account_id, account.login_epoch, sha256_hex(refresh)}});
  if (const auto* no = std::get_if<refused>(&reply)) return api_refused(*no);
  return tokens_answer(service, account, id, refresh);
}

api_answer said(int status, std::string_view word) { return {status, R"({"status":)" + json_quoted(word) + "}", "", {}}; }

shape_ptr said_shape() {
  static const auto shape = make_shape("Said", {text_field("status", 1, 60, "What happens now, in a word.")});
  return shape;
}

std::optional<mailed_token> read_mailed_token(const std::string& token) {
  const auto dot = token.find('.');
  if (dot == token.npos || dot == 0 || dot > 32 || token.size() > 128) return std::nullopt;
  const auto id = token.substr(0, dot);
  if (id.find_first_not_of("0123456789ABCDEFGHJKMNPQRSTVWXYZ") != id.npos) return std::nullopt;
  return mailed_token{id, sha256_hex(token.substr(dot + 1))};
}

api_field password_field(std::string name, std::string words) { return text_field(std::move(name), 10, 128, std::move(words)); }

api_field email_field(std::string name, std::string words) {
  return text_field(std::move(name), 6, 254, std::move(words))
      .like("[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@[A-Za-z0-9-]{1,63}([.][A-Za-z0-9-]{1,63}){1,8}");
}

std::string objection_to_password(const std::string& password, const std::string& user_name, const std::string& email) {
  const auto low = lowered(password);
  if (!user_name.empty() && low.find(lowered(user_name)) != low.npos) return "The password has the user name in it.";
  const auto at = email.find('@');
  if (at != email.npos && at > 2 && low.find(lowered(email.substr(0, at))) != low.npos) return "The password has the e-mail address in it.";
  if (std::all_of(low.begin(), low.end(), [&](char c) { return c == low.front(); })) return "The password is one character only.";
  for (const std::string_view common : {"password", "1234567890", "qwertyuiop"})
    if (low.starts_with(common) && low.size() < common.size() + 4) return "The password is among the first that anybody would try.";
  return "";
}

} // namespace paygate
