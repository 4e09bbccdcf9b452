#pragma once

#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <string>

#include <pqxx/pqxx>

namespace paygate {

/// What an exception says about the work it ended.
enum class database_fault {
  broken, ///< The connection is gone: whatever was under way may or may not have happened.
  again,  ///< Rolled back for no fault of its own (serialization, deadlock): try the same again.
  poison, ///< Rolled back for what it says (a constraint, data that does not fit).
  refused ///< Rolled back for the state of the database (disk full, read-only, shutting down): later, perhaps.
};

/// Sorts an exception that came out of work on `connection`.
database_fault classify(const pqxx::connection_base& connection, const std::exception& error);

/// The words of an exception on one line.
std::string words_of(const std::exception& error);

/// A connection that is opened when it is needed, given up when it breaks, and not tried more often than the backoff allows: 50 ms,
/// doubling to 2 s.
class database_link {
public:
  /// `on_open` prepares a new connection (settings, statements); it may throw.
  database_link(std::string dsn, std::string name, std::function<void(pqxx::connection&)> on_open);

  /// An open connection; nullptr when there is none and none can be made now: error() says why.
  pqxx::connection* open();
  /// Gives the connection up. The next open() tries at once.
  void drop(const std::string& why);
  const std::string& error() const { return error_; }

private:
  std::string dsn_;
  std::function<void(pqxx::connection&)> on_open_;
  std::unique_ptr<pqxx::connection> connection_;
  std::string error_ = "not connected yet";
  std::chrono::steady_clock::time_point next_try_{};
  std::chrono::milliseconds backoff_{50};
};

} // namespace paygate
