#include "persistence/database.hpp"

#include <algorithm>

#include "messages/log.hpp"

namespace paygate {

namespace {

constexpr std::chrono::milliseconds backoff_first{50}, backoff_max{2000};

// Adds what every connection of ours has. A DSN is "key=value ..." or a URI; libpq takes the last of a repeated key.
std::string complete(const std::string& dsn, const std::string& name) {
  const bool uri = dsn.rfind("postgres://", 0) == 0 || dsn.rfind("postgresql://", 0) == 0;
  if (uri) {
    const char first = dsn.find('?') == std::string::npos ? '?' : '&';
    return dsn + first + "connect_timeout=3&tcp_user_timeout=10000&fallback_application_name=paygated-" + name;
  }
  return dsn + " connect_timeout=3 tcp_user_timeout=10000 fallback_application_name=paygated-" + name;
}

} // namespace

database_fault classify(const pqxx::connection_base& connection, const std::exception& error) {
  if (!connection.is_open() || dynamic_cast<const pqxx::broken_connection*>(&error) || dynamic_cast<const pqxx::in_doubt_error*>(&error))
    return database_fault::broken;
  const auto* sql = dynamic_cast<const pqxx::sql_error*>(&error);
  if (!sql) return database_fault::poison; // Ours: a value that no column can hold.
  const auto& state = sql->sqlstate();
  const auto family = state.substr(0, 2);
  if (state.empty() || family == "08" || state == "57P01" || state == "57P02" || state == "57P03") return database_fault::broken;
  if (family == "40") return database_fault::again;
  if (family == "22" || family == "23" || family == "P0" || state == "54000") return database_fault::poison;
  return database_fault::refused;
}

std::string words_of(const std::exception& error) {
  std::string words = error.what();
  while (!words.empty() && words.back() == '\n') words.pop_back();
  std::replace(words.begin(), words.end(), '\n', ' ');
  return words;
}

database_link::database_link(std::string dsn, std::string name, std::function<void(pqxx::connection&)> on_open)
    : dsn_(complete(dsn, name)), on_open_(std::move(on_open)) {}

pqxx::connection* database_link::open() {
  if (connection_ && connection_->is_open()) return connection_.get();
  if (connection_) drop("the connection broke");
  const auto now = std::chrono::steady_clock::now();
  if (now < next_try_) return nullptr;
  try {
    auto made = std::make_unique<pqxx::connection>(dsn_);
    {
      pqxx::nontransaction session(*made);
      session.exec("SET TIME ZONE 'UTC'; SET DateStyle = 'ISO'; SET jit = off; SET client_min_messages = warning");
    }
    on_open_(*made);
    connection_ = std::move(made);
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

void database_link::drop(const std::string& why) {
  if (connection_) log(log_level::warning, "database_connection_lost", {{"error", why}});
  error_ = why;
  connection_.reset();
}

} // namespace paygate
