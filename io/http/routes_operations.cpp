#include "io/codec/json.hpp"
#include "io/http/service.hpp"
#include "messages/log.hpp"

namespace paygate {

namespace {

constexpr std::int64_t advance_max_ms = std::int64_t{10} * 366 * 86'400'000;

void tell_health(http_service& service, httplib::Response& response) {
  const auto report = service.ports.status();
  json_buffer buffer;
  json_writer writer(buffer);
  writer.StartObject();
  write_member(writer, "status", report.healthy ? "healthy" : "unhealthy");
  write_member(writer, "service", "paygated");
  write_member(writer, "timestamp", to_text(service.ports.clock->now()));
  writer.Key("components");
  writer.StartObject();
  for (const auto& [name, state] : report.components) write_member(writer, name, state);
  writer.EndObject();
  writer.EndObject();
  reply_json(response, take_text(buffer), report.healthy ? 200 : 503);
}

void tell_ready(http_service& service, httplib::Response& response) {
  if (service.ports.status().ready) return reply_json(response, R"({"status":"ready"})");
  response.set_header("Retry-After", "1");
  reply_json(response, R"({"status":"not_ready"})", 503);
}

void tell_metrics(http_service& service, const httplib::Request& request, httplib::Response& response) {
  // To the public there is no such path. A configured scraper is judged by its own address, never by a header.
  if (!is_local(request) && !any_contains(service.metrics_from, request.remote_addr))
    return reply_problem(response, 404, "There is no such page.");
  response.set_content(service.ports.metrics_text(), "text/plain; version=0.0.4; charset=utf-8");
}

void advance_clock(http_service& service, const httplib::Request& request, httplib::Response& response) {
  if (!service.ports.advance_clock || !is_local(request)) return reply_problem(response, 404, "There is no such page.");
  const auto body = parse_json(request.body);
  const auto advance = body ? json_int(*body, "advance_ms") : std::nullopt;
  if (!advance || *advance < 0 || *advance > advance_max_ms)
    return reply_problem(response, 400, "Expected {\"advance_ms\": n} with n from 0 to ten years.");
  const auto now = service.ports.advance_clock(milliseconds(*advance));
  log(log_level::warning, "sandbox_clock_moved", {{"advance_ms", std::to_string(*advance)}, {"now", to_text(now)}});
  reply_json(response, "{\"now\":\"" + to_text(now) + "\"}");
}

} // namespace

// Health, metrics and the clock pass no admission: they must answer when everything else is too much.
void add_operation_routes(httplib::Server& server, http_service& service) {
  using request_t = const httplib::Request&;
  using response_t = httplib::Response&;
  server.Get("/health/?", [&service](request_t, response_t r) { tell_health(service, r); });
  server.Get("/ready/?", [&service](request_t, response_t r) { tell_ready(service, r); });
  server.Get("/metrics/?", [&service](request_t q, response_t r) { tell_metrics(service, q, r); });
  server.Post("/internal/sandbox/clock/?", [&service](request_t q, response_t r) { advance_clock(service, q, r); });
}

} // namespace paygate
