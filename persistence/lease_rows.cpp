#include "persistence/lease_rows.hpp"

#include <algorithm>
#include <sstream>

#include "persistence/row_codec.hpp"
#include "persistence/row_tables.hpp"

namespace paygate {

namespace {

constexpr const char* renew_sql =
    "UPDATE node SET seen_at = now(), expires_at = now() + $2::bigint * interval '1 millisecond' "
    "WHERE identity = $1 AND dead_at IS NULL AND left_at IS NULL RETURNING (SELECT changes FROM cluster_state), "
    "EXISTS (SELECT FROM node o WHERE o.dead_at IS NULL AND o.left_at IS NULL AND o.expires_at <= now() AND o.identity <> $1), "
    "(SELECT string_agg(o.identity || E'\\t' || o.expires_at, E'\\n') FROM node o "
    "WHERE o.dead_at IS NULL AND o.left_at IS NULL AND o.identity <> $1)";

constexpr const char* nodes_sql =
    "SELECT identity, name, address, caf_node, state_version, draining, dead_at IS NOT NULL OR left_at IS NOT NULL, expires_at <= now(), "
    "boot_id, pid_namespace, pid, process_start, expires_at FROM node WHERE (dead_at IS NULL AND left_at IS NULL) "
    "OR identity IN (SELECT node FROM shard_lease) ORDER BY identity";

// Judged again under the row's lock: a renewal may have come in between.
constexpr const char* bury_sql =
    "UPDATE node n SET dead_at = now() FROM unnest($1::text[], $2::boolean[]) AS u (identity, proven) "
    "WHERE n.identity = u.identity AND n.dead_at IS NULL AND n.left_at IS NULL AND (u.proven OR n.expires_at <= now())";

// The order of locking is that of the shards. Raising the epoch waits for commits that hold the row FOR KEY SHARE.
constexpr const char* take_sql = "WITH wanted AS (SELECT l.shard FROM shard_lease l LEFT JOIN node n ON n.identity = l.node "
                                 "JOIN unnest($2::smallint[], $3::bigint[]) AS u (shard, epoch) ON l.shard = u.shard AND l.epoch = u.epoch "
                                 "WHERE l.node IS NULL OR n.dead_at IS NOT NULL OR n.left_at IS NOT NULL ORDER BY l.shard FOR UPDATE OF l "
                                 "SKIP LOCKED) " // A commit of the dead still holds it: the next look.
                                 "UPDATE shard_lease l SET node = $1, epoch = l.epoch + 1 FROM wanted WHERE l.shard = wanted.shard";

constexpr const char* free_sql =
    "WITH given AS (SELECT shard FROM shard_lease WHERE node = $1 AND shard = ANY($2::smallint[]) ORDER BY shard FOR UPDATE) "
    "UPDATE shard_lease l SET node = NULL, epoch = l.epoch + 1 FROM given WHERE l.shard = given.shard";

std::string_view text_of(const pqxx::row& row, int column) { return {row[column].c_str(), row[column].size()}; }

} // namespace

std::uint32_t newest_state_version() { return static_cast<std::uint32_t>(state_version); }

heartbeat renew_membership(pqxx::connection& connection, const std::string& identity, std::chrono::milliseconds ttl) {
  pqxx::nontransaction session(connection);
  const auto rows = session.exec_params(renew_sql, identity, ttl.count());
  heartbeat found;
  if (rows.empty()) return found;
  found.alive = true;
  found.changes = rows[0][0].as<std::int64_t>();
  found.others_late = rows[0][1].as<bool>();
  std::istringstream others(rows[0][2].is_null() ? "" : rows[0][2].c_str());
  for (std::string line; std::getline(others, line);)
    if (const auto tab = line.find('\t'); tab != line.npos) found.others.emplace_back(line.substr(0, tab), line.substr(tab + 1));
  return found;
}

std::int64_t begin_change(pqxx::work& transaction) {
  // A takeover must outlive a crash of the database; a heartbeat need not.
  transaction.exec("SET LOCAL synchronous_commit = on");
  return transaction.exec("UPDATE cluster_state SET changes = changes + 1 RETURNING changes")[0][0].as<std::int64_t>();
}

cluster_rows read_cluster(pqxx::work& transaction, const node_identity& self) {
  cluster_rows rows;
  rows.written_version = transaction.exec("SELECT state_version FROM cluster_state")[0][0].as<std::uint32_t>();
  for (const auto& row : transaction.exec(nodes_sql)) {
    known_node node;
    node.member = {row[0].c_str(), row[1].c_str(), row[2].c_str(), row[3].c_str(), row[4].as<std::uint32_t>(), row[5].as<bool>()};
    node.ended = row[6].as<bool>();
    node.expired = row[7].as<bool>();
    const node_identity process{row[8].c_str(), row[9].c_str(), row[10].as<std::int64_t>(), row[11].as<std::int64_t>()};
    const bool itself = process.pid == self.pid && process.process_start == self.process_start && process.boot_id == self.boot_id;
    node.proven_dead = !node.ended && !itself && is_dead(process, self);
    node.stamp = row[12].c_str();
    rows.nodes.push_back(std::move(node));
  }
  for (const auto& row : transaction.exec("SELECT shard, epoch, coalesce(node, '') FROM shard_lease")) {
    std::uint32_t shard = 0;
    read_value(text_of(row, 0), shard);
    auto& lease = rows.leases.at(shard);
    read_value(text_of(row, 1), lease.epoch);
    lease.node = row[2].c_str();
  }
  return rows;
}

void insert_node(pqxx::work& transaction, const lease_config& config, const std::string& identity, const node_identity& self,
                 bool draining) {
  transaction.exec_params(
      "INSERT INTO node (identity, boot_id, pid_namespace, pid, process_start, name, address, caf_node, state_version, "
      "draining, expires_at) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, now() + $11::bigint * interval '1 millisecond')",
      identity, self.boot_id, self.pid_namespace, self.pid, self.process_start, config.name, config.address, config.caf_node,
      config.state_version, draining, config.ttl.count());
}

void set_draining(pqxx::work& transaction, const std::string& identity) {
  transaction.exec_params("UPDATE node SET draining = true WHERE identity = $1 AND dead_at IS NULL AND left_at IS NULL", identity);
}

std::size_t bury(pqxx::work& transaction, const std::vector<std::string>& identities, const cluster_rows& rows) {
  column_arrays all(2);
  for (const auto& node : rows.nodes) {
    if (std::find(identities.begin(), identities.end(), node.member.identity) == identities.end()) continue;
    all.begin_row();
    append_element(all.next(), node.member.identity);
    append_element(all.next(), node.proven_dead);
  }
  const auto lists = all.finish();
  return transaction.exec_params(bury_sql, lists[0], lists[1]).affected_rows();
}

void take_shards(pqxx::work& transaction, const std::string& identity, const shard_list& shards, const cluster_rows& rows,
                 std::uint32_t version) {
  transaction.exec_params("UPDATE cluster_state SET state_version = $1 WHERE state_version < $1", version);
  column_arrays wanted(2);
  for (const auto shard : shards) {
    wanted.begin_row();
    append_element(wanted.next(), shard);
    append_element(wanted.next(), rows.leases.at(shard).epoch);
  }
  const auto lists = wanted.finish();
  transaction.exec_params(take_sql, identity, lists[0], lists[1]);
}

void free_shards(pqxx::work& transaction, const std::string& identity, const shard_list& shards) {
  column_arrays given(1);
  for (const auto shard : shards) {
    given.begin_row();
    append_element(given.next(), shard);
  }
  transaction.exec_params(free_sql, identity, given.finish()[0]);
}

void leave(pqxx::work& transaction, const std::string& identity) {
  transaction.exec_params("UPDATE node SET left_at = now() WHERE identity = $1 AND dead_at IS NULL AND left_at IS NULL", identity);
}

void forget_ended(pqxx::work& transaction) {
  transaction.exec("DELETE FROM node WHERE coalesce(dead_at, left_at) < now() - interval '7 days' AND identity NOT IN "
                   "(SELECT node FROM shard_lease WHERE node IS NOT NULL)");
}

} // namespace paygate
