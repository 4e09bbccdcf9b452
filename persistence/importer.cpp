#include <algorithm>

#include <caf/all.hpp>
#include <libpq-fe.h>

#include "messages/log.hpp"
#include "persistence/database.hpp"
#include "persistence/persistence.hpp"

// Reads a predecessor's database. What is in it is not understood here (actors/import).
namespace paygate {

namespace {

constexpr std::size_t rows_max = 1'000'000;
/// Held by the one import that runs in the cluster, for as long as its connection lives.
constexpr std::int64_t import_lock = 0x706179'696d70;

struct importer_state {
  static inline const char* name = "importer";
  std::string dsn;
  std::unique_ptr<pqxx::connection> lock;
};

using importer_ptr = importer_actor::stateful_pointer<importer_state>;

/// A text that libpq cannot read is not repeated: it may be a mistyped password.
bool is_readable(const std::string& dsn) {
  char* words = nullptr;
  auto* options = PQconninfoParse(dsn.c_str(), &words);
  if (words) PQfreemem(words);
  if (!options) return false;
  PQconninfoFree(options);
  return true;
}

/// NULLs first, then numbers by their value, then other texts: one order for whatever stands in a column.
bool comes_before(const std::optional<std::string>& a, const std::optional<std::string>& b) {
  if (!a || !b) return !a && b;
  const auto is_number = [](const std::string& text) { return text.find_first_not_of("0123456789") == std::string::npos; };
  const bool left = is_number(*a), right = is_number(*b);
  if (left != right) return left;
  return left && a->size() != b->size() ? a->size() < b->size() : *a < *b;
}

legacy_table read_table(pqxx::transaction_base& transaction, std::string_view name) {
  legacy_table table;
  table.name = std::string(name);
  const auto quoted = transaction.quote_name(table.name);
  const auto rows = transaction.exec("SELECT * FROM " + quoted + " LIMIT " + std::to_string(rows_max + 1));
  if (static_cast<std::size_t>(rows.size()) > rows_max) throw std::runtime_error(table.name + " has more than a million rows");
  for (int c = 0; c < static_cast<int>(rows.columns()); ++c) table.columns.emplace_back(rows.column_name(c));
  table.rows.reserve(static_cast<std::size_t>(rows.size()));
  for (const auto& row : rows) {
    auto& values = table.rows.emplace_back();
    values.reserve(table.columns.size());
    for (const auto& value : row)
      values.push_back(value.is_null() ? std::nullopt : std::optional<std::string>(std::in_place, value.c_str(), value.size()));
  }
  // In an order that does not change from one reading to the next: which of two rows comes first decides which one is taken.
  std::sort(table.rows.begin(), table.rows.end(), [](const auto& a, const auto& b) {
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i)
      if (a[i] != b[i]) return comes_before(a[i], b[i]);
    return false;
  });
  return table;
}

legacy_database read_all(const std::string& dsn) {
  legacy_database found;
  pqxx::connection connection(complete_dsn(dsn, "import"));
  {
    pqxx::nontransaction session(connection);
    session.exec("SET TIME ZONE 'UTC'; SET DateStyle = 'ISO'; SET IntervalStyle = 'postgres'; SET bytea_output = 'hex'; SET "
                 "statement_timeout = '120s'; "
                 "SET default_transaction_read_only = on");
  }
  pqxx::read_transaction transaction(connection);
  transaction.exec("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ");
  for (const auto name : legacy_tables) {
    // Taken over again, what is gathered here would be owed a second time.
    if (transaction
            .exec_params1("SELECT EXISTS (SELECT FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace "
                          "WHERE c.oid = to_regclass($1) AND c.relkind = 'v' AND n.nspname = 'legacy')",
                          std::string(name))[0]
            .as<bool>())
      throw std::runtime_error(std::string(name) + " is a view of a PayGatePrime, not the predecessor's table");
    if (transaction.exec_params1("SELECT to_regclass($1) IS NULL", std::string(name))[0].as<bool>())
      found.missing.emplace_back(name);
    else
      found.tables.push_back(read_table(transaction, name));
  }
  return found;
}

/// Unlocked by name first: a server takes a while to see that a connection is closed, and the next import may begin at once.
void release(importer_state& state) {
  const auto lock = std::move(state.lock);
  if (!lock) return;
  try {
    pqxx::nontransaction session(*lock);
    session.exec_params1("SELECT pg_advisory_unlock($1)", import_lock);
  } catch (const std::exception&) {
    // The connection is lost, and the lock with it.
  }
}

legacy_database import_from(importer_state& state, const std::string& dsn) {
  legacy_database failed;
  if (!is_readable(dsn)) {
    failed.error = "--from is no connection string of PostgreSQL";
    return failed;
  }
  try {
    auto lock = std::make_unique<pqxx::connection>(complete_dsn(state.dsn, "import-lock"));
    pqxx::nontransaction session(*lock);
    if (!session.exec_params1("SELECT pg_try_advisory_lock($1)", import_lock)[0].as<bool>()) {
      failed.error = "another import is under way";
      return failed;
    }
    state.lock = std::move(lock);
  } catch (const std::exception& failure) {
    failed.error = "our database: " + words_of(failure);
    return failed;
  }
  try {
    return read_all(dsn);
  } catch (const std::exception& failure) {
    release(state);
    failed.error = "the predecessor's database: " + words_of(failure);
    return failed;
  }
}

importer_actor::behavior_type importer_behavior(importer_ptr self, std::string dsn) {
  self->state.dsn = std::move(dsn);
  self->set_error_handler([](caf::scheduled_actor*, caf::error&) {});
  self->set_default_handler(caf::drop);
  return {
      [=](import_atom, const std::string& from) -> legacy_database_ptr {
        return std::make_shared<const legacy_database>(import_from(self->state, from));
      },
      [=](import_end_atom) { release(self->state); },
  };
}

} // namespace

importer_actor spawn_importer(caf::actor_system& system, std::string dsn) {
  return system.spawn<caf::detached>(importer_behavior, std::move(dsn));
}

} // namespace paygate
