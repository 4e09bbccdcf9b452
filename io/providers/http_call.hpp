#pragma once

#include <cstddef>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "messages/io.hpp"

namespace paygate {

/// One outside server. `base_url` is "http[s]://host[:port][/prefix]"; certificates of https servers are always verified.
struct http_settings {
  std::string base_url;
  milliseconds connect_timeout{3'000};
  milliseconds read_timeout{15'000}; ///< Longest silence while an answer is awaited; a whole answer may take twice as long.
  std::size_t body_max = 4u << 20;   ///< Longer answers are cut off and are failures.
};

/// What a call does at the other side. It decides what a lost answer means: a read can be done again, a creating call may have happened.
enum class http_effect : unsigned char { reads, creates };

using name_values = std::vector<std::pair<std::string, std::string>>;

struct http_request {
  http_effect effect = http_effect::reads;
  std::string method = "GET";
  std::string path;  ///< "/v1/invoice", after the base URL's prefix; must be percent-encoded where it needs to be.
  name_values query; ///< Percent-encoded by the caller below.
  name_values headers;
  std::string body; ///< JSON, when not empty.
};

/// Nobody is left alone for longer on his own word: one odd answer must not stop all payouts for days.
inline constexpr milliseconds retry_after_max = std::chrono::hours(1);

struct http_answer {
  int status = 0;
  std::string content_type;
  std::optional<milliseconds> retry_after; ///< From the Retry-After header, when that is a number of seconds; at most retry_after_max.
  std::string body;
};

/// Calls one server over kept connections. Safe from several threads at once: each call has a connection to itself.
class http_caller {
public:
  explicit http_caller(http_settings settings);
  ~http_caller();
  http_caller(const http_caller&) = delete;
  http_caller& operator=(const http_caller&) = delete;

  /// Any status is an answer. A failure is transient when nothing was sent ("connection", "tls", "base_url"); afterwards ("timeout",
  /// "broken", "too_long") it is transient for reads and unknown for creating calls. Texts name no host, path or header. Never throws.
  std::variant<http_answer, io_failure> call(const http_request& request);

private:
  struct pool;
  std::unique_ptr<pool> pool_;
};

/// Percent-encodes everything but RFC 3986's unreserved characters.
std::string percent_encode(std::string_view text);

} // namespace paygate
