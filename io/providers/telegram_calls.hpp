#pragma once

#include "io/providers/telegram.hpp"

namespace paygate {

/// `result` of a successful call, with the document that holds it.
struct telegram_result {
  std::shared_ptr<const json_document> document;
  const json_value& value() const { return (*document)["result"]; }
};
using telegram_answer = std::variant<telegram_result, io_failure>;

/// The Bot API's one form of call and answer. Safe from several threads at once.
class telegram_api {
public:
  telegram_api(http_settings http, secret_source token) : token_(std::move(token)), http_(std::move(http)) {}

  /// POST /bot<token>/<method>. `chat_id` is the chat that it is about, 0 for none: a refusal means something else in a channel than in a
  /// private chat.
  telegram_answer call(std::string_view method, std::string body, http_effect effect, std::int64_t chat_id = 0);

  std::string token() const { return token_(); }

private:
  const secret_source token_;
  http_caller http_;
};

/// Whether a bot or person may do in two channels what selling access needs. Only what reaches nobody is a failure; a refusal is an answer.
io_outcome look_at_rights(telegram_api& api, const check_rights& request);
io_outcome look_up_chat(telegram_api& api, const find_chat& request);

/// A bot's token begins with its user id; 0 when it does not.
std::int64_t bot_id_of(std::string_view token);

/// Reads what getUpdates answered. Nothing when it is no list of updates; a single update that cannot be read is skipped. `bot_id`: who we
/// are, to tell our own deeds and links from others'.
std::optional<updates_received> parse_updates(const json_value& result, std::int64_t offset, std::string_view start_link_key,
                                              std::int64_t bot_id);

} // namespace paygate
