#include "io/link/roster.hpp"

#include <algorithm>
#include <map>

namespace paygate {

void roster::take(const cluster_view& view, const std::set<std::string>& refused) {
  const std::lock_guard lock(mutex_);
  others_.clear();
  nodes_.clear();
  for (const auto& member : view.members) {
    nodes_.insert(member.caf_node);
    if (member.identity != view.self && !refused.contains(member.identity)) others_.push_back(member);
  }
}

std::optional<std::string> roster::admit(const peer_name& peer) const {
  if (peer.role == peer_role::person) return std::nullopt;
  const std::lock_guard lock(mutex_);
  const bool member = std::any_of(others_.begin(), others_.end(), [&peer](const auto& m) { return m.name == peer.name; });
  return member ? std::nullopt : std::optional<std::string>(to_text(peer) + " is no member that I know of");
}

std::optional<std::string> roster::check_node(const peer_name& peer, std::string_view caf_node) const {
  const std::lock_guard lock(mutex_);
  if (peer.role == peer_role::person)
    return nodes_.contains(caf_node) ? std::optional<std::string>("an operator's tool has the CAF node id of a member") : std::nullopt;
  const bool fits =
      std::any_of(others_.begin(), others_.end(), [&](const auto& m) { return m.name == peer.name && m.caf_node == caf_node; });
  return fits ? std::nullopt : std::optional<std::string>(to_text(peer) + " is not the CAF node " + std::string(caf_node));
}

/// The CAF node id of one connection, from its first handshake to its end.
struct roster::claim {
  explicit claim(std::shared_ptr<roster> of) : members(std::move(of)) {}
  ~claim() {
    const std::lock_guard lock(members->mutex_);
    if (const auto found = members->used_.find(node); found != members->used_.end()) members->used_.erase(found);
  }
  std::optional<std::string> take(const peer_name& peer, const std::string& caf_node) {
    if (!node.empty()) return node == caf_node ? std::nullopt : std::optional<std::string>("another CAF node on the same connection");
    const std::lock_guard lock(members->mutex_);
    if (peer.role == peer_role::person && members->used_.contains(caf_node)) return "another connection has the same CAF node id";
    members->used_.insert(caf_node);
    node = caf_node;
    return std::nullopt;
  }
  std::shared_ptr<roster> members;
  std::string node;
};

std::function<std::optional<std::string>(const std::string&)> roster::checks_of(std::shared_ptr<roster> members, peer_name peer) {
  return [held = std::make_shared<claim>(std::move(members)), peer = std::move(peer)](const std::string& caf_node) {
    auto wrong = held->members->check_node(peer, caf_node);
    return wrong ? wrong : held->take(peer, caf_node);
  };
}

std::set<std::string> same_nodes(const cluster_view& view, const std::set<std::string>& known) {
  const auto rank = [&](const cluster_member& m) { return m.identity == view.self ? 0 : known.contains(m.identity) ? 1 : 2; };
  std::map<std::string, const cluster_member*> keepers;
  for (const auto& member : view.members) {
    auto& keeper = keepers[member.caf_node];
    if (!keeper || rank(member) < rank(*keeper) || (rank(member) == rank(*keeper) && member.identity < keeper->identity)) keeper = &member;
  }
  std::set<std::string> refused;
  for (const auto& member : view.members) {
    // A node that was started anew may have got the id that it had before; the one before is gone.
    const auto& keeper = *keepers[member.caf_node];
    if (keeper.identity != member.identity && keeper.name != member.name) refused.insert(member.identity);
  }
  return refused;
}

} // namespace paygate
