#include "persistence/database.hpp"

#include <algorithm>
#include <atomic>

#include "persistence/figures.hpp"
#include "persistence/pipeline.hpp"

namespace paygate {

std::string complete_dsn(const std::string& dsn, const std::string& name) {
  // A DSN is "key=value ..." or a URI; libpq takes the last of a repeated key.
  const bool uri = dsn.rfind("postgres://", 0) == 0 || dsn.rfind("postgresql://", 0) == 0;
  if (uri) {
    const char first = dsn.find('?') == std::string::npos ? '?' : '&';
    return dsn + first + "connect_timeout=3&tcp_user_timeout=10000&keepalives_idle=5&keepalives_interval=2&keepalives_count=3&fallback_application_name=paygated-" + name;
  }
  return dsn + " connect_timeout=3 tcp_user_timeout=10000 keepalives_idle=5 keepalives_interval=2 keepalives_count=3 fallback_application_name=paygated-" + name;
}

database_fault classify(bool connection_open, const std::exception& error) {
  if (!connection_open || dynamic_cast<const pqxx::broken_connection*>(&error) || dynamic_cast<const pqxx::in_doubt_error*>(&error))
    return database_fault::broken;
  const auto* sql = dynamic_cast<const pqxx::sql_error*>(&error);
  const auto* failed = dynamic_cast<const statement_failed*>(&error);
  if (!sql && !failed) return database_fault::poison; // Ours: a value that no column can hold.
  const auto& state = sql ? sql->sqlstate() : failed->sqlstate;
  const auto family = state.substr(0, 2);
  if (state.empty() || family == "08" || state == "57P01" || state == "57P02" || state == "57P03") return database_fault::broken;
  if (family == "40") return database_fault::again;
  if (family == "22" || family == "23" || family == "21" || family == "P0" || state == "54000") return database_fault::poison;
  return database_fault::refused;
}

namespace {
std::atomic<std::uint64_t> errors_seen{0};
} // namespace

std::uint64_t database_errors() { return errors_seen; }

std::string words_of(const std::exception& error) {
  ++errors_seen;
  std::string words = error.what();
  while (!words.empty() && words.back() == '\n') words.pop_back();
  std::replace(words.begin(), words.end(), '\n', ' ');
  return words;
}

database_link::database_link(std::string dsn, std::string name, std::function<void(pqxx::connection&)> on_open)
    : basic_link([dsn = complete_dsn(dsn, name), on_open = std::move(on_open)] {
        auto made = std::make_unique<pqxx::connection>(dsn);
        pqxx::nontransaction(*made).exec(session_setup);
        on_open(*made);
        return made;
      }) {}

} // namespace paygate
