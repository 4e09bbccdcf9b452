// Links, members and what Telegram tells of them, against a scripted server that speaks the Bot API (provider-apis 3.3).
#include <catch2/catch.hpp>

#include "io/providers/telegram.hpp"
#include "tests/io/provider_fake.hpp"

using namespace paygate;
using fake::fault_of;

namespace {

telegram_settings at(const std::string& url) {
  telegram_settings settings;
  settings.http = {.base_url = url, .connect_timeout = fake::time_out, .read_timeout = fake::time_out};
  settings.token = [] { return std::string("123456:SECRETTOKEN"); };
  settings.start_link_key = [] { return std::string("link-key"); };
  settings.poll_timeout = seconds(0);
  return settings;
}

fake::answer result(const std::string& json) { return {200, R"({"ok":true,"result":)" + json + "}", "application/json", {}}; }
fake::answer refusal(int status, const std::string& words) {
  return {status, R"({"ok":false,"error_code":)" + std::to_string(status) + R"(,"description":")" + words + "\"}", "application/json", {}};
}

/// "done", "seen left", "permanent no_rights".
std::string word_of(const io_outcome& outcome) {
  if (std::holds_alternative<done>(outcome)) return "done";
  if (const auto* seen = std::get_if<member_seen>(&outcome)) return "seen " + std::string(to_text(seen->status));
  return fault_of(outcome);
}

} // namespace

TEST_CASE("what each call about a member means by what Telegram says") {
  struct row {
    io_request request;
    fake::answer answer;
    std::string word;
  };
  const get_member look{-1002, 7};
  const ban_member ban{-1002, 7};
  const unban_member unban{-1002, 7};
  const approve_join approve{-1002, 7};
  const revoke_invite revoke{-1002, "https://t.me/+abc"};
  const std::vector<row> rows = {
      {look, result(R"({"status":"creator"})"), "seen creator"},
      {look, result(R"({"status":"administrator"})"), "seen administrator"},
      {look, result(R"({"status":"member","until_date":5})"), "seen member"},
      {look, result(R"({"status":"restricted","is_member":true})"), "seen member"},
      {look, result(R"({"status":"restricted","is_member":false})"), "seen left"},
      {look, result(R"({"status":"left"})"), "seen left"},
      {look, result(R"({"status":"kicked","until_date":0})"), "seen kicked"},
      {look, result(R"({"status":"strange"})"), "transient nonsense"},
      {look, refusal(400, "Bad Request: PARTICIPANT_ID_INVALID"), "seen left"},
      {look, refusal(400, "Bad Request: user not found"), "seen left"},
      {look, refusal(403, "Forbidden: bot is not a member of the channel chat"), "permanent no_rights"},
      {look, refusal(400, "Bad Request: CHAT_ADMIN_REQUIRED"), "permanent no_rights"},
      {look, refusal(500, "Internal Server Error"), "transient http_500"},
      {ban, result("true"), "done"},
      {ban, refusal(400, "Bad Request: user is an administrator of the chat"), "permanent administrator"},
      {ban, refusal(400, "Bad Request: can't remove chat owner"), "permanent administrator"},
      {ban, refusal(400, "Bad Request: PARTICIPANT_ID_INVALID"), "permanent not_member"},
      {ban, refusal(400, "Bad Request: not enough rights to restrict/unrestrict chat member"), "permanent no_rights"},
      {ban, refusal(400, "Bad Request: something else"), "permanent bad_request"},
      {unban, result("true"), "done"},
      {unban, refusal(400, "Bad Request: user not found"), "done"},
      {unban, refusal(403, "Forbidden: bot was kicked from the channel chat"), "permanent no_rights"},
      {approve, result("true"), "done"},
      {approve, refusal(400, "Bad Request: USER_ALREADY_PARTICIPANT"), "done"},
      {approve, refusal(400, "Bad Request: HIDE_REQUESTER_MISSING"), "permanent no_request"},
      {approve, refusal(400, "Bad Request: not enough rights"), "permanent no_rights"},
      {revoke, result(R"({"is_revoked":true})"), "done"},
      {revoke, refusal(400, "Bad Request: INVITE_HASH_EXPIRED"), "done"},
      {revoke, refusal(400, "Bad Request: not enough rights to manage chat invite link"), "permanent no_rights"},
  };
  for (const auto& r : rows) {
    fake::provider server;
    const auto client = make_telegram_client(at(server.url()));
    server.script(r.answer);
    INFO(name_of(r.request) << " answered " << r.answer.body);
    CHECK(word_of(client(r.request)) == r.word);
    const auto body = server.last().json();
    CHECK(json_int(body, "chat_id") == -1002);
    if (!std::holds_alternative<revoke_invite>(r.request)) CHECK(json_int(body, "user_id") == 7);
    // The default would put out a member who is in.
    if (std::holds_alternative<unban_member>(r.request)) CHECK(json_bool(body, "only_if_banned") == true);
  }
}

TEST_CASE("who comes, goes and asks, and what the bot may do") {
  fake::provider server;
  const auto client = make_telegram_client(at(server.url()));
  const std::string chat = R"("chat":{"id":-1002,"type":"channel"})", us = R"({"id":123456,"is_bot":true,"first_name":"Gate"})",
                    ann = R"({"id":5,"first_name":"Ann","username":"ann"})";
  const auto change = [&](int id, const char* kind, const std::string& from, const std::string& who, const std::string& before,
                          const std::string& now, const std::string& more = "") {
    return R"({"update_id":)" + std::to_string(id) + ",\"" + kind + "\":{" + chat + R"(,"from":)" + from + R"(,"date":1,"old_chat_member":{"user":)"
           + who + R"(,"status":")" + before + R"("},"new_chat_member":{"user":)" + who + R"(,"status":")" + now + "}" + more + "}}";
  };
  const auto link = [&](const std::string& creator) {
    return R"(,"invite_link":{"invite_link":"https://t.me/+abc","name":"s5-1","creator":)" + creator + "}";
  };
  server.script(result("[" + change(1, "chat_member", ann, ann, "left", "member\"", link(us)) + ","
                       + change(2, "chat_member", ann, ann, "left", "member\"", link(ann)) + ","
                       + change(3, "chat_member", ann, ann, "member", "left\"") + "," + change(4, "chat_member", us, ann, "member", "kicked\"") + ","
                       + change(5, "chat_member", us, ann, "kicked", "left\"") + "," + change(6, "chat_member", ann, ann, "member", "administrator\"")
                       + "," + R"({"update_id":7,"chat_join_request":{)" + chat + R"(,"from":)" + ann + R"(,"user_chat_id":5,"date":1}},)"
                       + change(8, "my_chat_member", ann, us, "member", R"(administrator","can_invite_users":true,"can_post_messages":true)") + ","
                       + change(9, "my_chat_member", ann, us, "administrator", "left\"")
                       + R"(,{"update_id":10,"chat_member":{"chat":{"id":-1002,"type":"channel"}}},{"update_id":11,"chat_member":7}])"));
  const auto received = std::get<updates_received>(client(get_updates{1}));
  CHECK(received.next_offset == 12);
  REQUIRE(received.updates.size() == 8);
  const auto& u = received.updates;
  for (const auto& each : u) {
    REQUIRE(each.member);
    CHECK(each.member->group_id == -1002);
  }
  CHECK((u[0].member->change == member_change::joined && u[0].member->our_link && u[0].member->link == "https://t.me/+abc"));
  CHECK((u[0].member->link_name == "s5-1" && u[0].user_id == 5 && u[0].chat_id == 5 && u[0].user_name == "@ann" && !u[0].member->by_us));
  CHECK_FALSE(u[1].member->our_link);
  CHECK((u[2].member->change == member_change::left && !u[2].member->by_us));
  CHECK((u[3].member->change == member_change::banned && u[3].member->by_us));
  CHECK((u[4].member->change == member_change::left && u[4].member->by_us));
  CHECK((u[5].update_id == 7 && u[5].member->change == member_change::asks && u[5].user_id == 5));
  const auto& rights = *u[6].member;
  CHECK((rights.change == member_change::rights && rights.administrator && rights.can_invite && !rights.can_restrict && rights.can_post));
  CHECK(u[6].chat_id == -1002);
  CHECK_FALSE(u[7].member->administrator);
}
