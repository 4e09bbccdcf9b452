#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "io/link/frame_guard.hpp"
#include "io/link/socket.hpp"
#include "io/link/tls_stream.hpp"

namespace paygate {

using link_clock = std::chrono::steady_clock;
using link_time = link_clock::time_point;

/// What a connection may take: of time, of memory, of places.
struct link_limits {
  std::chrono::milliseconds handshake{5'000}; ///< From accept until it is handed over.
  std::chrono::milliseconds idle{5'000};      ///< Silence of a peer, in which BASP's heartbeats come each second.
  std::chrono::milliseconds stall{10'000};    ///< How long a peer may leave untaken what we send, or BASP what the peer sent.
  std::chrono::milliseconds linger{5'000};    ///< From the end of one direction to that of the other.
  std::size_t half_open_max = 128;            ///< Accepted and not authenticated; beyond, the oldest of the busiest source makes room.
  std::size_t open_max = 256;                 ///< Accepted and authenticated.
  std::size_t person_max = 8;                 ///< Of them, of one operator. Nodes and operators are counted apart.
  std::size_t buffer = 256 * 1024;            ///< Bytes under way, in each direction.
  std::chrono::microseconds rest{2'000};      ///< Between two rounds while the machine is busy: what comes meanwhile shares one.
};

/// The answer to a peer's certificate: nothing lets it in, a sentence refuses it.
using admit_fn = std::function<std::optional<std::string>(const peer_name& peer)>;

/// Bytes under way, first in, first out.
class byte_queue {
public:
  std::size_t size() const { return data_.size() - head_; }
  const std::uint8_t* front() const { return data_.data() + head_; }
  std::vector<std::uint8_t>& tail() { return data_; } ///< Append to it.
  void pop(std::size_t n);

private:
  std::vector<std::uint8_t> data_;
  std::size_t head_ = 0;
};

/// One connection of the cluster link, from connect or accept to its end: TLS handshake, names, the acceptor's greeting, then bytes between
/// the TLS socket and one end of a socket pair. Driven by the pump: it never waits. The greeting tells the dialer whether it is let in, for
/// under TLS 1.3 a client's handshake is over before the server has seen its certificate.
class link_connection {
public:
  enum class phase : std::uint8_t { connecting, handshaking, greeting, held, streaming, refusing, ended };

  struct accepted {
    unique_fd socket;
    std::string source;
  };
  link_connection(std::uint64_t id, accepted from, credentials_ptr own, const link_limits& limits, admit_fn admit, link_time now);
  struct dialed {
    std::vector<socket_address> to; ///< Tried in their order.
    std::string address;
    admit_fn expect;
    link_time deadline;
  };
  link_connection(std::uint64_t id, dialed request, credentials_ptr own, const link_limits& limits, link_time now);

  /// Does what can be done at once, of a fair size.
  void run(link_time now);
  /// The hand-over: from `held` on, bytes pass. Without rules they pass as they are.
  void start(std::optional<guard_rules> rules, link_time now);
  /// When something must have happened; then call on_deadline.
  link_time deadline() const;
  void on_deadline(link_time now);
  void end(std::string why);
  /// There are other credentials now: a peer that they refuse is let go, now or when it has shaken hands.
  void check_peer(credentials_ptr now);

  std::uint64_t id() const { return id_; }
  bool dials() const { return dials_; }
  const std::string& source() const { return source_; }
  const peer_name& peer() const { return peer_; }
  phase at() const { return phase_; }
  link_time since() const { return since_; }
  /// Why it ended.
  const std::string& why() const { return why_; }
  /// The end for BASP, once, from `held` on.
  unique_fd take_plain() { return std::move(theirs_); }

  /// What to wait for: EPOLLIN, EPOLLOUT; 0: nothing. `hot`: more can be done without waiting.
  int socket() const { return socket_.get(); }
  int plain() const { return plain_.get(); }
  std::uint32_t socket_events() const;
  std::uint32_t plain_events() const;
  bool hot() const { return hot_; }

  bool announced = false; ///< The pump's own mark: somebody was told of it.

private:
  void connect_next();
  void on_connected();
  void shake_hands();
  void on_shaken();
  void refuse(const std::string& why);
  void greet();
  void read_greeting();
  void on_let_in();
  void linger_refused();

  bool stream_round(link_time now);
  bool read_peer(link_time now);
  bool write_plain(link_time now);
  bool read_plain();
  bool write_peer(link_time now);
  bool note(const tls_result& result);

  const std::uint64_t id_;
  const bool dials_;
  const link_limits& limits_;
  credentials_ptr own_;
  admit_fn admit_;
  std::string source_;
  std::vector<socket_address> untried_;
  unique_fd socket_, plain_, theirs_;
  std::unique_ptr<tls_stream> tls_;
  std::optional<frame_guard> guard_;
  peer_name peer_;
  phase phase_;
  std::string why_;
  std::string greeting_; ///< Still to be written, or read so far.
  byte_queue to_plain_, to_peer_;
  bool wants_read_ = true, wants_write_ = false, hot_ = false;
  bool peer_ended_ = false, plain_ended_ = false, told_plain_ = false, told_peer_ = false;
  link_time since_, deadline_, attempt_until_, heard_, sent_, passed_, lingers_, good_until_;
  std::int64_t good_from_ = 0; ///< The peer's certificate; seconds since 1970.
  std::size_t taken_ = 0;      ///< By the peer, since sent_.
};

} // namespace paygate
