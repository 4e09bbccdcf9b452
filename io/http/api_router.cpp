#include "io/http/api_router.hpp"

#include <algorithm>
#include <mutex>

#include "crypto/encoding.hpp"
#include "crypto/hash.hpp"
#include "io/http/service.hpp"
#include "messages/log.hpp"

namespace paygate {

namespace {

constexpr std::size_t param_max = 128;

std::vector<std::string> split(std::string_view path) {
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  std::vector<std::string> pieces;
  for (std::size_t at = 1; at <= path.size();) {
    const auto end = std::min(path.find('/', at), path.size());
    pieces.emplace_back(path.substr(at, end - at));
    at = end + 1;
  }
  return pieces;
}

bool is_slot(std::string_view piece) { return piece.starts_with('{'); }

bool fits(const std::vector<std::string>& pattern, const std::vector<std::string>& path) {
  return pattern.size() == path.size() && std::equal(pattern.begin(), pattern.end(), path.begin(), [](const auto& p, const auto& given) {
           return is_slot(p) ? !given.empty() && given.size() <= param_max : p == given;
         });
}

bool is_json(const httplib::Request& request) {
  const auto header = request.get_header_value("Content-Type");
  auto type = std::string(trimmed(std::string_view(header).substr(0, header.find(';'))));
  std::transform(type.begin(), type.end(), type.begin(), [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return type == "application/json";
}

std::optional<std::string> bearer_token(const httplib::Request& request) {
  if (request.get_header_value_count("Authorization") != 1) return std::nullopt;
  const auto header = request.get_header_value("Authorization");
  constexpr std::string_view scheme = "bearer ";
  if (header.size() <= scheme.size()) return std::nullopt;
  for (std::size_t i = 0; i < scheme.size(); ++i)
    if ((header[i] >= 'A' && header[i] <= 'Z' ? header[i] + 32 : header[i]) != scheme[i]) return std::nullopt;
  return std::string(trimmed(std::string_view(header).substr(scheme.size())));
}

api_answer not_logged_in(std::string_view challenge, std::string_view detail) {
  auto answer = api_problem(401, detail);
  answer.headers.emplace_back("WWW-Authenticate", std::string(challenge));
  return answer;
}

/// Who calls, or the refusal.
std::variant<identity, api_answer> caller_of(const http_service& service, const api_route& route, const httplib::Request& request) {
  if (route.access == api_access::anyone) return identity{};
  const auto token = bearer_token(request);
  if (!token) return not_logged_in("Bearer", "Expected an access token in the header Authorization.");
  if (!service.ports.verify_access) return api_busy();
  auto verified = service.ports.verify_access(*token);
  if (const auto* why = std::get_if<std::string>(&verified)) {
    service.ports.metrics->count("access_tokens_refused_total", *why);
    return not_logged_in(R"(Bearer error="invalid_token")", "The access token is not valid, or not any more.");
  }
  auto who = std::get<identity>(std::move(verified));
  if (route.access == api_access::verified_owner && !who.email_verified)
    return api_problem(403, "Please confirm your e-mail address first.");
  return who;
}

std::optional<api_answer> query_objection(const api_route& route, const httplib::Request& request) {
  std::vector<field_fault> faults;
  for (const auto& field : route.query) {
    if (request.get_param_value_count(field.name) > 1)
      faults.push_back({"?" + field.name, "It comes twice."});
    else if (!request.has_param(field.name)) {
      if (field.required) faults.push_back({"?" + field.name, "It is missing."});
    } else if (auto why = fault_of_text(field, request.get_param_value(field.name)); !why.empty())
      faults.push_back({"?" + field.name, why});
  }
  if (faults.empty()) return std::nullopt;
  return api_problem(400, "The query is not as expected.", faults);
}

/// The body as the route wants it, or the refusal.
std::variant<json_document, api_answer> body_of(const api_route& route, const httplib::Request& request) {
  if (!is_json(request)) return api_problem(415, "Expected application/json.");
  if (request.body.size() > route.body_max)
    return api_problem(413, "The body is longer than " + std::to_string(route.body_max / 1024) + " KB.");
  auto document = parse_json(request.body);
  if (!document) return api_problem(400, "The body is no JSON.");
  if (const auto faults = faults_of(*route.takes, *document); !faults.empty())
    return api_problem(422, "The body is not as expected.", faults);
  return std::move(*document);
}

} // namespace

api_router::api_router(std::vector<api_route> routes) : routes_(std::move(routes)) {
  api_route own;
  own.method = "GET";
  own.pattern = "/api/openapi.json";
  own.name = "get_openapi";
  own.summary = "This document.";
  own.tag = "api";
  own.access = api_access::anyone;
  own.gives = {{200, nullptr, "An OpenAPI 3.1 document."}};
  own.handler = [this](const api_call&) { return api_answer{200, document_, "", {}}; };
  routes_.push_back(std::move(own));
  for (const auto& route : routes_) pieces_.push_back(split(route.pattern));
  document_ = openapi_document(routes_);
}

api_router::found api_router::find(std::string_view method, std::string_view path) const {
  const auto given = split(path);
  const auto wanted = method == "HEAD" ? std::string_view("GET") : method;
  found best;
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    if (routes_[i].method != wanted || !fits(pieces_[i], given)) continue;
    found one{&routes_[i], {}};
    for (std::size_t k = 0; k < given.size(); ++k)
      if (is_slot(pieces_[i][k])) one.params.push_back(given[k]);
    // A path that is written out goes before one with a slot.
    if (!best.route || one.params.size() < best.params.size()) best = std::move(one);
  }
  return best;
}

std::string api_router::methods_of(std::string_view path) const {
  const auto given = split(path);
  std::string methods;
  for (std::size_t i = 0; i < routes_.size(); ++i) {
    if (!fits(pieces_[i], given) || methods.find(routes_[i].method) != methods.npos) continue;
    methods += (methods.empty() ? "" : ", ") + routes_[i].method + (routes_[i].method == "GET" ? ", HEAD" : "");
  }
  return methods.empty() ? methods : methods + ", OPTIONS";
}

api_answer api_router::call(const api_route& route, api_call& call) const {
  auto who = caller_of(call.service, route, call.raw);
  if (auto* refusal = std::get_if<api_answer>(&who)) return std::move(*refusal);
  call.caller = std::get<identity>(std::move(who));
  for (std::size_t i = 0; i < route.path.size(); ++i)
    if (!fault_of_text(route.path[i], call.params[i]).empty()) return api_problem(404, "There is no such thing.");
  if (auto refusal = query_objection(route, call.raw)) return std::move(*refusal);
  json_document document;
  if (route.takes) {
    auto body = body_of(route, call.raw);
    if (auto* refusal = std::get_if<api_answer>(&body)) return std::move(*refusal);
    document = std::get<json_document>(std::move(body));
    call.body = &document;
  }
  if (auto over = over_account_limit(call.service, call.caller.account_id)) return std::move(*over);
  if (route.matches && call.header("If-Match").empty()) return api_problem(428, "Expected If-Match with the ETag of what you have read.");
  return route.creates ? answer_once(route, call) : route.handler(call);
}

api_answer api_router::run(http_service& service, const httplib::Request& request, const std::string& client) const {
  const auto methods = methods_of(request.path);
  if (methods.empty()) return api_problem(404, "There is no such page.");
  auto found_row = find(request.method, request.path);
  if (!found_row.route) {
    auto answer = api_problem(405, "This path takes " + methods + ".");
    answer.headers.emplace_back("Allow", methods);
    return answer;
  }
  api_call one{service, request, client, std::move(found_row.params), nullptr, {}, {}};
  const auto start = std::chrono::steady_clock::now();
  const auto& route = *found_row.route;
  auto over = route.is_auth ? over_auth_limit(service, client) : std::nullopt;
  auto answer = over ? std::move(*over) : call(route, one);
  service.ports.metrics->duration("http_request_duration_seconds", route.name,
                                  std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start));
  return answer;
}

void api_router::answer(http_service& service, const httplib::Request& request, httplib::Response& response) const {
  const auto client = client_of(service, request);
  auto over = over_client_limit(service, client);
  if (over) return give(std::move(*over), request, response);
  if (request.method == "OPTIONS") {
    const auto methods = methods_of(request.path);
    if (methods.empty()) return reply_problem(response, 404, "There is no such page.");
    response.set_header("Allow", methods);
    response.set_header("Access-Control-Allow-Methods", methods);
    response.set_header("Access-Control-Allow-Headers", "Authorization, Content-Type, Idempotency-Key, If-Match, If-None-Match");
    response.set_header("Access-Control-Max-Age", "600");
    response.status = 204;
    return;
  }
  give(run(service, request, client), request, response);
}

void api_router::give(api_answer answer, const httplib::Request& request, httplib::Response& response) {
  if (!answer.etag.empty()) {
    response.set_header("ETag", answer.etag);
    if (answer.status == 200 && (request.method == "GET" || request.method == "HEAD")
        && request.get_header_value("If-None-Match") == answer.etag) {
      response.status = 304;
      return;
    }
  }
  for (const auto& [name, value] : answer.headers) response.set_header(name, value);
  response.status = answer.status;
  if (!answer.body.empty())
    response.set_content(std::move(answer.body), answer.status >= 400 ? "application/problem+json" : "application/json");
}

void add_api_routes(httplib::Server& server, http_service& service) {
  const char* const all = "/api/.*";
  const httplib::Server::Handler answer = [&service](const httplib::Request& q, httplib::Response& r) {
    service.api->answer(service, q, r);
  };
  const auto handler = admitted(service, "api", answer);
  server.Get(all, handler).Post(all, handler).Put(all, handler).Patch(all, handler).Delete(all, handler);
  // A browser asks before it calls, and what is asked costs nothing.
  server.Options(all, answer);
}

} // namespace paygate
