#include "io/providers/telegram_calls.hpp"

namespace paygate {

namespace {

/// What was asked about a chat, when Telegram answered at all.
struct chat_answer {
  std::optional<telegram_result> result; ///< Nothing: Telegram refuses to say.
  std::optional<io_failure> failure;     ///< Telegram was not reached.
};

chat_answer ask(telegram_api& api, std::string_view method, std::string body) {
  auto answer = api.call(method, std::move(body), http_effect::reads);
  if (auto* result = std::get_if<telegram_result>(&answer)) return {std::move(*result), std::nullopt};
  auto& failure = std::get<io_failure>(answer);
  // A channel that the bot does not know or was put out of: an answer as good as one.
  if (failure.kind == fault::permanent) return {};
  return {std::nullopt, std::move(failure)};
}

std::string about(std::int64_t chat, std::int64_t user = 0) {
  json_buffer buffer;
  json_writer writer(buffer);
  writer.StartObject();
  write_int(writer, "chat_id", chat);
  if (user != 0) write_int(writer, "user_id", user);
  writer.EndObject();
  return take_text(buffer);
}

struct channel_look {
  std::string title;
  bool known = false, owner = false, bot = false;
  std::string lacks; ///< Of the bot's rights.
};

/// What a member who is no creator has been allowed.
bool may(const json_value& member, const char* right) {
  return json_text_or_empty(member, "status") == "creator" || json_bool(member, right).value_or(false);
}

bool is_administrator(const json_value& member) {
  const auto status = json_text_or_empty(member, "status");
  return status == "creator" || status == "administrator";
}

std::string missing_rights(const json_value& bot, bool is_open, bool is_channel) {
  if (!is_administrator(bot)) return "make me an administrator";
  std::string lacks;
  const auto need = [&](const char* right, const char* words) {
    if (!may(bot, right)) lacks += (lacks.empty() ? "allow me to " : " and to ") + std::string(words);
  };
  // In a group whoever is in it may write.
  if (is_open && is_channel) need("can_post_messages", "post messages");
  if (!is_open) {
    need("can_invite_users", "invite people by link");
    need("can_restrict_members", "ban members");
  }
  return lacks;
}

std::optional<io_failure> look(telegram_api& api, std::int64_t chat, std::int64_t user, std::int64_t bot, bool is_open,
                               channel_look& into) {
  auto seen = ask(api, "getChat", about(chat));
  if (seen.failure) return seen.failure;
  if (!seen.result) return std::nullopt;
  into.known = true;
  into.title = json_text_or_empty(seen.result->value(), "title");
  const bool is_channel = json_text_or_empty(seen.result->value(), "type") == "channel";
  auto member = ask(api, "getChatMember", about(chat, bot));
  if (member.failure) return member.failure;
  into.lacks = member.result ? missing_rights(member.result->value(), is_open, is_channel) : "make me an administrator";
  into.bot = into.lacks.empty();
  auto person = ask(api, "getChatMember", about(chat, user));
  if (person.failure) return person.failure;
  into.owner = person.result && is_administrator(person.result->value());
  return std::nullopt;
}

std::string words_about(const channel_look& seen, const char* which) {
  const auto name = std::string("the ") + which + " channel" + (seen.title.empty() ? "" : " \"" + seen.title + "\"");
  if (!seen.known) return "I cannot see " + name + ": add me to it as an administrator. ";
  std::string words;
  if (!seen.bot) words += "In " + name + ": " + seen.lacks + ". ";
  if (!seen.owner) words += "You are no administrator of " + name + ". ";
  return words;
}

} // namespace

io_outcome look_at_rights(telegram_api& api, const check_rights& request) {
  auto me = api.call("getMe", {}, http_effect::reads);
  if (auto* failure = std::get_if<io_failure>(&me)) return *failure;
  const auto bot = json_int(std::get<telegram_result>(me).value(), "id");
  if (!bot) return nonsense(http_effect::reads, "a bot without id");
  channel_look open, closed;
  if (auto failure = look(api, request.open_channel_id, request.user_id, *bot, true, open)) return *failure;
  if (auto failure = look(api, request.closed_channel_id, request.user_id, *bot, false, closed)) return *failure;
  auto words = words_about(open, "public") + words_about(closed, "private");
  if (!words.empty()) words.pop_back();
  return rights_checked{open.owner, closed.owner, open.bot, closed.bot, open.title, closed.title, std::move(words)};
}

io_outcome look_up_chat(telegram_api& api, const find_chat& request) {
  json_buffer buffer;
  json_writer writer(buffer);
  writer.StartObject();
  write_member(writer, "chat_id", request.name);
  writer.EndObject();
  auto seen = ask(api, "getChat", take_text(buffer));
  if (seen.failure) return *seen.failure;
  if (!seen.result) return chat_found{};
  return chat_found{json_int(seen.result->value(), "id").value_or(0), json_text_or_empty(seen.result->value(), "title")};
}

} // namespace paygate
