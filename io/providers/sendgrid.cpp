#include "io/providers/sendgrid.hpp"

#include <memory>

#include "crypto/hash.hpp"
#include "io/codec/json.hpp"
#include "io/random.hpp"

namespace paygate {

namespace {

constexpr std::size_t secret_size = 32;

void write_key(json_writer& writer, std::string_view key) { writer.Key(key.data(), static_cast<rapidjson::SizeType>(key.size())); }

void write_content(json_writer& writer, std::string_view type, std::string_view value) {
  writer.StartObject();
  write_member(writer, "type", type);
  write_member(writer, "value", value);
  writer.EndObject();
}

std::string body_of(const send_mail& mail, const sendgrid_settings& settings) {
  json_buffer buffer;
  json_writer writer(buffer);
  writer.StartObject();
  write_key(writer, "personalizations");
  writer.StartArray();
  writer.StartObject();
  write_key(writer, "to");
  writer.StartArray();
  writer.StartObject();
  write_member(writer, "email", mail.to);
  writer.EndObject();
  writer.EndArray();
  writer.EndObject();
  writer.EndArray();
  write_key(writer, "from");
  writer.StartObject();
  write_member(writer, "email", settings.from);
  write_member(writer, "name", settings.from_name);
  writer.EndObject();
  write_member(writer, "subject", mail.subject);
  // text/plain must come first.
  write_key(writer, "content");
  writer.StartArray();
  write_content(writer, "text/plain", mail.text);
  write_content(writer, "text/html", mail.html);
  writer.EndArray();
  // A link that SendGrid rewrites to count clicks would show the token to whoever can read its logs.
  write_key(writer, "tracking_settings");
  writer.StartObject();
  write_key(writer, "click_tracking");
  writer.StartObject();
  write_bool(writer, "enable", false);
  write_bool(writer, "enable_text", false);
  writer.EndObject();
  writer.EndObject();
  writer.EndObject();
  return take_text(buffer);
}

/// Its own error: {"errors":[{"message","field"}]}.
std::optional<provider_error> error_of(const http_answer& answer, const std::string& key) {
  const auto body = parse_json(answer.body);
  const auto* errors = body ? json_member(*body, "errors") : nullptr;
  if (!errors || !errors->IsArray() || errors->Empty()) return std::nullopt;
  return provider_error{"", provider_words(json_text_or_empty((*errors)[0], "message"), {key})};
}

class sendgrid_client {
public:
  explicit sendgrid_client(sendgrid_settings settings) : settings_(std::move(settings)), http_(settings_.http) {}

  io_outcome operator()(const send_mail& mail) {
    const auto key = settings_.api_key ? settings_.api_key() : std::string();
    if (key.empty()) return io_failure{fault::transient, "credentials", "SENDGRID_API_KEY is not set", {}};
    const auto called = http_.call({.effect = http_effect::creates,
                                    .method = "POST",
                                    .path = "/v3/mail/send",
                                    .query = {},
                                    .headers = {{"Authorization", "Bearer " + key}},
                                    .body = body_of(mail, settings_)});
    if (const auto* failure = std::get_if<io_failure>(&called)) return *failure;
    const auto& answer = std::get<http_answer>(called);
    if (answer.status == 200 || answer.status == 202) return done{};
    return status_failure(answer, http_effect::creates, error_of(answer, key));
  }

  io_outcome operator()(const make_secret&) {
    const auto secret = base64url_encode(random_bytes(secret_size));
    return secret_made{secret, sha256_hex(secret)};
  }

  template <class Other>
  io_outcome operator()(const Other& request) {
    return wrong_lane(request);
  }

private:
  sendgrid_settings settings_;
  http_caller http_;
};

} // namespace

io_client make_sendgrid_client(sendgrid_settings settings) {
  return never_throwing([client = std::make_shared<sendgrid_client>(std::move(settings))](const io_request& request) {
    return std::visit(*client, request);
  });
}

} // namespace paygate
