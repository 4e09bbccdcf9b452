// The owner's routes over the whole table, with a house of channels behind it: who may, what is asked of which entity, and that nothing
// strange gets through a text field.
#include <map>

#include <catch2/catch.hpp>

#include "crypto/hash.hpp"
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

class fixed_clock final : public business_clock {
public:
  timestamp now() const override { return timestamp{std::chrono::seconds(1'700'000'000)}; }
};

/// Ann owns channel -100; Bob owns nothing. Rows answer what the reader would, entities what the test says.
struct desk {
  http_service service;
  api_router router{api_routes()};
  std::string edition = "e1";
  std::vector<envelope> asked;
  std::map<std::string, std::int64_t> joined{{"ann", 7}, {"bob", 8}, {"new", 9}}; ///< Accounts with Telegram users.
  std::vector<std::string> queries;
  std::function<entity_reply(const envelope&)> answer;
  rights_checked rights{true, true, true, true, "Open", "Closed", ""};
  bool locked = false, away = false;

  desk() {
    auto& p = service.ports;
    p.metrics = std::make_shared<silent_metrics>();
    p.clock = std::make_shared<fixed_clock>();
    p.verify_access = [](const std::string& token) -> std::variant<identity, std::string> {
      if (token == "ann") return identity{"ann", true};
      if (token == "bob") return identity{"bob", true};
      if (token == "new") return identity{"new", false};
      if (token == "unlinked") return identity{"una", true};
      return "expired";
    };
    p.query = [this](std::string_view name, const std::string& arguments, milliseconds) { return rows(name, arguments); };
    p.call = [this](const io_request&, milliseconds) -> io_outcome { return rights; };
    p.ask = [this](envelope letter, milliseconds) -> entity_reply {
      if (letter.to.kind == entity_kind::account) {
        account_view who;
        who.telegram_user_id = joined[letter.to.id];
        return who;
      }
      asked.push_back(letter);
      if (answer) return answer(letter);
      const auto* message = std::get_if<channel_message>(&letter.body);
      if (message && (std::holds_alternative<get_channel>(*message) || std::holds_alternative<claim_broadcast>(*message))) {
        if (letter.to.id != "-100") return refused{refusal::not_found, ""};
        channel terms;
        terms.open_channel_id = -100;
        terms.payout_asset = {"usdt", "eth"};
        terms.description = "old";
        return channel_view{std::make_shared<const channel>(terms)};
      }
      return ok{};
    };
  }

  std::string rows(std::string_view name, const std::string& arguments) {
    queries.push_back(std::string(name) + " " + arguments);
    const auto given = parse_json(arguments);
    REQUIRE(given);
    if (name == "api_begin") return R"({"state":"taken","seed":"ann|k|1700000000.5"})";
    if (name == "api_lock" && away) return R"({"error":{"code":"unavailable","text":"the database does not answer"}})";
    if (name == "api_lock") return locked ? R"({"taken":false})" : R"({"taken":true})";
    if (name == "api_end" || name == "api_unlock") return "true";
    if (name == "api_channels" || name == "api_broadcasts") return R"({"items":[],"next_cursor":null})";
    if (json_text_or_empty(*given, "account") != "ann") return "null";
    const auto id = json_text_or_empty(*given, "id");
    if (name == "api_broadcast") return id.size() > 10 ? "{\"id\":\"" + id + "\"}" : "null";
    if (id != "-100" && id != "-300") return "null";
    return R"({"edition":")" + edition + R"(","id":"-100"})";
  }

  httplib::Response ask(const std::string& method, std::string path, const std::string& token, std::string body = {},
                        httplib::Headers headers = {}) {
    httplib::Request request;
    request.method = method;
    request.headers = std::move(headers);
    if (!token.empty()) request.set_header("Authorization", "Bearer " + token);
    if (const auto mark = path.find('?'); mark != path.npos) {
      const auto equals = path.find('=', mark);
      request.params.emplace(path.substr(mark + 1, equals - mark - 1), path.substr(equals + 1));
      path.resize(mark);
    }
    request.path = std::move(path);
    request.remote_addr = "192.0.2.1";
    request.body = std::move(body);
    request.set_header("Content-Type", "application/json");
    httplib::Response response;
    router.answer(service, request, response);
    return response;
  }

  template <class Message>
  const Message* told(entity_kind kind) const {
    for (const auto& letter : asked)
      if (letter.to.kind == kind)
        if (const auto* message = std::get_if<channel_message>(&letter.body))
          if (const auto* found = std::get_if<Message>(message)) return found;
    return nullptr;
  }
};

const std::string new_channel =
    R"({"open_channel_id":"-300","closed_channel_id":-301,"description":"d","tiers":[{"price_usd":"10.50","days":30}],"payout":{"currency":"usdt","network":"trx","address":"T1"}})";

std::string body_for(const api_route& route) {
  if (!route.takes) return {};
  const std::map<std::string, std::string> bodies{{"NewChannel", new_channel},
                                                  {"ChannelChanges", R"({"description":"x"})"},
                                                  {"NewTiers", R"({"tiers":[{"price_usd":"1","days":1}]})"},
                                                  {"NewPayoutAddress", R"({"currency":"usdt","network":"trx","address":"T1"})"},
                                                  {"NewBroadcast", R"({"channel_id":"-100","what":"offer"})"},
                                                  {"NewSchedule", R"({"cadence":"daily"})"}};
  const auto found = bodies.find(route.takes->name);
  return found == bodies.end() ? "{}" : found->second;
}

std::string path_of(const api_route& route) {
  auto path = route.pattern;
  const auto at = path.find("{id}");
  if (at != path.npos) path.replace(at, 4, route.tag == "broadcasts" && path.find("broadcasts/") != path.npos ? "01J0" : "-100");
  return path;
}

bool is_of_owners(const api_route& route) { return route.tag == "channels" || route.tag == "business" || route.tag == "broadcasts"; }

} // namespace

TEST_CASE("no route of an owner answers without a token, nor tells or changes anything of another's") {
  desk d;
  std::size_t looked_at = 0;
  for (const auto& route : d.router.routes()) {
    if (!is_of_owners(route)) continue;
    ++looked_at;
    INFO(route.method << " " << route.pattern);
    const httplib::Headers match{{"If-Match", "\"e1\""}};
    CHECK(d.ask(route.method, path_of(route), "", body_for(route), match).status == 401);
    CHECK(d.ask(route.method, path_of(route), "forged", body_for(route), match).status == 401);
    if (route.access == api_access::verified_owner) CHECK(d.ask(route.method, path_of(route), "new", body_for(route), match).status == 403);
    d.asked.clear();
    if (route.pattern.find("{id}") == std::string::npos && route.name != "start_broadcast") continue;
    const auto others = d.ask(route.method, path_of(route), "bob", body_for(route), match);
    CHECK(others.status == 404);
    CHECK(d.asked.empty());
  }
  CHECK(looked_at >= 20);
}

TEST_CASE("a channel is registered by who has rights in both channels") {
  desk d;
  const auto made = d.ask("POST", "/api/channels", "ann", new_channel);
  // The house's channel has no such id: what was registered is looked at again.
  const auto* registered = d.told<register_channel>(entity_kind::channel);
  REQUIRE(registered);
  CHECK(registered->by_owner);
  CHECK(registered->terms.open_channel_id == -300);
  CHECK(registered->terms.closed_channel_id == -301);
  CHECK(registered->terms.open_title == "Open");
  CHECK(registered->terms.owner_account == "ann");
  CHECK(registered->terms.owner_user_id == 7);
  CHECK(registered->terms.tiers[0].price == usd_amount::of_units(one_coin * 21 / 2));
  CHECK(registered->terms.tiers[1].days == 0);

  desk unlinked;
  CHECK(unlinked.ask("POST", "/api/channels", "unlinked", new_channel).status == 403);
  CHECK_FALSE(unlinked.told<register_channel>(entity_kind::channel));
  // Linked since.
  unlinked.joined["una"] = 44;
  unlinked.ask("POST", "/api/channels", "unlinked", new_channel);
  REQUIRE(unlinked.told<register_channel>(entity_kind::channel));
  CHECK(unlinked.told<register_channel>(entity_kind::channel)->terms.owner_user_id == 44);
  desk parted; // Unlinked since.
  parted.joined["ann"] = 0;
  CHECK(parted.ask("POST", "/api/channels", "ann", new_channel).status == 403);
  CHECK_FALSE(parted.told<register_channel>(entity_kind::channel));
  desk stranger;
  stranger.rights.owner_closed = false;
  stranger.rights.words = "You are no administrator of the closed channel.";
  const auto no = stranger.ask("POST", "/api/channels", "ann", new_channel);
  CHECK(no.status == 403);
  CHECK(no.body.find("no administrator of the closed") != std::string::npos);
  CHECK_FALSE(stranger.told<register_channel>(entity_kind::channel));
  desk taken;
  auto existing = new_channel;
  existing.replace(existing.find("-300"), 4, "-100");
  CHECK(taken.ask("POST", "/api/channels", "ann", existing).status == 409);
  CHECK_FALSE(taken.told<register_channel>(entity_kind::channel));
}

TEST_CASE("terms are changed by who has read them, one at a time") {
  const auto change = [](desk& d, const char* match, const char* body = R"({"description":"new"})") {
    return d.ask("PATCH", "/api/channels/-100", "ann", body, match ? httplib::Headers{{"If-Match", match}} : httplib::Headers{}).status;
  };
  desk d;
  CHECK(change(d, nullptr) == 428);
  CHECK(change(d, "\"e0\"") == 412);
  CHECK_FALSE(d.told<register_channel>(entity_kind::channel));
  CHECK(change(d, "\"e1\"") == 200);
  const auto* changed = d.told<register_channel>(entity_kind::channel);
  REQUIRE(changed);
  CHECK(changed->terms.description == "new");
  CHECK(changed->terms.payout_asset.network == "eth");
  d.locked = true;
  CHECK(change(d, "\"e1\"") == 409);
  d.away = true; // Whether somebody else is at it is not known.
  CHECK(change(d, "\"e1\"") == 503);
  desk read;
  const auto seen = read.ask("GET", "/api/channels/-100", "ann");
  CHECK(seen.status == 200);
  CHECK(seen.get_header_value("ETag") == "\"e1\"");
  CHECK(read.ask("GET", "/api/channels/-100", "ann", {}, {{"If-None-Match", "\"e1\""}}).status == 304);
  CHECK(change(read, "\"e1\"", R"({"tiers":[]})") == 422);
  CHECK(change(read, "\"e1\"",
               R"({"tiers":[{"price_usd":"1","days":1},{"price_usd":"1","days":1},{"price_usd":"1","days":1},{"price_usd":"1","days":1}]})")
        == 422);
  CHECK(change(read, "\"e1\"", R"({"owner_account":"eve"})") == 422);
  CHECK(change(read, "\"e1\"", R"({"payout":{"address":"x"}})") == 422);
  read.answer = [](const envelope&) { return entity_reply{refused{refusal::invalid, "tier 1 costs from $0.01"}}; };
  CHECK(change(read, "\"e1\"") == 422);
}

TEST_CASE("a change of the payout address waits for its owner, and its token is told to nobody") {
  desk d;
  const auto asked = d.ask("PUT", "/api/channels/-100/payout", "ann", R"({"currency":"xrp","network":"xrp","address":"r1","memo":"5"})");
  CHECK(asked.status == 202);
  const auto* wish = d.told<change_payout>(entity_kind::channel);
  REQUIRE(wish);
  CHECK(wish->in_telegram);
  CHECK(wish->token.size() == 22);
  CHECK(wish->extra_id == "5");
  CHECK(wish->account == "ann");
  CHECK(asked.body.find(wish->token) == std::string::npos);
}

TEST_CASE("a change of the payout address is taken back whatever the channel sells") {
  desk d;
  CHECK(d.ask("DELETE", "/api/channels/-100/payout/change", "bob").status == 404);
  CHECK(d.asked.empty());
  // One that drains tells no terms, but takes this.
  d.answer = [](const envelope& letter) -> entity_reply {
    const auto& message = std::get<channel_message>(letter.body);
    if (std::holds_alternative<get_channel>(message)) return refused{refusal::not_found, "the channel is not on sale"};
    return ok{};
  };
  CHECK(d.ask("DELETE", "/api/channels/-100/payout/change", "ann").status == 200);
  REQUIRE(d.told<cancel_payout_change>(entity_kind::channel));
  d.answer = [](const envelope&) { return entity_reply{refused{refusal::conflict, ""}}; };
  CHECK(d.ask("DELETE", "/api/channels/-100/payout/change", "ann").status == 409);
}

TEST_CASE("a mail's link confirms a change of the payout address; nobody who guesses learns anything") {
  desk d;
  const auto confirm = [&](const std::string& token) {
    return d.ask("POST", "/api/auth/confirm-payout", "", "{\"token\":" + json_quoted(token) + "}");
  };
  const auto good = confirm("-100.the-secret");
  CHECK(good.status == 200);
  CHECK(good.body == R"({"status":"confirmed"})");
  const auto* told = d.told<confirm_payout_by_mail>(entity_kind::channel);
  REQUIRE(told);
  CHECK(told->token == sha256_hex("the-secret"));
  d.asked.clear();
  const auto nothing = confirm("nothing");
  for (const auto* word : {"-100", ".x", "-0100.x", "+100.x", "-100 .x", "99999999999999999999.x", "--1.x", "'; DROP TABLE channel; --.x"}) {
    const auto bad = confirm(word);
    CHECK(bad.status == 422);
    CHECK(bad.body == nothing.body);
  }
  CHECK(d.asked.empty());
  for (const auto code : {refusal::invalid, refusal::not_found, refusal::conflict}) {
    d.answer = [code](const envelope&) { return entity_reply{refused{code, "inner words"}}; };
    CHECK(confirm("-200.x").body == nothing.body);
  }
  d.answer = [](const envelope&) { return entity_reply{refused{refusal::busy, ""}}; };
  CHECK(confirm("-200.x").status == 503);
  CHECK(d.ask("GET", "/api/auth/confirm-payout", "").status == 405);
}

TEST_CASE("a broadcast claims its time of the channel, and a repeat is the same broadcast") {
  desk d;
  const auto send = [&] {
    return d.ask("POST", "/api/broadcasts", "ann", R"({"channel_id":"-100","what":"message","html":"<b>hi</b>"})",
                 {{"Idempotency-Key", "k"}});
  };
  const auto first = send(), second = send();
  CHECK(first.status == 201);
  CHECK(first.get_header_value("Location").starts_with("/api/broadcasts/"));
  CHECK(first.get_header_value("Location") == second.get_header_value("Location"));
  const auto* claim = d.told<claim_broadcast>(entity_kind::channel);
  REQUIRE(claim);
  CHECK_FALSE(claim->scheduled);
  CHECK("/api/broadcasts/" + claim->broadcast_id == first.get_header_value("Location"));
  d.answer = [](const envelope&) { return entity_reply{refused{refusal::conflict, "at least 5 minutes apart"}}; };
  CHECK(send().status == 409);
}

TEST_CASE("SQL and HTML in a text are a text, and nothing that is no text is one") {
  for (const char* hostile :
       {"'; DROP TABLE channel; --", "\\\" OR 1=1", "<script>alert(1)</script>", "${jndi:ldap://x}", "\xf0\x9f\x92\xb0 \xd8\xb9"}) {
    desk d;
    const auto body = "{\"description\":" + json_quoted(hostile) + "}";
    CHECK(d.ask("PATCH", "/api/channels/-100", "ann", body, {{"If-Match", "\"e1\""}}).status == 200);
    const auto* changed = d.told<register_channel>(entity_kind::channel);
    REQUIRE(changed);
    CHECK(changed->terms.description == hostile);
    // As ids and cursors they find nothing, and reach no row as anything but a value.
    CHECK(d.ask("GET", std::string("/api/channels/") + hostile, "ann").status == 404);
    CHECK(d.ask("GET", std::string("/api/channels/-100/payments?cursor=") + hostile, "ann").status == 400);
  }
  desk d;
  for (const char* broken : {"{\"description\":\"a\\u0000b\"}", "{\"description\":\"\\u001b[31m\"}"})
    CHECK(d.ask("PATCH", "/api/channels/-100", "ann", broken, {{"If-Match", "\"e1\""}}).status == 422);
  CHECK(d.ask("PATCH", "/api/channels/-100", "ann", "{\"description\":\"\\ud800\"}", {{"If-Match", "\"e1\""}}).status == 400);
  CHECK(
      d.ask("PATCH", "/api/channels/-100", "ann", "{\"description\":" + json_quoted(std::string(2001, 'x')) + "}", {{"If-Match", "\"e1\""}})
          .status
      == 422);
  const std::string deep(10'000, '[');
  CHECK(d.ask("PATCH", "/api/channels/-100", "ann", deep, {{"If-Match", "\"e1\""}}).status == 400);
}
