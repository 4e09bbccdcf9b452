#include "io/providers/http_call.hpp"

#include <algorithm>
#include <chrono>
#include <mutex>

#include <httplib.h>

#include "crypto/encoding.hpp"

namespace paygate {

namespace {

using steady = std::chrono::steady_clock;

/// A creating call takes only a connection used so recently that the server will hardly close it at the same moment: a request lost that
/// way could not be told from one that was carried out.
constexpr auto fresh_for = std::chrono::seconds(3);
constexpr std::size_t idle_max = 16;

io_failure failure_of(httplib::Error error, http_effect effect, bool timed_out) {
  switch (error) {
  case httplib::Error::Connection:
  case httplib::Error::ConnectionTimeout:
  case httplib::Error::BindIPAddress: return {fault::transient, "connection", "no connection", {}};
  case httplib::Error::SSLConnection:
  case httplib::Error::SSLLoadingCerts:
  case httplib::Error::SSLServerVerification: return {fault::transient, "tls", httplib::to_string(error), {}};
  default: break;
  }
  const auto kind = effect == http_effect::creates ? fault::unknown : fault::transient;
  if (timed_out) return {kind, "timeout", "no answer in time", {}};
  return {kind, "broken", "the connection broke while the answer was awaited", {}};
}

std::optional<milliseconds> retry_after_of(const std::string& header) {
  if (header.empty() || header.size() > 6 || !std::all_of(header.begin(), header.end(), [](char c) { return c >= '0' && c <= '9'; }))
    return std::nullopt;
  return std::min<milliseconds>(seconds(std::stol(header)), retry_after_max);
}

std::string target_of(const std::string& prefix, const http_request& request) {
  // A base URL may be a whole address, down to its last slash or query, when the call has no path of its own.
  std::string_view base = prefix;
  while (!request.path.empty() && base.ends_with('/')) base.remove_suffix(1);
  auto target = std::string(base) + request.path;
  if (target.empty() || target.front() != '/') target.insert(target.begin(), '/');
  char separator = '?';
  for (const auto& [name, value] : request.query) {
    target += separator + percent_encode(name) + "=" + percent_encode(value);
    separator = '&';
  }
  return target;
}

} // namespace

std::string percent_encode(std::string_view text) {
  static constexpr char digits[] = "0123456789ABCDEF";
  std::string out;
  for (unsigned char c : text) {
    const bool plain =
        (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += static_cast<char>(c);
    } else {
      out += '%';
      out += digits[c >> 4];
      out += digits[c & 15];
    }
  }
  return out;
}

struct http_caller::pool {
  struct connection {
    std::unique_ptr<httplib::Client> client;
    steady::time_point used_at{};
    bool used = false;
  };

  http_settings settings;
  std::string server, prefix; // The base URL in two; server is empty when the URL is none.
  std::mutex mutex;
  std::vector<connection> idle;

  explicit pool(http_settings s) : settings(std::move(s)) {
    const std::string_view url = trimmed(settings.base_url);
    const auto scheme_end = url.starts_with("http://") ? 7u : url.starts_with("https://") ? 8u : 0u;
    if (scheme_end == 0) return;
    const auto slash = std::min(url.find('/', scheme_end), url.size());
    if (slash == scheme_end) return;
    server = url.substr(0, slash);
    prefix = url.substr(slash);
  }

  connection take(bool only_fresh) {
    {
      std::lock_guard lock(mutex);
      while (!idle.empty()) {
        auto taken = std::move(idle.back());
        idle.pop_back();
        if (!only_fresh || steady::now() - taken.used_at < fresh_for) return taken;
      }
    }
    connection made{std::make_unique<httplib::Client>(server), {}, false};
    auto& client = *made.client;
    client.set_keep_alive(true);
    client.set_tcp_nodelay(true);
    client.set_follow_location(false);
    client.set_url_encode(false);
    client.set_connection_timeout(settings.connect_timeout);
    client.set_read_timeout(settings.read_timeout);
    client.set_write_timeout(settings.read_timeout);
    return made;
  }

  void give_back(connection taken) {
    taken.used = true;
    taken.used_at = steady::now();
    std::lock_guard lock(mutex);
    if (idle.size() < idle_max) idle.push_back(std::move(taken));
  }

  std::variant<http_answer, io_failure> call_once(const http_request& request, connection& on, bool& retry_fresh) {
    http_answer answer;
    bool too_long = false, late = false;
    const auto started = steady::now();
    httplib::Request sent;
    sent.method = request.method;
    sent.path = target_of(prefix, request);
    for (const auto& [name, value] : request.headers) sent.headers.emplace(name, value);
    sent.headers.emplace("Accept", "application/json");
    sent.headers.emplace("User-Agent", "paygateprime");
    if (!request.body.empty()) {
      sent.headers.emplace("Content-Type", "application/json");
      sent.body = request.body;
    }
    sent.content_receiver = [&](const char* data, std::size_t size, std::uint64_t, std::uint64_t) {
      // A server that sends a byte now and then would otherwise hold a lane's thread for ever.
      late = steady::now() - started > 2 * settings.read_timeout + settings.connect_timeout;
      too_long = answer.body.size() + size > settings.body_max;
      if (late || too_long) return false;
      answer.body.append(data, size);
      return true;
    };
    const auto result = on.client->send(sent);
    if (too_long)
      return io_failure{request.effect == http_effect::creates ? fault::unknown : fault::transient, "too_long", "answer too long", {}};
    if (!result) {
      const auto waited = steady::now() - started;
      retry_fresh = on.used && !late && waited < settings.read_timeout;
      return failure_of(result.error(), request.effect, late || waited >= settings.read_timeout);
    }
    answer.status = result->status;
    answer.content_type = result->get_header_value("Content-Type");
    answer.retry_after = retry_after_of(result->get_header_value("Retry-After"));
    return answer;
  }
};

http_caller::http_caller(http_settings settings) : pool_(std::make_unique<pool>(std::move(settings))) {}
http_caller::~http_caller() = default;

std::variant<http_answer, io_failure> http_caller::call(const http_request& request) {
  const bool reads = request.effect == http_effect::reads;
  try {
    if (pool_->server.empty()) return io_failure{fault::transient, "base_url", "the base URL is no http or https URL", {}};
    auto connection = pool_->take(!reads);
    bool retry_fresh = false;
    auto outcome = pool_->call_once(request, connection, retry_fresh);
    if (std::holds_alternative<io_failure>(outcome) && reads && retry_fresh) {
      // A kept connection that the server had closed meanwhile: the rest of the pool is as old.
      {
        std::lock_guard lock(pool_->mutex);
        pool_->idle.clear();
      }
      connection = pool_->take(true);
      outcome = pool_->call_once(request, connection, retry_fresh);
    }
    if (std::holds_alternative<http_answer>(outcome)) pool_->give_back(std::move(connection));
    return outcome;
  } catch (const std::exception&) {
    // What the exception says may hold a URL with a token in it.
    return io_failure{reads ? fault::transient : fault::unknown, "internal", "the HTTP client failed", {}};
  }
}

} // namespace paygate
