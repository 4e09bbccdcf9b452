#include <map>

#include "messages/log.hpp"
#include "persistence/database.hpp"
#include "persistence/persistence.hpp"

namespace paygate {

namespace {

// The number is "paygate" in bytes. Of the session: given back when the connection closes.
constexpr const char* lock_sql = "SELECT pg_advisory_lock(31639075616683109)";

struct applied_migration {
  std::string name, checksum;
};

std::map<std::uint32_t, applied_migration> read_applied(pqxx::connection& connection) {
  pqxx::work transaction(connection);
  transaction.exec("CREATE TABLE IF NOT EXISTS schema_migration (version integer PRIMARY KEY, name text NOT NULL, checksum text NOT NULL, "
                   "applied_at timestamptz NOT NULL DEFAULT now())");
  std::map<std::uint32_t, applied_migration> applied;
  for (const auto& row : transaction.exec("SELECT version, name, checksum FROM schema_migration"))
    applied[row[0].as<std::uint32_t>()] = {row[1].c_str(), row[2].c_str()};
  transaction.commit();
  return applied;
}

// Why these steps cannot bring that database up to date; empty when they can.
std::string objection(const std::map<std::uint32_t, applied_migration>& applied, const std::vector<migration>& steps) {
  for (const auto& [version, found] : applied) {
    const migration* known = nullptr;
    for (const auto& step : steps)
      if (step.version == version) known = &step;
    if (!known) {
      std::string text = "the database is newer than this program, which does not know its migration ";
      return text.append(found.name);
    }
    if (known->checksum != found.checksum) {
      std::string text = "migration ";
      text.append(found.name).append(" was applied with another content: checksum ").append(found.checksum);
      return text.append(" in the database, ").append(known->checksum).append(" in this program");
    }
  }
  return {};
}

} // namespace

migrate_result migrate(const std::string& dsn, const std::vector<migration>& steps) {
  migrate_result result;
  try {
    pqxx::connection connection(dsn);
    {
      pqxx::nontransaction session(connection);
      session.exec("SET client_min_messages = warning");
      session.exec(lock_sql);
    }
    const auto applied = read_applied(connection);
    if (!applied.empty()) result.version = applied.rbegin()->first;
    result.error = objection(applied, steps);
    if (!result.error.empty()) return result;
    for (const auto& step : steps) {
      if (applied.count(step.version)) continue;
      if (step.version < result.version) {
        result.error = "migration " + step.name + " is older than the database, which lacks it";
        return result;
      }
      try {
        pqxx::work transaction(connection);
        transaction.exec(step.sql);
        transaction.exec_params("INSERT INTO schema_migration (version, name, checksum) VALUES ($1, $2, $3)", step.version, step.name,
                                step.checksum);
        transaction.commit();
      } catch (const std::exception& failure) {
        result.error = "migration " + step.name + ": " + words_of(failure);
        return result;
      }
      result.version = step.version;
      ++result.applied;
      log(log_level::info, "migration_applied", {{"name", step.name}});
    }
  } catch (const std::exception& failure) {
    result.error = words_of(failure);
  }
  return result;
}

} // namespace paygate
