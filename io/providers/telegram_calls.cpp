#include "io/providers/telegram_calls.hpp"

#include <algorithm>

namespace paygate {

namespace {

std::string lower(std::string text) {
  for (auto& c : text)
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c + 32);
  return text;
}

/// Descriptions are matched by parts of them, never as a whole: Telegram changes and extends them.
io_failure refusal_of(std::int64_t status, std::string words, std::int64_t chat_id) {
  const auto text = lower(words);
  const auto says = [&](std::string_view part) { return text.find(part) != std::string::npos; };
  const bool in_channel = chat_id < 0;
  if (status == 409) return {fault::transient, "conflict", std::move(words), {}};
  if (status == 401 || status == 404) return {fault::transient, "credentials", std::move(words), {}};
  if (status == 403) {
    if (in_channel) return {fault::transient, "no_rights", std::move(words), {}};
    return {fault::permanent, "blocked", std::move(words), {}};
  }
  if (in_channel && (says("not enough rights") || says("admin_required") || says("administrator rights") || says("need administrator")))
    return {fault::transient, "no_rights", std::move(words), {}};
  if (says("chat not found")) return {fault::permanent, "chat_not_found", std::move(words), {}};
  if (says("can't parse entities")) return {fault::permanent, "markup", std::move(words), {}};
  return {fault::permanent, "bad_request", std::move(words), {}};
}

} // namespace

telegram_answer telegram_api::call(std::string_view method, std::string body, http_effect effect, std::int64_t chat_id) {
  const auto token = token_();
  auto called = http_.call({.effect = effect,
                            .method = "POST",
                            .path = "/bot" + token + "/" + std::string(method),
                            .query = {},
                            .headers = {},
                            .body = body.empty() ? "{}" : std::move(body)});
  if (auto* failure = std::get_if<io_failure>(&called)) return *failure;
  auto& answer = std::get<http_answer>(called);
  auto document = parse_json(answer.body);
  const auto ok = document ? json_bool(*document, "ok") : std::nullopt;
  if (!ok) {
    if (answer.status >= 200 && answer.status <= 299) return nonsense(effect, "no answer of the Bot API");
    return status_failure(answer, effect); // A proxy's page.
  }
  if (*ok) {
    if (!document->HasMember("result")) return nonsense(effect, "an answer without result");
    return telegram_result{std::make_shared<const json_document>(std::move(*document))};
  }
  auto words = provider_words(json_text_or_empty(*document, "description"), {token});
  const auto status = json_int(*document, "error_code").value_or(answer.status);
  if (const auto* parameters = json_member(*document, "parameters")) {
    if (const auto wait = json_int(*parameters, "retry_after"); wait && *wait >= 0 && *wait < 1'000'000)
      answer.retry_after = std::min<milliseconds>(seconds(*wait), retry_after_max);
    if (const auto new_id = json_int(*parameters, "migrate_to_chat_id"))
      return io_failure{fault::permanent, "migrated", "the group is now " + std::to_string(*new_id), {}};
  }
  if (status == 429 || status >= 500) {
    answer.status = static_cast<int>(std::min<std::int64_t>(status, 599));
    return status_failure(answer, effect, provider_error{"", std::move(words)});
  }
  return refusal_of(status, std::move(words), chat_id);
}

} // namespace paygate
