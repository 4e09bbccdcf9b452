#pragma once
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "sandbox/json.hpp"

namespace sandbox {

/// One HTTP request, free of the server's library. Header names are lowercase.
struct request {
  std::string method;
  std::string path;
  std::map<std::string, std::string> query;
  std::map<std::string, std::string> headers;
  std::map<std::string, std::string> form;
  std::string body;

  std::string header(const std::string& name) const {
    const auto found = headers.find(name);
    return found == headers.end() ? std::string() : found->second;
  }
  std::string parameter(const std::string& name) const {
    const auto found = query.find(name);
    return found == query.end() ? std::string() : found->second;
  }
};

struct reply {
  int status = 200;
  std::string body;
  std::string type = "application/json";
  std::vector<std::pair<std::string, std::string>> headers = {};
};

inline reply answer(int status, const json& body) { return {status, body.dump()}; }

/// What came of a request that we made.
struct http_answer {
  int status = 0;         ///< 0: no answer.
  std::string body;       ///< The answer, or the words of what failed.
  bool unreached = false; ///< Surely not seen by the other side (no connection was made).
  bool ok() const { return status >= 200 && status < 300; }
};

/// POST with a fresh connection. `url` is http or https with host, port and path.
http_answer http_post(const std::string& url, const std::vector<std::pair<std::string, std::string>>& headers, const std::string& body,
                      int timeout_ms);

/// Lowercase hexadecimal, by OpenSSL.
std::string hmac_sha512_hex(const std::string& key, const std::string& text);

} // namespace sandbox
