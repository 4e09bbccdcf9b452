#pragma once

#include <memory>
#include <string>
#include <vector>

#include <caf/all.hpp>

#include "persistence/persistence.hpp"
#include "tests/support/postgres_cluster.hpp"

// What the store's tests share: a database with the schema, an actor system, steps and snapshots with every field filled.
namespace paygate::test {

/// Counts what the sink was told; safe from any thread.
class counting_metrics : public metrics_sink {
public:
  void count(std::string_view, std::string_view, std::int64_t n) override { counted += n; }
  void gauge(std::string_view, std::string_view, std::int64_t) override {}
  void duration(std::string_view, std::string_view, std::chrono::microseconds) override { ++durations; }
  std::atomic<std::int64_t> counted{0}, durations{0};
};

class store_config : public caf::actor_system_config {
public:
  store_config() {
    set("scheduler.policy", caf::atom("sharing"));
    set("scheduler.max-threads", std::size_t{2});
    config_file_path = "";
  }
};

/// The cluster of this program; without fsync, because these tests crash the server never or in a cluster of their own.
postgres_cluster& shared_cluster();

/// A new database with the schema in the shared cluster.
std::string new_database();

/// An actor system with a committer, loader, reader and lease keeper on a database. All shards are leased by `node`.
class store {
public:
  explicit store(std::string database_dsn, std::chrono::milliseconds ttl = std::chrono::minutes(1));
  ~store();

  /// Sends the steps at once and waits for every answer, in the order of the steps.
  std::vector<commit_result> commit(const std::vector<step_ptr>& steps);
  commit_result commit(step_record step);
  load_answer load(const entity_ref& ref);
  std::string query(const std::string& name, const std::string& arguments = "{}");
  wake_list wake(std::int64_t from, std::int64_t to, std::uint32_t limit, const shard_list& shards = every_shard());
  static shard_list every_shard();
  lease_answer take() { return lease(take_atom::value, leases); }
  template <class Atom>
  lease_answer lease(Atom atom, const lease_actor& keeper) {
    lease_answer answer;
    self->request(keeper, std::chrono::seconds(20), atom)
        .receive([&](const lease_answer_ptr& got) { answer = *got; },
                 [&](const caf::error& error) {
                   answer.error = system.render(error);
                   answer.available = false;
                 });
    return answer;
  }
  /// One value of the database as text.
  std::string value(const std::string& statement);

  std::string dsn, node = make_node_identity();
  identity_slot identity{node}; ///< Of the lease keeper and the committer.
  store_config config;
  caf::actor_system system{config};
  std::shared_ptr<counting_metrics> metrics = std::make_shared<counting_metrics>();
  committer_actor committer;
  loader_actor loader;
  reader_actor reader;
  lease_actor leases;
  std::unique_ptr<caf::scoped_actor> self_holder = std::make_unique<caf::scoped_actor>(system);
  caf::scoped_actor& self = *self_holder;
  std::array<std::uint64_t, shard_count> epochs{};

  /// A step that is valid in this store: shard, epoch and times filled in.
  step_record step_for(entity_kind kind, const std::string& id, std::uint64_t version, snapshot state) const;
};

/// A snapshot (children included) in which every field differs from its default and passes the table's checks.
snapshot filled_snapshot(entity_kind kind, const std::string& id);

/// The child rows of a snapshot as side rows.
std::vector<side_row> children_of(const snapshot& state);

inline timestamp at_micros(std::int64_t micros) { return timestamp(std::chrono::microseconds(micros)); }
/// 2026-11-21T07:00:00.123456Z
inline constexpr std::int64_t some_micros = 1'795'244'400'123'456;

} // namespace paygate::test
