#include <algorithm>
#include <random>

#include "crypto/hash.hpp"
#include "io/http/service.hpp"
#include "messages/log.hpp"

// What stands between a request and its handler: limits, and the first answer to a creating request.
namespace paygate {

namespace {

constexpr milliseconds state_deadline{2'000};
constexpr std::size_t key_max = 128;

milliseconds now_ms() { return std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now().time_since_epoch()); }

api_answer too_many(http_service& service, std::string_view which, std::int64_t retry_after) {
  service.ports.metrics->count("http_rate_limited_total", which);
  auto answer = api_problem(429, "Too many requests. Please come again after the time in Retry-After.");
  answer.headers.emplace_back("Retry-After", std::to_string(std::max<std::int64_t>(retry_after, 1)));
  return answer;
}

std::optional<api_answer> over(http_service& service, const std::unique_ptr<rate_limits>& limits, const std::string& key,
                               std::string_view which) {
  const auto wait = limits ? limits->take(key, now_ms()) : std::nullopt;
  if (!wait) return std::nullopt;
  return too_many(service, which, std::chrono::ceil<seconds>(*wait).count());
}

std::string random_seed() {
  std::random_device source;
  std::string seed;
  for (int i = 0; i < 4; ++i) seed += std::to_string(source()) + "-";
  return seed;
}

bool is_key(std::string_view key) {
  return key.size() <= key_max && std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

api_answer answer_again(const json_value& kept) {
  api_answer answer{
      static_cast<int>(json_int(kept, "status").value_or(500)), json_text_or_empty(kept, "answer"), json_text_or_empty(kept, "etag"), {}};
  if (auto location = json_text(kept, "location"); location && !location->empty()) answer.headers.emplace_back("Location", *location);
  answer.headers.emplace_back("Idempotency-Replayed", "true");
  return answer;
}

std::string location_of(const api_answer& answer) {
  for (const auto& [name, value] : answer.headers)
    if (name == "Location") return value;
  return {};
}

} // namespace

std::optional<api_answer> over_client_limit(http_service& service, const std::string& client) {
  return over(service, service.per_client, client_network(client), "client");
}

std::optional<api_answer> over_account_limit(http_service& service, const std::string& account) {
  return account.empty() ? std::nullopt : over(service, service.per_account, account, "account");
}

// Who is over the limit here alone never reaches the database. The others are few, and each costs a log-in's hash anyway.
std::optional<api_answer> over_auth_limit(http_service& service, const std::string& client) {
  const auto network = client_network(client);
  if (auto refusal = over(service, service.auth, network, "auth")) return refusal;
  const auto& rule = service.settings.auth;
  if (rule.most == 0 || !service.ports.query) return std::nullopt;
  const auto answer = parse_json(service.ports.query("auth_token",
                                                     "{\"network\":" + json_quoted(network) + ",\"most\":" + std::to_string(rule.most)
                                                         + ",\"seconds\":" + std::to_string(rule.within.count() / 1'000) + "}",
                                                     state_deadline));
  // Without the database nobody logs in anyway; this node's own count stands.
  if (!answer || json_bool(*answer, "granted").value_or(true)) return std::nullopt;
  return too_many(service, "auth_cluster", json_int(*answer, "retry_after").value_or(60));
}

api_answer answer_once(const api_route& route, api_call& call) {
  const auto key = call.header("Idempotency-Key");
  if (key.empty()) {
    call.idempotency_seed = random_seed();
    return route.handler(call);
  }
  if (!is_key(key)) return api_problem(400, "Expected an Idempotency-Key of at most 128 visible characters.");
  if (!call.service.ports.query) return api_busy();
  // Who has no account is known by address.
  const auto scope = call.caller.account_id.empty() ? "client " + call.client : call.caller.account_id;
  const auto named = "{\"account\":" + json_quoted(scope) + ",\"key\":" + json_quoted(key);
  const auto hash = sha256_hex(call.raw.method + " " + call.raw.path + "\n" + call.raw.body);
  const auto begun = parse_json(call.service.ports.query("api_begin", named + ",\"body_sha256\":\"" + hash + "\"}", state_deadline));
  const auto state = begun ? json_text_or_empty(*begun, "state") : std::string();
  if (state == "running") return api_problem(409, "A request with this Idempotency-Key is being worked on.");
  if (state == "other") return api_problem(422, "This Idempotency-Key was used with another request.");
  if (state == "done") return answer_again(*begun);
  if (state != "taken") return api_busy();
  call.idempotency_seed = json_text_or_empty(*begun, "seed");
  auto answer = route.handler(call);
  // What may go better the next time is no answer to keep.
  const bool keeps = answer.status < 500 && answer.status != 429;
  auto end = named;
  if (keeps)
    end += ",\"status\":" + std::to_string(answer.status) + ",\"answer\":" + json_quoted(answer.body)
           + ",\"etag\":" + json_quoted(answer.etag) + ",\"location\":" + json_quoted(location_of(answer));
  const auto written = call.service.ports.query(keeps ? "api_end" : "api_forget", end + "}", state_deadline);
  if (written != "true") log(log_level::warning, "idempotent_answer_not_kept", {{"route", route.name}});
  return answer;
}

} // namespace paygate
