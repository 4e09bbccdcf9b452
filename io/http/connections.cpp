#include "io/http/connections.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <charconv>
#include <chrono>

namespace paygate {

namespace {

using steady = std::chrono::steady_clock;

constexpr milliseconds look_around{100};  // How soon a connection notices that others wait, or that the server stops.
constexpr milliseconds crowded_time{500}; // For a request to come while others wait for its thread.
constexpr milliseconds linger{300};
constexpr std::size_t linger_bytes = 256 * 1024; // What a client may have under way; one that never stops is cut off.

/// Whether the socket is ready before `until`.
bool wait_for(socket_t socket, short events, steady::time_point until) {
  for (;;) {
    const auto left = std::chrono::ceil<milliseconds>(until - steady::now()).count();
    if (left <= 0) return false;
    pollfd one{socket, events, 0};
    const int ready = poll(&one, 1, static_cast<int>(left));
    if (ready > 0) return true;
    if (ready == 0 || errno != EINTR) return false;
  }
}

void tell_end(socket_t socket, bool remote, std::string& ip, int& port) {
  sockaddr_storage address{};
  socklen_t length = sizeof address;
  auto* any = reinterpret_cast<sockaddr*>(&address);
  if ((remote ? getpeername(socket, any, &length) : getsockname(socket, any, &length)) != 0) return;
  std::array<char, NI_MAXHOST> host{};
  if (getnameinfo(any, length, host.data(), host.size(), nullptr, 0, NI_NUMERICHOST) != 0) return;
  ip = host.data();
  if (address.ss_family == AF_INET) port = ntohs(reinterpret_cast<const sockaddr_in*>(any)->sin_port);
  if (address.ss_family == AF_INET6) port = ntohs(reinterpret_cast<const sockaddr_in6*>(any)->sin6_port);
}

} // namespace

std::optional<body_fault> fault_of_body(const httplib::Request& request) {
  if (request.has_header("Transfer-Encoding")) return body_fault{411, "Expected a body with a Content-Length."};
  if (request.has_header("Content-Encoding")) return body_fault{415, "Expected a body that is not compressed."};
  const auto lengths = request.get_header_value_count("Content-Length");
  const auto length = request.get_header_value("Content-Length");
  std::uint64_t bytes = 0;
  const auto [end, error] = std::from_chars(length.data(), length.data() + length.size(), bytes);
  if (lengths > 1 || (lengths == 1 && end != length.data() + length.size()))
    return body_fault{400, "Expected one Content-Length, a number of bytes."};
  // The end of an account is told by DELETE with the password.
  if (request.method == "POST" || request.method == "PUT" || request.method == "PATCH" || (request.method == "DELETE" && bytes > 0)) {
    if (lengths == 0) return body_fault{411, "Expected a body with a Content-Length."};
    if (error != std::errc{} || bytes > body_max) return body_fault{413, "The body is longer than 64 KB."};
    // httplib would take it apart, and stop in the middle at what it does not understand.
    if (request.is_multipart_form_data()) return body_fault{415, "Expected application/json."};
  } else if (lengths == 1 && (error != std::errc{} || bytes > 0)) {
    return body_fault{400, "Expected a request without a body."};
  }
  return std::nullopt;
}

/// One client. Bytes that came early stay for its next request.
class bounded_server::connection final : public httplib::Stream {
public:
  connection(socket_t socket, milliseconds time, const std::atomic<std::size_t>& waiting)
      : socket_(socket), time_(time), waiting_(waiting) {}
  ~connection() override {
    // What is unread would make the kernel reset the connection, and take our answer away from the client.
    if (broken_ || in_head_ || ends_) drain();
    ::shutdown(socket_, SHUT_RDWR);
    ::close(socket_);
  }
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  bool has_bytes(milliseconds within) const { return at_ != end_ || wait_for(socket_, POLLIN, steady::now() + within); }

  void begin_request() {
    began_ = steady::now();
    writes_ = false;
    in_head_ = true;
    head_left_ = head_max;
  }
  void end_head(bool last) {
    in_head_ = false;
    ends_ = last;
  }
  /// Whether the request was read to its end, so that the next one begins here.
  bool usable() const { return !broken_ && !in_head_ && !ends_; }

  bool is_readable() const override { return at_ != end_ || wait_for_bytes(); }
  bool is_writable() const override { return wait_for(socket_, POLLOUT, writes_ ? write_until_ : steady::now() + time_); }

  ssize_t read(char* to, std::size_t size) override {
    if (in_head_) size = std::min(size, head_left_);
    if (broken_ || size == 0 || (at_ == end_ && !fill())) {
      broken_ = true;
      return -1;
    }
    const auto count = std::min(size, end_ - at_);
    std::copy_n(buffer_.begin() + static_cast<std::ptrdiff_t>(at_), count, to);
    at_ += count;
    if (in_head_) head_left_ -= count;
    return static_cast<ssize_t>(count);
  }

  ssize_t write(const char* from, std::size_t size) override {
    if (!writes_) write_until_ = steady::now() + time_;
    writes_ = true;
    // httplib counts on all of it being sent.
    for (std::size_t sent = 0; sent < size;) {
      const auto went =
          wait_for(socket_, POLLOUT, write_until_) ? ::send(socket_, from + sent, size - sent, MSG_NOSIGNAL | MSG_DONTWAIT) : 0;
      if (went <= 0 && !(went < 0 && (errno == EAGAIN || errno == EINTR))) {
        broken_ = true;
        return -1;
      }
      if (went > 0) sent += static_cast<std::size_t>(went);
    }
    return static_cast<ssize_t>(size);
  }

  void get_remote_ip_and_port(std::string& ip, int& port) const override { tell_end(socket_, true, ip, port); }
  void get_local_ip_and_port(std::string& ip, int& port) const override { tell_end(socket_, false, ip, port); }
  socket_t socket() const override { return socket_; }

private:
  bool wait_for_bytes() const {
    for (;;) {
      const auto until = began_ + (waiting_ > 0 ? std::min(time_, crowded_time) : time_);
      const auto now = steady::now();
      if (now >= until) return false;
      if (wait_for(socket_, POLLIN, std::min<steady::time_point>(until, now + look_around))) return true;
    }
  }

  bool fill() {
    ssize_t came = -1;
    do {
      if (!wait_for_bytes()) return false;
      came = ::recv(socket_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
    } while (came < 0 && (errno == EAGAIN || errno == EINTR));
    if (came <= 0) return false;
    at_ = 0;
    end_ = static_cast<std::size_t>(came);
    return true;
  }

  void drain() {
    ::shutdown(socket_, SHUT_WR);
    const auto until = steady::now() + linger;
    for (std::size_t came = 0; came < linger_bytes && wait_for(socket_, POLLIN, until);) {
      const auto more = ::recv(socket_, buffer_.data(), buffer_.size(), MSG_DONTWAIT);
      if (more <= 0) return;
      came += static_cast<std::size_t>(more);
    }
  }

  const socket_t socket_;
  const milliseconds time_;
  const std::atomic<std::size_t>& waiting_;
  steady::time_point began_, write_until_;
  std::size_t head_left_ = 0, at_ = 0, end_ = 0;
  bool in_head_ = false, broken_ = false, ends_ = false, writes_ = false;
  std::array<char, 4096> buffer_;
};

bool bounded_server::wait_for_request(connection& on) const {
  const auto until = steady::now() + std::chrono::seconds(keep_alive_timeout_sec_);
  do {
    if (on.has_bytes(look_around)) return true;
  } while (svr_sock_ != INVALID_SOCKET && waiting_ == 0 && steady::now() < until);
  return false;
}

bool bounded_server::process_and_close_socket(socket_t socket) {
  connection client(socket, request_time_, waiting_);
  for (auto left = keep_alive_max_count_; left > 0 && wait_for_request(client); --left) {
    client.begin_request();
    bool closes = false;
    const auto look_at_head = [&client](httplib::Request& request) {
      client.end_head(fault_of_body(request).has_value());
      request.ranges.clear();
      // httplib would read a DELETE without a length until the client hangs up.
      if (request.method == "DELETE" && !request.has_header("Content-Length")) request.set_header("Content-Length", "0");
    };
    if (!process_request(client, left == 1, closes, look_at_head) || closes || !client.usable()) break;
  }
  return true;
}

} // namespace paygate
