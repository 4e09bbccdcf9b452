#include "persistence/pipeline.hpp"

#include <charconv>
#include <cstring>

#include "persistence/row_codec.hpp"

namespace paygate {

std::size_t statement_result::touched() const {
  const char* text = PQcmdTuples(result_.get());
  std::size_t count = 0;
  std::from_chars(text, text + std::strlen(text), count);
  return count;
}

pipeline::pipeline(const std::string& dsn, const std::string& setup, const std::vector<prepared_statement>& prepared)
    : connection_(PQconnectdb(dsn.c_str()), PQfinish) {
  const auto done = [this](PGresult* result) {
    const statement_result kept(result);
    if (kept.status() != PGRES_COMMAND_OK && kept.status() != PGRES_TUPLES_OK) throw failure_of(result);
  };
  if (!is_connected()) throw statement_failed("", PQerrorMessage(connection_.get()));
  done(PQexec(connection_.get(), setup.c_str()));
  for (const auto& each : prepared) done(PQprepare(connection_.get(), each.name.c_str(), each.sql.c_str(), 0, nullptr));
  for (const char* word : {"begin", "commit", "rollback"}) done(PQprepare(connection_.get(), word, word, 0, nullptr));
  check(PQenterPipelineMode(connection_.get()));
}

std::vector<statement_result> pipeline::read(const std::vector<statement>& statements) {
  in_step_ = false;
  send({"begin", {}});
  for (const auto& each : statements) send(each);
  send({"commit", {}});
  check(PQpipelineSync(connection_.get()));
  std::vector<statement_result> results;
  results.reserve(statements.size() + 1);
  std::exception_ptr failure;
  while (results.size() <= statements.size()) {
    auto result = next_result(failure);
    if (failure) std::rethrow_exception(failure);
    results.push_back(std::move(*result));
  }
  read_to_sync();
  in_step_ = true;
  results.erase(results.begin()); // Of the begin.
  return results;
}

pipeline::answers pipeline::run(const std::vector<statement>& statements) {
  in_step_ = false;
  send({"begin", {}});
  for (const auto& each : statements) send(each);
  // Its end tells the server that it waits for us now: a process that stands still here is not waited for (see connect_for_batches).
  check(PQpipelineSync(connection_.get()));
  answers got;
  got.results.reserve(statements.size() + 1);
  while (got.results.size() <= statements.size() && !got.failure)
    if (auto result = next_result(got.failure)) got.results.push_back(std::move(*result));
  if (!got.failure) read_to_sync();
  if (!got.results.empty()) got.results.erase(got.results.begin()); // Of the begin.
  for (std::size_t i = 0; i < got.results.size() && !got.failure; ++i) {
    if (!statements[i].rows || *statements[i].rows == got.results[i].touched()) continue;
    got.failure = std::make_exception_ptr(codec_error("a statement touched other rows than it had to: " + statements[i].name));
    rollback();
  }
  return got;
}

void pipeline::commit() { finish("commit"); }
void pipeline::rollback() { finish("rollback"); }

void pipeline::check(int sent) const {
  if (!sent) throw statement_failed("", PQerrorMessage(connection_.get()));
}

void pipeline::send(const statement& which) {
  std::vector<const char*> values;
  values.reserve(which.parameters.size());
  for (const auto& each : which.parameters) values.push_back(each.c_str());
  check(PQsendQueryPrepared(connection_.get(), which.name.c_str(), static_cast<int>(values.size()), values.data(), nullptr, nullptr, 0));
}

/// The next statement's result. When it failed those behind it were skipped, and the transaction is cleared away.
std::optional<statement_result> pipeline::next_result(std::exception_ptr& failure) {
  statement_result result(PQgetResult(connection_.get()));
  const auto status = result.status();
  if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
    PQclear(PQgetResult(connection_.get())); // Null: the end of this statement's results.
    return result;
  }
  const auto failed = failure_of(result.get());
  if (!is_connected() || failed.sqlstate.empty()) throw failed;
  failure = std::make_exception_ptr(failed);
  read_to_sync();
  rollback();
  return std::nullopt;
}

/// Reads up to the point where both sides agree again; answers the tag of the last command, or throws the first failure on the way.
std::string pipeline::read_to_sync() {
  std::optional<statement_failed> failure;
  std::string tag;
  for (int ends = 0; ends < 2;) {
    const statement_result result(PQgetResult(connection_.get()));
    if (!result.get()) {
      ++ends; // Of one statement's results; two in a row: nothing is under way, or the connection is gone.
      continue;
    }
    ends = 0;
    const auto status = result.status();
    if (status == PGRES_PIPELINE_SYNC) {
      if (failure) throw *failure;
      return tag;
    }
    if (status == PGRES_COMMAND_OK) tag = PQcmdStatus(result.get());
    if (status == PGRES_FATAL_ERROR && !failure) failure = failure_of(result.get());
  }
  throw statement_failed("", "the connection broke: " + std::string(PQerrorMessage(connection_.get())));
}

void pipeline::finish(const std::string& how) {
  send({how, {}});
  check(PQpipelineSync(connection_.get()));
  const auto tag = read_to_sync();
  // A commit of a transaction that has failed answers ROLLBACK.
  in_step_ = true;
  if (how == "commit" && tag != "COMMIT") throw statement_failed("25P02", "the transaction was rolled back");
}

statement_failed pipeline::failure_of(const PGresult* result) const {
  const char* state = result ? PQresultErrorField(result, PG_DIAG_SQLSTATE) : nullptr;
  if (!is_connected() || !state) return {"", PQerrorMessage(connection_.get())};
  return {state, PQresultErrorMessage(result)};
}

} // namespace paygate
