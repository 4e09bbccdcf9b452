#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "io/codec/identity.hpp"
#include "io/http/rate_limit.hpp"
#include "messages/envelope.hpp"
#include "messages/ports.hpp"

namespace paygate {

/// Hands one message to one entity and waits for its answer, which comes after its step is committed. `refused{unavailable}` when none
/// comes in time. Called on the server's own threads.
using ask_entity_fn = std::function<entity_reply(envelope, milliseconds timeout)>;

/// For /health and /ready. `components` are names and states ("database", "healthy").
struct health_report {
  bool healthy = true; ///< Every component works.
  bool ready = true;   ///< Requests can be served: leases held, database reachable.
  std::vector<std::pair<std::string, std::string>> components;
};

/// What became of an update that Telegram sent.
enum class update_taken : std::uint8_t { taken, busy, unreadable };

struct http_server_settings {
  std::size_t threads = 96;       ///< Connections served at once.
  std::size_t in_flight_max = 64; ///< Requests in work at once; more are answered 503. Less than `threads`.
  std::vector<std::string> trusted_proxies, metrics_from, ipn_allow_list; ///< Addresses or CIDR blocks.
  std::string cors_origin;
  milliseconds read_timeout{5'000};
  rate_rule per_client{1'000, milliseconds(60'000), milliseconds(600'000)}; ///< Of one network over all; webhooks are exempt.
  rate_rule per_account{1'000, milliseconds(60'000), milliseconds(0)};
  rate_rule auth{100, milliseconds(900'000), milliseconds(0)}; ///< Log-ins and the like of one network; over all nodes.
};

class password_pool;

/// What log-in needs.
struct account_ports {
  std::function<std::string()> token_secret; ///< JWT_SECRET_KEY as it is now: the key, and on a second line the one before.
  std::function<std::string()> phantom_key;  ///< Chooses the phantom of a name that nobody has.
  std::shared_ptr<password_pool> passwords;
};

/// What the server knows of the rest of the program. The callables are called from many threads at once.
struct http_server_ports {
  ask_entity_fn ask;
  std::function<health_report()> status;
  std::function<std::string()> metrics_text; ///< Prometheus' text format.
  /// Reads an update and has it committed; empty when updates are polled.
  std::function<update_taken(std::string_view body, milliseconds timeout)> take_update;
  std::function<std::string()> webhook_secret;                ///< TELEGRAM_WEBHOOK_SECRET as it is now.
  std::function<std::string()> ipn_secret, success_key;       ///< NOWPAYMENTS_IPN_SECRET, SUCCESS_URL_SIGNING_KEY as they are now.
  std::function<std::string()> internal_key, ethereum_secret; ///< INTERNAL_SIGNING_KEY, ETHEREUM_RPC_WEBHOOK_SECRET as they are now.
  std::function<std::string(const start_link&)> deep_link;    ///< Into our bot; empty while Telegram has not told the bot's name.
  std::function<void(std::int64_t channel_id)> visited;       ///< Somebody looked at the channel's landing page.
  std::function<void(const entity_ref&)> look_again;          ///< Whatever it waits for at a provider is asked for now.
  /// Who holds an access token, or in a word why it is not good. Empty: nobody can log in.
  std::function<std::variant<identity, std::string>(const std::string& token)> verify_access;
  account_ports accounts;
  /// Questions about our rows (persistence/api_queries.hpp): name, JSON arguments -> JSON. Waits no longer than that; then, and when the
  /// database is away, the answer is {"error":{"code","text"}}.
  std::function<std::string(std::string_view name, const std::string& arguments, milliseconds timeout)> query;
  /// Asks a provider through its lane, and waits no longer than that: io_failure then.
  std::function<io_outcome(io_request, milliseconds timeout)> call;
  std::shared_ptr<metrics_sink> metrics;
  std::shared_ptr<const business_clock> clock;
  std::function<timestamp(milliseconds)> advance_clock; ///< Only with --sandbox, else empty: moves business time, answers the new one.
};

/// The daemon's HTTP side: webhooks, status page, health, metrics. Each webhook is answered within 1 s; what is answered 200 is committed.
class http_server {
public:
  http_server(http_server_settings settings, http_server_ports ports);
  ~http_server(); ///< Stops.
  http_server(const http_server&) = delete;
  http_server& operator=(const http_server&) = delete;

  /// Listens; port 0 takes a free one. Answers the port, or a sentence that says why it cannot.
  std::variant<std::uint16_t, std::string> start(const std::string& bind, std::uint16_t port);

  /// Takes no new connections and waits for those in work; kept-alive connections end within 2 s. A second call does nothing.
  void stop();

private:
  struct impl;
  std::unique_ptr<impl> impl_;
};

} // namespace paygate
