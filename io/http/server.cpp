#include "io/http/server.hpp"

#include <cerrno>
#include <charconv>
#include <condition_variable>
#include <cstring>
#include <deque>
#include <thread>

#include "io/http/service.hpp"
#include "messages/log.hpp"

namespace paygate {

namespace {

constexpr time_t keep_alive_seconds = 2;
constexpr std::size_t keep_alive_requests = 100'000;
constexpr std::size_t connections_waiting_max = 1'024;
constexpr int backlog = 1'024;

/// The server's threads. Unlike httplib's own pool its queue is bounded: beyond it the acceptor waits, and the kernel's backlog answers.
class connection_pool final : public httplib::TaskQueue {
public:
  connection_pool(std::size_t threads, std::atomic<std::size_t>& waiting) : waiting_(waiting) {
    for (std::size_t i = 0; i < threads; ++i) threads_.emplace_back([this] { run(); });
  }

  void enqueue(std::function<void()> connection) override {
    std::unique_lock lock(mutex_);
    room_.wait(lock, [this] { return stopping_ || queue_.size() < connections_waiting_max; });
    queue_.push_back(std::move(connection));
    waiting_ = queue_.size() > idle_ ? queue_.size() - idle_ : 0;
    work_.notify_one();
  }

  void shutdown() override {
    {
      std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    work_.notify_all();
    room_.notify_all();
    for (auto& thread : threads_) thread.join();
  }

private:
  void run() {
    for (;;) {
      std::function<void()> connection;
      {
        std::unique_lock lock(mutex_);
        ++idle_;
        work_.wait(lock, [this] { return stopping_ || !queue_.empty(); });
        --idle_;
        if (queue_.empty()) return;
        connection = std::move(queue_.front());
        queue_.pop_front();
        waiting_ = queue_.size() > idle_ ? queue_.size() - idle_ : 0;
        room_.notify_one();
      }
      connection();
    }
  }

  std::atomic<std::size_t>& waiting_;
  std::mutex mutex_;
  std::condition_variable work_, room_;
  std::deque<std::function<void()>> queue_;
  std::size_t idle_ = 0;
  bool stopping_ = false;
  std::vector<std::thread> threads_;
};

void add_security_headers(const http_service& service, const httplib::Request& request, httplib::Response& response) {
  // Only a proxy of ours can say that the browser came by TLS.
  if (request.get_header_value("X-Forwarded-Proto") == "https" && any_contains(service.trusted_proxies, request.remote_addr))
    response.set_header("Strict-Transport-Security", "max-age=31536000");
  if (!request.path.starts_with("/api/")) return;
  response.set_header("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'");
  if (service.settings.cors_origin.empty()) return;
  response.set_header("Access-Control-Allow-Origin", service.settings.cors_origin);
  response.set_header("Access-Control-Expose-Headers", "ETag, Location, Retry-After, WWW-Authenticate, Idempotency-Replayed");
  response.set_header("Vary", "Origin");
}

// Answers without reading the body; bounded_server then ends the connection.
void refuse_unread(httplib::Response& response, const body_fault& fault) {
  response.set_header("Connection", "close");
  reply_problem(response, fault.status, fault.detail);
}

int answer_expectation(const httplib::Request& request, httplib::Response& response) {
  const auto fault = fault_of_body(request);
  if (!fault) return 100;
  refuse_unread(response, *fault);
  return fault->status;
}

// What httplib itself refuses (413, 404, a request that is none) has no body yet.
void explain_error(const httplib::Request& request, httplib::Response& response) {
  if (!response.body.empty()) return;
  if (response.status == 404) {
    if (const auto methods = methods_of(request.path); !methods.empty()) {
      response.set_header("Allow", std::string(methods));
      return reply_problem(response, 405, "This path takes " + std::string(methods) + ".");
    }
    return reply_problem(response, 404, "There is no such page.");
  }
  if (response.status == 413) return reply_problem(response, 413, "The body is longer than 64 KB.");
  reply_problem(response, response.status, "The request could not be understood.");
}

void explain_exception(const httplib::Request& request, httplib::Response& response, std::exception_ptr error) {
  std::string what = "not a std::exception";
  try {
    std::rethrow_exception(error);
  } catch (const std::exception& e) {
    what = e.what();
  } catch (...) {
  }
  log(log_level::error, "http_handler_threw", {{"path", request.path}, {"error", what}});
  reply_problem(response, 500, "Something went wrong.");
}

void count_response(http_service& service, const httplib::Response& response) {
  char text[8];
  const auto end = std::to_chars(text, text + sizeof text, response.status).ptr;
  service.ports.metrics->count("http_responses_total", std::string_view(text, static_cast<std::size_t>(end - text)));
}

void configure(bounded_server& server, http_service& service, socket_t& listening) {
  server.new_task_queue = [&service] { return new connection_pool(service.settings.threads, service.connections_waiting); };
  server.set_tcp_nodelay(true);
  // httplib's default also sets SO_REUSEPORT: a second daemon on the same port would quietly take half of the requests.
  server.set_socket_options([&listening](socket_t socket) {
    const int on = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    listening = socket;
  });
  server.set_payload_max_length(body_max);
  server.set_request_time(service.settings.read_timeout);
  server.set_keep_alive_timeout(keep_alive_seconds);
  server.set_keep_alive_max_count(keep_alive_requests);
  server.set_default_headers({{"X-Content-Type-Options", "nosniff"}, {"Referrer-Policy", "no-referrer"}, {"Cache-Control", "no-store"}});
  server.set_pre_routing_handler([&service](const httplib::Request& request, httplib::Response& response) {
    add_security_headers(service, request, response);
    if (const auto fault = fault_of_body(request)) {
      refuse_unread(response, *fault);
      return httplib::Server::HandlerResponse::Handled;
    }
    return httplib::Server::HandlerResponse::Unhandled;
  });
  server.set_expect_100_continue_handler(answer_expectation);
  server.set_error_handler(httplib::Server::Handler(explain_error));
  server.set_exception_handler(explain_exception);
  server.set_logger([&service](const httplib::Request&, const httplib::Response& response) { count_response(service, response); });
  add_webhook_routes(server, service);
  add_status_routes(server, service);
  add_landing_routes(server, service);
  add_account_pages(server, service);
  add_operation_routes(server, service);
  add_internal_routes(server, service);
  service.api = std::make_unique<const api_router>(api_routes());
  add_api_routes(server, service);
}

} // namespace

struct http_server::impl {
  http_service service;
  bounded_server server{service.connections_waiting};
  socket_t listening = INVALID_SOCKET;
  std::thread listener;
};

http_server::http_server(http_server_settings settings, http_server_ports ports) : impl_(std::make_unique<impl>()) {
  auto& service = impl_->service;
  service.trusted_proxies = parse_blocks(settings.trusted_proxies);
  service.metrics_from = parse_blocks(settings.metrics_from);
  service.ipn_allow_list = parse_blocks(settings.ipn_allow_list);
  service.per_client = std::make_unique<rate_limits>(settings.per_client);
  service.per_account = std::make_unique<rate_limits>(settings.per_account);
  service.auth = std::make_unique<rate_limits>(settings.auth);
  service.settings = std::move(settings);
  service.ports = std::move(ports);
  configure(impl_->server, service, impl_->listening);
}

http_server::~http_server() { stop(); }

std::variant<std::uint16_t, std::string> http_server::start(const std::string& bind, std::uint16_t port) {
  auto& server = impl_->server;
  int bound = port;
  if (port == 0)
    bound = server.bind_to_any_port(bind.c_str());
  else if (!server.bind_to_port(bind.c_str(), port))
    bound = -1;
  if (bound <= 0) return "Cannot listen on " + bind + ":" + std::to_string(port) + ": " + std::strerror(errno) + ".";
  // httplib is compiled with a backlog of 5: a burst of clients would be reset by the kernel before we could answer 503. Listening again
  // only changes the backlog.
  ::listen(impl_->listening, backlog);
  impl_->listener = std::thread([&server] { server.listen_after_bind(); });
  // stop() does nothing to a server that does not run yet.
  while (!server.is_running()) std::this_thread::yield();
  return static_cast<std::uint16_t>(bound);
}

void http_server::stop() {
  if (!impl_->listener.joinable()) return;
  impl_->server.stop();
  impl_->listener.join();
}

} // namespace paygate
