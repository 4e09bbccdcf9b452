#include "persistence/queries.hpp"

// The questions of reconciliation. Both take $1, the arguments as JSON text.
namespace paygate::queries {

namespace {

const std::string args = "($1::jsonb)";
const std::string limit = " LIMIT least(coalesce((" + args + "->>'limit')::int, 100), 10000)";

// Amounts as text, like everywhere.
const std::string exception_json =
    "to_jsonb(e) || jsonb_build_object('expected', trim_scale(e.expected)::text, 'actual', trim_scale(e.actual)::text, 'gas_eth', "
    "trim_scale(e.gas_eth)::text, 'wallet_eth', trim_scale(e.wallet_eth)::text, 'wallet_usdt', trim_scale(e.wallet_usdt)::text)";

std::string exceptions_sql() {
  return "SELECT coalesce(jsonb_agg(" + exception_json
         + " ORDER BY e.id DESC), '[]') FROM (SELECT * FROM reconcile_exception WHERE NOT coalesce((" + args
         + "->>'open')::boolean, true) OR resolved_at IS NULL ORDER BY id DESC" + limit + ") e";
}

std::string reconcile_sql() {
  const auto line = [](const std::string& currency) {
    const auto of = [&](const char* what) { return std::string(what) + "_" + currency; };
    return "jsonb_build_object('currency', '" + currency + "', 'ledger', trim_scale(" + of("ledger") + ")::text, 'chain', trim_scale("
           + of("chain") + ")::text, 'explained', trim_scale(" + of("explained") + ")::text, 'difference', trim_scale(" + of("chain")
           + " - " + of("ledger") + " - " + of("explained") + ")::text)";
  };
  return "SELECT jsonb_build_object('round', round, 'finished_round', CASE WHEN status = 'idle' THEN round ELSE greatest(round - 1, 0) "
         "END, "
         "'status', status, 'started_at', started_at, 'finished_at', finished_at, 'block', anchor_block, 'wallet', jsonb_build_array("
         + line("eth") + ", " + line("usdt")
         + "), 'clean', NOT EXISTS (SELECT FROM reconcile_exception WHERE resolved_at IS NULL), 'exceptions', (SELECT coalesce(jsonb_agg("
         + exception_json
         + " ORDER BY e.id), '[]') FROM reconcile_exception e WHERE resolved_at IS NULL), 'not_seen', "
           "coalesce(to_jsonb(string_to_array(nullif(unseen, ''), "
           "chr(10))), '[]'), 'resolve_id', resolve_id, 'resolve_note', resolve_note, 'last_error', last_error) FROM reconciliation WHERE "
           "id = 'main' AND "
           "$1::jsonb IS NOT NULL";
}

} // namespace

std::string reconciliation_sql_of(std::string_view name) {
  if (name == reconcile) return reconcile_sql();
  if (name == exceptions) return exceptions_sql();
  return {};
}

} // namespace paygate::queries
