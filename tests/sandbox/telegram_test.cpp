// The Bot API: updates, messages, keyboards, invite links and limits, as the daemon and a person see them.
#include "tests/sandbox/sandbox_fixture.hpp"

#include <atomic>

using sandbox::json;

namespace {

json last(const json& list) { return list.items().empty() ? json() : list.items().back(); }

} // namespace

TEST_CASE_METHOD(sandbox_fixture, "updates_stay_until_they_are_confirmed") {
  post("/control/users/7/send", R"({"text":"/start abc"})");
  const auto first = bot("getUpdates", R"({"timeout":0})");
  REQUIRE(first.body["result"].size() == 1);
  const auto update = first.body["result"].items()[0];
  CHECK(update["message"]["text"].text() == "/start abc");
  CHECK(update["message"]["chat"]["type"].text() == "private");
  CHECK(bot("getUpdates", "{}").body["result"].size() == 1);
  const auto next = std::to_string(*update["update_id"].integer() + 1);
  CHECK(bot("getUpdates", R"({"offset":)" + next + "}").body["result"].size() == 0);
  CHECK(get("/telegram/bot42:token/getUpdates").body["result"].size() == 0);
}

TEST_CASE_METHOD(sandbox_fixture, "the_older_of_two_polls_is_told_of_the_conflict") {
  std::atomic<int> older = 0;
  std::thread poll([&] {
    httplib::Client other("127.0.0.1", server.port());
    other.set_read_timeout(60);
    const auto told = other.Post("/telegram/bot42:token/getUpdates", R"({"timeout":50})", "application/json");
    older = told ? told->status : -1;
  });
  // Each of these polls ends an older one, once that one is there.
  while (older == 0) bot("getUpdates", R"({"timeout":0})");
  poll.join();
  CHECK(older == 409);
}

TEST_CASE_METHOD(sandbox_fixture, "messages_are_refused_as_telegram_refuses_them") {
  CHECK(bot("sendMessage", R"({"chat_id":8,"text":"x"})").body["description"].text() == "Bad Request: chat not found");
  post("/control/users/8/send", R"({"text":"/start"})");
  CHECK(bot("sendMessage", R"({"chat_id":8,"text":"<b>x","parse_mode":"HTML"})")
            .body["description"]
            .text()
            .starts_with("Bad Request: can't parse entities"));
  CHECK(bot("sendMessage", R"({"chat_id":8,"text":")" + std::string(4097, 'x') + "\"}").body["description"].text()
        == "Bad Request: message is too long");
  CHECK(bot("sendMessage", R"({"chat_id":8,"text":"x","reply_markup":{"inline_keyboard":[[{"text":"b","callback_data":")"
                               + std::string(65, 'x') + "\"}]]}}")
            .body["description"]
            .text()
        == "Bad Request: BUTTON_DATA_INVALID");
  const auto sent = bot("sendMessage", R"({"chat_id":8,"text":"<b>hi</b>","parse_mode":"HTML"})");
  CHECK(sent.body["result"]["text"].text() == "hi");
  CHECK(last(get("/control/users/8/messages").body)["raw"].text() == "<b>hi</b>");
  const auto id = sent.body["result"]["message_id"].text();
  CHECK(bot("editMessageText", R"({"chat_id":8,"text":"<b>hi</b>","parse_mode":"HTML","message_id":)" + id + "}")
            .body["description"]
            .text()
            .find("message is not modified")
        != std::string::npos);
  post("/control/users/8/block", "");
  CHECK(bot("sendMessage", R"({"chat_id":8,"text":"x"})").status == 403);
}

TEST_CASE_METHOD(sandbox_fixture, "a_press_is_a_callback_or_a_deep_link") {
  post("/control/users/9/send", R"({"text":"/start"})");
  bot("sendMessage", R"({"chat_id":9,"text":"t","reply_markup":{"inline_keyboard":[[{"text":"Pay","callback_data":"pay:1"}]]}})");
  bot("sendMessage",
      R"({"chat_id":-1001,"text":"offer","reply_markup":{"inline_keyboard":[[{"text":"Buy","url":"https://t.me/demo_bot?start=abc_1"}]]}})");
  const auto pressed = post("/control/users/9/press", R"({"data":"pay:1"})");
  CHECK(pressed.status == 200);
  const auto update = last(bot("getUpdates", "{}").body["result"]);
  CHECK(update["callback_query"]["data"].text() == "pay:1");
  const auto query = update["callback_query"]["id"].text();
  CHECK(bot("answerCallbackQuery", R"({"callback_query_id":")" + query + "\"}").status == 200);
  CHECK(bot("answerCallbackQuery", R"({"callback_query_id":"1"})").status == 400);
  CHECK(post("/control/users/9/press", R"({"data":"forged"})").status == 404);
  CHECK(post("/control/users/9/press", R"({"text":"Buy","chat_id":-1001})").body["sent"].text() == "/start abc_1");
  CHECK(last(get("/control/users/9/messages").body)["text"].text() == "/start abc_1");
}

TEST_CASE_METHOD(sandbox_fixture, "an_invite_link_lets_in_as_many_as_it_says") {
  bot("getUpdates", R"({"allowed_updates":["message","chat_member"]})");
  const auto made = bot("createChatInviteLink", R"({"chat_id":-1002,"member_limit":1,"name":"o-1"})");
  const auto url = made.body["result"]["invite_link"].text();
  const auto join = json::object({{"invite_link", url}}).dump();
  CHECK(post("/control/users/11/join", join).status == 200);
  CHECK(post("/control/users/12/join", join).status == 410);
  const auto update = last(bot("getUpdates", "{}").body["result"]);
  CHECK(update["chat_member"]["new_chat_member"]["status"].text() == "member");
  CHECK(update["chat_member"]["invite_link"]["invite_link"].text() == url);
  // When the one inside leaves, the slot opens again.
  post("/control/users/11/leave", R"({"chat_id":-1002})");
  CHECK(post("/control/users/12/join", join).status == 200);
  CHECK(bot("banChatMember", R"({"chat_id":-1002,"user_id":12})").status == 200);
  CHECK(bot("getChatMember", R"({"chat_id":-1002,"user_id":12})").body["result"]["status"].text() == "kicked");
  CHECK(post("/control/users/12/join", join).status == 403);
  bot("unbanChatMember", R"({"chat_id":-1002,"user_id":12,"only_if_banned":true})");
  bot("revokeChatInviteLink", json::object({{"chat_id", -1002}, {"invite_link", url}}).dump());
  CHECK(post("/control/users/12/join", join).status == 410);
  const auto tomorrow = std::chrono::system_clock::now() + std::chrono::hours(24);
  const auto dated =
      bot("createChatInviteLink", json::object({{"chat_id", -1002}, {"expire_date", sandbox::unix_seconds(tomorrow)}}).dump());
  CHECK(dated.status == 200);
  post("/control/clock", R"({"advance":"25h"})");
  CHECK(post("/control/users/12/join", json::object({{"invite_link", dated.body["result"]["invite_link"]}}).dump()).status == 410);
  post("/control/chats", R"({"id":-1003,"title":"T","type":"channel","bot_admin":false})");
  CHECK(bot("createChatInviteLink", R"({"chat_id":-1003})").body["description"].text().find("not enough rights") != std::string::npos);
}

TEST_CASE_METHOD(sandbox_fixture, "a_join_request_waits_for_approval") {
  const auto made = bot("createChatInviteLink", R"({"chat_id":-1004,"creates_join_request":true})");
  const auto join = json::object({{"invite_link", made.body["result"]["invite_link"]}}).dump();
  CHECK(post("/control/users/13/join", join).body["result"].text() == "requested");
  CHECK(last(bot("getUpdates", "{}").body["result"]).has("chat_join_request"));
  CHECK(bot("approveChatJoinRequest", R"({"chat_id":-1004,"user_id":13})").status == 200);
  CHECK(bot("getChatMember", R"({"chat_id":-1004,"user_id":13})").body["result"]["status"].text() == "member");
}

TEST_CASE_METHOD(sandbox_fixture, "too_many_messages_are_refused_with_a_time") {
  post("/control/limits", R"({"chat_per_min":1,"burst":2})");
  post("/control/users/14/send", R"({"text":"/start"})");
  for (int i = 0; i < 2; ++i) CHECK(bot("sendMessage", R"({"chat_id":14,"text":"x"})").status == 200);
  const auto refused = bot("sendMessage", R"({"chat_id":14,"text":"x"})");
  CHECK(refused.status == 429);
  CHECK(refused.body["parameters"]["retry_after"].integer().value_or(0) > 50);
}
