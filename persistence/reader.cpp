#include <algorithm>

#include <caf/all.hpp>

#include "messages/log.hpp"
#include "persistence/database.hpp"
#include "persistence/persistence.hpp"
#include "persistence/queries.hpp"
#include "persistence/row_codec.hpp"

namespace paygate {

namespace {

// The end of the year 9999: rows hold nothing later.
constexpr std::int64_t last_instant = 253'402'300'799'999'999;

struct reader_state {
  static inline const char* name = "reader";
  std::unique_ptr<database_link> link;
};

using reader_ptr = reader_actor::stateful_pointer<reader_state>;

std::string error_json(std::string_view code, std::string_view text) {
  static constexpr char hex[] = "0123456789abcdef";
  std::string json = "{\"error\":{\"code\":\"" + std::string(code) + "\",\"text\":\"";
  for (unsigned char c : text) {
    if (c == '"' || c == '\\') json += '\\';
    if (c < 0x20)
      (json += "\\u00") += {hex[c >> 4], hex[c & 15]};
    else
      json += static_cast<char>(c);
  }
  return json + "\"}}";
}

void prepare_reads(pqxx::connection& connection) {
  {
    pqxx::nontransaction session(connection);
    // An operator's question never hangs the timers behind it for long.
    session.exec("SET default_transaction_read_only = on; SET statement_timeout = '15s'");
  }
  connection.prepare("wake", queries::wake_scan_sql());
}

std::string ask(pqxx::connection& connection, const std::string& name, const std::string& arguments) {
  pqxx::transaction<pqxx::repeatable_read> transaction(connection);
  // Must come before the first question: a transaction that has begun to read cannot become one that writes.
  if (queries::writes(name)) transaction.exec("SET TRANSACTION READ WRITE");
  std::string kind;
  if (name == queries::show) {
    const auto asked = transaction.exec_params("SELECT $1::jsonb->>'kind'", arguments);
    if (asked[0][0].is_null() || !parse_enum<entity_kind>(asked[0][0].c_str())) return error_json("invalid", "no such kind");
    kind = asked[0][0].c_str();
  }
  const auto sql = queries::sql_of(name, kind);
  if (sql.empty()) return error_json("unknown_query", name);
  const auto rows = transaction.exec_params(sql, arguments);
  transaction.commit();
  return rows.empty() || rows[0][0].is_null() ? "null" : rows[0][0].c_str();
}

std::string query(reader_state& state, const std::string& name, const std::string& arguments) {
  auto* connection = state.link->open();
  if (!connection) return error_json("unavailable", state.link->error());
  try {
    return ask(*connection, name, arguments.empty() ? "{}" : arguments);
  } catch (const std::exception& failure) {
    const auto words = words_of(failure);
    const auto fault = classify(connection->is_open(), failure);
    if (fault == database_fault::broken) state.link->drop(words);
    return error_json(fault == database_fault::poison ? "invalid" : "unavailable", words);
  }
}

std::string array_of(const shard_list& shards) {
  std::string text = "{";
  for (const auto shard : shards) {
    if (text.size() > 1) text += ',';
    append_element(text, shard);
  }
  return text + "}";
}

wake_list_ptr scan(reader_state& state, std::int64_t from, std::int64_t to, std::uint32_t limit, const shard_list& shards) {
  auto list = std::make_shared<wake_list>();
  list->scanned_to = timestamp(std::chrono::microseconds(from));
  auto* connection = state.link->open();
  if (!connection || limit == 0) return list;
  try {
    pqxx::work transaction(*connection);
    const auto rows = transaction.exec_prepared("wake", std::min(from, last_instant), std::min(to, last_instant), limit, array_of(shards));
    list->refs.reserve(rows.size());
    std::int64_t last = to;
    for (const auto& row : rows) {
      entity_ref ref{entity_kind::payment, std::string(row[1].c_str(), row[1].size())};
      read_value(row[0].c_str(), ref.kind);
      read_value(row[2].c_str(), last);
      list->refs.push_back(std::move(ref));
    }
    list->more = rows.size() >= limit && last < to;
    list->scanned_to = timestamp(std::chrono::microseconds(list->more ? last : to));
  } catch (const std::exception& failure) {
    const auto words = words_of(failure);
    log(log_level::warning, "wake_scan_failed", {{"error", words}});
    *list = {};
    list->scanned_to = timestamp(std::chrono::microseconds(from));
    if (classify(connection->is_open(), failure) == database_fault::broken) state.link->drop(words);
  }
  return list;
}

reader_actor::behavior_type reader_behavior(reader_ptr self, std::string dsn) {
  self->state.link = std::make_unique<database_link>(std::move(dsn), "reader", prepare_reads);
  self->set_error_handler([](caf::scheduled_actor*, caf::error&) {});
  self->set_default_handler(caf::drop);
  return {
      [=](query_atom, const std::string& name, const std::string& arguments) { return query(self->state, name, arguments); },
      [=](wake_atom, std::int64_t from, std::int64_t to, std::uint32_t limit, const shard_list& shards) {
        return scan(self->state, from, to, limit, shards);
      },
  };
}

} // namespace

reader_actor spawn_reader(caf::actor_system& system, std::string dsn) {
  return system.spawn<caf::detached>(reader_behavior, std::move(dsn));
}

} // namespace paygate
