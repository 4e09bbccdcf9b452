#pragma once

#include <string>

#include <pqxx/pqxx>

#include "persistence/lease_plan.hpp"
#include "persistence/node_identity.hpp"
#include "persistence/persistence.hpp"

// The statements of membership and leases. All throw pqxx's exceptions.
namespace paygate {

/// What a heartbeat found.
struct heartbeat {
  bool alive = false;                                      ///< The identity is a member; its membership was pushed.
  std::int64_t changes = 0;                                ///< cluster_state.changes: the same number, the same members and holders.
  bool others_late = false;                                ///< Somebody's membership ran out.
  std::vector<std::pair<std::string, std::string>> others; ///< Who else is a member, and what each of their renewals changes.
};

/// Pushes the membership of the node: one statement, one row.
heartbeat renew_membership(pqxx::connection& connection, const std::string& identity, std::chrono::milliseconds ttl);

/// Makes this transaction the only one that changes members or holders, until it ends. Answers the new cluster_state.changes.
std::int64_t begin_change(pqxx::work& transaction);

/// Members, those who still hold shards, and the leases. `self` tells who of this machine is provably dead.
cluster_rows read_cluster(pqxx::work& transaction, const node_identity& self);

void insert_node(pqxx::work& transaction, const lease_config& config, const std::string& identity, const node_identity& self,
                 bool draining);
void set_draining(pqxx::work& transaction, const std::string& identity);

/// Declares them dead, if they still did not renew; `proven` ones whatever their row says. Answers how many.
std::size_t bury(pqxx::work& transaction, const std::vector<std::string>& identities, const cluster_rows& rows);

/// Takes these shards, whose holders are dead or nobody, and remembers that rows of this layout may be written from now on.
void take_shards(pqxx::work& transaction, const std::string& identity, const shard_list& shards, const cluster_rows& rows,
                 std::uint32_t state_version);

/// Frees those of these shards that `identity` holds; waits for commits under way in them.
void free_shards(pqxx::work& transaction, const std::string& identity, const shard_list& shards);
void leave(pqxx::work& transaction, const std::string& identity);

/// Forgets identities that ended a week ago.
void forget_ended(pqxx::work& transaction);

} // namespace paygate
