#include "persistence/batch_writer.hpp"

#include <algorithm>
#include <array>
#include <optional>
#include <unordered_set>

#include "persistence/database.hpp"
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

// What one transaction is to write, and where in it the answers stand that tell which steps may not be written.
struct batch {
  struct rows_of {
    std::size_t place;                ///< In `statements`.
    std::vector<std::size_t> indices; ///< Of the steps whose rows it writes.
  };
  std::vector<statement> statements; ///< The first one reads the leases.
  std::vector<rows_of> rows;
};

bool is_alive(const commit_result& result) { return result.outcome == commit_outcome::committed; }

void add_leases(batch& b, const std::string& node, std::span<const step_ptr> steps, const results_list& results) {
  std::array<bool, shard_count> wanted{};
  for (std::size_t i = 0; i < steps.size(); ++i)
    if (is_alive(results[i])) wanted.at(steps[i]->shard) = true;
  std::string shards = "{";
  for (std::uint32_t shard = 0; shard < shard_count; ++shard) {
    if (!wanted[shard]) continue;
    if (shards.size() > 1) shards += ',';
    append_element(shards, shard);
  }
  b.statements.push_back({"lease", {node, shards + "}"}});
}

void add_rows(batch& b, std::span<const step_ptr> steps, const results_list& results) {
  struct group {
    std::optional<column_arrays> arrays;
    std::vector<std::size_t> indices;
  };
  std::array<group, 2 * kind_count> groups; // By kind: fresh rows, then rows that change.
  for (std::size_t i = 0; i < steps.size(); ++i) {
    const auto& step = *steps[i];
    if (!step.writes_row || !is_alive(results[i])) continue;
    auto& g = groups[2 * static_cast<std::size_t>(step.ref.kind) + (step.header.version == 1 ? 0 : 1)];
    const auto& table = table_of(step.ref.kind);
    if (!g.arrays) g.arrays.emplace(table.parameters());
    table.append(*g.arrays, step);
    g.indices.push_back(i);
  }
  for (std::size_t i = 0; i < groups.size(); ++i) {
    if (!groups[i].arrays) continue;
    b.rows.push_back({b.statements.size(), std::move(groups[i].indices)});
    b.statements.push_back({(i % 2 == 0 ? "insert_" : "update_") + entity_tables()[i / 2].name, groups[i].arrays->finish()});
  }
}

void add_history(batch& b, const std::vector<const step_record*>& steps) {
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
  if (arrays.rows() > 0) b.statements.push_back({"transition", arrays.finish()});
}

batch make_batch(const std::string& node, std::span<const step_ptr> steps, const results_list& results) {
  batch b;
  add_leases(b, node, steps, results);
  add_rows(b, steps, results);
  std::vector<const step_record*> alive;
  alive.reserve(steps.size());
  for (std::size_t i = 0; i < steps.size(); ++i)
    if (is_alive(results[i])) alive.push_back(steps[i].get());
  add_history(b, alive);
  add_ledger(b.statements, alive);
  add_side_rows(b.statements, alive);
  return b;
}

// Marks the steps that may not be written: their lease is another's, or their row is not as they expect. Answers whether there are any.
bool mark_refused(const batch& b, const std::vector<statement_result>& answers, std::span<const step_ptr> steps, results_list& results) {
  bool any = false;
  if (answers.empty()) return false;
  std::array<std::uint64_t, shard_count> epochs{};
  for (std::size_t row = 0; row < answers[0].rows(); ++row) {
    std::uint32_t shard = 0;
    read_value(answers[0].text(row, 0), shard);
    read_value(answers[0].text(row, 1), epochs.at(shard));
  }
  for (std::size_t i = 0; i < steps.size(); ++i) {
    if (!is_alive(results[i]) || (steps[i]->epoch != 0 && epochs[steps[i]->shard] == steps[i]->epoch)) continue;
    results[i].outcome = commit_outcome::lease_lost;
    any = true;
  }
  for (const auto& [place, indices] : b.rows) {
    if (place >= answers.size()) break;
    const auto& written = answers[place];
    if (written.rows() == indices.size()) continue;
    std::unordered_set<std::string_view> ids;
    for (std::size_t row = 0; row < written.rows(); ++row) ids.insert(written.text(row, 0));
    for (const auto index : indices) {
      if (!is_alive(results[index]) || ids.count(steps[index]->ref.id)) continue;
      results[index].outcome = commit_outcome::version_conflict;
      any = true;
    }
  }
  return any;
}

} // namespace

std::unique_ptr<pipeline> connect_for_batches(const std::string& dsn) {
  std::vector<prepared_statement> all = side_row_statements();
  for (const auto& table : entity_tables()) {
    all.push_back({"insert_" + table.name, table.insert_sql});
    all.push_back({"update_" + table.name, table.update_sql});
  }
  all.push_back({"lease", lease_sql});
  all.push_back({"transition", transition_sql});
  // Whoever stands still in the middle of a transaction holds the leases that others have to take over: the server ends it before that.
  // The rows of a batch are found by their keys, whatever the statistics say; a plan made once serves every batch.
  return std::make_unique<pipeline>(
      complete_dsn(dsn, "committer"),
      session_setup
          + "; SET idle_in_transaction_session_timeout = 2000; SET lock_timeout = 15000; SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; "
            "SET enable_bitmapscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET default_transaction_isolation = 'read "
            "committed'",
      all);
}

std::vector<commit_result> write_batch(pipeline& connection, const std::string& node, std::span<const step_ptr> steps) {
  results_list results(steps.size());
  // Almost always every step may be written, so all is sent at once. Else it is rolled back, and sent again without those that may not.
  while (std::any_of(results.begin(), results.end(), is_alive)) {
    const auto b = make_batch(node, steps, results);
    const auto answers = connection.run(b.statements);
    if (mark_refused(b, answers.results, steps, results)) {
      if (!answers.failure) connection.rollback();
      continue;
    }
    // A stale step may break a constraint as well; only a failure that no stale step explains is the batch's own.
    if (answers.failure) std::rethrow_exception(answers.failure);
    connection.commit();
    return results;
  }
  return results;
}

} // namespace paygate
