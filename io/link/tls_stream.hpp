#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <variant>

#include "io/link/credentials.hpp"

struct ssl_st;

namespace paygate {

enum class tls_state : std::uint8_t {
  done,        ///< It went on; `bytes` says how far.
  wants_read,  ///< The socket must become readable first,
  wants_write, ///< or writable.
  ended,       ///< The peer has said that it sends no more.
  failed       ///< See trouble().
};
struct tls_result {
  tls_state state = tls_state::done;
  std::size_t bytes = 0;
};

/// One TLS 1.3 connection over a socket that does not block and that it does not own.
class tls_stream {
public:
  tls_stream(credentials_ptr own, int socket, bool dials);
  ~tls_stream();
  tls_stream(const tls_stream&) = delete;
  tls_stream& operator=(const tls_stream&) = delete;

  tls_result shake_hands();
  tls_result read(std::uint8_t* into, std::size_t size);
  tls_result write(const std::uint8_t* data, std::size_t size);
  /// Says that we send no more.
  void end();

  /// After the handshake: who the peer is, and from and until when its certificate is good.
  std::variant<peer_name, std::string> peer() const;
  std::int64_t peer_good_from() const;
  std::int64_t peer_good_until() const;

  const std::string& trouble() const { return trouble_; }

private:
  tls_result result_of(int code);

  credentials_ptr own_;
  ssl_st* ssl_;
  std::string trouble_;
};

} // namespace paygate
