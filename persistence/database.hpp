#pragma once

#include <algorithm>
#include <chrono>
#include <exception>
#include <functional>
#include <memory>
#include <string>

#include <pqxx/pqxx>

#include "messages/log.hpp"

namespace paygate {

/// What an exception says about the work it ended.
enum class database_fault {
  broken, ///< The connection is gone: whatever was under way may or may not have happened.
  again,  ///< Rolled back for no fault of its own (serialization, deadlock): try the same again.
  poison, ///< Rolled back for what it says (a constraint, data that does not fit).
  refused ///< Rolled back for the state of the database (disk full, read-only, shutting down): later, perhaps.
};

/// Sorts an exception that came out of work on a connection that is still open, or no longer.
database_fault classify(bool connection_open, const std::exception& error);

/// The words of an exception that the database gave, on one line; counted.
std::string words_of(const std::exception& error);

/// A DSN with what every connection of ours has.
std::string complete_dsn(const std::string& dsn, const std::string& name);
/// What every session of ours runs first.
inline const std::string session_setup = "SET TIME ZONE 'UTC'; SET DateStyle = 'ISO'; SET jit = off; SET client_min_messages = warning";

/// A connection that is opened when it is needed, given up when it breaks, and not tried more often than the backoff allows: 50 ms,
/// doubling to half a second.
template <class Connection>
class basic_link {
public:
  /// `connect` makes an open connection, prepared for its work; it may throw.
  explicit basic_link(std::function<std::unique_ptr<Connection>()> connect) : connect_(std::move(connect)) {}

  /// An open connection; nullptr when there is none and none can be made now: error() says why.
  Connection* open() {
    if (connection_ && connection_->is_open()) return connection_.get();
    if (connection_) drop("the connection broke");
    if (std::chrono::steady_clock::now() < next_try_) return nullptr;
    try {
      connection_ = connect_();
      backoff_ = backoff_first;
      error_.clear();
      return connection_.get();
    } catch (const std::exception& failure) {
      error_ = words_of(failure);
      next_try_ = std::chrono::steady_clock::now() + backoff_;
      backoff_ = std::min(backoff_ * 2, backoff_max);
      log(log_level::warning, "database_unreachable", {{"error", error_}});
      return nullptr;
    }
  }
  /// Gives the connection up. The next open() tries at once.
  void drop(const std::string& why) {
    if (connection_) log(log_level::warning, "database_connection_lost", {{"error", why}});
    error_ = why;
    connection_.reset();
  }
  const std::string& error() const { return error_; }

private:
  static constexpr std::chrono::milliseconds backoff_first{50}, backoff_max{500};
  std::function<std::unique_ptr<Connection>()> connect_;
  std::unique_ptr<Connection> connection_;
  std::string error_ = "not connected yet";
  std::chrono::steady_clock::time_point next_try_{};
  std::chrono::milliseconds backoff_ = backoff_first;
};

/// A link through libpqxx; `on_open` prepares a new connection (settings, statements).
class database_link : public basic_link<pqxx::connection> {
public:
  database_link(std::string dsn, std::string name, std::function<void(pqxx::connection&)> on_open);
};

} // namespace paygate
