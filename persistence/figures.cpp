#include "persistence/figures.hpp"

#include "messages/step.hpp"
#include "persistence/database.hpp"
#include "persistence/queries.hpp"
#include "persistence/row_codec.hpp"

namespace paygate {

std::string write_stuck_limits(const std::string& dsn, const std::vector<stuck_limit>& limits) {
  try {
    column_arrays arrays(3);
    for (const auto& limit : limits) {
      arrays.begin_row();
      append_element(arrays.next(), limit.kind);
      append_element(arrays.next(), limit.status);
      append_element(arrays.next(), limit.seconds);
    }
    const auto lists = arrays.finish();
    pqxx::connection connection(dsn);
    pqxx::work transaction(connection);
    transaction.exec_params("INSERT INTO stuck_limit (kind, status, seconds) SELECT * FROM unnest($1::entity_kind[], $2::text[], $3::bigint[]) "
                            "ON CONFLICT (kind, status) DO UPDATE SET seconds = EXCLUDED.seconds WHERE stuck_limit.seconds <> EXCLUDED.seconds",
                            lists[0], lists[1], lists[2]);
    transaction.exec_params("DELETE FROM stuck_limit WHERE (kind, status) NOT IN (SELECT * FROM unnest($1::entity_kind[], $2::text[]))", lists[0],
                            lists[1]);
    transaction.commit();
    return {};
  } catch (const std::exception& failure) {
    return words_of(failure);
  }
}

namespace queries {

namespace {

// A figure is [name, label, whole number]; dollars in cents, ETH in gwei, USDT in its own units of 10^-6.
std::string figure(const std::string& name, const std::string& label, const std::string& value) {
  return "SELECT '" + name + "' AS name, " + label + " AS label, coalesce(" + value + ", 0)::bigint AS value ";
}

// Each status of an enum, those that nobody is in as 0; `from` is read once.
std::string by_status(const std::string& name, const std::string& prefix, const std::string& type, const std::string& from) {
  return "SELECT '" + name + "', '" + prefix + "' || e::text, coalesce(c.n, 0) FROM unnest(enum_range(NULL::" + type + ")) AS e LEFT JOIN (SELECT status, "
         "count(*) AS n FROM (" + from + ") q GROUP BY status) c ON c.status = e ";
}

std::string in_flight(const std::string& kind) {
  return by_status("in_flight", kind + "/", kind + "_status", "SELECT status FROM " + kind + " WHERE wake_at IS NOT NULL AND quarantine = ''");
}

std::string all_of(const std::vector<std::string>& parts) {
  std::string sql = "SELECT jsonb_agg(jsonb_build_array(name, label, value)) FROM (SELECT NULL::text AS name, NULL::text AS label, NULL::bigint AS value ";
  for (const auto& part : parts) sql += " UNION ALL " + part;
  return sql + ") f WHERE name IS NOT NULL AND $1::jsonb IS NOT NULL";
}

// Of the orders of the last day, the newest 20 000 at most.
const std::string orders_of_the_day =
  "SELECT status FROM payment WHERE created_at > now() - interval '24 hours' ORDER BY created_at DESC LIMIT 20000";

std::string figures_sql() {
  const std::string wallet = " FROM wallet LIMIT 1)";
  return all_of({
    figure("payments_last_hour", "''", "(SELECT count(*) FROM payment WHERE created_at > now() - interval '1 hour' AND status = 'paid')"),
    by_status("payments_day", "", "payment_status", orders_of_the_day),
    by_status("payouts_day", "", "payout_status",
              "SELECT status FROM payout WHERE created_at > now() - interval '24 hours' ORDER BY created_at DESC LIMIT 20000"),
    by_status("conversions", "", "conversion_status", "SELECT status FROM conversion"),
    by_status("conversions_week", "", "conversion_status", "SELECT status FROM conversion WHERE created_at > now() - interval '7 days'"),
    figure("conversion_last_completed_timestamp_seconds", "''",
           "(SELECT extract(epoch FROM max(at)) FROM (SELECT max(completed_at) AS at FROM conversion UNION ALL SELECT CASE WHEN NOT EXISTS (SELECT FROM "
           "conversion WHERE completed_at IS NOT NULL) THEN min(created_at) END FROM accrual WHERE status = 'pending') q)"),
    figure("revenue_day_usd_cents", "''", "(SELECT floor(100 * sum(gross_usd)) FROM accrual WHERE created_at > now() - interval '24 hours')"),
    figure("platform_fee_day_usd_cents", "''", "(SELECT floor(100 * sum(fee_usd)) FROM accrual WHERE created_at > now() - interval '24 hours')"),
    figure("pending_usd_cents", "''", "(SELECT floor(100 * sum(net_usd)) FROM accrual WHERE status = 'pending')"),
    figure("pending_accruals", "''", "(SELECT count(*) FROM accrual WHERE status = 'pending')"),
    in_flight("payment"), in_flight("payout"), in_flight("conversion"),
    figure("failures_open", "''", "(SELECT count(*) FROM failed_transaction WHERE resolved_at IS NULL)"),
    figure("reconcile_exceptions_open", "''", "(SELECT count(*) FROM reconcile_exception WHERE resolved_at IS NULL)"),
    figure("wallet_paused", "''", "(SELECT (status = 'paused')::int" + wallet),
    figure("wallet_transfers_wait", "''", "(SELECT (alert <> '')::int" + wallet),
    figure("wallet_low_balance", "''", "(SELECT (float_alert <> '' OR alert <> '')::int" + wallet),
    figure("wallet_gas_float_gwei", "''", "(SELECT floor(gas_float_eth * 1000000000)" + wallet),
    figure("wallet_nonce_next", "''", "(SELECT next_nonce" + wallet),
    figure("wallet_nonce_gap", "''", "(SELECT greatest(chain_nonce - next_nonce, 0)" + wallet),
    by_status("wallet_transfers", "", "transfer_status",
              "SELECT status FROM wallet_transfer WHERE acknowledged_at IS NULL AND status NOT IN ('confirmed', 'reverted', 'dropped')"),
    figure("wallet_transfers_held", "''", "(SELECT count(*) FROM wallet_transfer WHERE acknowledged_at IS NULL AND held <> '')"),
    "SELECT 'database_connections', application_name, count(*) FROM pg_stat_activity WHERE datname = current_database() GROUP BY application_name ",
    figure("database_connections_max", "''", "current_setting('max_connections')::bigint"),
  });
}

// Looked at more seldom: these read more.
std::string watch_sql() {
  const auto kinds = [](const std::string& name, const std::string& view) {
    return "SELECT '" + name + "', e::text, coalesce(c.n, 0) FROM unnest(enum_range(NULL::entity_kind)) AS e LEFT JOIN (SELECT kind, count(*) AS n FROM " + view
           + " GROUP BY kind) c ON c.kind = e ";
  };
  const auto balance = [](const std::string& currency, const std::string& factor) {
    return "(SELECT floor(" + factor + " * sum(units)) FROM ledger_posting WHERE account = 'assets:wallet' AND currency = '" + currency + "')";
  };
  return all_of({
    kinds("entities_stuck", "stuck_entity"),
    kinds("entities_in_quarantine", "quarantined_entity"),
    figure("wallet_balance_eth_gwei", "''", balance("eth", "1000000000")),
    figure("wallet_balance_usdt_micro", "''", balance("usdt", "1000000")),
    // What owners were given of a conversion against what came for it: must be 0 to the last unit.
    figure("rounding_error_units", "''",
           "(SELECT sum(abs(c.received_usdt - coalesce((SELECT sum(a.net_usdt) FROM accrual a WHERE a.conversion_id = c.id), 0) - coalesce((SELECT sum(r.net_usdt) "
           "FROM accrual_resold r WHERE r.conversion_id = c.id), 0))) * 1000000 FROM conversion c WHERE c.status = 'completed' AND c.completed_at > now() - interval "
           "'7 days')"),
    // The newest entries; `ledger check` reads all.
    figure("ledger_unbalanced_entries", "''",
           "(SELECT count(*) FROM (SELECT entry FROM ledger_posting WHERE entry > (SELECT max(id) FROM ledger_entry) - 5000 GROUP BY entry, currency HAVING "
           "sum(units) <> 0) q)"),
  });
}

const std::string args = "($1::jsonb)";
const std::string limit = " LIMIT least(coalesce((" + args + "->>'limit')::int, 100), 10000)";

std::string list_sql(const std::string& view, const std::string& order) {
  return "SELECT coalesce(jsonb_agg(to_jsonb(s)), '[]') FROM (SELECT * FROM " + view + " WHERE coalesce(" + args + "->>'kind', kind::text) = kind::text ORDER BY "
         + order + limit + ") s";
}

} // namespace

std::string figures_sql_of(std::string_view name) {
  if (name == figures) return figures_sql();
  if (name == watch) return watch_sql();
  if (name == stuck) return list_sql("stuck_entity", "since, kind, id");
  if (name == quarantined) return list_sql("quarantined_entity", "at DESC NULLS LAST, kind, id");
  return {};
}

} // namespace queries

} // namespace paygate
