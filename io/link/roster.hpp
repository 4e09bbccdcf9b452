#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>

#include "io/link/peer.hpp"
#include "messages/cluster.hpp"

namespace paygate {

/// Who may come in, for the link's thread: the members as the newest view has them. Safe from any thread.
class roster {
public:
  /// `refused` are identities that must not be linked although they are members.
  void take(const cluster_view& view, const std::set<std::string>& refused);

  /// A sentence refuses the bearer of a certificate.
  std::optional<std::string> admit(const peer_name& peer) const;
  /// A sentence refuses a connection of `peer` whose handshake names this CAF node.
  std::optional<std::string> check_node(const peer_name& peer, std::string_view caf_node) const;

  /// check_node for each handshake of one connection: all must name the same CAF node, and an operator's must be no other connection's.
  /// What it says holds as long as it lives.
  static std::function<std::optional<std::string>(const std::string& caf_node)> checks_of(std::shared_ptr<roster> members, peer_name peer);

private:
  struct claim;

  mutable std::mutex mutex_;
  std::multiset<std::string> used_;          ///< CAF node ids of the connections that stand.
  std::vector<cluster_member> others_;       ///< Those that may be linked.
  std::set<std::string, std::less<>> nodes_; ///< CAF node ids of all members, self included.
};

/// The members that must not be linked, because they share their CAF node id with another: CAF could not tell them apart. Who is known
/// longer stays; `self` always does.
std::set<std::string> same_nodes(const cluster_view& view, const std::set<std::string>& known);

} // namespace paygate
