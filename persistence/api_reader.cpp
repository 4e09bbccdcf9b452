#include <condition_variable>
#include <mutex>
#include <set>
#include <vector>

#include "persistence/api_queries.hpp"
#include "persistence/database.hpp"
#include "persistence/persistence.hpp"

namespace paygate {

namespace {

/// A connection with the statements that it has prepared.
struct desk {
  explicit desk(const std::string& dsn)
      : link(dsn, "api", [this](pqxx::connection& connection) {
          prepared.clear();
          pqxx::nontransaction session(connection);
          session.exec("SET statement_timeout = '5s'; SET lock_timeout = '2s'");
        }) {}
  std::set<std::string, std::less<>> prepared;
  database_link link;
};

/// Connections that are lent to whoever asks; who finds none waits, up to their deadline.
class api_desks {
public:
  api_desks(const std::string& dsn, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) free_.push_back(std::make_unique<desk>(dsn));
  }

  std::string ask(std::string_view name, const std::string& arguments, milliseconds timeout) {
    std::unique_ptr<desk> mine;
    {
      std::unique_lock lock(mutex_);
      if (!returned_.wait_for(lock, timeout, [this] { return !free_.empty(); })) return error("unavailable");
      mine = std::move(free_.back());
      free_.pop_back();
    }
    auto answer = ask_at(*mine, name, arguments);
    {
      std::lock_guard lock(mutex_);
      free_.push_back(std::move(mine));
    }
    returned_.notify_one();
    return answer;
  }

private:
  static std::string error(std::string_view code) { return "{\"error\":{\"code\":\"" + std::string(code) + "\"}}"; }

  static std::string ask_at(desk& at, std::string_view name, const std::string& arguments) {
    auto* connection = at.link.open();
    if (!connection) return error("unavailable");
    try {
      if (at.prepared.find(name) == at.prepared.end()) {
        const auto sql = queries::api_sql_of(name);
        if (sql.empty()) return error("unknown_query");
        connection->prepare(std::string(name), sql);
        at.prepared.emplace(name);
      }
      // One statement is its own transaction.
      pqxx::nontransaction session(*connection);
      const auto rows = session.exec_prepared(std::string(name), arguments);
      return rows.empty() || rows[0][0].is_null() ? "null" : rows[0][0].c_str();
    } catch (const std::exception& failure) {
      const auto words = words_of(failure);
      const auto fault = classify(connection->is_open(), failure);
      log(log_level::warning, "api_query_failed", {{"query", std::string(name)}, {"error", words}});
      if (fault == database_fault::broken) at.link.drop(words);
      return error(fault == database_fault::poison ? "invalid" : "unavailable");
    }
  }

  std::mutex mutex_;
  std::condition_variable returned_;
  std::vector<std::unique_ptr<desk>> free_;
};

} // namespace

api_reader make_api_reader(std::string dsn, std::size_t connections) {
  return [desks = std::make_shared<api_desks>(dsn, connections)](std::string_view name, const std::string& arguments,
                                                                 milliseconds timeout) { return desks->ask(name, arguments, timeout); };
}

} // namespace paygate
