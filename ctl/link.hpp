#pragma once

#include <memory>
#include <string>
#include <variant>

namespace paygate::ctl {

/// Why a command got no answer.
struct link_failure {
  std::string text;
};

/// The connection to one daemon of the cluster, over TLS and CAF's network layer. Each call has a deadline; a daemon that is silent cannot
/// hold the tool up.
class daemon_link {
public:
  /// `address` is "host:port" of any node; `tls_dir` has the operator's certificate (deploy/certificates).
  daemon_link(const std::string& address, const std::string& tls_dir);
  ~daemon_link();

  /// Sends a command (actors/runtime/inspector.hpp) and waits for its answer.
  std::variant<std::string, link_failure> ask(const std::string& command);

private:
  struct connection;
  std::unique_ptr<connection> connection_;
};

} // namespace paygate::ctl
