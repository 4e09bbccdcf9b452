#pragma once

#include <memory>
#include <string>
#include <variant>

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>

#include "config/settings.hpp"
#include "io/link/links.hpp"

namespace paygate {

/// The door for other nodes and for operators: its port, its certificates, and what stands behind it.
class cluster_part {
public:
  /// Checks the certificates and takes the port; nobody comes in yet. Without cluster.tls_dir there is no door, and the log says so. A
  /// sentence when something is wrong.
  static std::variant<std::unique_ptr<cluster_part>, std::string> prepare(const settings& s, std::shared_ptr<metrics_sink> metrics);
  ~cluster_part() { close(); }

  /// 0 without a door.
  std::uint16_t port() const { return port_; }
  /// "host:port" at which others reach this node; empty without a door, or when it listens on all addresses and cluster.advertise is empty.
  const std::string& address() const { return address_; }

  /// Lets them in. Certificates, limits and metrics of `setup` are filled in here.
  void open(caf::actor_system& system, cluster_door_setup setup);
  /// Takes (view, cluster_view_ptr); null without a door.
  const caf::actor& links() const { return links_; }
  /// Reads certificates that changed; once a second.
  void look();
  /// Ends all connections.
  void close();

private:
  cluster_part() = default;

  std::shared_ptr<metrics_sink> metrics_;
  std::shared_ptr<credential_store> own_;
  unique_fd socket_;
  std::uint16_t port_ = 0;
  std::string address_;
  caf::actor links_;
};

} // namespace paygate
