// Telegram's client against a scripted server that speaks the Bot API (provider-apis 3).
#include <catch2/catch.hpp>

#include "io/codec/start_link.hpp"
#include "io/providers/telegram.hpp"
#include "tests/io/provider_fake.hpp"

using namespace paygate;
using fake::fault_of;

namespace {

const std::string token = "123456:SECRETTOKEN";

telegram_settings at(const std::string& url) {
  telegram_settings settings;
  settings.http = {.base_url = url, .connect_timeout = fake::time_out, .read_timeout = fake::time_out};
  settings.token = [] { return token; };
  settings.start_link_key = [] { return std::string("link-key"); };
  settings.poll_timeout = seconds(0);
  return settings;
}

fake::answer result(const std::string& json) { return {200, R"({"ok":true,"result":)" + json + "}", "application/json", {}}; }
fake::answer refusal(int status, const std::string& description, const std::string& more = "") {
  return {status,
          R"({"ok":false,"error_code":)" + std::to_string(status) + R"(,"description":")" + description + "\"" + more + "}",
          "application/json",
          {}};
}
send_message plain(std::int64_t chat = 77) { return {chat, "<b>hi</b> &amp; bye", {}}; }

} // namespace

TEST_CASE("a message is HTML without link preview") {
  fake::provider server;
  const auto client = make_telegram_client(at(server.url()));
  server.script(result(R"({"message_id":42,"chat":{"id":77}})"));
  CHECK(std::get<message_sent>(client(plain())).message_id == 42);
  const auto seen = server.last();
  CHECK(seen.path == "/bot" + token + "/sendMessage");
  const auto body = seen.json();
  CHECK(json_int(body, "chat_id") == 77);
  CHECK(json_text_or_empty(body, "text") == "<b>hi</b> &amp; bye");
  CHECK(json_text_or_empty(body, "parse_mode") == "HTML");
  CHECK(json_bool(body["link_preview_options"], "is_disabled") == true);
  CHECK_FALSE(body.HasMember("reply_markup"));
}

TEST_CASE("buttons become an inline keyboard, and start links ask for the bot's name once") {
  fake::provider server;
  const auto client = make_telegram_client(at(server.url()));
  const start_link link{-1001234567890, 2};
  auto message = plain(-1001234567890);
  message.buttons = {{{"Buy", link, false}, {"Site", std::string("https://a.example/?x=1&y=2"), true}},
                     {{"Pay", std::string("pay"), false}}};
  server.script(result(R"({"id":1,"is_bot":true,"username":"gate_bot"})"));
  server.script(result(R"({"message_id":1})"));
  server.script(result(R"({"message_id":2})"));
  CHECK(std::get<message_sent>(client(message)).message_id == 1);
  CHECK(std::get<message_sent>(client(message)).message_id == 2);
  const auto seen = server.requests();
  REQUIRE(seen.size() == 3);
  CHECK(seen[0].path == "/bot" + token + "/getMe");
  const auto body = seen[1].json();
  const auto& rows = body["reply_markup"]["inline_keyboard"];
  REQUIRE(rows.Size() == 2);
  const auto url = json_text_or_empty(rows[0][0], "url");
  const std::string before = "https://t.me/gate_bot?start=";
  REQUIRE(url.starts_with(before));
  CHECK(read_start_payload(url.substr(before.size()), "link-key") == link);
  CHECK(json_text_or_empty(rows[0][1], "url") == "https://a.example/?x=1&y=2");
  CHECK(json_text_or_empty(rows[1][0], "callback_data") == "pay");
  CHECK_FALSE(rows[1][0].HasMember("url"));
  message.buttons = {{{"Bad", std::string(65, 'x'), false}}};
  CHECK(fault_of(client(message)) == "permanent button");
}

TEST_CASE("each way a message can fail has its kind") {
  fake::provider server;
  const auto client = make_telegram_client(at(server.url()));
  const auto with = [&](fake::answer answer, std::int64_t chat = 77) {
    server.script(std::move(answer));
    return fault_of(client(plain(chat)));
  };
  CHECK(with(refusal(403, "Forbidden: bot was blocked by the user")) == "permanent blocked");
  CHECK(with(refusal(403, "Forbidden: bot is not a member of the channel chat"), -100) == "transient no_rights");
  CHECK(with(refusal(400, "Bad Request: not enough rights to send text messages"), -100) == "transient no_rights");
  CHECK(with(refusal(400, "Bad Request: CHAT_ADMIN_REQUIRED"), -100) == "transient no_rights");
  CHECK(with(refusal(400, "Bad Request: can't parse entities: Unsupported start tag")) == "permanent markup");
  CHECK(with(refusal(400, "Bad Request: chat not found")) == "permanent chat_not_found");
  CHECK(with(refusal(400, "Bad Request: message text is empty")) == "permanent bad_request");
  CHECK(with(refusal(400, "upgraded", R"(,"parameters":{"migrate_to_chat_id":-1005})")) == "permanent migrated");
  CHECK(with(refusal(401, "Unauthorized")) == "transient credentials");
  CHECK(with(refusal(404, "Not Found")) == "transient credentials");
  CHECK(with(refusal(500, "Internal Server Error")) == "unknown http_500");
  CHECK(with({502, "<html>Bad Gateway</html>", "text/html", {}}) == "unknown http_502");
  CHECK(with({200, "<html></html>", "text/html", {}}) == "unknown nonsense");
  CHECK(with({200, R"({"ok":true})", "application/json", {}}) == "unknown nonsense");
  CHECK(with(result("{}")) == "unknown nonsense");
  server.script(refusal(429, "Too Many Requests: retry after 17", R"(,"parameters":{"retry_after":17})"));
  const auto limited = fake::failure(client(plain()));
  CHECK(limited.code == "http_429");
  CHECK(limited.kind == fault::transient);
  CHECK(limited.retry_after == milliseconds(17'000));
  server.script(refusal(429, "Too Many Requests", R"(,"parameters":{"retry_after":999999})"));
  CHECK(fake::failure(client(plain())).retry_after == retry_after_max);
  server.script(refusal(400, "odd token " + token));
  CHECK(fake::failure(client(plain())).text == "odd token ***");
}

TEST_CASE("no failure's text names the token") {
  fake::rude_server silent(fake::misbehaviour::hold);
  for (const auto& url : {silent.url(), fake::dead_url(), std::string("nonsense")}) {
    const auto failure = fake::failure(make_telegram_client(at(url))(plain()));
    CHECK(failure.text.find("SECRET") == std::string::npos);
    CHECK(failure.kind == (url == silent.url() ? fault::unknown : fault::transient));
  }
}

TEST_CASE("a message that is not there counts as deleted") {
  fake::provider server;
  const auto client = make_telegram_client(at(server.url()));
  server.script(result("true"));
  CHECK(std::holds_alternative<done>(client(delete_message{-1001, 77})));
  CHECK(server.last().path.find("/deleteMessage") != std::string::npos);
  CHECK(json_int(server.last().json(), "message_id") == 77);
  server.script(refusal(400, "Bad Request: message to delete not found"));
  CHECK(std::holds_alternative<done>(client(delete_message{-1001, 77})));
  server.script(refusal(400, "Bad Request: message can't be deleted"));
  CHECK(fault_of(client(delete_message{-1001, 77})) == "permanent bad_request");
}

TEST_CASE("a link into the bot needs its name, which is asked for once") {
  fake::provider server;
  const auto link_to = make_deep_linker(at(server.url()));
  server.script(result(R"({"id":1,"is_bot":true,"username":"demo_bot"})"));
  const auto link = link_to(start_link{-1001, 1});
  CHECK(link.starts_with("https://t.me/demo_bot?start="));
  CHECK(link_to(start_link{-1001, 1}) == link);
  CHECK(make_deep_linker(at(fake::dead_url()))(start_link{-1001, 1}).empty());
}

TEST_CASE("an old callback query counts as answered") {
  fake::provider server;
  const auto client = make_telegram_client(at(server.url()));
  server.script(result("true"));
  CHECK(std::holds_alternative<done>(client(answer_callback{"cb1", std::string(199, 'x') + "ü"})));
  CHECK(json_text_or_empty(server.last().json(), "callback_query_id") == "cb1");
  CHECK(json_text_or_empty(server.last().json(), "text") == std::string(199, 'x')); // Cut between characters.
  for (const char* words : {"Bad Request: query is too old and response timeout expired or query ID is invalid",
                            "Bad Request: message is not modified: specified new message content"}) {
    server.script(refusal(400, words));
    CHECK(std::holds_alternative<done>(client(answer_callback{"cb1", ""})));
  }
  server.script(refusal(400, "Bad Request: other"));
  CHECK(fault_of(client(answer_callback{"cb1", ""})) == "permanent bad_request");
}

TEST_CASE("an invite is for one member and ends") {
  fake::provider server;
  const auto client = make_telegram_client(at(server.url()));
  server.script(result(R"({"invite_link":"https://t.me/+abc","member_limit":1})"));
  const create_invite request{-1001, "01J0000000000000000000000A", *parse_iso_time("2026-11-22T07:00:00.9Z")};
  CHECK(std::get<invite_created>(client(request)).link == "https://t.me/+abc");
  const auto body = server.last().json();
  CHECK(server.last().path == "/bot" + token + "/createChatInviteLink");
  CHECK(json_int(body, "chat_id") == -1001);
  CHECK(json_text_or_empty(body, "name") == "01J0000000000000000000000A");
  CHECK(json_int(body, "expire_date") == 1795330800);
  CHECK(json_int(body, "member_limit") == 1);
  server.script(refusal(400, "Bad Request: not enough rights to manage chat invite link"));
  // Whoever owes the link tells the owner.
  CHECK(fault_of(client(request)) == "permanent no_rights");
}

TEST_CASE("only private messages and callbacks become updates, but the offset covers all") {
  fake::provider server;
  const auto client = make_telegram_client(at(server.url()));
  const start_link link{-1001234567890, 0};
  const auto payload = make_start_payload(link, "link-key");
  const std::string ann = R"({"id":5,"first_name":"Ann","username":"ann"})", bob = R"({"id":4503599627370495,"first_name":"<Bob>"})";
  server.script(result(R"([
    {"update_id":10,"message":{"message_id":1,"from":)"
                       + ann + R"(,"chat":{"id":5,"type":"private"},"text":"/start )" + payload + R"("}},
    {"update_id":11,"message":{"message_id":1,"from":)"
                       + ann + R"(,"chat":{"id":5,"type":"private"},"text":"/start x)" + payload + R"("}},
    {"update_id":12,"message":{"message_id":1,"from":)"
                       + bob + R"(,"chat":{"id":4503599627370495,"type":"private"},"text":"/start"}},
    {"update_id":13,"message":{"message_id":1,"from":)"
                       + ann + R"(,"chat":{"id":-7,"type":"supergroup"},"text":"hi"}},
    {"update_id":14,"callback_query":{"id":"cb","from":)"
                       + ann + R"(,"data":"pay","message":{"chat":{"id":5,"type":"private"}}}},
    {"update_id":15,"callback_query":{"id":"cb","from":)"
                       + ann + R"(,"data":"pay","message":{"chat":{"id":-7,"type":"channel"}}}},
    {"update_id":16,"my_chat_member":{"chat":{"id":5,"type":"private"}}},
    {"update_id":17,"message":{"chat":{"type":"private"}}},
    {"update_id":18,"message":{"from":)"
                       + bob + R"(,"chat":{"id":4503599627370495,"type":"private"},"text":"a\u0000b"}},
    {"update_id":19,"message":7}])"));
  const auto received = std::get<updates_received>(client(get_updates{10}));
  CHECK(received.next_offset == 20);
  REQUIRE(received.updates.size() == 5);
  CHECK(received.updates[0].start == link);
  CHECK(received.updates[0].user_name == "@ann");
  CHECK_FALSE(received.updates[0].bad_start);
  CHECK_FALSE(received.updates[1].start);
  CHECK(received.updates[1].bad_start);
  CHECK(received.updates[2].user_name == "<Bob>");
  CHECK(received.updates[2].user_id == 4503599627370495);
  CHECK_FALSE(received.updates[2].bad_start);
  CHECK(received.updates[3].callback_id == "cb");
  CHECK(received.updates[3].callback_data == "pay");
  CHECK(received.updates[3].text.empty());
  CHECK(received.updates[4].text == "ab");
  const auto body = server.last().json();
  CHECK(json_int(body, "offset") == 10);
  CHECK(json_int(body, "timeout") == 0);
  REQUIRE(body["allowed_updates"].Size() == 5);
  server.script(result("[]"));
  CHECK(std::get<updates_received>(client(get_updates{20})) == updates_received{{}, 20});
  server.script(result(R"([{"message":{}}])"));
  CHECK(fault_of(client(get_updates{20})) == "transient nonsense");
  server.script(refusal(409, "Conflict: terminated by other getUpdates request"));
  const auto conflict = fake::failure(client(get_updates{20}));
  CHECK(conflict.kind == fault::transient);
  CHECK(conflict.code == "conflict");
  CHECK(conflict.text.find("other getUpdates") != std::string::npos);
}

TEST_CASE("the token is checked by getMe") {
  fake::provider server;
  server.script(result(R"({"id":1,"username":"gate_bot"})"));
  CHECK(std::get<std::string>(check_telegram(at(server.url()))) == "gate_bot");
  server.script(refusal(401, "Unauthorized"));
  CHECK(std::get<io_failure>(check_telegram(at(server.url()))).code == "credentials");
}
