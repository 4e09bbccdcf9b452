#include <algorithm>
#include <charconv>

#include "io/codec/start_link.hpp"
#include "io/providers/telegram_calls.hpp"
#include "io/providers/telegram_text.hpp"

namespace paygate {

namespace {

/// PostgreSQL stores no NUL in a text, so none gets in.
std::string without_nul(std::string text) {
  text.erase(std::remove(text.begin(), text.end(), '\0'), text.end());
  return text;
}

bool is_private(const json_value* chat) { return chat && json_text_or_empty(*chat, "type") == "private"; }

/// "/start", "/start payload" and "/start@bot payload"; anything else is plain text.
void read_start(chat_update& update, std::string_view key) {
  std::string_view rest = update.text;
  if (!rest.starts_with("/start")) return;
  rest.remove_prefix(6);
  if (rest.starts_with('@')) rest.remove_prefix(std::min(rest.find(' '), rest.size()));
  if (!rest.starts_with(' ')) return;
  while (rest.starts_with(' ')) rest.remove_prefix(1);
  while (rest.ends_with(' ')) rest.remove_suffix(1);
  if (rest.empty()) return;
  update.start = read_start_payload(rest, key);
  update.bad_start = !update.start;
}

/// The channel that a message was forwarded from, in the present form and in the one before.
void read_shared(chat_update& update, const json_value& message) {
  const auto* origin = json_member(message, "forward_origin");
  const auto* chat = origin ? json_member(*origin, "chat") : json_member(message, "forward_from_chat");
  if (!chat || json_text_or_empty(*chat, "type") == "private") return;
  update.shared_chat_id = json_int(*chat, "id").value_or(0);
  update.shared_title = without_nul(json_text_or_empty(*chat, "title"));
}

std::string name_of_user(const json_value& from) {
  const auto user_name = json_text_or_empty(from, "username");
  return without_nul(user_name.empty() ? json_text_or_empty(from, "first_name") : "@" + user_name);
}

std::int64_t id_of(const json_value* who) { return who ? json_int(*who, "id").value_or(0) : 0; }

void read_link(member_update& member, const json_value& about, std::int64_t bot_id) {
  const auto* link = json_member(about, "invite_link");
  if (!link || !link->IsObject()) return;
  member.our_link = bot_id != 0 && id_of(json_member(*link, "creator")) == bot_id;
  member.link = without_nul(json_text_or_empty(*link, "invite_link"));
  member.link_name = without_nul(json_text_or_empty(*link, "name"));
}

bool is_inside(const json_value& member) {
  const auto status = json_text_or_empty(member, "status");
  if (status == "restricted") return json_bool(member, "is_member").value_or(false);
  return status == "creator" || status == "administrator" || status == "member";
}

/// What the bot itself may do there now.
void read_rights(member_update& member, const json_value& now, const json_value& chat) {
  const auto may = [&](const char* right) { return member.administrator && json_bool(now, right).value_or(false); };
  member.change = member_change::rights;
  member.administrator = json_text_or_empty(now, "status") == "administrator";
  member.can_invite = may("can_invite_users");
  member.can_restrict = may("can_restrict_members");
  // In a group every administrator may write.
  member.can_post = json_text_or_empty(chat, "type") == "channel" ? may("can_post_messages") : member.administrator;
}

/// Somebody came, went or asks to come, in a group or channel; nothing for all else.
std::optional<chat_update> parse_member(const json_value& value, std::int64_t update_id, std::int64_t bot_id) {
  const auto* asks = json_member(value, "chat_join_request");
  const auto* ours = json_member(value, "my_chat_member");
  const auto* about = asks ? asks : ours ? ours : json_member(value, "chat_member");
  const auto* chat = about ? json_member(*about, "chat") : nullptr;
  if (!chat || is_private(chat) || id_of(chat) == 0) return std::nullopt;
  const auto* from = json_member(*about, "from");
  chat_update update;
  update.update_id = update_id;
  auto& member = update.member.emplace();
  member.group_id = id_of(chat);
  member.by_us = bot_id != 0 && id_of(from) == bot_id;
  read_link(member, *about, bot_id);
  const json_value* who = from;
  if (!asks) {
    const auto* before = json_member(*about, "old_chat_member");
    const auto* now = json_member(*about, "new_chat_member");
    who = now ? json_member(*now, "user") : nullptr;
    if (!who || !now || !before) return std::nullopt;
    if (ours) {
      read_rights(member, *now, *chat);
    } else if (is_inside(*now)) {
      if (is_inside(*before)) return std::nullopt; // Only a rank has changed.
      member.change = member_change::joined;
    } else
      member.change = json_text_or_empty(*now, "status") == "kicked" ? member_change::banned : member_change::left;
  } else
    member.change = member_change::asks;
  if (id_of(who) == 0) return std::nullopt;
  update.user_id = id_of(who);
  update.chat_id = ours ? member.group_id : update.user_id;
  update.user_name = name_of_user(*who);
  return update;
}

/// Nothing for what we do not act on: other kinds of updates, words in groups and channels, what misses a part.
std::optional<chat_update> parse_update(const json_value& value, std::int64_t update_id, std::string_view key, std::int64_t bot_id) {
  if (auto member = parse_member(value, update_id, bot_id)) return member;
  chat_update update;
  update.update_id = update_id;
  const auto* callback = json_member(value, "callback_query");
  const auto* message = callback ? json_member(*callback, "message") : json_member(value, "message");
  const auto* chat = message ? json_member(*message, "chat") : nullptr;
  if (!is_private(chat)) return std::nullopt;
  const auto* from = json_member(callback ? *callback : *message, "from");
  const auto user_id = from ? json_int(*from, "id") : std::nullopt;
  const auto chat_id = json_int(*chat, "id");
  if (!user_id || !chat_id) return std::nullopt;
  update.chat_id = *chat_id;
  update.user_id = *user_id;
  update.user_name = name_of_user(*from);
  if (!callback) {
    const auto text = json_text_or_empty(*message, "text");
    update.text = without_nul(text);
    // A text that lost bytes has its formatting elsewhere.
    if (update.text == text) update.html = formatted_text(text, json_member(*message, "entities"));
    read_shared(update, *message);
    read_start(update, key);
    return update;
  }
  update.message_id = json_int(*message, "message_id").value_or(0);
  update.callback_id = without_nul(json_text_or_empty(*callback, "id"));
  update.callback_data = without_nul(json_text_or_empty(*callback, "data"));
  if (update.callback_id.empty()) return std::nullopt;
  return update;
}

} // namespace

std::int64_t bot_id_of(std::string_view token) {
  std::int64_t id = 0;
  const auto [end, error] = std::from_chars(token.data(), token.data() + token.size(), id);
  return error == std::errc{} && end != token.data() + token.size() && *end == ':' ? id : 0;
}

std::optional<updates_received> parse_updates(const json_value& result, std::int64_t offset, std::string_view start_link_key,
                                              std::int64_t bot_id) {
  if (!result.IsArray()) return std::nullopt;
  updates_received received;
  received.next_offset = offset;
  for (const auto& value : result.GetArray()) {
    const auto update_id = json_int(value, "update_id");
    if (!update_id) return std::nullopt; // Without its id it can be neither handled nor confirmed.
    received.next_offset = std::max(received.next_offset, *update_id + 1);
    if (auto update = parse_update(value, *update_id, start_link_key, bot_id)) received.updates.push_back(std::move(*update));
  }
  return received;
}

std::optional<updates_received> read_webhook_update(std::string_view body, const telegram_settings& settings) {
  const auto document = parse_json(body);
  if (!document || !document->IsObject()) return std::nullopt;
  const auto update_id = json_int(*document, "update_id");
  if (!update_id) return std::nullopt;
  updates_received received;
  received.next_offset = *update_id + 1;
  if (auto update = parse_update(*document, *update_id, settings.start_link_key(), bot_id_of(settings.token()))) received.updates.push_back(std::move(*update));
  return received;
}

} // namespace paygate
