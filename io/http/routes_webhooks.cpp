#include "crypto/encoding.hpp"
#include "io/codec/ipn.hpp"
#include "io/codec/ipn_signature.hpp"
#include "io/codec/json.hpp"
#include "io/codec/json_tokens.hpp"
#include "io/http/service.hpp"
#include "messages/log.hpp"

namespace paygate {

namespace {

// The rest of the second that a webhook may take is for the network and for us.
constexpr milliseconds ipn_deadline{900};

bool is_json(const httplib::Request& request) {
  const auto header = request.get_header_value("Content-Type");
  auto type = trimmed(std::string_view(header).substr(0, header.find(';')));
  constexpr std::string_view wanted = "application/json";
  return type.size() == wanted.size()
         && std::equal(type.begin(), type.end(), wanted.begin(), [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : a) == b; });
}

// An order id is the entity's id, so only what could be one is taken. Anything else is kept under "none", with the body as it came.
std::string entity_id_of(const std::string& order_id) {
  constexpr std::size_t id_max = 64;
  constexpr std::string_view allowed = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  const bool possible = !order_id.empty() && order_id.size() <= id_max && order_id.find_first_not_of(allowed) == std::string::npos;
  return possible ? order_id : "none";
}

// Payouts and custody movements of the account come to the same URL, signed alike, without a payment_id (provider-apis 1.6).
bool is_no_payment(const std::string& body) {
  const auto document = parse_json(body);
  return document && document->IsObject() && json_member(*document, "payment_id") == nullptr
         && (json_member(*document, "batch_withdrawal_id") != nullptr || json_member(*document, "id") != nullptr);
}

std::string_view take_ipn(http_service& service, const httplib::Request& request, httplib::Response& response) {
  if (!is_json(request)) {
    reply_problem(response, 415, "Expected application/json.");
    return "wrong_type";
  }
  if (!service.ipn_allow_list.empty() && !any_contains(service.ipn_allow_list, client_of(service, request))) {
    reply_problem(response, 403, "IPNs are not taken from this address.");
    return "forbidden";
  }
  if (!ipn_signature_matches(request.body, request.get_header_value("x-nowpayments-sig"), service.ports.ipn_secret())) {
    if (!json_tokens::parse(request.body)) {
      reply_problem(response, 400, "The body is no JSON, or has the same key twice.");
      return "bad_json";
    }
    log(log_level::warning, "ipn_bad_signature", {{"client", client_of(service, request)}});
    reply_problem(response, 401, "The signature does not match.");
    return "bad_signature";
  }
  auto parsed = parse_provider_payment(request.body);
  if (const auto* wrong = std::get_if<std::string>(&parsed)) {
    if (is_no_payment(request.body)) {
      reply_json(response, R"({"status":"ok"})");
      return "no_payment";
    }
    reply_problem(response, 400, *wrong);
    return "bad_json";
  }
  auto& payment = std::get<provider_payment>(parsed);
  const entity_ref to{entity_kind::payment, entity_id_of(payment.order_id)};
  const auto reply = service.ports.ask({to, payment_message{ipn_received{std::move(payment), request.body}}}, ipn_deadline);
  if (const auto* no = std::get_if<refused>(&reply)) {
    reply_refused(response, *no);
    log(log_level::warning, "ipn_refused", {{"order", to.id}, {"code", std::string(to_text(no->code))}, {"text", no->text}});
    return response.status == 503 ? "busy" : "refused";
  }
  reply_json(response, R"({"status":"ok"})");
  return "accepted";
}

// Telegram waits for a minute; it sends the same update again when it is not answered 2xx, and meanwhile none that comes after it.
constexpr milliseconds update_deadline{5'000};

std::string_view take_update(http_service& service, const httplib::Request& request, httplib::Response& response) {
  if (!service.ports.take_update) {
    reply_problem(response, 404, "Updates are not taken here.");
    return "not_wanted";
  }
  const auto secret = std::string(trimmed(service.ports.webhook_secret()));
  // Without a secret of ours nobody can know it.
  if (secret.empty() || !constant_time_equal(request.get_header_value("X-Telegram-Bot-Api-Secret-Token"), secret)) {
    log(log_level::warning, "telegram_webhook_bad_secret", {{"client", client_of(service, request)}});
    reply_problem(response, 401, "The secret token does not match.");
    return "bad_secret";
  }
  switch (service.ports.take_update(request.body, update_deadline)) {
  case update_taken::taken: reply_json(response, R"({"status":"ok"})"); return "accepted";
  case update_taken::busy: reply_busy(response); return "busy";
  case update_taken::unreadable: break;
  }
  reply_problem(response, 400, "The body is no update.");
  return "bad_json";
}

} // namespace

void add_webhook_routes(httplib::Server& server, http_service& service) {
  const auto handler = admitted(service, "ipn", [&service](const httplib::Request& request, httplib::Response& response) {
    service.ports.metrics->count("ipn_total", take_ipn(service, request, response));
  });
  server.Post("/webhooks/nowpayments-ipn", handler);
  server.Post("/webhooks/nowpayments-ipn/", handler);
  const auto update_handler = admitted(service, "telegram", [&service](const httplib::Request& request, httplib::Response& response) {
    service.ports.metrics->count("telegram_webhook_total", take_update(service, request, response));
  });
  server.Post("/telegram-webhook", update_handler);
}

} // namespace paygate
