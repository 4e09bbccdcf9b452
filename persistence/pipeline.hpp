#pragma once

#include <cstddef>
#include <exception>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <libpq-fe.h>

namespace paygate {

/// A statement of a batch: a prepared one over text parameters.
struct statement {
  std::string name;
  std::vector<std::string> parameters;
  /// How many rows it has to touch; another number is a codec_error of the batch. Nothing: any number, or the caller looks itself.
  std::optional<std::size_t> rows{};
};

struct prepared_statement {
  std::string name, sql;
};

/// The database refused a statement, or the connection broke (then `sqlstate` is empty).
struct statement_failed : std::runtime_error {
  statement_failed(std::string state, const std::string& words) : std::runtime_error(words), sqlstate(std::move(state)) {}
  std::string sqlstate;
};

/// Rows that a statement answered, or how many it touched.
class statement_result {
public:
  explicit statement_result(PGresult* result) : result_(result, PQclear) {}
  std::size_t rows() const { return static_cast<std::size_t>(PQntuples(result_.get())); }
  std::string_view text(std::size_t row, int column) const {
    const auto at = static_cast<int>(row);
    return {PQgetvalue(result_.get(), at, column), static_cast<std::size_t>(PQgetlength(result_.get(), at, column))};
  }
  std::size_t touched() const;
  ExecStatusType status() const { return PQresultStatus(result_.get()); }
  PGresult* get() const { return result_.get(); }

private:
  std::unique_ptr<PGresult, decltype(&PQclear)> result_;
};

/// A row of a result.
class row_view {
public:
  row_view(const statement_result& result, std::size_t row) : result_(&result), row_(row) {}
  std::string_view text(int column) const { return result_->text(row_, column); }
  bool is_null(int column) const { return PQgetisnull(result_->get(), static_cast<int>(row_), column) != 0; }

private:
  const statement_result* result_;
  std::size_t row_;
};

/// A connection that sends the statements of a transaction together and reads their results together (libpq's pipeline mode, PostgreSQL
/// documentation 34.5): two round trips a transaction, however many statements it has.
class pipeline {
public:
  /// Connects, runs `setup` and prepares the statements. Throws statement_failed.
  pipeline(const std::string& dsn, const std::string& setup, const std::vector<prepared_statement>& prepared);

  /// It can be used: connected, and no transaction was left half-way (an exception between `run` and its end).
  bool is_open() const { return in_step_ && is_connected(); }

  /// What the statements of a transaction answered, in order. `failure`: one was refused (statement_failed), or touched other than `rows`
  /// rows (codec_error); the transaction is rolled back then, and there are answers of those before it only.
  struct answers {
    std::vector<statement_result> results;
    std::exception_ptr failure;
  };
  /// Runs the statements in a transaction of their own that only reads: one round trip. Throws statement_failed.
  std::vector<statement_result> read(const std::vector<statement>& statements);
  /// Begins a transaction and runs the statements in it. Throws statement_failed when the connection breaks.
  answers run(const std::vector<statement>& statements);
  /// Ends the transaction that `run` began. `commit` throws statement_failed: nothing is written then, unless the connection broke.
  void commit();
  void rollback();

private:
  bool is_connected() const { return PQstatus(connection_.get()) == CONNECTION_OK; }
  void check(int sent) const;
  void send(const statement& which);
  std::optional<statement_result> next_result(std::exception_ptr& failure);
  std::string read_to_sync();
  void finish(const std::string& how);
  statement_failed failure_of(const PGresult* result) const;

  std::unique_ptr<PGconn, decltype(&PQfinish)> connection_;
  bool in_step_ = true; ///< Both sides agree that no transaction is open.
};

} // namespace paygate
