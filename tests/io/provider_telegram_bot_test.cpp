// What the bot's conversations ask of Telegram: editing, rights, names, webhooks; what a poll that is refused says.
#include <catch2/catch.hpp>

#include "io/providers/telegram.hpp"
#include "io/providers/telegram_text.hpp"
#include "messages/html.hpp"
#include "tests/io/provider_fake.hpp"

using namespace paygate;
using fake::fault_of;

namespace {

telegram_settings at(const std::string& url) {
  telegram_settings settings;
  settings.http = {.base_url = url, .connect_timeout = fake::time_out, .read_timeout = fake::time_out};
  settings.token = [] { return std::string("123456:SECRETTOKEN"); };
  settings.start_link_key = [] { return std::string("link-key"); };
  settings.webhook_secret = [] { return std::string("hook_secret"); };
  settings.poll_timeout = seconds(0);
  return settings;
}

fake::answer result(const std::string& json) { return {200, R"({"ok":true,"result":)" + json + "}", "application/json", {}}; }
fake::answer refusal(int status, const std::string& description) {
  return {status,
          R"({"ok":false,"error_code":)" + std::to_string(status) + R"(,"description":")" + description + "\"}",
          "application/json",
          {}};
}

std::string method_of(const std::string& path) { return path.substr(path.rfind('/') + 1); }

} // namespace

TEST_CASE("a message is edited in its place; unchanged is as good as changed, gone is told apart") {
  fake::provider server;
  const auto client = make_telegram_client(at(server.url()));
  const edit_message request{77, 42, "<b>new</b>", {{button{"1", "key:1", false}}}};
  server.script(result(R"({"message_id":42})"));
  CHECK(std::holds_alternative<done>(client(request)));
  CHECK(method_of(server.last().path) == "editMessageText");
  const auto body = server.last().json();
  CHECK(json_int(body, "chat_id") == 77);
  CHECK(json_int(body, "message_id") == 42);
  CHECK(json_text_or_empty(body, "text") == "<b>new</b>");
  CHECK(json_text_or_empty(body, "parse_mode") == "HTML");
  CHECK(json_text_or_empty(body["reply_markup"]["inline_keyboard"][0][0], "callback_data") == "key:1");
  server.script(refusal(400, "Bad Request: message is not modified: specified new message content and reply markup are exactly the same"));
  CHECK(std::holds_alternative<done>(client(request)));
  for (const char* words : {"Bad Request: message to edit not found", "Bad Request: message can't be edited"}) {
    server.script(refusal(400, words));
    CHECK(fault_of(client(request)) == "permanent gone");
  }
  server.script(refusal(403, "Forbidden: bot was blocked by the user"));
  CHECK(fault_of(client(request)) == "permanent blocked");
}

TEST_CASE("rights in both channels: each that is missing is named, what Telegram does not tell is missing") {
  const std::string me = R"({"id":9,"is_bot":true,"username":"gate_bot"})";
  const std::string open = R"({"id":-1001,"type":"channel","title":"Open"})",
                    closed = R"({"id":-1002,"type":"supergroup","title":"Closed"})";
  const std::string poster = R"({"status":"administrator","can_post_messages":true})";
  const std::string keeper = R"({"status":"administrator","can_invite_users":true,"can_restrict_members":true})";
  const std::string creator = R"({"status":"creator"})", member = R"({"status":"member"})";
  struct row {
    std::vector<fake::answer> answers;
    bool owner_open, owner_closed, bot_open, bot_closed;
    std::string words;
  };
  const std::vector<row> rows = {
      {{result(open), result(poster), result(creator), result(closed), result(keeper), result(keeper)}, true, true, true, true, ""},
      {{result(open), result(poster), result(member), result(closed), result(keeper), result(creator)},
       false,
       true,
       true,
       true,
       "You are no administrator of the public channel \"Open\"."},
      {{result(open), result(keeper), result(creator), result(closed), result(keeper), result(creator)},
       true,
       true,
       false,
       true,
       "allow me to post messages"},
      {{result(open), result(poster), result(creator), result(closed), result(R"({"status":"administrator","can_invite_users":true})"),
        result(creator)},
       true,
       true,
       true,
       false,
       "allow me to ban members"},
      {{result(open), result(member), result(creator), result(closed), refusal(400, "Bad Request: user not found"), result(creator)},
       true,
       true,
       false,
       false,
       "make me an administrator"},
      {{refusal(400, "Bad Request: chat not found"), refusal(403, "Forbidden: bot is not a member of the supergroup chat")},
       false,
       false,
       false,
       false,
       "I cannot see the private channel"},
  };
  for (const auto& r : rows) {
    fake::provider server;
    const auto client = make_telegram_client(at(server.url()));
    server.script(result(me));
    for (const auto& a : r.answers) server.script(a);
    const auto seen = std::get<rights_checked>(client(check_rights{-1001, -1002, 77}));
    CAPTURE(seen.words);
    CHECK(seen.owner_open == r.owner_open);
    CHECK(seen.owner_closed == r.owner_closed);
    CHECK(seen.bot_open == r.bot_open);
    CHECK(seen.bot_closed == r.bot_closed);
    CHECK(seen.good() == r.words.empty());
    CHECK(seen.words.empty() == r.words.empty());
    CHECK(seen.words.find(r.words) != std::string::npos);
  }
  // Who is not reached has not answered.
  fake::provider server;
  const auto client = make_telegram_client(at(server.url()));
  server.script(result(me));
  server.script(refusal(500, "Internal Server Error"));
  CHECK(fault_of(client(check_rights{-1001, -1002, 77})).starts_with("transient"));
}

TEST_CASE("a public name is found, or is nobody's") {
  fake::provider server;
  const auto client = make_telegram_client(at(server.url()));
  server.script(result(R"({"id":-1005,"type":"channel","title":"Night <Traders>"})"));
  CHECK(std::get<chat_found>(client(find_chat{"@night"})) == chat_found{-1005, "Night <Traders>"});
  CHECK(json_text_or_empty(server.last().json(), "chat_id") == "@night");
  server.script(refusal(400, "Bad Request: chat not found"));
  CHECK(std::get<chat_found>(client(find_chat{"@night"})).chat_id == 0);
  server.script(refusal(429, "Too Many Requests: retry after 3"));
  CHECK(fault_of(client(find_chat{"@night"})).starts_with("transient"));
}

TEST_CASE("the webhook is set with the secret and the kinds of updates, and taken away") {
  fake::provider server;
  const auto client = make_telegram_client(at(server.url()));
  server.script(result("true"));
  CHECK(std::holds_alternative<done>(client(set_webhook{"https://pay.example/telegram-webhook"})));
  CHECK(method_of(server.last().path) == "setWebhook");
  const auto body = server.last().json();
  CHECK(json_text_or_empty(body, "url") == "https://pay.example/telegram-webhook");
  CHECK(json_text_or_empty(body, "secret_token") == "hook_secret");
  std::string kinds;
  for (const auto& kind : body["allowed_updates"].GetArray()) kinds += std::string(kind.GetString()) + " ";
  CHECK(kinds == "message callback_query my_chat_member chat_member chat_join_request ");
  server.script(result("true"));
  CHECK(std::holds_alternative<done>(client(set_webhook{})));
  CHECK(method_of(server.last().path) == "deleteWebhook");
  server.script(refusal(400, "Bad Request: bad webhook: HTTPS url must be provided for webhook"));
  CHECK(fault_of(client(set_webhook{"http://x"})) == "permanent bad_request");
}

TEST_CASE("a poll that is refused says why; a webhook that was left over is taken away") {
  fake::provider server;
  const auto client = make_telegram_client(at(server.url()));
  server.script(refusal(409, "Conflict: terminated by other getUpdates request; make sure that only one bot instance is running"));
  auto failure = fake::failure(client(get_updates{1}));
  CHECK(failure.kind == fault::transient);
  CHECK(failure.code == "conflict");
  CHECK(failure.text.find("another program polls") != std::string::npos);
  server.script(
      refusal(409, "Conflict: can't use getUpdates method while webhook is active; use deleteWebhook to delete the webhook first"));
  server.script(result("true"));
  failure = fake::failure(client(get_updates{1}));
  CHECK(failure.code == "conflict");
  CHECK(failure.text.find("was taken away") != std::string::npos);
  CHECK(method_of(server.last().path) == "deleteWebhook");
}

TEST_CASE("a pressed button names its message, a forwarded message its channel") {
  const std::string ann = R"({"id":5,"first_name":"Ann"})";
  const auto key = at("http://127.0.0.1:1");
  const auto pressed = read_webhook_update(R"({"update_id":14,"callback_query":{"id":"cb","from":)" + ann
                                               + R"(,"data":"new","message":{"message_id":33,"chat":{"id":5,"type":"private"}}}})",
                                           key);
  REQUIRE(pressed);
  REQUIRE(pressed->updates.size() == 1);
  CHECK(pressed->next_offset == 15);
  CHECK(pressed->updates[0].message_id == 33);
  for (const char* origin : {R"("forward_origin":{"type":"channel","chat":{"id":-1005,"type":"channel","title":"Five"},"message_id":8})",
                             R"("forward_from_chat":{"id":-1005,"type":"channel","title":"Five"})"}) {
    const auto forwarded = read_webhook_update(R"({"update_id":15,"message":{"message_id":1,"from":)" + ann
                                                   + R"(,"chat":{"id":5,"type":"private"},"text":"post",)" + origin + "}}",
                                               key);
    REQUIRE(forwarded);
    CHECK(forwarded->updates[0].shared_chat_id == -1005);
    CHECK(forwarded->updates[0].shared_title == "Five");
  }
  CHECK(read_webhook_update(R"({"update_id":16,"poll":{}})", key)->updates.empty());
  for (const char* odd : {"", "[]", "7", "{", R"({"message":{}})", R"({"update_id":"x"})"}) CHECK_FALSE(read_webhook_update(odd, key));
}

TEST_CASE("what an author formatted becomes HTML: units of UTF-16, nested, escaped; what overlaps is cut") {
  struct row {
    std::string text, entities, html;
  };
  const std::vector<row> rows = {
      {"plain", "[]", ""},
      {"plain", R"([{"type":"hashtag","offset":0,"length":5},{"type":"url","offset":0,"length":5}])", ""},
      {"a <b> & c", R"([{"type":"bold","offset":2,"length":3}])", "a <b>&lt;b&gt;</b> &amp; c"},
      // An emoji is two units, a letter with an accent one.
      {"\xf0\x9f\x92\xb0 g\xc3\xbct!", R"([{"type":"bold","offset":3,"length":3}])", "\xf0\x9f\x92\xb0 <b>g\xc3\xbct</b>!"},
      {"\xf0\x9f\x92\xb0\xf0\x9f\x92\xb0", R"([{"type":"italic","offset":2,"length":2}])", "\xf0\x9f\x92\xb0<i>\xf0\x9f\x92\xb0</i>"},
      {"\xf0\x9f\x92\xb0x", R"([{"type":"italic","offset":1,"length":2}])", "<i>\xf0\x9f\x92\xb0x</i>"}, // From its middle.
      {"bold and more", R"([{"type":"bold","offset":0,"length":13},{"type":"italic","offset":5,"length":3},{"type":"underline","offset":9,"length":4}])",
       "<b>bold <i>and</i> <u>more</u></b>"},
      {"same", R"([{"type":"bold","offset":0,"length":4},{"type":"strikethrough","offset":0,"length":4}])", "<b><s>same</s></b>"},
      {"abcdef", R"([{"type":"bold","offset":0,"length":4},{"type":"italic","offset":2,"length":4}])", "<b>ab<i>cd</i></b>ef"},
      {"ab", R"([{"type":"spoiler","offset":0,"length":1},{"type":"code","offset":1,"length":1}])", "<tg-spoiler>a</tg-spoiler><code>b</code>"},
      {"here", R"([{"type":"text_link","offset":0,"length":4,"url":"https://x.y/?a=\"1\"&b=<2>"}])",
       "<a href=\"https://x.y/?a=&quot;1&quot;&amp;b=&lt;2&gt;\">here</a>"},
      {"Ann", R"([{"type":"text_mention","offset":0,"length":3,"user":{"id":7,"first_name":"Ann"}}])", "<a href=\"tg://user?id=7\">Ann</a>"},
      {"let x", R"([{"type":"pre","offset":0,"length":5,"language":"rust"},{"type":"bold","offset":0,"length":3}])",
       "<pre><code class=\"language-rust\">let x</code></pre>"}, // Nothing is formatted in there.
      {"a\nb", R"([{"type":"blockquote","offset":0,"length":1},{"type":"expandable_blockquote","offset":2,"length":1}])",
       "<blockquote>a</blockquote>\n<blockquote expandable>b</blockquote>"},
      // Nonsense has no effect, and no end beyond the text.
      {"abc", R"([{"type":"bold","offset":-1,"length":3},{"type":"bold","offset":0,"length":0},{"type":"bold","offset":9,"length":3},7,{"type":"italic"}])", ""},
      {"abc", R"([{"type":"bold","offset":1,"length":999999999}])", "a<b>bc</b>"},
      {"abc", R"([{"type":"bold","offset":99999999999,"length":99999999999}])", ""},
      {"abc", R"([{"type":"text_link","offset":0,"length":3},{"type":"text_mention","offset":0,"length":3}])", ""},
      {"abc", R"({"type":"bold"})", ""},
  };
  for (const auto& [text, entities, html] : rows) {
    const auto read = parse_json("{\"entities\":" + entities + "}");
    REQUIRE(read);
    INFO(text << " " << entities);
    const auto made = formatted_text(text, json_member(*read, "entities"));
    CHECK(made == html);
    if (!made.empty()) CHECK(objection_to_html(made) == "");
  }
  CHECK(formatted_text("abc", nullptr) == "");
  std::string many = "[";
  for (int i = 0; i < 5'000; ++i) many += R"({"type":"bold","offset":0,"length":3},)";
  const auto read = parse_json("{\"entities\":" + many + "7]}");
  CHECK(formatted_text("abc", json_member(*read, "entities")).size() < 5'000);
}

TEST_CASE("an update carries its text as it is and as it is formatted") {
  const auto settings = at("http://127.0.0.1:1");
  const auto read = [&](const std::string& text) {
    const auto got = read_webhook_update(R"({"update_id":5,"message":{"message_id":1,"date":1,"chat":{"id":7,"type":"private"},"from":{"id":7,"first_name":"A"},"text":")"
                                             + text + R"(","entities":[{"type":"bold","offset":0,"length":2}]}})",
                                         settings);
    REQUIRE(got);
    REQUIRE(got->updates.size() == 1);
    return got->updates[0];
  };
  CHECK(read("hi <you>").text == "hi <you>");
  CHECK(read("hi <you>").html == "<b>hi</b> &lt;you&gt;");
  CHECK(read("h\\u0000i").text == "hi");
  CHECK(read("h\\u0000i").html == ""); // Its offsets are another text's.
}
