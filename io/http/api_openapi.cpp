#include <algorithm>
#include <map>
#include <set>

#include "io/http/api.hpp"

namespace paygate {

namespace {

/// A list of "key": value, in order.
class members {
public:
  void add(std::string_view key, std::string value) { text_ += (text_.empty() ? "" : ",") + json_quoted(key) + ":" + value; }
  std::string object() const { return "{" + text_ + "}"; }
  bool empty() const { return text_.empty(); }

private:
  std::string text_;
};

std::string list_of(const std::vector<std::string>& values) {
  std::string text;
  for (const auto& value : values) text += (text.empty() ? "" : ",") + value;
  return "[" + text + "]";
}

shape_ptr problem_shape() {
  static const auto fault =
      make_shape("Fault", {text_field("pointer", 0, 300, "Where: a JSON pointer into the body, or ? and the parameter."),
                           text_field("detail", 0, 500, "What is wrong with it.")});
  static const auto shape = [] {
    return make_shape(
        "Problem", {text_field("type", 1, 300, "about:blank: the status says it all."), text_field("title", 1, 100, "The status in words."),
                    integer_field("status", 400, 599, "The HTTP status."), text_field("detail", 0, 2000, "What went wrong, for people."),
                    list_field("errors", 0, 20, fault, "Each fault of the request.")});
  }();
  return shape;
}

/// Collects a shape and those inside it; `taken` wins over `given` never: a shape is one or the other.
void collect(const shape_ptr& shape, bool taken, std::map<std::string, std::string>& schemas) {
  if (!shape || schemas.count(shape->name) != 0) return;
  schemas[shape->name] = schema_of(*shape, taken);
  for (const auto& field : shape->fields) collect(field.of, taken, schemas);
}

std::string parameter(const api_field& field, const char* in) {
  members one;
  one.add("name", json_quoted(field.name));
  one.add("in", json_quoted(in));
  one.add("required", std::string_view(in) == "path" || field.required ? "true" : "false");
  one.add("description", json_quoted(field.words));
  // In a path or query everything is text, and a schema is about the value that the text stands for.
  one.add("schema", schema_of(field, false));
  return one.object();
}

std::string body_of(const shape_ptr& shape, const char* type) {
  return std::string("{") + json_quoted(type) + R"(:{"schema":{"$ref":"#/components/schemas/)" + shape->name + "\"}}}";
}

std::string header(const char* words, bool always = true) {
  return R"({"description":)" + json_quoted(words) + R"(,"required":)" + (always ? "true" : "false") + R"(,"schema":{"type":"string"}})";
}

/// What stands in the head of an answer.
members headers_of(const api_route& route, const api_outcome& outcome) {
  members all;
  if (outcome.etag) all.add("ETag", header("The version, for If-Match and If-None-Match."));
  if (outcome.status == 201) all.add("Location", header("Where it is from now on."));
  if (route.creates) all.add("Idempotency-Replayed", header("true: this was answered before, and nothing was done again.", false));
  return all;
}

members headers_of_problem(const api_route& route, int status) {
  members all;
  if (status == 401) all.add("WWW-Authenticate", header("What is expected."));
  if (status == 429 || status == 503) all.add("Retry-After", header("Seconds."));
  if (route.creates) all.add("Idempotency-Replayed", header("true: this was answered before.", false));
  return all;
}

std::set<int> failures_of(const api_route& route) {
  std::set<int> all(route.fails.begin(), route.fails.end());
  // Of any request: its head or length makes no sense, its length is not told, its body is compressed.
  all.insert({400, 411, 415, 429, 503});
  if (route.method != "GET") all.insert(413);
  if (route.access != api_access::anyone || route.refreshes) all.insert(401);
  if (route.access == api_access::verified_owner) all.insert(403);
  if (!route.path.empty()) all.insert(404);
  if (route.takes) all.insert(422);
  if (route.creates) all.insert({409, 422});
  if (route.matches) all.insert({412, 428});
  return all;
}

const char* words_of(int status) {
  switch (status) {
  case 400: return "The request, its query or its JSON could not be understood.";
  case 401: return "There is no good access token.";
  case 403: return "It is not allowed.";
  case 404: return "There is no such thing, or it is somebody else's.";
  case 409: return "It does not go together with what there is.";
  case 410: return "It is gone.";
  case 411: return "The body's length was not said.";
  case 412: return "It was changed since it was read.";
  case 413: return "The body is too long.";
  case 415: return "The body is not application/json, or it is compressed.";
  case 422: return "A value cannot be taken.";
  case 428: return "If-Match is missing.";
  case 429: return "Too many requests: see Retry-After.";
  default: return "Not now: see Retry-After.";
  }
}

std::string responses_of(const api_route& route) {
  members all;
  for (const auto& outcome : route.gives) {
    members one;
    one.add("description", json_quoted(outcome.words));
    if (const auto headers = headers_of(route, outcome); !headers.empty()) one.add("headers", headers.object());
    if (outcome.shape)
      one.add("content", body_of(outcome.shape, "application/json"));
    else if (outcome.status != 204 && outcome.status != 304)
      one.add("content", R"({"application/json":{"schema":{"type":"object"}}})");
    all.add(std::to_string(outcome.status), one.object());
    if (outcome.etag && route.method == "GET")
      all.add("304", R"({"description":"It is as the ETag in If-None-Match says.","headers":)" + headers_of(route, outcome).object() + "}");
  }
  for (const int status : failures_of(route)) {
    members one;
    one.add("description", json_quoted(words_of(status)));
    if (const auto headers = headers_of_problem(route, status); !headers.empty()) one.add("headers", headers.object());
    one.add("content", body_of(problem_shape(), "application/problem+json"));
    all.add(std::to_string(status), one.object());
  }
  return all.object();
}

std::string operation(const api_route& route) {
  members one;
  one.add("operationId", json_quoted(route.name));
  one.add("summary", json_quoted(route.summary));
  one.add("tags", list_of({json_quoted(route.tag)}));
  one.add("security", route.refreshes                      ? R"([{"refresh_token":[]}])"
                      : route.access == api_access::anyone ? "[]"
                                                           : R"([{"access_token":[]}])");
  std::vector<std::string> parameters;
  for (const auto& field : route.path) parameters.push_back(parameter(field, "path"));
  for (const auto& field : route.query) parameters.push_back(parameter(field, "query"));
  if (route.creates)
    parameters.push_back(parameter(
        text_field("Idempotency-Key", 1, 128, "A repeat with the same key and body gets the first answer again. Kept for 24 hours.")
            .optional(),
        "header"));
  if (route.matches) parameters.push_back(parameter(text_field("If-Match", 1, 128, "The ETag of what was read."), "header"));
  if (route.method == "GET" && std::any_of(route.gives.begin(), route.gives.end(), [](const api_outcome& o) { return o.etag; }))
    parameters.push_back(parameter(text_field("If-None-Match", 1, 128, "The ETag of what is known already.").optional(), "header"));
  if (!parameters.empty()) one.add("parameters", list_of(parameters));
  if (route.takes) one.add("requestBody", R"({"required":true,"content":)" + body_of(route.takes, "application/json") + "}");
  one.add("responses", responses_of(route));
  return one.object();
}

} // namespace

std::string openapi_document(const std::vector<api_route>& routes) {
  std::map<std::string, std::string> schemas;
  collect(problem_shape(), false, schemas);
  std::map<std::string, members> paths;
  std::set<std::string> tags;
  for (const auto& route : routes) {
    collect(route.takes, true, schemas);
    for (const auto& outcome : route.gives) collect(outcome.shape, false, schemas);
    auto method = route.method;
    for (char& c : method) c = static_cast<char>(c + 32);
    paths[route.pattern].add(method, operation(route));
    tags.insert(route.tag);
  }
  members document, all_paths, components, all_schemas;
  for (const auto& [path, item] : paths) all_paths.add(path, item.object());
  for (const auto& [name, schema] : schemas) all_schemas.add(name, schema);
  components.add("schemas", all_schemas.object());
  components.add(
      "securitySchemes",
      R"({"access_token":{"type":"http","scheme":"bearer","bearerFormat":"JWT","description":"Of log-in; good for a quarter of an hour."},)"
      R"("refresh_token":{"type":"http","scheme":"bearer","bearerFormat":"JWT","description":"Of log-in, good once, for nothing but the session itself."}})");
  std::vector<std::string> named_tags;
  for (const auto& tag : tags) named_tags.push_back("{\"name\":" + json_quoted(tag) + "}");
  document.add("openapi", json_quoted("3.1.0"));
  document.add(
      "info",
      R"({"title":"PayGatePrime","version":"1.0.0","description":"For owners of Telegram channels. Amounts are decimal strings, times are RFC 3339 in UTC, lists are paged by an opaque cursor, errors are problem+json (RFC 9457). Each GET can be a HEAD, each path can be asked for its OPTIONS, and takes a slash at its end."})");
  document.add("servers", R"([{"url":"/"}])");
  document.add("tags", list_of(named_tags));
  document.add("paths", all_paths.object());
  document.add("components", components.object());
  return document.object();
}

} // namespace paygate
