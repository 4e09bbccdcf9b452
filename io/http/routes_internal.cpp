#include <algorithm>
#include <charconv>
#include <future>

#include "crypto/encoding.hpp"
#include "crypto/hash.hpp"
#include "io/codec/json.hpp"
#include "io/http/service.hpp"
#include "messages/log.hpp"

// What other programs of ours call: schedulers outside (spec 9), and the Ethereum node's notices.
namespace paygate {

namespace {

constexpr std::int64_t window_seconds = 300;
constexpr std::size_t nonce_min = 8, nonce_max = 128, hashes_max = 500;
constexpr milliseconds query_deadline{2'000}, ask_deadline{3'000}, look_pause{50};
constexpr int looks_max = 160; // 8 s

struct job {
  std::string_view path, scheduler, nothing;
};
constexpr job jobs[] = {
    {"/internal/payouts/process", "payouts", "No channel is due, no payout needed"},
    {"/internal/conversions/check-threshold", "conversions", "Below threshold, no batch conversion needed"},
    {"/internal/broadcasts/execute", "broadcasts", "No broadcast is due"},
};

bool is_nonce(std::string_view nonce) {
  return nonce.size() >= nonce_min && nonce.size() <= nonce_max
         && std::all_of(nonce.begin(), nonce.end(), [](char c) { return c > ' ' && c < 0x7f; });
}

std::int64_t unix_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch()).count();
}

/// The status with which a request is refused, 0 when it is good. The nonce is looked at last: only who can sign uses one up.
int objection(http_service& service, const httplib::Request& request) {
  const auto once = [&](const char* name) {
    return request.get_header_value_count(name) == 1 ? request.get_header_value(name) : std::string();
  };
  const auto at = once("X-Paygate-Timestamp"), nonce = once("X-Paygate-Nonce"), signature = once("X-Paygate-Signature");
  std::int64_t stamp = 0;
  const auto [end, error] = std::from_chars(at.data(), at.data() + at.size(), stamp);
  if (at.empty() || error != std::errc{} || end != at.data() + at.size() || !is_nonce(nonce)) return 401;
  const auto key = service.ports.internal_key ? service.ports.internal_key() : std::string();
  const auto signed_text = at + "\n" + nonce + "\n" + request.method + " " + request.path + "\n" + request.body;
  if (key.empty() || !constant_time_equal(hmac_sha256_hex(key, signed_text), signature)) return 401;
  const auto now = unix_now();
  if (stamp < now - window_seconds || stamp > now + window_seconds) return 401;
  if (!service.ports.query) return 503;
  const auto answer = parse_json(service.ports.query("internal_nonce", "{\"nonce\":" + json_quoted(nonce) + "}", query_deadline));
  const auto fresh = answer ? json_bool(*answer, "fresh") : std::nullopt;
  return !fresh ? 503 : *fresh ? 0 : 401;
}

/// What a scheduler's newest round came to: {"round", "status", "reason", "created": [ids]}.
std::optional<json_document> look_at(http_service& service, std::string_view scheduler, std::string_view since) {
  return parse_json(service.ports.query(
      "scheduler_round", "{\"id\":\"" + std::string(scheduler) + "\",\"since\":" + std::string(since) + "}", query_deadline));
}

void tell_done(httplib::Response& response, const job& what, const json_value& seen) {
  json_buffer buffer;
  json_writer writer(buffer);
  writer.StartObject();
  write_member(writer, "status", "success");
  const auto* created = json_member(seen, "created");
  const bool any = created && created->IsArray() && created->Size() > 0;
  write_member(writer, "message", any ? "Started" : std::string(what.nothing));
  if (const auto reason = json_text_or_empty(seen, "reason"); !reason.empty()) write_member(writer, "reason", reason);
  writer.Key("ids");
  writer.StartArray();
  for (rapidjson::SizeType i = 0; any && i < created->Size(); ++i)
    if ((*created)[i].IsString()) writer.String((*created)[i].GetString(), (*created)[i].GetStringLength());
  writer.EndArray();
  writer.EndObject();
  reply_json(response, take_text(buffer));
}

void run_job(http_service& service, const job& what, const httplib::Request& request, httplib::Response& response) {
  // To the public there is no such path, also when a proxy was set up wrongly.
  if (request.has_header("X-Forwarded-For") || request.has_header("Forwarded"))
    return reply_problem(response, 404, "There is no such page.");
  if (const int status = objection(service, request); status != 0) {
    service.ports.metrics->count("internal_requests_refused_total", what.scheduler);
    log(log_level::warning, "internal_request_refused", {{"path", std::string(what.path)}, {"client", request.remote_addr}});
    if (status == 503) return reply_busy(response);
    return reply_problem(response, 401, "The signature, its time or its nonce is not good.");
  }
  const auto before = look_at(service, what.scheduler, "0");
  const auto round = before ? json_text_or_empty(*before, "round") : std::string();
  if (round.empty()) return reply_busy(response);
  const auto reply =
      service.ports.ask({{entity_kind::scheduler, std::string(what.scheduler)}, scheduler_message{run_scheduler{}}}, ask_deadline);
  if (const auto* no = std::get_if<refused>(&reply)) return reply_refused(response, *no);
  // The round ends when all that it started is in the database.
  for (int i = 0; i < looks_max; ++i) {
    const auto now = look_at(service, what.scheduler, round);
    if (now && json_text_or_empty(*now, "round") != round && json_text_or_empty(*now, "status") == "waiting")
      return tell_done(response, what, *now);
    std::promise<void>().get_future().wait_for(look_pause);
  }
  response.status = 202;
  reply_json(response, R"({"status":"success","message":"Running","ids":[]})", 202);
}

/// The hashes that a notice names, and who was paid; nothing when it is no notice. Unknown members and other kinds are no fault.
std::optional<std::string> notice_arguments(const std::string& body) {
  const auto notice = parse_json(body);
  if (!notice || !notice->IsObject()) return std::nullopt;
  std::string hashes, to;
  std::size_t count = 0;
  const auto* event = json_member(*notice, "event");
  const auto* activity = event ? json_member(*event, "activity") : nullptr;
  if (activity && activity->IsArray())
    for (rapidjson::SizeType i = 0; i < activity->Size() && count < hashes_max; ++i, ++count) {
      if (const auto hash = json_text((*activity)[i], "hash")) hashes += (hashes.empty() ? "" : ",") + json_quoted(*hash);
      if (const auto whom = json_text((*activity)[i], "toAddress")) to += (to.empty() ? "" : ",") + json_quoted(*whom);
    }
  return "{\"hashes\":[" + hashes + "],\"to\":[" + to + "]}";
}

// A notice is a hint where to look, never a proof: what the chain says decides.
void take_notice(http_service& service, const httplib::Request& request, httplib::Response& response) {
  const auto secret = service.ports.ethereum_secret ? service.ports.ethereum_secret() : std::string();
  if (secret.empty() || !constant_time_equal(hmac_sha256_hex(secret, request.body), request.get_header_value("X-Alchemy-Signature"))) {
    service.ports.metrics->count("ethereum_notices_total", "bad_signature");
    return reply_problem(response, 401, "The signature does not match.");
  }
  const auto arguments = notice_arguments(request.body);
  if (!arguments) return reply_problem(response, 400, "The body is no JSON object.");
  const auto concerned = parse_json(service.ports.query("ethereum_concerned", *arguments, query_deadline));
  if (!concerned || !concerned->IsArray()) return reply_busy(response);
  for (rapidjson::SizeType i = 0; i < concerned->Size(); ++i) {
    const auto kind = parse_enum<entity_kind>(json_text_or_empty((*concerned)[i], "kind"));
    if (kind) service.ports.look_again({*kind, json_text_or_empty((*concerned)[i], "id")});
  }
  service.ports.metrics->count("ethereum_notices_total", concerned->Size() > 0 ? "looked" : "nothing");
  reply_json(response, "{\"status\":\"ok\",\"looking\":" + std::to_string(concerned->Size()) + "}");
}

} // namespace

void add_internal_routes(httplib::Server& server, http_service& service) {
  for (const auto& what : jobs)
    server.Post(
        std::string(what.path) + "/?",
        admitted(service, "internal", [&service, what](const httplib::Request& q, httplib::Response& r) { run_job(service, what, q, r); }));
  server.Post("/webhooks/ethereum/?",
              admitted(service, "ethereum", [&service](const httplib::Request& q, httplib::Response& r) { take_notice(service, q, r); }));
}

} // namespace paygate
