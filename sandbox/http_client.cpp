#include <httplib.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

#include "sandbox/http.hpp"

namespace sandbox {

http_answer http_post(const std::string& url, const std::vector<std::pair<std::string, std::string>>& headers, const std::string& body,
                      int timeout_ms) {
  const auto scheme_end = url.find("://");
  if (scheme_end == std::string::npos) return {0, "not a URL: " + url, true};
  const auto path_start = url.find('/', scheme_end + 3);
  const std::string origin = url.substr(0, path_start);
  const std::string path = path_start == std::string::npos ? "/" : url.substr(path_start);
  httplib::Client client(origin);
  if (!client.is_valid()) return {0, "not a URL that can be called: " + url, true};
  const auto seconds = timeout_ms / 1000;
  const auto micros = (timeout_ms % 1000) * 1000;
  client.set_connection_timeout(seconds, micros);
  client.set_read_timeout(seconds, micros);
  client.set_write_timeout(seconds, micros);
  client.set_tcp_nodelay(true);
  httplib::Headers sent;
  std::string type = "application/json";
  for (const auto& [name, value] : headers) {
    if (name == "content-type") {
      type = value;
    } else {
      sent.emplace(name, value);
    }
  }
  const auto result = client.Post(path, sent, body, type);
  if (!result) return {0, httplib::to_string(result.error()), result.error() == httplib::Error::Connection};
  return {result->status, result->body, false};
}

std::string hmac_sha512_hex(const std::string& key, const std::string& text) {
  static constexpr char digits[] = "0123456789abcdef";
  unsigned char mac[EVP_MAX_MD_SIZE];
  unsigned int length = 0;
  HMAC(EVP_sha512(), key.data(), static_cast<int>(key.size()), reinterpret_cast<const unsigned char*>(text.data()), text.size(), mac,
       &length);
  std::string out;
  for (unsigned int i = 0; i < length; ++i) {
    out += digits[mac[i] >> 4];
    out += digits[mac[i] & 15];
  }
  return out;
}

} // namespace sandbox
