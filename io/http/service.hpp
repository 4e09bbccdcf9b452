#pragma once

#include <atomic>
#include <chrono>

#include <httplib.h>

#include "io/http/address_block.hpp"
#include "io/http/api_router.hpp"
#include "io/http/connections.hpp"
#include "io/http/server.hpp"

// Inside io/http only: what the route files share.
namespace paygate {

/// The server's state. One per server, outlives every handler.
struct http_service {
  http_server_settings settings;
  http_server_ports ports;
  std::vector<address_block> trusted_proxies, metrics_from, ipn_allow_list;
  std::unique_ptr<const api_router> api;
  std::unique_ptr<rate_limits> per_client, per_account, auth;
  std::atomic<std::size_t> in_flight{0};
  std::atomic<std::size_t> connections_waiting{0};
};

/// Wraps a handler: refuses with 503 when too many are in work, and measures under `route`.
httplib::Server::Handler admitted(http_service& service, const char* route, httplib::Server::Handler handler);

std::string client_of(const http_service& service, const httplib::Request& request);

/// Counts a request against its client's limit; the refusal when it is over. For all that is public but webhooks.
std::optional<api_answer> over_client_limit(http_service& service, const std::string& client);
/// The same for log-ins and the like: counted here first, then with all nodes together.
std::optional<api_answer> over_auth_limit(http_service& service, const std::string& client);
std::optional<api_answer> over_account_limit(http_service& service, const std::string& account);

/// Runs a creating route: with an Idempotency-Key once, so that a repeat gets the first answer again.
api_answer answer_once(const api_route& route, api_call& call);

/// Loopback, and not somebody whom a proxy on this machine passes on.
bool is_local(const httplib::Request& request);

/// A problem's body (RFC 9457).
std::string problem_json(int status, std::string_view detail, const std::vector<field_fault>& faults = {});
/// `detail` is for people and tells nothing about our inside.
void reply_problem(httplib::Response& response, int status, std::string_view detail);
/// The same with Retry-After: 1.
void reply_busy(httplib::Response& response);
/// What an entity's refusal is over HTTP: not_found 404, invalid 400, conflict 409, out_of_order 409, what says nothing about the message
/// 503.
void reply_refused(httplib::Response& response, const refused& answer);
void reply_json(httplib::Response& response, std::string json, int status = 200);

void add_webhook_routes(httplib::Server& server, http_service& service);
void add_landing_routes(httplib::Server& server, http_service& service);
void add_status_routes(httplib::Server& server, http_service& service);
void add_internal_routes(httplib::Server& server, http_service& service);
void add_operation_routes(httplib::Server& server, http_service& service);
/// The pages that the links in mails open.
void add_account_pages(httplib::Server& server, http_service& service);
/// Everything under /api, in every method.
void add_api_routes(httplib::Server& server, http_service& service);

/// The methods that a path takes ("GET, HEAD"), empty for a path that does not exist: tells 405 from 404.
std::string_view methods_of(std::string_view path);

} // namespace paygate
