#include "crypto/encoding.hpp"
#include "io/http/api.hpp"
#include "io/http/api_channel_shapes.hpp"
#include "io/http/service.hpp"

namespace paygate {

namespace {

constexpr milliseconds query_deadline{2'000};

} // namespace

api_answer api_problem(int status, std::string_view detail, const std::vector<field_fault>& faults) {
  return {status, problem_json(status, detail, faults), "", {}};
}

api_answer api_busy() {
  auto answer = api_problem(503, "Too much is going on at the moment. Please try again.");
  answer.headers.emplace_back("Retry-After", "1");
  return answer;
}

api_answer api_refused(const refused& answer) {
  switch (answer.code) {
  case refusal::not_found: return api_problem(404, "There is no such thing.");
  case refusal::invalid:
  case refusal::wrong_kind: return api_problem(422, answer.text);
  case refusal::conflict:
  case refusal::out_of_order: return api_problem(409, answer.text);
  case refusal::quarantined:
  case refusal::busy:
  case refusal::unavailable:
  case refusal::not_owner:
  case refusal::crashed: return api_busy();
  }
  return api_busy();
}

shape_ptr page_of(const shape_ptr& item) {
  return make_shape(
      item->name + "Page",
      {list_field("items", 0, 100, item, "In order."),
       text_field("next_cursor", 1, 400, "What `cursor` is to be for the next page; null when this was the last.").or_null()});
}

std::vector<api_field> paging_fields() {
  return {integer_field("limit", 1, 100, "How many; 20 when it is not given.").optional(),
          text_field("cursor", 1, 400, "`next_cursor` of the page before.").optional()};
}

int page_limit(const api_call& call) {
  const auto text = call.query("limit");
  return text.empty() ? 20 : std::stoi(text);
}

std::string make_cursor(std::string_view position) { return base64url_encode(as_bytes(position)); }

std::optional<std::string> read_cursor(std::string_view cursor) {
  const auto decoded = base64url_decode(cursor);
  if (!decoded) return std::nullopt;
  return as_text(*decoded);
}

std::string owner_arguments(const api_call& call, const std::string& id) {
  auto arguments = "{\"account\":" + json_quoted(call.caller.account_id);
  if (!id.empty()) arguments += ",\"id\":" + json_quoted(id);
  return arguments;
}

std::variant<std::string, api_answer> ask_rows(const api_call& call, std::string_view query, const std::string& more) {
  if (!call.service.ports.query) return api_busy();
  const auto arguments = owner_arguments(call, call.params.empty() ? std::string() : call.params[0]);
  auto answer = call.service.ports.query(query, arguments + more + "}", query_deadline);
  if (answer == "null") return api_problem(404, "There is no such thing.");
  if (!answer.starts_with("{\"error\"")) return answer;
  if (answer.find("\"invalid\"") != answer.npos) return api_problem(400, "The query is not as expected.");
  return api_busy();
}

std::vector<api_route> api_routes() {
  std::vector<api_route> routes;
  add_status_api(routes);
  add_wallet_api(routes);
  add_channel_api(routes);
  add_list_api(routes);
  add_channel_deeds_api(routes);
  add_broadcast_api(routes);
  add_promo_api(routes);
  add_auth_api(routes);
  add_account_api(routes);
  return routes;
}

} // namespace paygate
