// The Bot API: updates, messages, keyboards, invite links and limits, as the daemon and a person see them.
#include "tests/sandbox/sandbox_fixture.hpp"

#include <atomic>
#include <chrono>

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

TEST_CASE_METHOD(sandbox_fixture, "a_deep_link_carries_64_characters_of_its_alphabet") {
  const auto open = [&](const std::string& payload) {
    return post("/control/users/20/open", json::object({{"url", "https://t.me/demo_bot?start=" + payload}}).dump());
  };
  CHECK(open(std::string(64, 'x')).status == 200);
  CHECK(last(get("/control/users/20/messages").body)["text"].text() == "/start " + std::string(64, 'x'));
  CHECK(open(std::string(65, 'x')).status == 422);
  CHECK(open("a.b").status == 422);
  CHECK(open("").status == 200);
  CHECK(last(get("/control/users/20/messages").body)["text"].text() == "/start");
}

TEST_CASE_METHOD(sandbox_fixture, "who_never_started_the_bot_is_written_to_only_after_a_join_request") {
  const auto made = bot("createChatInviteLink", R"({"chat_id":-1010,"creates_join_request":true})");
  const auto link = json::object({{"link", made.body["result"]["invite_link"]}}).dump();
  CHECK(post("/control/users/21/join", R"({"chat_id":-1010})").status == 200);
  CHECK(bot("sendMessage", R"({"chat_id":21,"text":"x"})").body["description"].text()
        == "Forbidden: bot can't initiate conversation with a user");
  CHECK(post("/control/users/22/request_join", link).status == 200);
  CHECK(bot("sendMessage", R"({"chat_id":22,"text":"x"})").status == 200);
  post("/control/clock", R"({"advance":"6m"})");
  CHECK(bot("sendMessage", R"({"chat_id":22,"text":"x"})").status == 403);
  CHECK(bot("declineChatJoinRequest", R"({"chat_id":-1010,"user_id":22})").status == 200);
  CHECK(bot("approveChatJoinRequest", R"({"chat_id":-1010,"user_id":22})").body["description"].text().find("HIDE_REQUESTER_MISSING")
        != std::string::npos);
}

TEST_CASE_METHOD(sandbox_fixture, "members_are_told_of_to_administrators_who_ask_for_them") {
  const auto of_kind = [&](const char* kind) {
    json out = json::array();
    const auto updates = bot("getUpdates", "{}").body["result"];
    for (const auto& update : updates.items())
      if (update.has(kind)) out.push(update[kind]);
    return out;
  };
  bot("getUpdates", R"({"allowed_updates":[]})");
  post("/control/users/23/join", R"({"chat_id":-1011})");
  post("/control/users/23/send", R"({"text":"hi"})");
  CHECK(of_kind("chat_member").size() == 0);
  bot("getUpdates", R"({"allowed_updates":["chat_member","my_chat_member"]})");
  CHECK(post("/control/users/24/join", R"({"chat_id":-1011})").status == 200);
  REQUIRE(of_kind("chat_member").size() == 1);
  const auto taken = post("/control/chats/-1011/rights", R"({"status":"member"})");
  CHECK(taken.body["bot"]["status"].text() == "member");
  post("/control/users/25/join", R"({"chat_id":-1011})");
  CHECK(of_kind("chat_member").size() == 1);
  REQUIRE(of_kind("my_chat_member").size() == 1);
  CHECK(last(of_kind("my_chat_member"))["old_chat_member"]["status"].text() == "administrator");
  CHECK(bot("getChatMember", R"({"chat_id":-1011,"user_id":24})").body["description"].text().find("member list is inaccessible")
        != std::string::npos);
  CHECK(bot("banChatMember", R"({"chat_id":-1011,"user_id":24})").status == 400);
  post("/control/chats/-1011/rights", R"({"status":"administrator","can_restrict_members":false})");
  CHECK(bot("banChatMember", R"({"chat_id":-1011,"user_id":24})").body["description"].text().find("not enough rights")
        != std::string::npos);
  post("/control/chats/-1011/rights", R"({"can_restrict_members":true})");
  post("/control/chats/-1011/rights", R"({"user_id":24,"status":"administrator"})");
  CHECK(bot("banChatMember", R"({"chat_id":-1011,"user_id":24})").body["description"].text()
        == "Bad Request: user is an administrator of the chat");
  CHECK(last(of_kind("chat_member"))["new_chat_member"]["status"].text() == "administrator");
  CHECK(of_kind("my_chat_member").size() == 3);
  CHECK(get("/control/chats/-1011/members?status=administrator").body["members"].size() == 1);
}

TEST_CASE_METHOD(sandbox_fixture, "the_owners_own_link_is_seen_in_part") {
  post("/control/chats", R"({"id":-1021,"title":"Closed","creators":[500]})");
  const auto made = post("/control/chats/-1021/links", R"({"join_request":true})").body["invite_link"].text();
  CHECK(post("/control/users/28/request_join", json::object({{"link", made}}).dump()).body["result"].text() == "requested");
  const auto asked = last(bot("getUpdates", "{}").body["result"])["chat_join_request"];
  CHECK(asked["invite_link"]["creator"]["id"].text() == "500");
  CHECK(asked["invite_link"]["invite_link"].text().find("\u2026") != std::string::npos);
  CHECK(asked["invite_link"]["invite_link"].text() != made);
  CHECK(bot("revokeChatInviteLink", json::object({{"chat_id", -1021}, {"invite_link", made}}).dump()).status == 400);
  CHECK(bot("approveChatJoinRequest", R"({"chat_id":-1021,"user_id":28})").status == 200);
}

TEST_CASE_METHOD(sandbox_fixture, "a_forwarded_post_names_its_channel") {
  post("/control/chats", R"({"id":-1020,"title":"Open","username":"open_channel"})");
  CHECK(post("/control/users/27/send", R"({"text":"a post","forward_from":-1020})").status == 200);
  const auto got_message = last(bot("getUpdates", "{}").body["result"])["message"];
  CHECK(got_message["forward_origin"]["type"].text() == "channel");
  CHECK(got_message["forward_origin"]["chat"]["id"].text() == "-1020");
  CHECK(bot("getChat", R"({"chat_id":"@Open_Channel"})").body["result"]["title"].text() == "Open");
}

TEST_CASE_METHOD(sandbox_fixture, "a_block_and_its_end_are_told") {
  post("/control/users/26/send", R"({"text":"/start"})");
  post("/control/users/26/block", "");
  CHECK(bot("sendMessage", R"({"chat_id":26,"text":"x"})").body["description"].text() == "Forbidden: bot was blocked by the user");
  post("/control/users/26/send", R"({"text":"/start"})");
  const auto all = bot("getUpdates", "{}").body["result"];
  REQUIRE(all.size() == 4);
  CHECK(all.items()[1]["my_chat_member"]["new_chat_member"]["status"].text() == "kicked");
  CHECK(all.items()[2]["my_chat_member"]["new_chat_member"]["status"].text() == "member");
  CHECK(all.items()[3].has("message"));
  CHECK(bot("sendMessage", R"({"chat_id":26,"text":"x"})").status == 200);
}

TEST_CASE_METHOD(sandbox_fixture, "posts_of_a_channel_can_be_taken_back") {
  const auto post_id = [&] { return bot("sendMessage", R"({"chat_id":-1012,"text":"p"})").body["result"]["message_id"].text(); };
  const auto take_back = [&](const std::string& id) { return bot("deleteMessage", R"({"chat_id":-1012,"message_id":)" + id + "}"); };
  const auto first = post_id();
  CHECK(take_back(first).status == 200);
  CHECK(take_back(first).body["description"].text() == "Bad Request: message to delete not found");
  CHECK(get("/control/chats/-1012/messages").body.size() == 0);
  REQUIRE(get("/control/chats/-1012/messages?all=1").body.size() == 1);
  CHECK(last(get("/control/chats/-1012/messages?all=1").body)["deleted"].is_true());
  const auto second = post_id();
  post("/control/clock", R"({"advance":"49h"})");
  post("/control/chats/-1012/rights", R"({"can_delete_messages":false})");
  CHECK(take_back(second).body["description"].text() == "Bad Request: message can't be deleted");
  post("/control/chats/-1012/rights", R"({"can_delete_messages":true})");
  CHECK(take_back(second).status == 200);
}

TEST_CASE_METHOD(sandbox_fixture, "crowds_are_made_at_once_and_deliveries_counted") {
  post("/control/limits", R"({"off":true})");
  CHECK(post("/control/users/bulk", R"({"from":1000,"count":500,"started":true,"chat_id":-1013})").status == 200);
  CHECK(get("/control/chats/-1013/members?status=member").body["members"].size() == 500);
  CHECK(bot("getUpdates", "{}").body["result"].size() == 0);
  for (int user = 1000; user < 1100; ++user)
    CHECK(bot("sendMessage", json::object({{"chat_id", user}, {"text", "news 1"}}).dump()).status == 200);
  bot("sendMessage", R"({"chat_id":1000,"text":"news 1"})");
  const auto counted = get("/control/deliveries?text=news%201").body;
  CHECK(counted["chats"].text() == "100");
  CHECK(counted["messages"].text() == "101");
  CHECK(counted["chats_with_repeats"].text() == "1");
  CHECK(counted["most_in_one_chat"].text() == "2");
  CHECK(post("/control/chats/bulk", R"({"from":-2000,"count":10})").status == 200);
  CHECK(bot("getChat", R"({"chat_id":-2009})").body["result"]["type"].text() == "channel");
}

TEST_CASE_METHOD(sandbox_fixture, "too_many_messages_are_refused_with_a_time") {
  post("/control/limits", R"({"chat_per_min":1,"burst":2})");
  post("/control/users/14/send", R"({"text":"/start"})");
  for (int i = 0; i < 2; ++i) CHECK(bot("sendMessage", R"({"chat_id":14,"text":"x"})").status == 200);
  const auto refused = bot("sendMessage", R"({"chat_id":14,"text":"x"})");
  CHECK(refused.status == 429);
  CHECK(refused.body["parameters"]["retry_after"].integer().value_or(0) > 50);
}

TEST_CASE_METHOD(sandbox_fixture, "a_webhook_gets_each_update_until_it_takes_it") {
  httplib::Server daemon;
  std::mutex mutex;
  std::vector<std::string> secrets, bodies;
  daemon.Post("/hook", [&](const httplib::Request& in, httplib::Response& out) {
    const std::lock_guard lock(mutex);
    secrets.push_back(in.get_header_value("X-Telegram-Bot-Api-Secret-Token"));
    bodies.push_back(in.body);
    out.status = bodies.size() == 1 ? 500 : 200;
  });
  const int port = daemon.bind_to_any_port("127.0.0.1");
  std::thread listener([&] { daemon.listen_after_bind(); });
  const auto url = "http://127.0.0.1:" + std::to_string(port) + "/hook";
  CHECK(bot("setWebhook", json::object({{"url", url}, {"secret_token", "a b"}}).dump()).status == 400);
  CHECK(bot("setWebhook", json::object({{"url", url}, {"secret_token", "s-1"}}).dump()).status == 200);
  CHECK(bot("setWebhook", json::object({{"url", url}}).dump()).status == 429);
  CHECK(bot("getUpdates", "{}").body["description"].text().find("webhook is active") != std::string::npos);
  post("/control/users/30/send", R"({"text":"one"})");
  post("/control/users/30/send", R"({"text":"two"})");
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(60);
  const auto pending = [&] { return bot("getWebhookInfo", "{}").body["result"]["pending_update_count"].text(); };
  while (pending() != "0" && std::chrono::steady_clock::now() < deadline) std::this_thread::sleep_for(std::chrono::milliseconds(20));
  CHECK(pending() == "0");
  CHECK(bot("getWebhookInfo", "{}").body["result"]["last_error_message"].text().find("500") != std::string::npos);
  CHECK(bot("deleteWebhook", "{}").status == 200);
  CHECK(bot("getUpdates", "{}").status == 200);
  daemon.stop();
  listener.join();
  REQUIRE(bodies.size() == 3);
  CHECK(bodies[0] == bodies[1]);
  CHECK(bodies[2].find("two") != std::string::npos);
  for (const auto& secret : secrets) CHECK(secret == "s-1");
}
