#include "io/codec/json.hpp"
#include "io/http/service.hpp"

namespace paygate {

namespace {

std::string_view title_of(int status) {
  switch (status) {
  case 400: return "Bad request";
  case 401: return "Unauthorized";
  case 403: return "Forbidden";
  case 404: return "Not found";
  case 405: return "Method not allowed";
  case 409: return "Conflict";
  case 410: return "Gone";
  case 411: return "Length required";
  case 412: return "Precondition failed";
  case 413: return "Content too large";
  case 414: return "URI too long";
  case 415: return "Unsupported media type";
  case 422: return "Unprocessable content";
  case 428: return "Precondition required";
  case 429: return "Too many requests";
  case 503: return "Service unavailable";
  default: return status >= 500 ? "Internal error" : "Error";
  }
}

class admission {
public:
  explicit admission(http_service& service)
      : in_flight_(service.in_flight), granted_(in_flight_.fetch_add(1) < service.settings.in_flight_max) {}
  ~admission() { in_flight_.fetch_sub(1); }
  admission(const admission&) = delete;
  admission& operator=(const admission&) = delete;
  bool granted() const { return granted_; }

private:
  std::atomic<std::size_t>& in_flight_;
  const bool granted_;
};

} // namespace

httplib::Server::Handler admitted(http_service& service, const char* route, httplib::Server::Handler handler) {
  return [&service, route, handler = std::move(handler)](const httplib::Request& request, httplib::Response& response) {
    const admission place(service);
    // A kept-alive connection holds a thread. When others wait for one, the client is asked to come again on a new connection.
    if (service.connections_waiting.load(std::memory_order_relaxed) > 0) response.set_header("Connection", "close");
    if (!place.granted()) return reply_busy(response);
    const auto start = std::chrono::steady_clock::now();
    handler(request, response);
    service.ports.metrics->duration("http_request_duration_seconds", route,
                                    std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - start));
  };
}

std::string client_of(const http_service& service, const httplib::Request& request) {
  return client_address(request.remote_addr, request.get_header_value("X-Forwarded-For"), service.trusted_proxies);
}

bool is_local(const httplib::Request& request) {
  return is_loopback(request.remote_addr) && !request.has_header("X-Forwarded-For") && !request.has_header("Forwarded")
         && !request.has_header("X-Real-IP");
}

void reply_json(httplib::Response& response, std::string json, int status) {
  response.status = status;
  response.set_content(std::move(json), "application/json");
}

std::string problem_json(int status, std::string_view detail, const std::vector<field_fault>& faults) {
  json_buffer buffer;
  json_writer writer(buffer);
  writer.StartObject();
  write_member(writer, "type", "about:blank");
  write_member(writer, "title", title_of(status));
  write_int(writer, "status", status);
  write_member(writer, "detail", detail);
  writer.Key("errors");
  writer.StartArray();
  for (const auto& fault : faults) {
    writer.StartObject();
    write_member(writer, "pointer", fault.pointer);
    write_member(writer, "detail", fault.detail);
    writer.EndObject();
  }
  writer.EndArray();
  writer.EndObject();
  return take_text(buffer);
}

void reply_problem(httplib::Response& response, int status, std::string_view detail) {
  response.status = status;
  response.set_content(problem_json(status, detail), "application/problem+json");
}

void reply_busy(httplib::Response& response) {
  response.set_header("Retry-After", "1");
  reply_problem(response, 503, "Too much is going on at the moment. Please try again.");
}

void reply_refused(httplib::Response& response, const refused& answer) {
  switch (answer.code) {
  case refusal::not_found: return reply_problem(response, 404, "There is no such thing.");
  case refusal::invalid:
  case refusal::wrong_kind: return reply_problem(response, 400, answer.text);
  case refusal::conflict:
  case refusal::out_of_order: return reply_problem(response, 409, answer.text);
  case refusal::quarantined:
  case refusal::busy:
  case refusal::unavailable:
  case refusal::not_owner:
  case refusal::crashed: return reply_busy(response);
  }
}

std::string_view methods_of(std::string_view path) {
  if (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  if (path == "/webhooks/nowpayments-ipn" || path == "/webhooks/ethereum" || path == "/telegram-webhook") return "POST";
  if (path == "/webhooks/success" || path == "/payment-processing" || path == "/health" || path == "/ready" || path == "/metrics"
      || path == "/verify-email" || path == "/reset-password" || path == "/confirm-payout")
    return "GET, HEAD";
  if (path.starts_with("/c/") && path.find('/', 3) == path.npos && path.find_first_not_of("-0123456789", 3) == path.npos)
    return "GET, HEAD";
  return "";
}

} // namespace paygate
