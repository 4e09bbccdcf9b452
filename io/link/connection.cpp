#include "io/link/connection.hpp"

#include <algorithm>
#include <array>
#include <cerrno>
#include <ctime>

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/epoll.h>
#include <unistd.h>

namespace paygate {

namespace {

// The greeting: these four, a byte (0: come in), the length of a sentence, the sentence.
constexpr std::string_view greeting_mark = "PGL1";
constexpr std::size_t greeting_head = 6;
constexpr std::size_t chunk = 16 * 1024;
constexpr int rounds_max = 16;
constexpr std::size_t taken_min = 64 * 1024; // Within link_limits::stall.

std::string greeting_of(const std::string& refusal) {
  const auto sentence = refusal.substr(0, 255);
  return std::string(greeting_mark) + static_cast<char>(refusal.empty() ? 0 : 1) + static_cast<char>(sentence.size()) + sentence;
}

} // namespace

void byte_queue::pop(std::size_t n) {
  head_ += n;
  if (head_ == data_.size())
    data_.clear(), head_ = 0;
  else if (head_ >= 64 * 1024 && head_ >= data_.size() / 2)
    data_.erase(data_.begin(), data_.begin() + static_cast<std::ptrdiff_t>(head_)), head_ = 0;
}

link_connection::link_connection(std::uint64_t id, accepted from, credentials_ptr own, const link_limits& limits, admit_fn admit,
                                 link_time now)
    : id_(id), dials_(false), limits_(limits), own_(std::move(own)), admit_(std::move(admit)), source_(std::move(from.source)),
      socket_(std::move(from.socket)), phase_(phase::handshaking), since_(now), deadline_(now + limits.handshake) {}

link_connection::link_connection(std::uint64_t id, dialed request, credentials_ptr own, const link_limits& limits, link_time now)
    : id_(id), dials_(true), limits_(limits), own_(std::move(own)), admit_(std::move(request.expect)), source_(std::move(request.address)),
      untried_(std::move(request.to)), phase_(phase::connecting), since_(now), deadline_(request.deadline) {
  std::reverse(untried_.begin(), untried_.end());
  connect_next();
}

void link_connection::end(std::string why) {
  if (phase_ == phase::ended) return;
  phase_ = phase::ended;
  why_ = std::move(why);
}

void link_connection::check_peer(credentials_ptr now) {
  // Who is still shaking hands is judged by them at the end of it.
  own_ = std::move(now);
  if (phase_ != phase::greeting && phase_ != phase::held && phase_ != phase::streaming) return;
  if (auto wrong = own_->refused().why(peer_, good_from_)) end(*wrong);
}

void link_connection::connect_next() {
  // Closed last: the pump tells sockets apart by their numbers.
  const unique_fd old = std::move(socket_);
  while (!untried_.empty()) {
    // One address does not use up the time of the others.
    const auto now = link_clock::now();
    attempt_until_ = now + std::max(deadline_ - now, link_clock::duration{0}) / static_cast<int>(untried_.size());
    const auto to = untried_.back();
    untried_.pop_back();
    auto begun = begin_connect(to);
    if (auto* fd = std::get_if<unique_fd>(&begun)) {
      socket_ = std::move(*fd);
      return;
    }
    why_ = std::get<std::string>(begun);
  }
  end(std::string(why_.empty() ? "no address to connect to" : why_));
}

void link_connection::on_connected() {
  int error = 0;
  socklen_t size = sizeof error;
  sockaddr_storage peer{};
  socklen_t peer_size = sizeof peer;
  if (getsockopt(socket_.get(), SOL_SOCKET, SO_ERROR, &error, &size) != 0) error = errno;
  if (error != 0) {
    why_ = error_text(error);
    return connect_next();
  }
  if (getpeername(socket_.get(), reinterpret_cast<sockaddr*>(&peer), &peer_size) != 0) return; // Not yet.
  why_.clear();
  phase_ = phase::handshaking;
}

void link_connection::shake_hands() {
  if (!tls_) {
    const int on = 1;
    setsockopt(socket_.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    tls_ = std::make_unique<tls_stream>(own_, socket_.get(), dials_);
  }
  if (note(tls_->shake_hands())) on_shaken();
}

void link_connection::on_shaken() {
  auto name = tls_->peer();
  if (auto* wrong = std::get_if<std::string>(&name)) return refuse(*wrong);
  peer_ = std::get<peer_name>(std::move(name));
  const auto left = std::chrono::seconds(std::max<std::int64_t>(tls_->peer_good_until() - std::time(nullptr), 0));
  good_until_ = link_clock::now() + std::min<std::chrono::seconds>(left, std::chrono::hours(24 * 365));
  good_from_ = tls_->peer_good_from();
  if (auto wrong = own_->refused().why(peer_, good_from_)) return refuse(*wrong);
  if (auto wrong = admit_(peer_)) return refuse(*wrong);
  phase_ = phase::greeting;
  if (!dials_) greeting_ = greeting_of({});
}

void link_connection::refuse(const std::string& why) {
  why_ = why;
  if (dials_) return end(why); // The acceptor is not who it should be: it is told nothing.
  phase_ = phase::refusing;
  greeting_ = greeting_of(why);
}

void link_connection::greet() {
  while (!greeting_.empty()) {
    const auto result = tls_->write(reinterpret_cast<const std::uint8_t*>(greeting_.data()), greeting_.size());
    if (!note(result)) return;
    greeting_.erase(0, result.bytes);
  }
  if (phase_ == phase::greeting) return on_let_in();
  tls_->end();
  ::shutdown(socket_.get(), SHUT_WR);
  told_peer_ = true;
}

/// What is refused is told why, and then given the time to read it: a socket that is closed with something unread in it sends a reset.
void link_connection::linger_refused() {
  if (!told_peer_) greet();
  std::array<std::uint8_t, 1024> waste;
  for (int i = 0; i < rounds_max && phase_ == phase::refusing && told_peer_; ++i) {
    const auto n = recv(socket_.get(), waste.data(), waste.size(), 0);
    if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) return end(std::string(why_));
    if (n < 0) return wants_read_ = true, wants_write_ = false, void();
  }
}

void link_connection::read_greeting() {
  for (;;) {
    const auto wanted = greeting_.size() < greeting_head ? greeting_head : greeting_head + static_cast<std::uint8_t>(greeting_[5]);
    if (greeting_.size() == wanted) break;
    std::array<std::uint8_t, 256> bytes;
    const auto result = tls_->read(bytes.data(), wanted - greeting_.size());
    if (result.state == tls_state::ended) return end("the other side closed the connection");
    if (!note(result)) return;
    greeting_.append(reinterpret_cast<const char*>(bytes.data()), result.bytes);
    if (greeting_.size() >= greeting_mark.size() && !greeting_.starts_with(greeting_mark)) return end("what answers there is no paygated");
  }
  const bool let_in = greeting_[4] == 0;
  const auto sentence = greeting_.substr(greeting_head);
  greeting_.clear();
  if (!let_in) return end("refused by " + to_text(peer_) + ": " + sentence);
  on_let_in();
}

void link_connection::on_let_in() {
  auto made = make_pair();
  if (auto* wrong = std::get_if<std::string>(&made)) return end(*wrong);
  auto& ends = std::get<std::pair<unique_fd, unique_fd>>(made);
  plain_ = std::move(ends.first);
  theirs_ = std::move(ends.second);
  phase_ = phase::held;
  deadline_ = std::max(deadline_, link_clock::now() + limits_.handshake);
}

void link_connection::start(std::optional<guard_rules> rules, link_time now) {
  if (phase_ != phase::held) return;
  if (rules) guard_.emplace(std::move(*rules));
  phase_ = phase::streaming;
  heard_ = sent_ = passed_ = now;
  wants_read_ = true;
  wants_write_ = false;
  hot_ = true;
}

/// True when the call went on; else it is clear what to wait for, or the connection has ended.
bool link_connection::note(const tls_result& result) {
  switch (result.state) {
  case tls_state::done: return true;
  case tls_state::wants_read: wants_read_ = true, wants_write_ = false; return false;
  case tls_state::wants_write: wants_write_ = true; return false;
  case tls_state::ended: end("the other side closed the connection"); return false;
  case tls_state::failed: end(tls_->trouble()); return false;
  }
  return false;
}

void link_connection::run(link_time now) {
  hot_ = false;
  if (phase_ == phase::connecting) on_connected();
  if (phase_ == phase::handshaking && (!dials_ || socket_)) shake_hands();
  if (phase_ == phase::greeting) dials_ ? read_greeting() : greet();
  if (phase_ == phase::refusing) linger_refused();
  if (phase_ != phase::streaming) return;
  for (int i = 0; i < rounds_max; ++i)
    if (!stream_round(now)) return;
  hot_ = phase_ == phase::streaming;
}

bool link_connection::stream_round(link_time now) {
  wants_write_ = false;
  bool moved = read_peer(now);
  moved = write_plain(now) || moved;
  moved = read_plain() || moved;
  moved = write_peer(now) || moved;
  if (phase_ != phase::streaming) return false;
  if (peer_ended_ && to_plain_.size() == 0 && !told_plain_) {
    ::shutdown(plain_.get(), SHUT_WR);
    told_plain_ = true;
    lingers_ = now + limits_.linger;
  }
  if (plain_ended_ && to_peer_.size() == 0 && !told_peer_) {
    tls_->end();
    told_peer_ = true;
    lingers_ = now + limits_.linger;
  }
  if (told_plain_ && told_peer_) end("closed");
  return moved && phase_ == phase::streaming;
}

bool link_connection::read_peer(link_time now) {
  if (peer_ended_ || phase_ != phase::streaming || to_plain_.size() + chunk > limits_.buffer) return false;
  std::array<std::uint8_t, chunk> bytes;
  const auto result = tls_->read(bytes.data(), bytes.size());
  if (result.state == tls_state::ended) return peer_ended_ = true;
  if (!note(result)) return false;
  heard_ = now;
  if (to_plain_.size() == 0) passed_ = now;
  auto& out = to_plain_.tail();
  if (!guard_)
    out.insert(out.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(result.bytes));
  else if (auto wrong = guard_->feed(bytes.data(), result.bytes, out))
    end(*wrong);
  return true;
}

bool link_connection::write_plain(link_time now) {
  if (to_plain_.size() == 0 || phase_ != phase::streaming) return false;
  const auto n = send(plain_.get(), to_plain_.front(), to_plain_.size(), MSG_NOSIGNAL | MSG_DONTWAIT);
  if (n > 0) {
    to_plain_.pop(static_cast<std::size_t>(n));
    passed_ = now;
    return true;
  }
  if (errno != EAGAIN && errno != EINTR) {
    // The reader is gone. What it wrote before is still ours to send.
    to_plain_.pop(to_plain_.size());
    peer_ended_ = true;
    return true;
  }
  return false;
}

bool link_connection::read_plain() {
  if (plain_ended_ || phase_ != phase::streaming || to_peer_.size() + chunk > limits_.buffer) return false;
  std::array<std::uint8_t, chunk> bytes;
  const auto n = recv(plain_.get(), bytes.data(), bytes.size(), MSG_DONTWAIT);
  if (n < 0 && (errno == EAGAIN || errno == EINTR)) return false;
  if (n <= 0) return plain_ended_ = true;
  if (to_peer_.size() == 0) sent_ = link_clock::now(), taken_ = 0;
  if (guard_) guard_->sent(bytes.data(), static_cast<std::size_t>(n));
  auto& out = to_peer_.tail();
  out.insert(out.end(), bytes.begin(), bytes.begin() + n);
  return true;
}

bool link_connection::write_peer(link_time now) {
  if (to_peer_.size() == 0 || phase_ != phase::streaming) return false;
  const auto result = tls_->write(to_peer_.front(), to_peer_.size());
  if (!note(result)) return false;
  to_peer_.pop(result.bytes);
  // Who takes a byte now and then takes nothing.
  taken_ += result.bytes;
  if (to_peer_.size() == 0 || taken_ >= taken_min) sent_ = now, taken_ = 0;
  return true;
}

std::uint32_t link_connection::socket_events() const {
  switch (phase_) {
  case phase::connecting: return EPOLLOUT;
  case phase::handshaking:
  case phase::greeting:
  case phase::refusing: return wants_write_ ? EPOLLOUT : EPOLLIN;
  case phase::streaming: {
    const bool room = !peer_ended_ && to_plain_.size() + chunk <= limits_.buffer;
    return (room ? EPOLLIN : 0u) | (wants_write_ ? EPOLLOUT : 0u);
  }
  case phase::held:
  case phase::ended: break;
  }
  return 0;
}

std::uint32_t link_connection::plain_events() const {
  if (phase_ != phase::streaming) return 0;
  const bool room = !plain_ended_ && to_peer_.size() + chunk <= limits_.buffer;
  return (room ? EPOLLIN : 0u) | (to_plain_.size() > 0 ? EPOLLOUT : 0u);
}

link_time link_connection::deadline() const {
  if (phase_ == phase::connecting) return attempt_until_;
  if (phase_ != phase::streaming) return deadline_;
  auto at = std::min(peer_ended_ ? link_time::max() : heard_ + limits_.idle, good_until_);
  if (to_peer_.size() > 0) at = std::min(at, sent_ + limits_.stall);
  if (to_plain_.size() > 0) at = std::min(at, passed_ + limits_.stall);
  if (told_plain_ || told_peer_) at = std::min(at, lingers_);
  return at;
}

void link_connection::on_deadline(link_time now) {
  if (phase_ == phase::connecting) {
    why_ = "no connection in time";
    return connect_next();
  }
  if (phase_ == phase::refusing) return end(std::string(why_));
  if (phase_ != phase::streaming) return end(tls_ ? "no handshake in time" : "silent");
  if (now >= good_until_) return end("the peer's certificate has ended");
  if (to_peer_.size() > 0 && now >= sent_ + limits_.stall) return end("the peer takes nothing");
  if (to_plain_.size() > 0 && now >= passed_ + limits_.stall) return end("nobody takes what the peer sends");
  if ((told_plain_ || told_peer_) && now >= lingers_) return end("half closed for too long");
  if (now >= heard_ + limits_.idle) end("silent");
}

} // namespace paygate
