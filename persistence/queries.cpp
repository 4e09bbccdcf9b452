#include "persistence/queries.hpp"

#include "persistence/row_tables.hpp"
#include "persistence/side_rows.hpp"

namespace paygate::queries {

namespace {

// "'name', t.name, ..." for jsonb_build_object; amounts as strings, because JSON numbers lose digits in readers. A function takes no more
// than 100 arguments: what is beyond is another object, put to the first.
std::string pairs(const std::vector<column>& columns) {
  constexpr std::size_t pairs_max = 40;
  std::string list;
  std::size_t count = 0;
  for (const auto& column : columns) {
    if (!list.empty()) list += count % pairs_max == 0 ? ") || jsonb_build_object(" : ", ";
    ++count;
    const bool amount = column.type.name == "numeric";
    list += "'" + column.name + "', " + (amount ? "trim_scale(t." + column.name + ")::text" : "t." + column.name);
  }
  return "jsonb_build_object(" + list + ")";
}

// A union over every kind's table.
template <class F>
std::string over_kinds(F&& part) {
  std::string sql;
  for (const auto& table : entity_tables()) {
    if (!sql.empty()) sql += " UNION ALL ";
    sql += part(table);
  }
  return sql;
}

const std::string args = "($1::jsonb)";
const std::string limit = " LIMIT least(coalesce((" + args + "->>'limit')::int, 100), 10000)";

std::string children_of(const child_table& table) {
  return "'" + table.name + "', (SELECT coalesce(jsonb_agg(" + pairs(table.fields) + " ORDER BY t.seq), '[]') FROM (SELECT * FROM "
         + table.name + " WHERE " + table.parent + " = " + args + "->>'id' ORDER BY seq DESC LIMIT 200) t)";
}

std::string show_sql(const entity_table& table) {
  std::string children;
  if (table.kind == entity_kind::payment) children = children_of(deposit_table());
  if (table.kind == entity_kind::subscription) children = children_of(subscription_period_table());
  if (table.kind == entity_kind::promo_code) children = children_of(promo_use_table());
  if (table.kind == entity_kind::wallet) children = children_of(wallet_transfer_table()) + ", " + children_of(wallet_foreign_table()) + ", " + children_of(wallet_correction_table());
  const auto id = args + "->>'id'";
  const auto own = "kind = '" + table.name + "' AND ";
  return "SELECT jsonb_build_object('kind', '" + table.name + "', 'id', " + id + ", 'row', (SELECT " + pairs(entity_table::header_columns())
         + " || " + pairs(table.fields) + " FROM " + table.name + " t WHERE id = " + id + "), 'owner', (SELECT jsonb_build_object('shard', l.shard, 'node', l.node, 'name', to_jsonb(n)->>'name', 'epoch', "
           "l.epoch, 'expired', l.expires_at <= now()) FROM "
         + table.name + " t JOIN shard_lease l ON l.shard = t.shard LEFT JOIN node n ON n.identity = l.node WHERE t.id = " + id
         + "), 'children', jsonb_build_object(" + children
         + "), 'transitions', (SELECT coalesce(jsonb_agg(to_jsonb(t) - 'kind' - 'id' ORDER BY t.version), '[]') FROM (SELECT * FROM "
           "transition "
           "WHERE "
         + own + "id = " + id
         + " ORDER BY version DESC LIMIT 50) t), 'ledger', (SELECT coalesce(jsonb_agg(jsonb_build_object("
           "'key', e.key, 'at', e.at, 'reason', e.reason, 'version', e.version, 'postings', (SELECT jsonb_agg(jsonb_build_object("
           "'account', p.account, 'currency', p.currency, 'units', trim_scale(p.units)::text) ORDER BY p.line) FROM ledger_posting p "
           "WHERE p.entry = e.id)) ORDER BY e.id), '[]') FROM ledger_entry e WHERE "
         + own + "entity_id = " + id
         + "), 'failures', (SELECT coalesce(jsonb_agg(to_jsonb(f) ORDER BY f.id), '[]') FROM failed_transaction f WHERE " + own
         + "entity_id = " + id + "))";
}

const std::string balances_sql =
    "SELECT coalesce(jsonb_agg(jsonb_build_object('account', account, 'currency', currency, 'units', trim_scale(units)::text) "
    "ORDER BY account, currency), '[]') FROM ledger_balance WHERE $1::jsonb IS NOT NULL";

const std::string ledger_check_sql =
    "WITH per_entry AS (SELECT entry, currency, sum(units) AS units FROM ledger_posting GROUP BY entry, currency), "
    "sums AS (SELECT currency, sum(units) AS units FROM per_entry GROUP BY currency), "
    "wrong AS (SELECT e.key, p.currency, p.units FROM per_entry p JOIN ledger_entry e ON e.id = p.entry WHERE p.units <> 0 LIMIT 100), "
    "empty AS (SELECT key FROM ledger_entry e WHERE NOT EXISTS (SELECT FROM ledger_posting p WHERE p.entry = e.id) LIMIT 100) "
    "SELECT jsonb_build_object('balanced', NOT EXISTS (SELECT FROM wrong) AND NOT EXISTS (SELECT FROM empty) "
    "AND NOT EXISTS (SELECT FROM sums WHERE units <> 0), 'entries', (SELECT count(*) FROM ledger_entry), "
    "'sums', (SELECT coalesce(jsonb_agg(jsonb_build_object('currency', currency, 'units', trim_scale(units)::text) ORDER BY currency), "
    "'[]') FROM sums), "
    "'unbalanced', (SELECT coalesce(jsonb_agg(jsonb_build_object('key', key, 'currency', currency, 'units', trim_scale(units)::text)), "
    "'[]') FROM wrong), "
    "'empty', (SELECT coalesce(jsonb_agg(key), '[]') FROM empty)) WHERE $1::jsonb IS NOT NULL";

std::string counts_sql() {
  const auto all = over_kinds([](const entity_table& table) {
    return "SELECT '" + table.name
           + "' AS kind, status::text AS status, count(*) AS count, count(*) FILTER (WHERE attempts > 0 OR last_error <> '') "
             "AS stuck, count(*) FILTER (WHERE quarantine <> '') AS quarantined FROM "
           + table.name + " GROUP BY status";
  });
  return "SELECT coalesce(jsonb_agg(to_jsonb(c) ORDER BY kind, status), '[]') FROM (" + all + ") c WHERE $1::jsonb IS NOT NULL";
}

std::string failed_sql() {
  return "SELECT coalesce(jsonb_agg(to_jsonb(f)), '[]') FROM (SELECT * FROM failed_transaction WHERE NOT coalesce((" + args
         + "->>'open')::boolean, true) OR resolved_at IS NULL ORDER BY id DESC" + limit + ") f";
}

std::string webhooks_sql() {
  return "SELECT coalesce(jsonb_agg(to_jsonb(w)), '[]') FROM (SELECT id, source, encode(body_sha256, 'hex') AS body_sha256, payment_id, "
         "order_id, "
         "order_known, encode(raw, 'escape') AS raw, received, first_at, last_at FROM webhook_event WHERE coalesce("
         + args + "->>'order_id', order_id) = order_id AND coalesce(" + args
         + "->>'payment_id', payment_id) = payment_id AND (NOT coalesce((" + args
         + "->>'unknown')::boolean, false) OR NOT order_known) ORDER BY id DESC" + limit + ") w";
}

std::string wallet_sql() {
  auto open = wallet_transfer_table().fields;
  std::erase_if(open, [](const column& c) { return c.name == "raw"; });
  return "SELECT coalesce(jsonb_agg(" + pairs(table_of(entity_kind::wallet).fields)
         + " || jsonb_build_object('updated_at', t.updated_at, 'transfers', (SELECT coalesce(jsonb_agg(" + pairs(open)
         + " ORDER BY t.nonce, t.seq), '[]') FROM (SELECT * FROM wallet_transfer x WHERE x.wallet = t.id AND x.status NOT IN ('confirmed', "
           "'reverted', 'dropped') ORDER BY x.seq LIMIT 1000) t), 'foreign', (SELECT coalesce(jsonb_agg("
         + pairs(wallet_foreign_table().fields)
         + " ORDER BY t.nonce), '[]') FROM (SELECT * FROM wallet_foreign x WHERE x.wallet = t.id) t)) ORDER BY t.id), '[]') FROM wallet t "
           "WHERE $1::jsonb IS NOT NULL";
}

} // namespace

std::string sql_of(std::string_view name, std::string_view kind) {
  if (name == show) {
    const auto parsed = parse_enum<entity_kind>(kind);
    return parsed ? show_sql(table_of(*parsed)) : std::string();
  }
  if (name == balances) return balances_sql;
  if (name == ledger_check) return ledger_check_sql;
  if (name == counts) return counts_sql();
  if (name == failed) return failed_sql();
  if (name == webhooks) return webhooks_sql();
  if (name == wallet) return wallet_sql();
  if (auto sql = reconciliation_sql_of(name); !sql.empty()) return sql;
  if (auto sql = figures_sql_of(name); !sql.empty()) return sql;
  if (auto sql = inspection_sql_of(name); !sql.empty()) return sql;
  return operator_sql_of(name);
}

std::string wake_scan_sql() {
  const std::string instant = "'epoch'::timestamptz + $%::bigint * interval '1 microsecond'";
  const auto time_of = [&](char parameter) {
    auto text = instant;
    text[text.find('%')] = parameter;
    return text;
  };
  const auto all = over_kinds([&](const entity_table& table) {
    return "(SELECT '" + table.name + "' AS kind, id, wake_at FROM " + table.name
           + " WHERE wake_at IS NOT NULL AND quarantine = '' AND shard = ANY($4::smallint[]) AND wake_at > " + time_of('1') + " AND wake_at <= "
           + time_of('2')
           + " ORDER BY wake_at FETCH FIRST ($3::bigint) ROWS WITH TIES)";
  });
  return "SELECT kind, id, (extract(epoch FROM wake_at) * 1000000)::bigint FROM (" + all
         + ") w ORDER BY wake_at FETCH FIRST ($3::bigint) ROWS WITH TIES";
}

} // namespace paygate::queries
