#include "io/providers/telegram.hpp"

#include <chrono>
#include <memory>
#include <mutex>

#include "io/codec/start_link.hpp"
#include "io/providers/telegram_calls.hpp"

namespace paygate {

namespace {

constexpr std::size_t callback_data_max = 64;
constexpr std::size_t callback_text_max = 200;
constexpr std::size_t invite_name_max = 32;
constexpr seconds poll_timeout_max{50};

/// Cuts at the border of a UTF-8 character.
std::string_view shortened(std::string_view text, std::size_t bytes) {
  if (text.size() <= bytes) return text;
  while (bytes > 0 && (static_cast<unsigned char>(text[bytes]) & 0xc0) == 0x80) --bytes;
  return text.substr(0, bytes);
}

std::variant<std::string, io_failure> ask_bot_name(telegram_api& api) {
  auto answer = api.call("getMe", {}, http_effect::reads);
  if (auto* failure = std::get_if<io_failure>(&answer)) return *failure;
  auto name = json_text_or_empty(std::get<telegram_result>(answer).value(), "username");
  if (name.empty()) return nonsense(http_effect::reads, "a bot without user name");
  return name;
}

http_settings for_polls(const telegram_settings& settings) {
  auto http = settings.http;
  http.read_timeout += std::min(settings.poll_timeout, poll_timeout_max);
  return http;
}

class telegram_client {
public:
  explicit telegram_client(telegram_settings settings)
      : settings_(std::move(settings)), api_(settings_.http, settings_.token), poll_api_(for_polls(settings_), settings_.token) {}

  io_outcome operator()(const send_message& request) {
    json_buffer buffer;
    json_writer writer(buffer);
    writer.StartObject();
    if (auto failure = write_text(writer, request)) return *failure;
    writer.EndObject();
    auto answer = api_.call("sendMessage", take_text(buffer), http_effect::creates, request.chat_id);
    if (auto* failure = std::get_if<io_failure>(&answer)) return *failure;
    const auto id = json_int(std::get<telegram_result>(answer).value(), "message_id");
    if (!id) return nonsense(http_effect::creates, "a message without message_id");
    return message_sent{*id};
  }

  /// An edit that was made already is "not modified", so a lost answer is no unknown outcome.
  io_outcome operator()(const edit_message& request) {
    json_buffer buffer;
    json_writer writer(buffer);
    writer.StartObject();
    write_int(writer, "message_id", request.message_id);
    if (auto failure = write_text(writer, request)) return *failure;
    writer.EndObject();
    auto outcome = done_unless_refused(api_.call("editMessageText", take_text(buffer), http_effect::reads, request.chat_id));
    auto* failure = std::get_if<io_failure>(&outcome);
    if (failure && failure->code == "bad_request")
      for (const char* gone : {"message to edit not found", "can't be edited", "MESSAGE_ID_INVALID"})
        if (failure->text.find(gone) != std::string::npos) failure->code = "gone";
    return outcome;
  }

  io_outcome operator()(const find_chat& request) { return look_up_chat(api_, request); }
  io_outcome operator()(const check_rights& request) { return look_at_rights(api_, request); }

  io_outcome operator()(const set_webhook& request) {
    if (request.url.empty()) return done_unless_refused(api_.call("deleteWebhook", {}, http_effect::reads));
    json_buffer buffer;
    json_writer writer(buffer);
    writer.StartObject();
    write_member(writer, "url", request.url);
    write_member(writer, "secret_token", settings_.webhook_secret ? settings_.webhook_secret() : std::string());
    write_allowed_updates(writer);
    writer.EndObject();
    return done_unless_refused(api_.call("setWebhook", take_text(buffer), http_effect::reads));
  }

  io_outcome operator()(const delete_message& request) {
    json_buffer buffer;
    json_writer writer(buffer);
    writer.StartObject();
    write_int(writer, "chat_id", request.chat_id);
    write_int(writer, "message_id", request.message_id);
    writer.EndObject();
    // Whoever deletes it again finds nothing to delete, so a lost answer is no unknown outcome.
    return done_unless_refused(api_.call("deleteMessage", take_text(buffer), http_effect::reads, request.chat_id));
  }

  io_outcome operator()(const answer_callback& request) {
    json_buffer buffer;
    json_writer writer(buffer);
    writer.StartObject();
    write_member(writer, "callback_query_id", request.callback_id);
    if (!request.text.empty()) write_member(writer, "text", shortened(request.text, callback_text_max));
    writer.EndObject();
    // A second answer to the same press is as good as one, so a lost answer is no unknown outcome.
    return done_unless_refused(api_.call("answerCallbackQuery", take_text(buffer), http_effect::reads));
  }

  io_outcome operator()(const create_invite& request) {
    json_buffer buffer;
    json_writer writer(buffer);
    writer.StartObject();
    write_int(writer, "chat_id", request.chat_id);
    write_member(writer, "name", shortened(request.name, invite_name_max));
    write_int(writer, "expire_date", std::chrono::floor<seconds>(request.expires_at).time_since_epoch().count());
    write_int(writer, "member_limit", 1);
    writer.EndObject();
    auto answer = api_.call("createChatInviteLink", take_text(buffer), http_effect::creates, request.chat_id);
    if (auto* failure = std::get_if<io_failure>(&answer)) return for_a_person(*failure);
    auto link = json_text_or_empty(std::get<telegram_result>(answer).value(), "invite_link");
    if (link.empty()) return nonsense(http_effect::creates, "an invite without invite_link");
    return invite_created{std::move(link)};
  }

  io_outcome operator()(const revoke_invite& request) {
    json_buffer buffer;
    json_writer writer(buffer);
    writer.StartObject();
    write_int(writer, "chat_id", request.chat_id);
    write_member(writer, "invite_link", request.link);
    writer.EndObject();
    auto answer = api_.call("revokeChatInviteLink", take_text(buffer), http_effect::reads, request.chat_id);
    const auto* failure = std::get_if<io_failure>(&answer);
    if (!failure) return done{};
    // What Telegram does not know as a link of ours lets nobody in.
    return failure->code == "bad_request" ? io_outcome(done{}) : for_a_person(*failure);
  }

  io_outcome operator()(const get_member& request) {
    auto answer = about_member("getChatMember", request.chat_id, request.user_id);
    if (const auto* failure = std::get_if<io_failure>(&answer))
      return is_unknown_there(*failure) ? io_outcome(member_seen{member_status::left}) : for_a_person(*failure);
    const auto& member = std::get<telegram_result>(answer).value();
    const auto status = json_text_or_empty(member, "status");
    if (status == "restricted") return member_seen{json_bool(member, "is_member").value_or(false) ? member_status::member : member_status::left};
    const auto parsed = parse_enum<member_status>(status);
    return parsed ? io_outcome(member_seen{*parsed}) : nonsense(http_effect::reads, "a member without a known status");
  }

  // All three may be repeated: what they bring about is the same.
  io_outcome operator()(const ban_member& request) {
    auto answer = about_member("banChatMember", request.chat_id, request.user_id);
    const auto* failure = std::get_if<io_failure>(&answer);
    if (!failure) return done{};
    if (is_unknown_there(*failure)) return io_failure{fault::permanent, "not_member", failure->text, {}};
    for (const char* chief : {"is an administrator of the chat", "remove chat owner", "USER_ADMIN_INVALID"})
      if (failure->text.find(chief) != std::string::npos) return io_failure{fault::permanent, "administrator", failure->text, {}};
    return for_a_person(*failure);
  }

  io_outcome operator()(const unban_member& request) {
    auto answer = about_member("unbanChatMember", request.chat_id, request.user_id, true);
    const auto* failure = std::get_if<io_failure>(&answer);
    if (!failure || is_unknown_there(*failure)) return done{};
    return for_a_person(*failure);
  }

  io_outcome operator()(const approve_join& request) {
    auto answer = about_member("approveChatJoinRequest", request.chat_id, request.user_id);
    const auto* failure = std::get_if<io_failure>(&answer);
    if (!failure || failure->text.find("USER_ALREADY_PARTICIPANT") != std::string::npos) return done{};
    if (failure->code == "bad_request") return io_failure{fault::permanent, "no_request", failure->text, {}};
    return for_a_person(*failure);
  }

  io_outcome operator()(const get_updates& request) {
    json_buffer buffer;
    json_writer writer(buffer);
    writer.StartObject();
    write_int(writer, "offset", request.offset);
    write_int(writer, "timeout", std::min(settings_.poll_timeout, poll_timeout_max).count());
    write_allowed_updates(writer);
    writer.EndObject();
    auto answer = poll_api_.call("getUpdates", take_text(buffer), http_effect::reads);
    if (auto* failure = std::get_if<io_failure>(&answer)) {
      if (failure->code == "conflict") explain_conflict(*failure);
      return *failure;
    }
    auto received = parse_updates(std::get<telegram_result>(answer).value(), request.offset, settings_.start_link_key(), bot_id_of(poll_api_.token()));
    if (!received) return nonsense(http_effect::reads, "no list of updates");
    return std::move(*received);
  }

  template <class Other>
  io_outcome operator()(const Other& request) {
    return wrong_lane(request);
  }

private:
  static void write_allowed_updates(json_writer& writer) {
    writer.Key("allowed_updates");
    writer.StartArray();
    for (const char* kind : {"message", "callback_query", "my_chat_member", "chat_member", "chat_join_request"}) writer.String(kind);
    writer.EndArray();
  }

  /// Two that take updates of one bot take them from each other: whoever runs us has to know which of the two it is. A webhook that was
  /// left over is taken away: updates are polled by us.
  void explain_conflict(io_failure& failure) {
    if (failure.text.find("webhook") == std::string::npos) {
      failure.text =
          "another program polls the updates of this bot: each loses what the other gets; stop one of the two, or give each its own bot ("
          + failure.text + ")";
      return;
    }
    const auto removed = api_.call("deleteWebhook", {}, http_effect::reads);
    failure.text = std::string("this bot has a webhook, which was set by somebody else; it ")
                   + (std::holds_alternative<telegram_result>(removed) ? "was taken away" : "could not be taken away") + " (" + failure.text
                   + ")";
  }

  template <class Request>
  std::optional<io_failure> write_text(json_writer& writer, const Request& request) {
    write_int(writer, "chat_id", request.chat_id);
    write_member(writer, "text", request.html);
    write_member(writer, "parse_mode", "HTML");
    writer.Key("link_preview_options");
    writer.StartObject();
    write_bool(writer, "is_disabled", true);
    writer.EndObject();
    return write_keyboard(writer, request.buttons);
  }

  telegram_answer about_member(const char* method, std::int64_t chat_id, std::int64_t user_id, bool only_if_banned = false) {
    json_buffer buffer;
    json_writer writer(buffer);
    writer.StartObject();
    write_int(writer, "chat_id", chat_id);
    write_int(writer, "user_id", user_id);
    if (only_if_banned) write_bool(writer, "only_if_banned", true);
    writer.EndObject();
    return api_.call(method, take_text(buffer), http_effect::reads, chat_id);
  }

  static bool is_unknown_there(const io_failure& failure) {
    if (failure.code != "bad_request") return false;
    for (const char* words : {"PARTICIPANT_ID_INVALID", "USER_ID_INVALID", "user not found", "USER_NOT_PARTICIPANT", "participant not found"})
      if (failure.text.find(words) != std::string::npos) return true;
    return false;
  }

  /// Rights that the bot lacks in a channel only its owner can mend: whoever owes the call is to hear of it, not the retry loop alone.
  static io_failure for_a_person(io_failure failure) {
    if (failure.code == "no_rights") failure.kind = fault::permanent;
    return failure;
  }

  /// An old query, an unchanged message and one that is not there are what was wanted.
  static io_outcome done_unless_refused(telegram_answer answer) {
    const auto* failure = std::get_if<io_failure>(&answer);
    if (!failure) return done{};
    for (const char* fine : {"query is too old", "query ID is invalid", "message is not modified", "message to delete not found"})
      if (failure->text.find(fine) != std::string::npos) return done{};
    return *failure;
  }

  std::optional<io_failure> write_keyboard(json_writer& writer, const keyboard& buttons) {
    if (buttons.empty()) return std::nullopt;
    writer.Key("reply_markup");
    writer.StartObject();
    writer.Key("inline_keyboard");
    writer.StartArray();
    for (const auto& row : buttons) {
      writer.StartArray();
      for (const auto& one : row)
        if (auto failure = write_button(writer, one)) return failure;
      writer.EndArray();
    }
    writer.EndArray();
    writer.EndObject();
    return std::nullopt;
  }

  std::optional<io_failure> write_button(json_writer& writer, const button& one) {
    writer.StartObject();
    write_member(writer, "text", one.text);
    if (const auto* link = std::get_if<start_link>(&one.target)) {
      auto name = bot_name();
      if (auto* failure = std::get_if<io_failure>(&name)) return *failure;
      write_member(writer, "url",
                   "https://t.me/" + std::get<std::string>(name) + "?start=" + make_start_payload(*link, settings_.start_link_key()));
    } else {
      const auto& target = std::get<std::string>(one.target);
      if (!one.is_url && (target.empty() || target.size() > callback_data_max))
        return io_failure{fault::permanent, "button", "callback data must have 1 to 64 bytes", {}};
      write_member(writer, one.is_url ? "url" : "callback_data", target);
    }
    writer.EndObject();
    return std::nullopt;
  }

  /// Asked once for each token: another token is another bot. A failure to learn it is before anything was sent, hence never unknown.
  std::variant<std::string, io_failure> bot_name() {
    std::lock_guard lock(name_mutex_);
    const auto token = api_.token();
    if (!name_.empty() && token == name_token_) return name_;
    auto asked = ask_bot_name(api_);
    if (const auto* name = std::get_if<std::string>(&asked)) {
      name_ = *name;
      name_token_ = token;
    }
    return asked;
  }

  const telegram_settings settings_;
  telegram_api api_, poll_api_; // Two, since a poll's silence is long and a message's is not.
  std::mutex name_mutex_;
  std::string name_, name_token_;
};

} // namespace

io_client make_telegram_client(telegram_settings settings) {
  auto client = std::make_shared<telegram_client>(std::move(settings));
  return never_throwing([client](const io_request& request) { return std::visit([&](const auto& r) { return (*client)(r); }, request); });
}

std::function<std::string(const start_link&)> make_deep_linker(telegram_settings settings) {
  struct named_bot {
    std::mutex mutex;
    std::string name, token;
    std::chrono::steady_clock::time_point next_try{};
  };
  return [settings = std::move(settings), bot = std::make_shared<named_bot>()](const start_link& link) -> std::string {
    constexpr std::chrono::seconds pause{5};
    std::string name;
    {
      std::lock_guard lock(bot->mutex);
      telegram_api api(settings.http, settings.token);
      if (bot->token != api.token()) bot->name.clear();
      if (bot->name.empty() && std::chrono::steady_clock::now() >= bot->next_try) {
        auto asked = ask_bot_name(api);
        if (const auto* told = std::get_if<std::string>(&asked)) bot->name = *told;
        bot->token = api.token();
        bot->next_try = std::chrono::steady_clock::now() + pause;
      }
      name = bot->name;
    }
    return name.empty() ? name : "https://t.me/" + name + "?start=" + make_start_payload(link, settings.start_link_key());
  };
}

std::variant<std::string, io_failure> check_telegram(const telegram_settings& settings) {
  telegram_api api(settings.http, settings.token);
  return ask_bot_name(api);
}

} // namespace paygate
