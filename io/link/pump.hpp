#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "io/link/connection.hpp"
#include "messages/ports.hpp"

namespace paygate {

/// A connection that is authenticated and waits to be used.
struct link_opened {
  std::uint64_t id = 0;
  peer_name peer;
  std::string address; ///< Of the peer, as far as it is known.
  unique_fd plain;     ///< What is written here goes to the peer, what it sends can be read here: for BASP.
};
using link_opened_ptr = std::shared_ptr<link_opened>;

/// What the pump tells, each on its own thread: none may wait.
struct link_hooks {
  admit_fn admit;                                                ///< Who may come in, asked after the handshake.
  std::function<void(link_opened_ptr)> opened;                   ///< Somebody came in: start() is wanted.
  std::function<void(std::uint64_t id, std::string why)> closed; ///< The end of a connection that was opened, by dial or by accept.
};

struct dial_request {
  std::string address; ///< "host:port".
  /// Who must be there; without a name any node.
  std::optional<std::string> node;
  std::chrono::milliseconds patience{3'000};
};
using dialed_fn = std::function<void(std::variant<link_opened_ptr, std::string>)>;

/// The thread of the cluster link: all dials, accepts, handshakes and bytes, none of which waits for another. Its methods may be called
/// from any thread. Nothing that a peer does keeps the thread busy for nothing, or makes it keep more than link_limits allows.
class link_pump {
public:
  /// `metrics` may be null. While the machine is `busy` (null: never) it rests between its rounds. @pre signals that other threads want are blocked.
  link_pump(std::shared_ptr<credential_store> own, link_limits limits, std::shared_ptr<metrics_sink> metrics,
            std::function<bool()> busy = {});
  /// Ends all connections; no hook is called afterwards.
  ~link_pump();

  /// Opens the door. The port, or why not.
  std::variant<std::uint16_t, std::string> listen(const std::string& bind, std::uint16_t port, link_hooks hooks);
  /// The same with a socket that listens already.
  void listen(unique_fd socket, link_hooks hooks);
  /// Hooks for one who only dials.
  void on_closed(std::function<void(std::uint64_t, std::string)> closed);

  /// Answers once, with a connection or a sentence, within about the request's patience.
  void dial(dial_request request, dialed_fn done);
  /// Lets bytes pass. Until then, and for the time of a handshake at most, an opened connection waits.
  void start(std::uint64_t id, std::optional<guard_rules> rules);
  /// Ends a connection at once.
  void close(std::uint64_t id, std::string why);

  /// How often its thread has woken up: a peer that could keep it busy would be seen here.
  std::uint64_t rounds() const;

private:
  struct impl;
  std::shared_ptr<impl> impl_;
};

} // namespace paygate
