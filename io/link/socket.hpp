#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include <sys/socket.h>

namespace paygate {

/// Owns a descriptor.
class unique_fd {
public:
  unique_fd() = default;
  explicit unique_fd(int fd) : fd_(fd) {}
  unique_fd(unique_fd&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  unique_fd& operator=(unique_fd&& other) noexcept {
    if (this != &other) reset(std::exchange(other.fd_, -1));
    return *this;
  }
  ~unique_fd() { reset(); }

  int get() const { return fd_; }
  int release() { return std::exchange(fd_, -1); }
  void reset(int fd = -1);
  explicit operator bool() const { return fd_ >= 0; }

private:
  int fd_ = -1;
};

struct socket_address {
  sockaddr_storage storage{};
  socklen_t size = 0;
};

struct host_port {
  std::string host;
  std::uint16_t port = 0;
};

/// "host:port" or "[v6]:port"; a sentence when it is none.
std::variant<host_port, std::string> parse_host_port(const std::string& text);

/// The addresses of a host, those that are numeric at once; a name is looked up, which may take as long as it takes.
std::variant<std::vector<socket_address>, std::string> resolve(const host_port& where, bool numeric_only);

/// Without the port: what counts as one source of connections.
std::string host_of(const socket_address& address);

/// A listening socket that does not block, and its port.
std::variant<std::pair<unique_fd, std::uint16_t>, std::string> listen_at(const std::string& bind, std::uint16_t port);

/// A socket whose connection is under way.
std::variant<unique_fd, std::string> begin_connect(const socket_address& to);

/// Two ends of a pipe in both directions. The first does not block. The second's number was in no use for a while: CAF names a connection
/// by its descriptor, and a number that comes back at once would be taken for the connection that is just being cleaned up.
std::variant<std::pair<unique_fd, unique_fd>, std::string> make_pair();

/// "Connection refused".
std::string error_text(int number);

/// Whom a numeric address counts for: an IPv6 one for its /64, within which anybody has as many as they like.
std::string network_of(const std::string& host);

} // namespace paygate
