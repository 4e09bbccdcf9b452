#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

#include <httplib.h>

#include "io/codec/identity.hpp"
#include "io/http/api_shape.hpp"
#include "messages/replies.hpp"

// The REST API under /api: one table of routes. A row says who may call, what it takes and gives, and which function does it; the server
// checks all of the former before the function runs, and /api/openapi.json is written from the same rows. Adding a route is adding a row.
namespace paygate {

struct http_service;

/// Who may call a route.
enum class api_access : std::uint8_t {
  anyone,
  owner,         ///< With a good access token; else 401.
  verified_owner ///< And with an e-mail address that was confirmed; else 403.
};

/// One request, checked: its token, path, query and body are as the route says.
struct api_call {
  http_service& service;
  const httplib::Request& raw;
  std::string client;               ///< The address of who calls.
  std::vector<std::string> params;  ///< What stands in the path for {...}, in order.
  const json_value* body = nullptr; ///< Set when the route takes a body: it fits the route's shape.
  identity caller;                  ///< Empty account_id when the route is for anyone.
  std::string idempotency_seed;     ///< The same for repeats of one creating request, unlike for any other: derive ids from it.

  /// A query parameter, empty when it is not there.
  std::string query(const char* name) const { return raw.get_param_value(name); }
  std::string header(const char* name) const { return raw.get_header_value(name); }
};

/// What a handler answers.
struct api_answer {
  int status = 200;
  std::string body; ///< JSON; empty: none.
  std::string etag; ///< With its quotes; empty: none.
  std::vector<std::pair<std::string, std::string>> headers;
};

/// An error as RFC 9457 has it. `detail` is for people and tells nothing about our inside.
api_answer api_problem(int status, std::string_view detail, const std::vector<field_fault>& faults = {});
/// An entity's refusal: not_found 404, invalid 422, conflict and out_of_order 409, what says nothing about the message 503.
api_answer api_refused(const refused& answer);
/// 503 with Retry-After.
api_answer api_busy();

using api_handler = std::function<api_answer(const api_call&)>;

/// What a route gives for one status.
struct api_outcome {
  int status = 200;
  shape_ptr shape;   ///< Null: no body.
  std::string words; ///< "The channel."
  bool etag = false;
};

struct api_route {
  std::string method;  ///< GET (HEAD comes with it), POST, PUT, PATCH or DELETE.
  std::string pattern; ///< "/api/channels/{id}/tiers"; no slash at the end.
  std::string name;    ///< OpenAPI's operationId, and the label in metrics.
  std::string summary;
  std::string tag; ///< Groups routes in the document.
  api_access access = api_access::owner;
  std::vector<api_field> path, query; ///< What may stand in the path (else 404) and in the query (else 400).
  shape_ptr takes;                    ///< The body; null: none.
  std::size_t body_max = 16 * 1024;
  std::vector<api_outcome> gives; ///< Successes; errors are problems and follow from the rest of the row.
  std::vector<int> fails;         ///< Statuses of problems that do not follow: {404, 409}.
  bool creates = false;           ///< Takes an Idempotency-Key.
  bool matches = false;           ///< Wants If-Match (428 without; the handler answers 412).
  bool is_auth = false;           ///< Counts against the limit for log-ins as well.
  bool refreshes = false;         ///< The handler wants a refresh token in the header Authorization (401 without).
  api_handler handler;
};

/// {"items": [...], "next_cursor": text or null}, and the query parameters `limit` and `cursor`.
shape_ptr page_of(const shape_ptr& item);
std::vector<api_field> paging_fields();
/// How many are asked for: 20 unless told.
int page_limit(const api_call& call);
/// A position in a list as an opaque text (base64url), and back; nothing when it is not of ours.
std::string make_cursor(std::string_view position);
std::optional<std::string> read_cursor(std::string_view cursor);

/// Asks a question of persistence/api_queries.hpp: {"account", "user"} of the caller, "id" when the path names one, and `more`
/// (",\"x\":1"). The JSON, or the problem: null is 404.
std::variant<std::string, api_answer> ask_rows(const api_call& call, std::string_view query, const std::string& more = {});

/// A handler that answers a page of a list; `position` is the name by which the question takes the cursor.
/// `more` are further arguments (",\"x\":1").
api_handler page_reader(std::string_view query, std::string position, std::string more = {});
/// {"account", "user", "id" as JSON without its closing brace.
std::string owner_arguments(const api_call& call, const std::string& id);

/// The rows, a function per file.
std::vector<api_route> api_routes();
void add_status_api(std::vector<api_route>& routes);
void add_wallet_api(std::vector<api_route>& routes);
void add_channel_api(std::vector<api_route>& routes);
void add_list_api(std::vector<api_route>& routes);
void add_channel_deeds_api(std::vector<api_route>& routes);
void add_broadcast_api(std::vector<api_route>& routes);
void add_auth_api(std::vector<api_route>& routes);
void add_account_api(std::vector<api_route>& routes);

/// The OpenAPI 3.1 document of the rows.
std::string openapi_document(const std::vector<api_route>& routes);

} // namespace paygate
