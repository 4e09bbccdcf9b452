#include <algorithm>

#include "io/codec/start_link.hpp"
#include "io/providers/telegram_calls.hpp"

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

/// Nothing for what we do not act on: other kinds of updates, groups and channels, what misses a part.
std::optional<chat_update> parse_update(const json_value& value, std::int64_t update_id, std::string_view key) {
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
    update.text = without_nul(json_text_or_empty(*message, "text"));
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

std::optional<updates_received> parse_updates(const json_value& result, std::int64_t offset, std::string_view start_link_key) {
  if (!result.IsArray()) return std::nullopt;
  updates_received received;
  received.next_offset = offset;
  for (const auto& value : result.GetArray()) {
    const auto update_id = json_int(value, "update_id");
    if (!update_id) return std::nullopt; // Without its id it can be neither handled nor confirmed.
    received.next_offset = std::max(received.next_offset, *update_id + 1);
    if (auto update = parse_update(value, *update_id, start_link_key)) received.updates.push_back(std::move(*update));
  }
  return received;
}

std::optional<updates_received> read_webhook_update(std::string_view body, std::string_view start_link_key) {
  const auto document = parse_json(body);
  if (!document || !document->IsObject()) return std::nullopt;
  const auto update_id = json_int(*document, "update_id");
  if (!update_id) return std::nullopt;
  updates_received received;
  received.next_offset = *update_id + 1;
  if (auto update = parse_update(*document, *update_id, start_link_key)) received.updates.push_back(std::move(*update));
  return received;
}

} // namespace paygate
