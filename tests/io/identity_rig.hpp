#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "actors/account/account_machine.hpp"
#include "actors/login_name/login_name_machine.hpp"
#include "actors/session/session_machine.hpp"
#include "crypto/hash.hpp"
#include "io/codec/json.hpp"
#include "io/codec/token.hpp"
#include "io/http/api_router.hpp"
#include "io/http/password_pool.hpp"
#include "io/http/service.hpp"

// The routes of log-in and account over the real machines, in memory and without sockets: each message is decided at once, and what its
// state owes is done before the answer goes out. What the database and the runtime add is proven by tests/scenario/account_test.py.
namespace paygate::test {

class silent_sink final : public metrics_sink {
public:
  void count(std::string_view, std::string_view, std::int64_t) override {}
  void gauge(std::string_view, std::string_view, std::int64_t) override {}
  void duration(std::string_view, std::string_view, std::chrono::microseconds) override {}
};

class hand_clock final : public business_clock {
public:
  timestamp at = timestamp(std::chrono::sys_days(std::chrono::year(2026) / 11 / 21));
  timestamp now() const override { return at; }
};

/// Entities of one kind.
template <class Kind>
struct shelf {
  std::map<std::string, typename Kind::state> rows;

  entity_reply apply(const std::string& id, const typename Kind::message& message, const step_context& context) {
    const auto found = rows.find(id);
    const bool exists = found != rows.end();
    auto verdict = Kind::apply(exists ? found->second : typename Kind::state{}, exists, message, context);
    if (const auto* no = std::get_if<refused>(&verdict)) return *no;
    auto& yes = std::get<decision<typename Kind::state>>(verdict);
    if (yes.changed) rows[id] = std::move(yes.next);
    return yes.reply;
  }
};

struct identity_rig {
  http_service service;
  std::unique_ptr<api_router> router;
  std::shared_ptr<hand_clock> clock = std::make_shared<hand_clock>();
  policy rules;
  shelf<account_kind> accounts;
  shelf<login_name_kind> names;
  shelf<session_kind> sessions;
  std::vector<send_mail> mails;
  std::string secret = std::string(40, 'k');
  start_link followed; ///< What the newest deep link carries.
  int made = 0, asked = 0, commits_of_login = 0;
  std::string if_match = "*"; ///< What a PATCH says it has read; empty: nothing.
  bool locked = false;        ///< Another request changes the account.

  identity_rig() {
    rules.public_url = "https://pay.example";
    service.ports.metrics = std::make_shared<silent_sink>();
    service.ports.clock = clock;
    service.ports.ask = [this](envelope letter, milliseconds) {
      ++asked;
      auto reply = tell(letter);
      settle();
      return reply;
    };
    service.ports.query = [this](std::string_view name, const std::string&, milliseconds) -> std::string {
      return name == "api_lock" && locked ? R"({"taken":false})" : R"({"taken":true,"granted":true})";
    };
    service.ports.accounts = {[this] { return secret; }, [] { return std::string("phantoms"); },
                              std::make_shared<password_pool>(argon2_cost{64, 1, 1}, 2, 32)};
    service.ports.deep_link = [this](const start_link& link) {
      followed = link;
      return std::string("https://t.me/bot?start=x");
    };
    service.ports.verify_access = [this](const std::string& token) -> std::variant<identity, std::string> {
      auto verified = verify_access(token, clock->now(), parse_token_keys(secret));
      if (const auto* why = std::get_if<token_fault>(&verified)) return std::string(to_text(*why));
      return std::get<identity>(std::move(verified));
    };
    std::vector<api_route> routes;
    add_auth_api(routes);
    add_account_api(routes);
    router = std::make_unique<api_router>(std::move(routes));
  }

  entity_reply tell(const envelope& letter) {
    const step_context context{letter.to, clock->now(), rules};
    if (const auto* m = std::get_if<account_message>(&letter.body)) return accounts.apply(letter.to.id, *m, context);
    if (const auto* m = std::get_if<login_name_message>(&letter.body)) return names.apply(letter.to.id, *m, context);
    return sessions.apply(letter.to.id, std::get<session_message>(letter.body), context);
  }

  void settle() {
    for (bool more = true; more;) {
      more = false;
      std::vector<std::string> ids;
      for (const auto& [id, row] : accounts.rows) ids.push_back(id);
      for (const auto& id : ids) more = perform({entity_kind::account, id}) || more;
    }
  }

  /// Does the first thing that is due.
  bool perform(const entity_ref& self) {
    for (const auto& e : account_kind::effects_due(accounts.rows[self.id], self, clock->now(), rules)) {
      if (e.not_before > clock->now()) continue;
      effect_done outcome{e.key, io_outcome(done{})};
      if (const auto* question = std::get_if<ask_entity>(&e.request))
        outcome.outcome = tell({question->to, question->message});
      else if (std::holds_alternative<get_account_channels>(std::get<io_request>(e.request)))
        outcome.outcome = io_outcome(account_channels{});
      else if (const auto* mail = std::get_if<send_mail>(&std::get<io_request>(e.request)))
        mails.push_back(*mail);
      else {
        const auto plain = "secret" + std::to_string(++made);
        outcome.outcome = io_outcome(secret_made{plain, sha256_hex(plain)});
      }
      tell({self, account_message{std::move(outcome)}});
      return true;
    }
    return false;
  }

  httplib::Response call(std::string method, std::string path, std::string body = {}, const std::string& token = {},
                         const std::string& ip = "198.51.100.7") {
    httplib::Request request;
    request.method = std::move(method);
    request.path = "/api/" + std::move(path);
    request.remote_addr = ip;
    if (!token.empty()) request.set_header("Authorization", "Bearer " + token);
    if (!body.empty()) request.set_header("Content-Type", "application/json");
    if (request.method == "PATCH" && !if_match.empty()) request.set_header("If-Match", if_match);
    request.body = std::move(body);
    httplib::Response response;
    router->answer(service, request, response);
    return response;
  }
  int status(std::string method, std::string path, std::string body = {}, const std::string& token = {},
             const std::string& ip = "198.51.100.7") {
    return call(std::move(method), std::move(path), std::move(body), token, ip).status;
  }
  static std::string member(const httplib::Response& response, const char* name) {
    const auto document = parse_json(response.body);
    return document ? json_text_or_empty(*document, name) : "";
  }
  /// The token in the newest mail to that address, empty when there is none.
  std::string mailed_token(const std::string& to) const {
    for (auto mail = mails.rbegin(); mail != mails.rend(); ++mail)
      if (const auto at = mail->text.find("?token="); mail->to == to && at != std::string::npos)
        return mail->text.substr(at + 7, mail->text.find('\n', at) - at - 7);
    return "";
  }
  std::string newest_subject(const std::string& to) const {
    for (auto mail = mails.rbegin(); mail != mails.rend(); ++mail)
      if (mail->to == to) return mail->subject;
    return "";
  }
};

} // namespace paygate::test
