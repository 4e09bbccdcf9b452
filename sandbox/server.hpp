#pragma once
#include <memory>
#include <string>

#include "sandbox/core.hpp"

namespace sandbox {

/// The whole program: all stand-ins behind one HTTP port. Owns its threads.
class server {
public:
  explicit server(settings from);
  ~server();

  /// Binds and serves on threads of its own. False: the port is taken.
  bool start();
  int port() const;
  std::string url() const;
  /// Ends held connections and long polls, joins all threads.
  void stop();

private:
  struct parts;
  std::unique_ptr<parts> parts_;
};

} // namespace sandbox
