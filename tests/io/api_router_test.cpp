// The table of the REST API: what a row says is checked before its handler runs. Rows of the test's own, no sockets.
#include <catch2/catch.hpp>
#include <map>

#include "io/http/api_router.hpp"
#include "io/http/service.hpp"

using namespace paygate;

namespace {

class silent_metrics final : public metrics_sink {
public:
  void count(std::string_view, std::string_view, std::int64_t) override {}
  void gauge(std::string_view, std::string_view, std::int64_t) override {}
  void duration(std::string_view, std::string_view, std::chrono::microseconds) override {}
};

api_route row(std::string method, std::string pattern, std::string name, api_access access) {
  api_route route;
  route.method = std::move(method);
  route.pattern = std::move(pattern);
  route.name = std::move(name);
  route.tag = "things";
  route.access = access;
  route.gives = {{200, nullptr, "Done.", true}};
  route.handler = [name = route.name](const api_call& call) {
    std::string body = name + ":" + call.caller.account_id;
    for (const auto& param : call.params) body += "/" + param;
    return api_answer{200, body, "\"v1\"", {}};
  };
  return route;
}

shape_ptr thing_shape() {
  static const auto part = make_shape("Part", {amount_field("price", "A price."), integer_field("days", 1, 30, "Days.")});
  static const auto shape = make_shape("Thing", {text_field("title", 1, 5, "A title."), boolean_field("open", "Whether.").optional(),
                                                 list_field("parts", 1, 2, part, "Parts."), time_field("at", "When.").optional().or_null(),
                                                 telegram_id_field("chat", "A chat.").optional()});
  return shape;
}

std::vector<api_route> test_rows() {
  std::vector<api_route> rows{row("GET", "/api/things", "list", api_access::owner),
                              row("GET", "/api/things/{id}", "get", api_access::owner),
                              row("GET", "/api/things/first", "first", api_access::anyone),
                              row("PATCH", "/api/things/{id}", "change", api_access::owner),
                              row("POST", "/api/things", "make", api_access::verified_owner),
                              row("DELETE", "/api/things/{id}/parts/{part}", "drop", api_access::owner)};
  rows[0].query = paging_fields();
  rows[1].path = {text_field("id", 1, 5, "The id.").like("[0-9]+")};
  rows[3].path = rows[1].path;
  rows[3].takes = thing_shape();
  rows[3].matches = true;
  rows[3].body_max = 300;
  rows[4].takes = thing_shape();
  rows[4].creates = true;
  rows[5].path = {text_field("id", 1, 5, "The id."), text_field("part", 1, 5, "The part.")};
  return rows;
}

struct desk {
  http_service service;
  api_router router{test_rows()};

  desk() {
    service.ports.metrics = std::make_shared<silent_metrics>();
    service.ports.verify_access = [](const std::string& token) -> std::variant<identity, std::string> {
      if (token == "good") return identity{"ann", true};
      if (token == "new") return identity{"bob", false};
      return "expired";
    };
  }

  httplib::Response ask(std::string method, std::string path, httplib::Headers headers = {{"Authorization", "Bearer good"}},
                        std::string body = {}) {
    httplib::Request request;
    request.method = std::move(method);
    request.headers = std::move(headers);
    if (const auto mark = path.find('?'); mark != path.npos) {
      const auto query = path.substr(mark + 1);
      for (std::size_t at = 0; at < query.size();) {
        const auto end = std::min(query.find('&', at), query.size());
        const auto equals = query.find('=', at);
        request.params.emplace(query.substr(at, equals - at), query.substr(equals + 1, end - equals - 1));
        at = end + 1;
      }
      path.resize(mark);
    }
    request.path = std::move(path);
    request.remote_addr = "192.0.2.1";
    request.body = std::move(body);
    if (!request.body.empty() && !request.has_header("Content-Type")) request.set_header("Content-Type", "application/json");
    httplib::Response response;
    router.answer(service, request, response);
    return response;
  }
};

const std::string good_body = R"({"title":"a","parts":[{"price":"1.50","days":3}]})";

} // namespace

TEST_CASE("a path finds its row, with or without a slash at the end") {
  desk d;
  CHECK(d.ask("GET", "/api/things").body == "list:ann");
  CHECK(d.ask("GET", "/api/things/").body == "list:ann");
  CHECK(d.ask("HEAD", "/api/things").status == 200);
  CHECK(d.ask("GET", "/api/things/12").body == "get:ann/12");
  CHECK(d.ask("GET", "/api/things/first").body == "first:");
  CHECK(d.ask("DELETE", "/api/things/1/parts/2").body == "drop:ann/1/2");
  for (const char* none : {"/api/nothing", "/api/things/1/parts", "/api", "/api/things/x", "/api/things//", "/api/things/123456"})
    CHECK(d.ask("GET", none).status == 404);
}

TEST_CASE("another method is a 405 that says which there are") {
  desk d;
  const auto answer = d.ask("DELETE", "/api/things");
  CHECK(answer.status == 405);
  CHECK(answer.get_header_value("Allow") == "GET, HEAD, POST, OPTIONS");
  CHECK(answer.get_header_value("Content-Type") == "application/problem+json");
  const auto asked = d.ask("OPTIONS", "/api/things/1", {});
  CHECK(asked.status == 204);
  CHECK(asked.get_header_value("Access-Control-Allow-Methods") == "GET, HEAD, PATCH, OPTIONS");
  CHECK(d.ask("OPTIONS", "/api/nothing", {}).status == 404);
}

TEST_CASE("nobody comes in without a good token of their own") {
  desk d;
  const std::vector<std::pair<httplib::Headers, int>> cases{
      {{}, 401},
      {{{"Authorization", "Bearer bad"}}, 401},
      {{{"Authorization", "Bearer "}}, 401},
      {{{"Authorization", "Basic good"}}, 401},
      {{{"Authorization", "good"}}, 401},
      {{{"Authorization", "Bearer good"}, {"Authorization", "Bearer good"}}, 401},
      {{{"authorization", "bEARER good"}}, 200},
  };
  for (const auto& [headers, status] : cases) {
    const auto answer = d.ask("GET", "/api/things", headers);
    CHECK(answer.status == status);
    CHECK(answer.has_header("WWW-Authenticate") == (status == 401));
  }
  // An address that was not confirmed reads, but makes nothing.
  CHECK(d.ask("GET", "/api/things", {{"Authorization", "Bearer new"}}).body == "list:bob");
  CHECK(d.ask("POST", "/api/things", {{"Authorization", "Bearer new"}}, good_body).status == 403);
  CHECK(d.ask("POST", "/api/things", {{"Authorization", "Bearer good"}}, good_body).status == 200);
  // Nothing of the request is looked at before the token.
  CHECK(d.ask("POST", "/api/things", {}, "{").status == 401);
}

TEST_CASE("a body is looked at from outside to inside") {
  desk d;
  const auto ask = [&](std::string body, httplib::Headers more = {}) {
    more.emplace("Authorization", "Bearer good");
    more.emplace("If-Match", "\"v1\"");
    return d.ask("PATCH", "/api/things/1", more, std::move(body)).status;
  };
  CHECK(ask(good_body) == 200);
  CHECK(ask(good_body, {{"Content-Type", "text/plain"}}) == 415);
  CHECK(ask(good_body, {{"Content-Type", "Application/JSON; charset=utf-8"}}) == 200);
  CHECK(ask("") == 415);
  CHECK(ask(std::string(301, ' ')) == 413);
  for (const char* broken : {"{", "{}{}", "nul", "{\"title\":\"\xff\"}"}) CHECK(ask(broken) == 400);
  CHECK(d.ask("PATCH", "/api/things/1", {{"Authorization", "Bearer good"}}, good_body).status == 428);
}

TEST_CASE("each fault of a body is named by its place") {
  const std::vector<std::pair<std::string, std::string>> faulty{
      {R"([])", ""},
      {R"({"parts":[{"price":"1","days":1}]})", "/title"},
      {R"({"title":"toolong","parts":[{"price":"1","days":1}]})", "/title"},
      {R"({"title":"","parts":[{"price":"1","days":1}]})", "/title"},
      {R"({"title":"a\u0000b","parts":[{"price":"1","days":1}]})", "/title"},
      {R"({"title":{},"parts":[{"price":"1","days":1}]})", "/title"},
      {R"({"title":null,"parts":[{"price":"1","days":1}]})", "/title"},
      {R"({"title":"a","parts":[]})", "/parts"},
      {R"({"title":"a","parts":{}})", "/parts"},
      {R"({"title":"a","parts":[{"price":"1","days":1},{"price":"-1","days":1}]})", "/parts/1/price"},
      {R"({"title":"a","parts":[{"price":"1e3","days":1}]})", "/parts/0/price"},
      {R"({"title":"a","parts":[{"price":"1.","days":1}]})", "/parts/0/price"},
      {R"({"title":"a","parts":[{"price":"1","days":31}]})", "/parts/0/days"},
      {R"({"title":"a","parts":[{"price":"1","days":1.5}]})", "/parts/0/days"},
      {R"({"title":"a","parts":[{"price":"1","days":99999999999999999999}]})", "/parts/0/days"},
      {R"({"title":"a","parts":[{"price":"1","days":1}],"open":"true"})", "/open"},
      {R"({"title":"a","parts":[{"price":"1","days":1}],"at":"soon"})", "/at"},
      {R"({"title":"a","parts":[{"price":"1","days":1}],"chat":"0x1"})", "/chat"},
      {R"({"title":"a","parts":[{"price":"1","days":1}],"more":1})", ""},
      {R"({"title":"a","title":"b","parts":[{"price":"1","days":1}]})", ""},
  };
  for (const auto& [body, pointer] : faulty) {
    INFO(body);
    const auto document = parse_json(body);
    REQUIRE(document);
    const auto faults = faults_of(*thing_shape(), *document);
    REQUIRE(faults.size() == 1);
    CHECK(faults[0].pointer == pointer);
  }
  for (const char* fine : {R"({"title":"äöüßé","parts":[{"price":1.50,"days":"3"}],"at":null,"chat":-1001})",
                           R"({"title":"a\nb","parts":[{"price":"0","days":30}],"at":"2026-11-21T07:00:00Z","open":false})"}) {
    INFO(fine);
    const auto document = parse_json(fine);
    REQUIRE(document);
    CHECK(faults_of(*thing_shape(), *document).empty());
  }
  desk d;
  const auto answer = d.ask("POST", "/api/things", {{"Authorization", "Bearer good"}}, R"({"title":"a","parts":[{"price":"x","days":0}]})");
  CHECK(answer.status == 422);
  CHECK(answer.body.find(R"("pointer":"/parts/0/price")") != std::string::npos);
  CHECK(answer.body.find(R"("pointer":"/parts/0/days")") != std::string::npos);
}

TEST_CASE("a query is checked, a version is compared, a cursor survives the way") {
  desk d;
  for (const char* bad : {"limit=0", "limit=101", "limit=x", "limit=", "limit=5&limit=6"})
    CHECK(d.ask("GET", std::string("/api/things?") + bad).status == 400);
  CHECK(d.ask("GET", "/api/things?limit=100&other=1").status == 200);
  const auto unchanged = d.ask("GET", "/api/things", {{"Authorization", "Bearer good"}, {"If-None-Match", "\"v1\""}});
  CHECK(unchanged.status == 304);
  CHECK(unchanged.body.empty());
  CHECK(read_cursor(make_cursor("2026|a/b")) == "2026|a/b");
  CHECK_FALSE(read_cursor("not base64!"));
}

TEST_CASE("a creating request with a key is done once") {
  desk d;
  std::map<std::string, std::string> kept; // By account and key: the hash, then the answer.
  int begun = 0;
  d.service.ports.query = [&](std::string_view name, const std::string& arguments, milliseconds) -> std::string {
    const auto asked = parse_json(arguments);
    const auto key = json_text_or_empty(*asked, "account") + "/" + json_text_or_empty(*asked, "key");
    if (name == "api_begin") {
      ++begun;
      const auto hash = json_text_or_empty(*asked, "body_sha256");
      if (kept.count(key) == 0) {
        kept[key] = hash;
        return R"({"state":"taken","seed":"s1"})";
      }
      if (kept[key].substr(0, 64) != hash) return R"({"state":"other"})";
      if (kept[key].size() == 64) return R"({"state":"running"})";
      return R"({"state":"done","status":200,"etag":"","location":"/there","answer":)" + json_quoted(kept[key].substr(64)) + "}";
    }
    if (name == "api_end") kept[key] += json_text_or_empty(*asked, "answer");
    if (name == "api_forget") kept.erase(key);
    return "true";
  };
  const auto make = [&](const char* key, const std::string& body, const char* token = "Bearer good") {
    return d.ask("POST", "/api/things", {{"Authorization", token}, {"Idempotency-Key", key}}, body);
  };
  const auto first = make("k1", good_body);
  CHECK(first.status == 200);
  const auto again = make("k1", good_body);
  CHECK(again.status == 200);
  CHECK(again.body == first.body);
  CHECK(again.get_header_value("Idempotency-Replayed") == "true");
  CHECK(again.get_header_value("Location") == "/there");
  const std::string other = R"({"title":"b","parts":[{"price":"1.50","days":3}]})";
  CHECK(make("k1", other).status == 422);
  kept["ann/k2"] = kept["ann/k1"].substr(0, 64);
  CHECK(make("k2", good_body).status == 409);
  CHECK(make("a b", good_body).status == 400);
  // What is refused before it is looked at does not use the key up.
  const auto before = begun;
  CHECK(make("k3", "{").status == 400);
  CHECK(make("k3", good_body, "Bearer bad").status == 401);
  CHECK(begun == before);
  d.service.ports.query = [](std::string_view, const std::string&, milliseconds) {
    return std::string(R"({"error":{"code":"unavailable"}})");
  };
  CHECK(make("k4", good_body).status == 503);
}

TEST_CASE("limits count by client and by account, and say when to come again") {
  desk d;
  d.service.per_client = std::make_unique<rate_limits>(rate_rule{5, milliseconds(3'600'000), milliseconds(600'000)});
  d.service.per_account = std::make_unique<rate_limits>(rate_rule{2, milliseconds(3'600'000)});
  CHECK(d.ask("GET", "/api/things").status == 200);
  CHECK(d.ask("GET", "/api/things").status == 200);
  const auto account = d.ask("GET", "/api/things");
  CHECK(account.status == 429);
  CHECK(std::stoi(account.get_header_value("Retry-After")) > 600);
  CHECK(d.ask("GET", "/api/things", {{"Authorization", "Bearer new"}}).status == 200);
  CHECK(d.ask("GET", "/api/nothing").status == 404);
  const auto client = d.ask("GET", "/api/things", {{"Authorization", "Bearer new"}});
  CHECK(client.status == 429);
  CHECK(client.get_header_value("Retry-After") == "600");
  CHECK(client.get_header_value("Content-Type") == "application/problem+json");
}

TEST_CASE("log-ins are counted here first, then with the other nodes") {
  desk d;
  auto rows = test_rows();
  rows[2].is_auth = true;
  d.service.settings.auth = {3, milliseconds(900'000)};
  d.service.auth = std::make_unique<rate_limits>(d.service.settings.auth);
  int asked = 0;
  std::string answer = R"({"granted":true,"retry_after":0})";
  d.service.ports.query = [&](std::string_view name, const std::string& arguments, milliseconds) {
    CHECK(name == "auth_token");
    CHECK(arguments == R"({"network":"192.0.2.1","most":3,"seconds":900})");
    ++asked;
    return answer;
  };
  const api_router router(rows);
  const auto log_in = [&] {
    httplib::Request request;
    request.method = "GET";
    request.path = "/api/things/first";
    request.remote_addr = "192.0.2.1";
    httplib::Response response;
    router.answer(d.service, request, response);
    return response;
  };
  CHECK(log_in().status == 200);
  answer = R"({"granted":false,"retry_after":42})";
  const auto elsewhere = log_in();
  CHECK(elsewhere.status == 429);
  CHECK(elsewhere.get_header_value("Retry-After") == "42");
  answer = R"({"error":{"code":"unavailable"}})";
  CHECK(log_in().status == 200);
  CHECK(log_in().status == 429);
  CHECK(asked == 3);
}

TEST_CASE("the document is JSON and names every row with its schemas") {
  for (const auto& text : {openapi_document(test_rows()), openapi_document(api_routes())}) {
    const auto document = parse_json(text);
    REQUIRE(document);
    CHECK(json_text(*document, "openapi") == "3.1.0");
  }
  const auto text = openapi_document(test_rows());
  for (const char* wanted :
       {R"("/api/things/{id}")", R"("operationId":"drop")", R"("428")", R"("Thing":{)", R"("Part":{)", R"("Idempotency-Key")"})
    CHECK(text.find(wanted) != text.npos);
}
