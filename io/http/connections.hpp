#pragma once

#include <atomic>
#include <optional>
#include <string_view>

#include <httplib.h>

#include "messages/ports.hpp"

namespace paygate {

inline constexpr std::size_t body_max = 64 * 1024;
inline constexpr std::size_t head_max = 32 * 1024; ///< Of a request line and its headers together.

/// Why the body of a request is not read: the answer's status and its sentence.
struct body_fault {
  int status = 400;
  std::string_view detail;
};

/// Bodies are taken by POST, PUT and PATCH alone, in one piece of a stated length, uncompressed: of anything else httplib 0.11 would read
/// without a limit, or leave the body on the connection, where it would pass for the next request.
std::optional<body_fault> fault_of_body(const httplib::Request& request);

/// httplib's server with connections of its own. httplib gives a client all the time and memory that it asks for, and goes on with a
/// connection of which it does not know where the next request begins. Here a request comes within `request_time`, its head within
/// head_max, a connection ends after whatever was not read to its end, and Range is ignored: a client that asks for a page a thousand
/// times over gets it once.
class bounded_server final : public httplib::Server {
public:
  /// @param waiting how many connections wait for a thread: while there are any, who is idle makes room, and who is slow soon does.
  explicit bounded_server(const std::atomic<std::size_t>& waiting) : waiting_(waiting) {}

  /// Before listening. How long one request may take to come, and its answer to go.
  void set_request_time(milliseconds time) { request_time_ = time; }

private:
  class connection;
  bool process_and_close_socket(socket_t socket) override;
  bool wait_for_request(connection& on) const;

  const std::atomic<std::size_t>& waiting_;
  milliseconds request_time_{5'000};
};

} // namespace paygate
