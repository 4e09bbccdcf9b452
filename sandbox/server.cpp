#include "sandbox/server.hpp"

#include <algorithm>
#include <cctype>
#include <thread>

#include <dirent.h>
#include <httplib.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "sandbox/control.hpp"

namespace sandbox {
namespace {

/// Ends the connection of this request without an answer. httplib hides the descriptor, so it is found by its peer.
void cut_connection(const httplib::Request& of) {
  DIR* open = opendir("/proc/self/fd");
  if (open == nullptr) return;
  while (const auto* entry = readdir(open)) {
    const int descriptor = std::atoi(entry->d_name);
    sockaddr_in peer{};
    socklen_t length = sizeof peer;
    sockaddr_in self{};
    socklen_t self_length = sizeof self;
    if (getpeername(descriptor, reinterpret_cast<sockaddr*>(&peer), &length) != 0 || peer.sin_family != AF_INET) continue;
    if (getsockname(descriptor, reinterpret_cast<sockaddr*>(&self), &self_length) != 0) continue;
    if (ntohs(peer.sin_port) == of.remote_port && ntohs(self.sin_port) == of.local_port) shutdown(descriptor, SHUT_RDWR);
  }
  closedir(open);
}

request plain_request(const httplib::Request& from) {
  request out;
  out.method = from.method;
  out.path = from.path;
  out.body = from.body;
  for (const auto& [name, value] : from.headers) out.headers[lowercase(name)] = value;
  for (const auto& [name, value] : from.params) out.query[name] = value;
  for (const auto& [name, file] : from.files) out.form[name] = file.content;
  return out;
}

reply error_of(const std::string& provider, int status) {
  const std::string words = status == 429 ? "Too Many Requests" : "Internal Server Error";
  if (provider == "telegram") {
    json body = json::object({{"ok", false}, {"error_code", status}, {"description", words}});
    if (status == 429) body.set("parameters", json::object({{"retry_after", 1}}));
    return answer(status, body);
  }
  if (provider == "nowpayments") return np_error(status, "INTERNAL_ERROR", words);
  if (provider == "changenow") return cn_error(status, "internal_error", words);
  if (provider == "sendgrid") return answer(status, json::object({{"errors", json::array({json::object({{"message", words}})})}}));
  return answer(status, json::object({{"error", words}}));
}

} // namespace

struct server::parts {
  explicit parts(settings from)
      : shared(std::move(from)), chain(shared.set.rpc_url.empty() ? nullptr : std::make_unique<chain_client>(shared.set.rpc_url)),
        payments(shared, chain.get()), swaps(shared, chain.get()), chats(shared), mails(shared), prices(shared),
        control(shared, payments, swaps, chats, mails, prices) {}

  reply perform(const std::string& provider, const std::string& rest, const request& from) {
    if (provider == "nowpayments") return payments.handle(from, rest);
    if (provider == "changenow") return swaps.handle(from, rest);
    if (provider == "sendgrid") return mails.handle(from, rest);
    if (provider == "coingecko") return prices.coingecko(from, rest);
    if (provider == "cryptocompare") return prices.cryptocompare(from, rest);
    if (provider == "1inch") return prices.oneinch(from, rest);
    if (provider == "telegram" && rest.starts_with("/bot")) {
      const auto slash = rest.find('/', 4);
      if (slash != std::string::npos) return chats.handle(from, rest.substr(4, slash - 4), rest.substr(slash + 1));
    }
    return answer(404, json::object({{"error", "the sandbox has no such place"}}));
  }

  void serve(const httplib::Request& raw, httplib::Response& out) {
    const auto send = [&](const reply& what) {
      out.status = what.status;
      for (const auto& [name, value] : what.headers) out.set_header(name, value);
      out.set_content(what.body, what.type);
    };
    const request from = plain_request(raw);
    if (from.path.starts_with("/control/")) return send(control.handle(from));
    if (from.path.starts_with("/pay/")) return send(payments.page(from.path.substr(5)));
    if (from.path == "/health") return send(answer(200, json::object({{"ok", true}})));
    const auto slash = from.path.find('/', 1);
    const std::string provider = from.path.substr(1, slash == std::string::npos ? slash : slash - 1);
    const std::string rest = slash == std::string::npos ? "" : from.path.substr(slash);
    log_line line;
    line.provider = provider;
    line.method = from.method;
    line.path = rest;
    // The token stays out of the log.
    if (provider == "telegram" && rest.starts_with("/bot"))
      line.path = "/bot<token>" + rest.substr(std::min(rest.size(), rest.find('/', 4)));
    line.at = shared.now();
    line.body = from.body;
    const auto start = std::chrono::steady_clock::now();
    const auto strike = shared.faults.draw(provider, line.path);
    bool cut = false;
    const reply what = with_fault(strike, provider, rest, from, cut);
    line.status = cut ? 0 : what.status;
    line.answer = what.body;
    line.fault = strike.mode == fault_mode::none ? "" : name_of(strike.mode);
    line.ms = std::chrono::duration_cast<std::chrono::milliseconds>(std::chrono::steady_clock::now() - start).count();
    shared.note(std::move(line));
    if (cut) cut_connection(raw);
    send(what);
  }

  reply with_fault(const fault& strike, const std::string& provider, const std::string& rest, const request& from, bool& cut) {
    switch (strike.mode) {
    case fault_mode::error: return error_of(provider, strike.status);
    case fault_mode::nonsense: {
      constexpr auto page = "<html><head><title>502 Bad Gateway</title></head><body>cloudflare</body></html>";
      const std::lock_guard lock(shared.mutex);
      return shared.random_below(2) == 0 ? reply{200, page, "text/html"} : reply{200, "{\"id\":\"", "application/json"};
    }
    case fault_mode::timeout:
      shared.faults.hold(strike.hold_ms);
      cut = true;
      return {0, ""};
    case fault_mode::timeout_after_success: {
      reply done = perform(provider, rest, from);
      shared.faults.hold(strike.hold_ms);
      cut = true;
      return done;
    }
    case fault_mode::slow: shared.faults.hold(strike.hold_ms); return perform(provider, rest, from);
    case fault_mode::duplicate:
      // A read twice is a read, and a poll twice would only wait twice.
      if (from.method == "POST" && lowercase(rest).find("/get") == std::string::npos) perform(provider, rest, from);
      return perform(provider, rest, from);
    case fault_mode::none: break;
    }
    return perform(provider, rest, from);
  }

  core shared;
  std::unique_ptr<chain_client> chain;
  nowpayments payments;
  changenow swaps;
  telegram chats;
  mail_desk mails;
  price_desk prices;
  control_desk control;
  httplib::Server http;
  std::thread listener;
  std::thread watcher;
  int port = 0;
};

server::server(settings from) : parts_(std::make_unique<parts>(std::move(from))) {}

server::~server() { stop(); }

bool server::start() {
  auto& p = *parts_;
  constexpr std::size_t threads = 64; // Long polls and held connections keep a thread each.
  constexpr auto look_every = std::chrono::milliseconds(200);
  p.http.new_task_queue = [] { return new httplib::ThreadPool(threads); };
  p.http.set_tcp_nodelay(true);
  // httplib's own choice is SO_REUSEPORT, by which two programs can share a port without noticing.
  p.http.set_socket_options([](socket_t socket) {
    const int yes = 1;
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &yes, sizeof yes);
  });
  p.http.set_payload_max_length(16 * 1024 * 1024);
  p.http.set_keep_alive_max_count(1'000'000);
  const auto handler = [&p](const httplib::Request& in, httplib::Response& out) { p.serve(in, out); };
  p.http.Get(".*", handler);
  p.http.Post(".*", handler);
  const auto& set = p.shared.set;
  p.port = set.port == 0 ? p.http.bind_to_any_port(set.bind) : (p.http.bind_to_port(set.bind, set.port) ? set.port : -1);
  if (p.port <= 0) return false;
  if (set.public_url.empty()) p.shared.set.public_url = url();
  p.listener = std::thread([&p] { p.http.listen_after_bind(); });
  p.watcher = std::thread([&p, look_every] {
    std::unique_lock lock(p.shared.mutex);
    while (!p.shared.stopping) {
      lock.unlock();
      p.swaps.tick();
      lock.lock();
      const auto until = std::chrono::steady_clock::now() + look_every;
      while (!p.shared.stopping && p.shared.changed.wait_until(lock, until) != std::cv_status::timeout) {
      }
    }
  });
  while (!p.http.is_running()) std::this_thread::sleep_for(std::chrono::milliseconds(1));
  return true;
}

int server::port() const { return parts_->port; }

std::string server::url() const { return "http://" + parts_->shared.set.bind + ":" + std::to_string(parts_->port); }

void server::stop() {
  auto& p = *parts_;
  p.shared.faults.stop();
  p.chats.stop();
  p.http.stop();
  if (p.listener.joinable()) p.listener.join();
  if (p.watcher.joinable()) p.watcher.join();
}

} // namespace sandbox
