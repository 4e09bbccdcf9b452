#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "messages/interfaces.hpp"
#include "messages/ports.hpp"

// PostgreSQL behind the hub's typed actors. Nothing here throws, except std::bad_alloc; every actor is detached, owns one connection,
// reconnects by itself and can be stopped by an exit message.
namespace paygate {

/// One numbered step of the schema, forward only.
struct migration {
  std::uint32_t version = 0;
  std::string name; ///< "0001_entities.sql"
  std::string sql;
  std::string checksum; ///< SHA-256 of `sql`, lower-case hex.
};

/// The migrations of sql/, in order, as this program was built with them.
const std::vector<migration>& embedded_migrations();

/// How `migrate` ended. `error` is empty when the database is at `version`, the newest that the program knows.
struct migrate_result {
  std::string error;
  std::uint32_t version = 0;
  std::uint32_t applied = 0; ///< Migrations that this call applied.
};

/// Brings the database up to `steps`, each in its own transaction, under an advisory lock (concurrent callers wait for each other).
/// Refuses, without changing anything, a database that has an applied migration with another checksum or one that `steps` does not know.
migrate_result migrate(const std::string& dsn, const std::vector<migration>& steps = embedded_migrations());

/// Who this process is: "<boot id>/<pid namespace>/<pid>/<process start>/<random>". A new one at each call; make it once per daemon.
std::string make_node_identity();

struct committer_config {
  std::string dsn;
  std::string node;            ///< make_node_identity(): the leases checked are this node's.
  std::size_t batch_max = 512; ///< Steps in one database transaction.
};

/// A step is written only while its shard's lease row names `node` and the step's epoch. Metrics: commit_batch_steps (label "", gauge of
/// the newest batch), commit_duration, commit_steps_total by outcome.
/// While the database is away every step is answered `unknown` at once. On an exit message what was received is still written.
committer_actor spawn_committer(caf::actor_system& system, committer_config config, std::shared_ptr<metrics_sink> metrics);

/// Children: a payment with all its deposits (first come first), a subscription with all its periods, a wallet with the transfers that
/// are not acknowledged or were within the last hour; transfers with a nonce come first, by nonce, then those without by arrival.
/// A row written by a newer program, or one that cannot be read, is answered `available == false` with the reason.
loader_actor spawn_loader(caf::actor_system& system, std::string dsn, std::shared_ptr<metrics_sink> metrics);

/// Queries: persistence/queries.hpp. A wake scan that could not be made answers scanned_to == from and no refs.
reader_actor spawn_reader(caf::actor_system& system, std::string dsn);

/// Answers the requests of lane::books (get_claim, get_gathered, get_due_payouts) from the database. One connection, used by one caller at
/// a time; a database that is away is a transient failure.
io_client make_books_client(std::string dsn);

struct lease_config {
  std::string dsn;
  std::string node; ///< make_node_identity().
  std::chrono::milliseconds ttl{5000};
};

/// `take` registers the node at its first call. A lease counts from before the request was sent: the caller measures from there.
lease_actor spawn_lease_keeper(caf::actor_system& system, lease_config config);

/// Writes the settings that people look for in the database (table `setting_in_use`); answers what is wrong, empty when nothing is.
std::string write_settings_in_use(const std::string& dsn, const std::vector<std::pair<std::string, std::string>>& settings);

} // namespace paygate
