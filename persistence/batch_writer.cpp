#include "persistence/batch_writer.hpp"

#include <optional>
#include <unordered_map>

#include "persistence/row_tables.hpp"
#include "persistence/side_rows.hpp"

namespace paygate {

namespace {

// KEY SHARE stops a takeover (it raises the epoch, part of a key) until this transaction ends, but never a renewal. Locked in one order.
constexpr const char* lease_sql =
    "SELECT shard, epoch FROM shard_lease WHERE node = $1 AND shard = ANY($2::smallint[]) ORDER BY shard FOR KEY SHARE";

constexpr const char* transition_sql =
    "INSERT INTO transition (kind, id, version, at, message, from_status, to_status, note) SELECT * FROM unnest($1::entity_kind[], "
    "$2::text[], $3::bigint[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::text[])";

using results_list = std::vector<commit_result>;

void check_leases(pqxx::work& transaction, const std::string& node, std::span<const step_ptr> steps, results_list& results) {
  std::array<bool, shard_count> wanted{};
  for (const auto& step : steps) wanted.at(step->shard) = true;
  std::string shards = "{";
  for (std::uint32_t shard = 0; shard < shard_count; ++shard) {
    if (!wanted[shard]) continue;
    if (shards.size() > 1) shards += ',';
    append_element(shards, shard);
  }
  shards += '}';
  std::array<std::uint64_t, shard_count> epochs{};
  for (const auto& row : transaction.exec_prepared("lease", node, shards)) {
    std::uint32_t shard = 0;
    read_value(row[0].c_str(), shard);
    read_value(row[1].c_str(), epochs.at(shard));
  }
  for (std::size_t i = 0; i < steps.size(); ++i)
    if (steps[i]->epoch == 0 || epochs[steps[i]->shard] != steps[i]->epoch) results[i].outcome = commit_outcome::lease_lost;
}

// Writes the rows of one kind by one statement; steps whose row is not as they expect become version conflicts.
class row_group {
public:
  row_group(const entity_table& table, bool fresh) : table_(table), fresh_(fresh) {}

  void add(const step_record& step, std::size_t index) {
    if (!arrays_) arrays_.emplace(table_.parameters());
    table_.append(*arrays_, step);
    indices_.push_back(index);
  }

  void write(pqxx::work& transaction, std::span<const step_ptr> steps, results_list& results) {
    if (!arrays_) return;
    const auto written = run_over(transaction, (fresh_ ? "insert_" : "update_") + table_.name, std::move(*arrays_));
    if (written.size() == indices_.size()) return;
    std::unordered_map<std::string_view, bool> ids;
    for (const auto& row : written) ids.emplace(std::string_view(row[0].c_str(), row[0].size()), true);
    for (auto index : indices_)
      if (!ids.count(steps[index]->ref.id)) results[index].outcome = commit_outcome::version_conflict;
  }

private:
  const entity_table& table_;
  bool fresh_;
  std::optional<column_arrays> arrays_;
  std::vector<std::size_t> indices_;
};

void write_rows(pqxx::work& transaction, std::span<const step_ptr> steps, results_list& results) {
  std::vector<row_group> groups;
  groups.reserve(2 * kind_count);
  for (const auto& table : entity_tables()) {
    groups.emplace_back(table, true);
    groups.emplace_back(table, false);
  }
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (!steps[i]->writes_row || results[i].outcome != commit_outcome::committed) continue;
    const bool fresh = steps[i]->header.version == 1;
    groups[2 * static_cast<std::size_t>(steps[i]->ref.kind) + (fresh ? 0 : 1)].add(*steps[i], i);
  }
  for (auto& group : groups) group.write(transaction, steps, results);
}

void write_history(pqxx::work& transaction, const std::vector<const step_record*>& steps) {
  column_arrays arrays(8);
  for (const auto* step : steps) {
    if (!step->writes_row) continue;
    arrays.begin_row();
    append_element(arrays.next(), step->ref.kind);
    append_element(arrays.next(), step->ref.id);
    append_element(arrays.next(), step->header.version);
    append_element(arrays.next(), step->header.updated_at);
    append_element(arrays.next(), step->message);
    append_element(arrays.next(), step->from_status);
    append_element(arrays.next(), step->to_status);
    append_element(arrays.next(), step->note);
  }
  if (arrays.rows() > 0) run_over(transaction, "transition", std::move(arrays));
}

} // namespace

void prepare_batches(pqxx::connection& connection) {
  {
    // The rows of a batch are found by their keys, whatever the statistics say; a plan made once serves every batch.
    pqxx::nontransaction session(connection);
    session.exec("SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_bitmapscan = off; "
                 "SET enable_hashjoin = off; SET enable_mergejoin = off; SET default_transaction_isolation = 'read committed'");
  }
  for (const auto& table : entity_tables()) {
    connection.prepare("insert_" + table.name, table.insert_sql);
    connection.prepare("update_" + table.name, table.update_sql);
  }
  connection.prepare("lease", lease_sql);
  connection.prepare("transition", transition_sql);
  prepare_side_rows(connection);
}

std::vector<commit_result> write_batch(pqxx::connection& connection, const std::string& node, std::span<const step_ptr> steps) {
  results_list results(steps.size());
  pqxx::work transaction(connection);
  check_leases(transaction, node, steps, results);
  write_rows(transaction, steps, results);
  std::vector<const step_record*> alive;
  alive.reserve(steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i)
    if (results[i].outcome == commit_outcome::committed) alive.push_back(steps[i].get());
  if (alive.empty()) return results; // Nothing was written: the transaction is rolled back.
  write_history(transaction, alive);
  write_ledger(transaction, alive);
  write_side_rows(transaction, alive);
  transaction.commit();
  return results;
}

} // namespace paygate
