#include "tests/bench/raw_limits.hpp"

#include <cstdio>
#include <cstdlib>
#include <fstream>

#include <pqxx/pqxx>

#include "persistence/row_tables.hpp"

namespace paygate::bench {

namespace {

constexpr const char* history_sql =
    "INSERT INTO transition (kind, id, version, at, message, from_status, to_status, note) SELECT * FROM unnest($1::entity_kind[], "
    "$2::text[], $3::bigint[], $4::timestamptz[], $5::text[], $6::text[], $7::text[], $8::text[])";

// One connection that moves conversations on, round after round.
class raw_writer {
public:
  raw_writer(const std::string& dsn, std::int64_t entities) : connection_(dsn), entities_(entities) {
    {
      pqxx::nontransaction session(connection_);
      session.exec(
          "SET plan_cache_mode = force_generic_plan; SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off");
      version_ = session.exec("SELECT max(version) FROM conversation")[0][0].as<std::uint64_t>();
      // Whatever ran before left the rows at versions of their own.
      session.exec("UPDATE conversation SET version = " + std::to_string(version_));
      session.exec("VACUUM conversation");
    }
    connection_.prepare("raw_update", table_of(entity_kind::conversation).update_sql);
    connection_.prepare("raw_history", history_sql);
  }

  void write(std::size_t batch) {
    const auto now = std::chrono::time_point_cast<std::chrono::microseconds>(std::chrono::system_clock::now());
    const auto& table = table_of(entity_kind::conversation);
    column_arrays rows(table.parameters()), history(8);
    for (std::size_t i = 0; i < batch; ++i) {
      if (next_ == 0) ++version_;
      step_record step;
      step.ref = {entity_kind::conversation, "c" + std::to_string(next_)};
      step.header.version = version_;
      step.header.updated_at = now;
      conversation state;
      state.last_update_id = static_cast<std::int64_t>(version_);
      step.state = std::move(state);
      table.append(rows, step);
      history.begin_row();
      append_element(history.next(), step.ref.kind);
      append_element(history.next(), step.ref.id);
      append_element(history.next(), version_);
      append_element(history.next(), now);
      append_element(history.next(), std::string_view("update_received"));
      append_element(history.next(), std::string_view("idle"));
      append_element(history.next(), std::string_view("idle"));
      append_element(history.next(), std::string_view());
      next_ = (next_ + 1) % entities_;
    }
    pqxx::work transaction(connection_);
    const auto run_over = [&](const char* statement, column_arrays arrays) {
      return transaction.exec_prepared(statement, pqxx::prepare::make_dynamic_params(arrays.finish()));
    };
    if (run_over("raw_update", std::move(rows)).size() != batch) std::printf("raw update: a guard failed\n"), std::exit(1);
    run_over("raw_history", std::move(history));
    transaction.commit();
  }

private:
  pqxx::connection connection_;
  std::int64_t entities_, next_ = 0;
  std::uint64_t version_ = 1;
};

} // namespace

void insert_conversations(const std::string& dsn, std::int64_t n) {
  pqxx::connection connection(dsn);
  {
    pqxx::work transaction(connection);
    std::string shards = "{";
    for (std::int64_t i = 0; i < n; ++i)
      shards += (i ? "," : "") + std::to_string(shard_of({entity_kind::conversation, "c" + std::to_string(i)}));
    transaction.exec_params("INSERT INTO conversation (id, version, shard, created_at, updated_at, status, chat_id, user_id, user_name, "
                            "last_update_id, owed_view, view_seq, "
                            "open_callback, channel_id, tier, channel_title, price_usd, days, order_id) SELECT 'c' || (i - 1), 1, shard, "
                            "now(), now(), 'idle', i, i, '@user' || i, "
                            "0, 'none', 0, '', 0, 0, '', 0, 0, '' FROM unnest($1::smallint[]) WITH ORDINALITY AS u (shard, i)",
                            shards + "}");
    transaction.commit();
  }
  pqxx::nontransaction session(connection);
  session.exec("VACUUM ANALYZE conversation");
}

double raw_steps_per_second(const std::string& dsn, std::int64_t entities, std::size_t batch, std::chrono::seconds duration) {
  raw_writer writer(dsn, entities);
  writer.write(batch);
  std::int64_t steps = 0;
  const auto start = stopwatch::now();
  for (; stopwatch::now() < start + duration; steps += static_cast<std::int64_t>(batch)) writer.write(batch);
  return static_cast<double>(steps) / elapsed(start);
}

latencies raw_one_row_commits(const std::string& dsn, std::int64_t entities, std::size_t n) {
  raw_writer writer(dsn, entities);
  writer.write(1);
  latencies times;
  for (std::size_t i = 0; i < n; ++i) {
    const auto start = stopwatch::now();
    writer.write(1);
    times.add(stopwatch::now() - start);
  }
  return times;
}

double pgbench_commits_per_second(const std::string& dsn, std::chrono::seconds duration) {
  test::temporary_folder folder("paygate-pgbench");
  const auto script = folder.path() + "/update.sql", output = folder.path() + "/out";
  std::ofstream(script) << "\\set id random(1, 100000)\nUPDATE pgbench_accounts SET abalance = abalance + 1 WHERE aid = :id;\n";
  const auto pgbench = "/usr/lib/postgresql/15/bin/pgbench ";
  const auto target = " \"" + dsn + "\" ";
  if (std::system((pgbench + std::string("-i -q -s 1") + target + ">/dev/null 2>&1").c_str()) != 0) return 0;
  const auto command = pgbench + std::string("-n -M prepared -c 16 -j 2 -T ") + std::to_string(duration.count()) + " -f " + script + target
                       + ">" + output + " 2>&1";
  if (std::system(command.c_str()) != 0) return 0;
  std::ifstream in(output);
  double tps = 0;
  for (std::string line; std::getline(in, line);)
    if (line.rfind("tps = ", 0) == 0) tps = std::atof(line.c_str() + 6);
  return tps;
}

} // namespace paygate::bench
