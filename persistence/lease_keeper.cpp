#include <algorithm>
#include <map>

#include <caf/all.hpp>

#include "messages/log.hpp"
#include "persistence/database.hpp"
#include "persistence/node_identity.hpp"
#include "persistence/persistence.hpp"
#include "persistence/row_codec.hpp"

namespace paygate {

namespace {

using epoch_list = std::array<std::uint64_t, shard_count>;

struct lease_state {
  static inline const char* name = "lease_keeper";
  lease_config config;
  node_identity self;
  std::unique_ptr<database_link> link;
  epoch_list held{}; ///< What the last answer said: the only leases that a renewal may push.
  std::chrono::steady_clock::time_point partitions_at{};
};

using lease_ptr = lease_actor::stateful_pointer<lease_state>;

constexpr const char* see_sql =
    "SELECT l.shard, l.epoch, l.expires_at <= now(), coalesce(l.node, ''), coalesce(n.boot_id, ''), coalesce(n.pid_namespace, ''), "
    "coalesce(n.pid, 0), coalesce(n.process_start, 0), l.node IS NOT DISTINCT FROM $1 FROM shard_lease l "
    "LEFT JOIN node n ON n.identity = l.node ORDER BY l.shard";

// Expiry is judged again under the row's lock: a renewal may have come in between. The order of locking is that of the shards.
constexpr const char* take_sql =
    "WITH wanted AS (SELECT l.shard FROM shard_lease l JOIN unnest($2::smallint[], $3::bigint[], $4::boolean[]) AS u (shard, epoch, dead) "
    "ON l.shard = u.shard AND l.epoch = u.epoch WHERE u.dead OR l.expires_at <= now() ORDER BY l.shard FOR UPDATE OF l) "
    "UPDATE shard_lease l SET node = $1, epoch = l.epoch + 1, expires_at = now() + $5::bigint * interval '1 millisecond' "
    "FROM wanted WHERE l.shard = wanted.shard RETURNING l.shard, l.epoch";

constexpr const char* renew_sql =
    "UPDATE shard_lease l SET expires_at = now() + $4::bigint * interval '1 millisecond' "
    "FROM unnest($2::smallint[], $3::bigint[]) AS u (shard, epoch) WHERE l.shard = u.shard AND l.node = $1 AND l.epoch = u.epoch "
    "RETURNING l.shard, l.epoch";

void read_epochs(const pqxx::result& rows, epoch_list& epochs) {
  for (const auto& row : rows) {
    std::uint32_t shard = 0;
    read_value(row[0].c_str(), shard);
    read_value(row[1].c_str(), epochs.at(shard));
  }
}

void register_node(pqxx::work& transaction, const lease_state& state) {
  transaction.exec_params("INSERT INTO node (identity, boot_id, pid_namespace, pid, process_start) VALUES ($1, $2, $3, $4, $5) "
                          "ON CONFLICT (identity) DO UPDATE SET seen_at = now(), left_at = NULL",
                          state.config.node, state.self.boot_id, state.self.pid_namespace, state.self.pid, state.self.process_start);
}

// What stands in the way: holders and how many shards each has.
std::string describe(const std::map<std::string, int>& holders) {
  std::string text;
  for (const auto& [holder, shards] : holders) {
    if (!text.empty()) text += "; ";
    text += std::to_string(shards) + " shards are held by " + holder;
  }
  return text;
}

/// Pushes the expiry of those leases and answers the ones that still are ours.
void push(pqxx::work& transaction, const lease_state& state, column_arrays leases, lease_answer& answer) {
  const auto lists = leases.finish();
  read_epochs(transaction.exec_params(renew_sql, state.config.node, lists[0], lists[1], state.config.ttl.count()), answer.epochs);
}

void take(lease_state& state, pqxx::connection& connection, lease_answer& answer) {
  pqxx::work transaction(connection);
  register_node(transaction, state);
  column_arrays ours(2);
  column_arrays wanted(3);
  std::map<std::string, int> holders;
  std::map<std::string, bool> dead_nodes;
  std::array<std::string, shard_count> holder_of;
  for (const auto& row : transaction.exec_params(see_sql, state.config.node)) {
    std::uint32_t shard = 0;
    std::uint64_t epoch = 0;
    read_value(row[0].c_str(), shard);
    read_value(row[1].c_str(), epoch);
    const std::string holder = row[3].c_str();
    const bool expired = row[2].as<bool>();
    if (row[8].as<bool>() && !expired) {
      // Ours already. While others hold some, nobody but this call keeps them so.
      ours.begin_row();
      append_element(ours.next(), shard);
      append_element(ours.next(), epoch);
      continue;
    }
    bool dead = false;
    if (!holder.empty() && !expired) {
      auto known = dead_nodes.find(holder);
      if (known == dead_nodes.end()) {
        const node_identity other{row[4].c_str(), row[5].c_str(), row[6].as<std::int64_t>(), row[7].as<std::int64_t>()};
        known = dead_nodes.emplace(holder, is_dead(other, state.self)).first;
      }
      dead = known->second;
    }
    holder_of.at(shard) = holder;
    if (!dead && !expired) continue;
    wanted.begin_row();
    append_element(wanted.next(), shard);
    append_element(wanted.next(), epoch);
    append_element(wanted.next(), dead);
  }
  if (ours.rows() > 0) push(transaction, state, std::move(ours), answer);
  if (wanted.rows() > 0) {
    const auto lists = wanted.finish();
    read_epochs(transaction.exec_params(take_sql, state.config.node, lists[0], lists[1], lists[2], state.config.ttl.count()),
                answer.epochs);
  }
  transaction.commit();
  for (std::uint32_t shard = 0; shard < shard_count; ++shard)
    if (answer.epochs[shard] == 0) ++holders[holder_of[shard]];
  answer.error = describe(holders);
}

void renew(lease_state& state, pqxx::connection& connection, lease_answer& answer) {
  column_arrays held(2);
  for (std::uint32_t shard = 0; shard < shard_count; ++shard) {
    if (state.held[shard] == 0) continue;
    held.begin_row();
    append_element(held.next(), shard);
    append_element(held.next(), state.held[shard]);
  }
  const auto count = held.rows();
  pqxx::work transaction(connection);
  push(transaction, state, std::move(held), answer);
  transaction.exec_params("UPDATE node SET seen_at = now() WHERE identity = $1", state.config.node);
  transaction.commit();
  const auto left =
      static_cast<std::size_t>(std::count_if(answer.epochs.begin(), answer.epochs.end(), [](auto epoch) { return epoch != 0; }));
  if (left < count) answer.error = std::to_string(count - left) + " leases were taken over";
}

void release(lease_state& state, pqxx::connection& connection, lease_answer&) {
  pqxx::work transaction(connection);
  transaction.exec_params("UPDATE shard_lease SET expires_at = now() WHERE node = $1 AND expires_at > now()", state.config.node);
  transaction.exec_params("UPDATE node SET left_at = now() WHERE identity = $1", state.config.node);
  transaction.commit();
}

// The months to come get their partitions once a day, by whoever holds leases. Not being able to harms nobody: there is a default one.
void make_partitions(lease_state& state, pqxx::connection& connection) {
  const auto now = std::chrono::steady_clock::now();
  if (now < state.partitions_at) return;
  state.partitions_at = now + std::chrono::hours(24);
  try {
    pqxx::work transaction(connection);
    transaction.exec("SELECT make_transition_partitions(3)");
    transaction.commit();
  } catch (const std::exception& failure) {
    log(log_level::warning, "partitions_not_made", {{"error", words_of(failure)}});
  }
}

lease_answer_ptr run(lease_state& state, void (*work)(lease_state&, pqxx::connection&, lease_answer&)) {
  auto answer = std::make_shared<lease_answer>();
  auto* connection = state.link->open();
  if (!connection) {
    answer->available = false;
    answer->error = state.link->error();
    return answer;
  }
  try {
    work(state, *connection, *answer);
    state.held = answer->epochs;
    if (work != release) make_partitions(state, *connection);
  } catch (const std::exception& failure) {
    // Unknown: what was held may still be. The caller's own clock decides how long it acts on it.
    *answer = {};
    answer->available = false;
    answer->error = words_of(failure);
    if (classify(connection->is_open(), failure) == database_fault::broken) state.link->drop(answer->error);
  }
  return answer;
}

lease_actor::behavior_type lease_behavior(lease_ptr self, lease_config config) {
  auto& state = self->state;
  const auto patience = std::to_string(std::max<std::int64_t>(config.ttl.count() / 3, 200));
  state.self = parse_node_identity(config.node).value_or(node_identity{});
  state.link = std::make_unique<database_link>(config.dsn, "leases", [patience](pqxx::connection& connection) {
    pqxx::nontransaction session(connection);
    session.exec("SET statement_timeout = " + patience);
  });
  state.config = std::move(config);
  state.partitions_at = std::chrono::steady_clock::now() + std::chrono::hours(1); // migrate() has just made them.
  self->set_error_handler([](caf::scheduled_actor*, caf::error&) {});
  self->set_default_handler(caf::drop);
  return {
      [=](take_atom) { return run(self->state, take); },
      [=](renew_atom) { return run(self->state, renew); },
      [=](release_atom) { return run(self->state, release); },
  };
}

} // namespace

lease_actor spawn_lease_keeper(caf::actor_system& system, lease_config config) {
  return system.spawn<caf::detached>(lease_behavior, std::move(config));
}

} // namespace paygate
