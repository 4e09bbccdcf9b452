#pragma once

#include <atomic>
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

/// The newest layout of rows that this program writes and understands.
std::uint32_t newest_state_version();

/// Who this process is: "<boot id>/<pid namespace>/<pid>/<process start>/<random>". A new one at each call; make it once per daemon.
std::string make_node_identity();

/// The identity under which a process holds leases, shared by the lease keeper, who may have to change it, and the committers, who read it
/// for each transaction. Copies share it.
class identity_slot {
public:
  identity_slot() { set({}); }
  identity_slot(std::string first) { set(std::move(first)); }
  identity_slot(const char* first) : identity_slot(std::string(first)) {}
  std::shared_ptr<const std::string> get() const { return now_->load(); }
  void set(std::string next) const { now_->store(std::make_shared<const std::string>(std::move(next))); }

private:
  std::shared_ptr<std::atomic<std::shared_ptr<const std::string>>> now_ =
      std::make_shared<std::atomic<std::shared_ptr<const std::string>>>();
};

struct committer_config {
  std::string dsn;
  identity_slot node;          ///< The leases checked are this node's.
  std::size_t batch_max = 512; ///< Steps in one database transaction.
};

/// A step is written only while its shard's lease row names `node` and the step's epoch. Metrics: commit_batch_steps (label "", gauge of
/// the newest batch), commit_duration, commit_steps_total by outcome, steps_refused_total by reason (lease_lost: an old epoch, or an
/// identity that is dead). While the database is away every step is answered `unknown` at once. On an exit message what was received is
/// still written.
committer_actor spawn_committer(caf::actor_system& system, committer_config config, std::shared_ptr<metrics_sink> metrics);

/// Children: a payment with all its deposits (first come first), a subscription with all its periods, a wallet with the transfers that
/// are not acknowledged or were within the last hour; transfers with a nonce come first, by nonce, then those without by arrival.
/// A row written by a newer program, or one that cannot be read, is answered `available == false` with the reason.
loader_actor spawn_loader(caf::actor_system& system, std::string dsn, std::shared_ptr<metrics_sink> metrics);

/// Queries: persistence/queries.hpp. A wake scan that could not be made answers scanned_to == from and no refs.
reader_actor spawn_reader(caf::actor_system& system, std::string dsn);

/// Reads a predecessor's database. `dsn` is ours, for the lock that lets one import run at a time.
importer_actor spawn_importer(caf::actor_system& system, std::string dsn);

/// Asks one of the questions of persistence/api_queries.hpp and waits for its answer; {"error":{"code": "unavailable"|"invalid"|
/// "unknown_query"}} when there is none: no connection was free in time, or the database is away. From any thread.
using api_reader = std::function<std::string(std::string_view name, const std::string& arguments, milliseconds timeout)>;
/// @param connections how many ask at once; more wait.
api_reader make_api_reader(std::string dsn, std::size_t connections);

/// Answers the requests of lane::books (get_claim, get_gathered, get_due_payouts) from the database. One connection, used by one caller at
/// a time; a database that is away is a transient failure.
io_client make_books_client(std::string dsn);

struct lease_config {
  std::string dsn;
  identity_slot node; ///< make_node_identity() at first; changed when that one was declared dead.
  std::chrono::milliseconds ttl{3000};
  std::string name{};                                   ///< `node.name`; empty only in tests.
  std::string address{};                                ///< host:port of the cluster door; empty: none.
  std::string caf_node{};                               ///< CAF's node id; empty only in tests.
  std::uint32_t state_version = newest_state_version(); ///< The newest row layout that this program reads.
};

/// A lease counts from before the request was sent: the caller measures from there. Who is dead: a node that another one of its machine
/// proves to be so; or whose membership ran out, as seen by a keeper that itself has reached the database without interruption for a ttl,
/// so that after an outage of the database everybody renews and nobody takes over.
lease_actor spawn_lease_keeper(caf::actor_system& system, lease_config config);

/// Writes the settings that people look for in the database (table `setting_in_use`); answers what is wrong, empty when nothing is.
std::string write_settings_in_use(const std::string& dsn, const std::vector<std::pair<std::string, std::string>>& settings);

} // namespace paygate
