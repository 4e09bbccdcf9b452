#include "io/providers/provider_faults.hpp"

namespace paygate {

namespace {

constexpr std::size_t words_max = 200;

/// Bytes of the UTF-8 character at the front, or 0 when it is none, or a control character.
std::size_t character_length(std::string_view text) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const auto first = byte(0);
  if (first < 0x20 || first == 0x7f) return 0;
  if (first < 0x80) return 1;
  const std::size_t length = first >= 0xc2 && first < 0xe0 ? 2 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xf0 && first < 0xf5 ? 4 : 0;
  if (length == 0 || text.size() < length) return 0;
  for (std::size_t i = 1; i < length; ++i)
    if ((byte(i) & 0xc0) != 0x80) return 0;
  const auto second = byte(1);
  const bool overlong = (first == 0xe0 && second < 0xa0) || (first == 0xf0 && second < 0x90);
  const bool outside = (first == 0xed && second >= 0xa0) || (first == 0xf4 && second >= 0x90);
  return overlong || outside ? 0 : length;
}

} // namespace

std::string provider_words(std::string_view text, std::initializer_list<std::string_view> secrets) {
  std::string hidden(text.substr(0, 16 * words_max));
  for (const auto secret : secrets) {
    if (secret.size() < 4) continue; // Not worth hiding, and would garble every text.
    for (auto at = hidden.find(secret); at != std::string::npos; at = hidden.find(secret, at + 3)) hidden.replace(at, secret.size(), "***");
  }
  std::string out;
  for (std::string_view rest = hidden; !rest.empty();) {
    const auto length = character_length(rest);
    if (out.size() + std::max<std::size_t>(length, 1) > words_max) break;
    if (length == 0) {
      if (!out.empty() && out.back() != ' ') out += ' ';
      rest.remove_prefix(1);
    } else {
      out += rest.substr(0, length);
      rest.remove_prefix(length);
    }
  }
  return out;
}

io_failure status_failure(const http_answer& answer, http_effect effect, const std::optional<provider_error>& error) {
  const auto status = answer.status;
  const auto code = "http_" + std::to_string(status);
  auto text = error && !error->words.empty() ? error->words : "HTTP status " + std::to_string(status);
  if (status == 408 || status == 425 || status == 429) return {fault::transient, code, std::move(text), answer.retry_after};
  if (status >= 500) return {effect == http_effect::creates ? fault::unknown : fault::transient, code, std::move(text), answer.retry_after};
  if (status == 401 || status == 403) return {fault::transient, "credentials", std::move(text), {}};
  if (status < 400 || !error) return {fault::transient, code, std::move(text), {}};
  return {fault::permanent, error->code.empty() ? code : error->code, std::move(text), {}};
}

io_failure nonsense(http_effect effect, std::string what) {
  return {effect == http_effect::creates ? fault::unknown : fault::transient, "nonsense", std::move(what), {}};
}

io_failure wrong_lane(const io_request& request) {
  return {fault::permanent, "wrong_lane", "no request of this provider: " + std::string(name_of(request)), {}};
}

io_client never_throwing(io_client client) {
  return [client = std::move(client)](const io_request& request) -> io_outcome {
    try {
      return client(request);
    } catch (const std::exception&) {
      return io_failure{fault::unknown, "internal", "the client failed", {}};
    }
  };
}

} // namespace paygate
