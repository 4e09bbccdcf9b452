#include "persistence/queries.hpp"

// The questions and the few writes of operators' verbs. All take $1, the arguments as JSON text.
namespace paygate::queries {

namespace {

const std::string args = "($1::jsonb)";

// A target that is no entity ("failure/12") has no kind.
const std::string audit_sql =
    "INSERT INTO audit_log (operator, source, verb, kind, entity_id, reason, detail, node) "
    "SELECT coalesce(nullif("
    + args + "->>'operator', ''), 'paygatectl'), coalesce(" + args + "->>'source', ''), " + args
    + "->>'verb', k.kind, "
      "CASE WHEN k.kind IS NULL THEN t.target ELSE substr(t.target, strpos(t.target, '/') + 1) END, "
    + args
    + "->>'reason', "
      "coalesce("
    + args + "->'arguments', '{}'), coalesce(" + args + "->>'node', '') FROM (SELECT coalesce(" + args
    + "->>'target', '') AS target) t "
      "LEFT JOIN unnest(enum_range(NULL::entity_kind)) AS k (kind) ON k.kind::text = split_part(t.target, '/', 1) "
      "RETURNING jsonb_build_object('id', id)";

const std::string audit_result_sql = "INSERT INTO audit_result (audit, code, text) SELECT (" + args + "->>'id')::bigint, " + args
                                     + "->>'code', " + args + "->>'text' RETURNING jsonb_build_object('done', true)";

const std::string audit_list_sql = "SELECT coalesce(jsonb_agg(to_jsonb(a)), '[]') FROM (SELECT * FROM audit_trail WHERE coalesce(" + args
                                   + "->>'verb', verb) = verb AND coalesce(" + args
                                   + "->>'target', target) = target ORDER BY id DESC LIMIT least(coalesce((" + args
                                   + "->>'limit')::int, 100), 10000)) a";

const std::string failure_sql = "SELECT to_jsonb(f) FROM failed_transaction f WHERE id = (" + args + "->>'id')::bigint";

const std::string resolve_sql =
    "WITH known AS MATERIALIZED (SELECT id FROM failed_transaction WHERE id = (" + args
    + "->>'id')::bigint FOR UPDATE), "
      "done AS (UPDATE failed_transaction f SET resolved_at = now(), resolved_by = coalesce(nullif("
    + args
    + "->>'operator', ''), 'paygatectl'), "
      "resolution = "
    + args
    + "->>'reason' FROM known WHERE f.id = known.id AND f.resolved_at IS NULL RETURNING f.id) "
      "SELECT CASE WHEN NOT EXISTS (SELECT FROM known) THEN '{\"error\":{\"code\":\"not_found\",\"text\":\"there is no such "
      "failure\"}}'::jsonb "
      "WHEN EXISTS (SELECT FROM done) THEN '{\"done\":true}' ELSE '{\"done\":true,\"remark\":\"it was resolved already\"}' END";

const std::string webhook_sql =
    "SELECT jsonb_build_object('id', id, 'source', source, 'order_id', order_id, 'payment_id', payment_id, 'raw', "
    "encode(raw, 'hex')) FROM webhook_event WHERE id = ("
    + args + "->>'id')::bigint";

const std::string ended_refund_sql = "SELECT coalesce((SELECT jsonb_build_object('ended', o.id) FROM payment p JOIN payout o ON o.id = "
                                     "p.id || '.refund' || CASE WHEN p.refunds > 1 "
                                     "THEN p.refunds::text ELSE '' END WHERE p.id = "
                                     + args + "->>'id' AND o.refund AND o.status IN ('failed', 'cancelled')), '{\"ended\":\"\"}')";

// Every number as text: readers of JSON lose digits.
const std::string trace_sql =
    "WITH asked AS (SELECT p.* FROM payment p WHERE p.id = " + args
    + "->>'id' UNION ALL SELECT p.* FROM payment p JOIN deposit d ON d.order_id = p.id "
      "WHERE d.payment_id = "
    + args
    + "->>'id' LIMIT 1), hops AS (SELECT t.settled_at, t.payment_id, (SELECT jsonb_object_agg(e.key, CASE WHEN "
      "jsonb_typeof(e.value) = 'number' THEN to_jsonb(trim_scale((e.value #>> '{}')::numeric)::text) ELSE e.value END) FROM "
      "jsonb_each(to_jsonb(t)) e) "
      "AS hop FROM asked JOIN payment_trace t ON t.order_id = asked.id) "
      "SELECT coalesce((SELECT jsonb_build_object('order_id', id, 'status', status, 'channel_id', channel_id, 'channel', channel_title, "
      "'price_usd', "
      "trim_scale(price_usd)::text, 'ordered_at', created_at, 'decision', decision, 'decision_reason', decision_reason, 'deposits', "
      "(SELECT coalesce(jsonb_agg(hop ORDER BY settled_at NULLS LAST, payment_id), '[]') FROM hops)) FROM asked), "
      "'{\"error\":{\"code\":\"not_found\",\"text\":\"there is no such order or payment\"}}'::jsonb)";

// Every entry sums to zero, so what is neither an asset nor owed to anybody is the platform's own.
const std::string free_value_sql =
    "SELECT jsonb_build_object('eth', trim_scale(coalesce(sum(units) FILTER (WHERE currency = 'eth'), 0))::text, 'usdt', "
    "trim_scale(coalesce(sum(units) FILTER (WHERE currency = 'usdt'), 0))::text) FROM ledger_posting WHERE (account LIKE 'assets:%' OR account "
    "LIKE 'owner:%' OR account LIKE 'liability:%') AND $1::jsonb IS NOT NULL";

} // namespace

bool writes(std::string_view name) {
  return name == audit || name == audit_result || name == resolve || name == pause || name == resume;
}

std::string operator_sql_of(std::string_view name) {
  if (name == audit) return audit_sql;
  if (name == audit_result) return audit_result_sql;
  if (name == audit_list) return audit_list_sql;
  if (name == failure) return failure_sql;
  if (name == resolve) return resolve_sql;
  if (name == webhook) return webhook_sql;
  if (name == trace) return trace_sql;
  if (name == free_value) return free_value_sql;
  if (name == ended_refund) return ended_refund_sql;
  return {};
}

} // namespace paygate::queries
