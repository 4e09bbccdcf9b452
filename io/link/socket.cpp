#include "io/link/socket.hpp"

#include <atomic>
#include <cerrno>
#include <charconv>
#include <cstring>
#include <memory>

#include <arpa/inet.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/resource.h>
#include <unistd.h>

namespace paygate {

void unique_fd::reset(int fd) {
  if (fd_ >= 0) ::close(fd_);
  fd_ = fd;
}

std::string error_text(int number) {
  char text[128] = {};
  return strerror_r(number, text, sizeof text);
}

std::variant<host_port, std::string> parse_host_port(const std::string& text) {
  const auto wrong = "\"" + text + "\" is no address: expected HOST:PORT";
  const auto colon = text.rfind(':');
  if (colon == text.npos || colon == 0) return wrong;
  host_port at{text.substr(0, colon), 0};
  if (at.host.front() == '[' && at.host.back() == ']')
    at.host = at.host.substr(1, at.host.size() - 2);
  else if (at.host.find(':') != at.host.npos)
    return wrong;
  const auto* last = text.data() + text.size();
  const auto [end, error] = std::from_chars(text.data() + colon + 1, last, at.port);
  if (error != std::errc{} || end != last || at.port == 0 || at.host.empty()) return wrong;
  return at;
}

std::variant<std::vector<socket_address>, std::string> resolve(const host_port& where, bool numeric_only) {
  addrinfo hints{};
  hints.ai_family = AF_UNSPEC;
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = AI_NUMERICSERV | (numeric_only ? AI_NUMERICHOST : 0);
  addrinfo* found = nullptr;
  const auto port = std::to_string(where.port);
  if (const int code = getaddrinfo(where.host.c_str(), port.c_str(), &hints, &found); code != 0)
    return where.host + ": " + gai_strerror(code);
  const std::unique_ptr<addrinfo, decltype(&freeaddrinfo)> guard(found, &freeaddrinfo);
  std::vector<socket_address> all;
  for (const auto* at = found; at && all.size() < 8; at = at->ai_next) {
    socket_address address;
    std::memcpy(&address.storage, at->ai_addr, at->ai_addrlen);
    address.size = at->ai_addrlen;
    all.push_back(address);
  }
  return all;
}

std::string host_of(const socket_address& address) {
  char text[INET6_ADDRSTRLEN] = {};
  if (address.storage.ss_family == AF_INET)
    inet_ntop(AF_INET, &reinterpret_cast<const sockaddr_in&>(address.storage).sin_addr, text, sizeof text);
  else if (address.storage.ss_family == AF_INET6)
    inet_ntop(AF_INET6, &reinterpret_cast<const sockaddr_in6&>(address.storage).sin6_addr, text, sizeof text);
  return text;
}

std::variant<std::pair<unique_fd, std::uint16_t>, std::string> listen_at(const std::string& bind, std::uint16_t port) {
  auto found = resolve({bind, port}, false);
  if (auto* wrong = std::get_if<std::string>(&found)) return std::move(*wrong);
  const auto& address = std::get<std::vector<socket_address>>(found).front();
  unique_fd fd(socket(address.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  const int on = 1;
  setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  socket_address bound;
  bound.size = sizeof bound.storage;
  if (!fd || ::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0 || ::listen(fd.get(), 512) != 0
      || getsockname(fd.get(), reinterpret_cast<sockaddr*>(&bound.storage), &bound.size) != 0)
    return "cannot listen on " + bind + ":" + std::to_string(port) + ": " + error_text(errno);
  const auto number = bound.storage.ss_family == AF_INET6 ? reinterpret_cast<const sockaddr_in6&>(bound.storage).sin6_port
                                                          : reinterpret_cast<const sockaddr_in&>(bound.storage).sin_port;
  return std::pair{std::move(fd), ntohs(number)};
}

std::variant<unique_fd, std::string> begin_connect(const socket_address& to) {
  unique_fd fd(socket(to.storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd) return error_text(errno);
  const int on = 1;
  setsockopt(fd.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(fd.get(), reinterpret_cast<const sockaddr*>(&to.storage), to.size) != 0 && errno != EINPROGRESS) return error_text(errno);
  return fd;
}

std::variant<std::pair<unique_fd, unique_fd>, std::string> make_pair() {
  int ends[2] = {-1, -1};
  if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, ends) != 0) return "no socket pair: " + error_text(errno);
  unique_fd ours(ends[0]), theirs(ends[1]);
  static std::atomic<unsigned> next{0};
  rlimit limit{};
  if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur >= 512) {
    const auto half = static_cast<unsigned>(std::min<rlim_t>(limit.rlim_cur, 1u << 16) / 2);
    const int moved = fcntl(theirs.get(), F_DUPFD_CLOEXEC, static_cast<int>(half + next++ % (half - 16)));
    if (moved >= 0) theirs.reset(moved);
  }
  return std::pair{std::move(ours), std::move(theirs)};
}

std::string network_of(const std::string& host) {
  in6_addr address{};
  if (inet_pton(AF_INET6, host.substr(0, host.find('%')).c_str(), &address) != 1 || IN6_IS_ADDR_V4MAPPED(&address)) return host;
  return std::string(reinterpret_cast<const char*>(address.s6_addr), 8);
}

} // namespace paygate
