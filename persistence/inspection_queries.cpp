#include "persistence/queries.hpp"

#include "persistence/row_tables.hpp"

// The questions that look over many entities: each reads an index and ends at its limit. All take $1, the arguments as JSON text, which the
// planner folds: a filter that is not given costs nothing.
namespace paygate::queries {

namespace {

const std::string args = "($1::jsonb)";
const std::string limit = " LIMIT least(coalesce((" + args + "->>'limit')::int, 100), 10000)";
const std::string trouble = "(attempts > 0 OR last_error <> '' OR quarantine <> '')";

std::string text_arg(const char* name) { return "(" + args + "->>'" + name + "')"; }
std::string flag_arg(const char* name) { return "coalesce((" + args + "->>'" + name + "')::boolean, false)"; }

template <class F>
std::string over_kinds(F&& part) {
  std::string sql;
  for (const auto& table : entity_tables()) {
    if (!sql.empty()) sql += " UNION ALL ";
    sql += part(table);
  }
  return sql;
}

/// Rows of a kind whose failure now is of that group: their own, or one that is listed for a person.
std::string of_reason(const std::string& kind) {
  return "id IN (SELECT x.id FROM " + kind + " x WHERE (x.attempts > 0 OR x.last_error <> '' OR x.quarantine <> '') AND "
         + "failure_group(CASE WHEN x.quarantine <> '' THEN x.quarantine ELSE x.last_error END) = " + text_arg("reason_is")
         + " UNION SELECT f.entity_id FROM failed_transaction f WHERE f.resolved_at IS NULL AND f.kind = '" + kind
         + "' AND failure_group(f.code || ': ' || f.text) = " + text_arg("reason_is") + ")";
}

std::string actors_sql() {
  const auto all = over_kinds([](const entity_table& table) {
    const auto after = text_arg("after");
    return "(SELECT '" + table.name
           + "' AS kind, id, status::text AS status, version, shard, attempts, last_error, quarantine, wake_at, updated_at FROM "
           + table.name + " WHERE coalesce(" + text_arg("kind") + ", '" + table.name + "') = '" + table.name + "' AND (" + text_arg("status")
           + " IS NULL OR status::text = " + text_arg("status") + ") AND (NOT " + flag_arg("stuck") + " OR " + trouble + ") AND ("
           + text_arg("reason_is") + " IS NULL OR " + of_reason(table.name) + ") AND (" + text_arg("node")
           + " IS NULL OR shard IN (SELECT l.shard FROM shard_lease l JOIN node n ON n.identity = l.node WHERE l.expires_at > now() AND "
             "(n.identity = "
           + text_arg("node") + " OR to_jsonb(n)->>'name' = " + text_arg("node") + "))) AND (" + after + " IS NULL OR id <= " + after
           + ") AND (" + after + " IS NULL OR id < " + after + " OR '" + table.name + "' > " + text_arg("after_kind")
           + ") ORDER BY id DESC" + limit + ")";
  });
  return "SELECT coalesce(jsonb_agg(to_jsonb(a) - 'identity' || jsonb_build_object('node', coalesce(to_jsonb(n)->>'name', a.identity)) "
         "ORDER BY a.id DESC, a.kind), '[]') FROM (SELECT u.*, l.node AS identity FROM (SELECT * FROM ("
         + all + ") k ORDER BY id DESC, kind" + limit
         + ") u LEFT JOIN shard_lease l ON l.shard = u.shard AND l.expires_at > now()) a LEFT JOIN node n ON n.identity = a.identity";
}

// No more than the newest ten thousand are looked at for a kind: a rare one must not make it read the whole history.
std::string tail_sql() {
  const std::string after = "(" + args + "->>'after_seq')";
  const auto of_kind = " WHERE (" + text_arg("kind") + " IS NULL OR w.kind::text = " + text_arg("kind") + ")";
  const auto window = [&](const std::string& condition, const std::string& order) {
    return "(SELECT * FROM (SELECT * FROM transition WHERE " + condition + " ORDER BY seq" + order + " LIMIT 10000) w" + of_kind
           + " ORDER BY seq" + order + limit + ")";
  };
  return "SELECT coalesce(jsonb_agg(to_jsonb(t) ORDER BY t.seq), '[]') FROM ("
         + window(after + " IS NOT NULL AND NOT " + flag_arg("newest") + " AND seq > " + after + "::bigint", "") + " UNION ALL "
         + window("(" + after + " IS NULL OR " + flag_arg("newest") + ") AND (" + after + " IS NULL OR seq > " + after + "::bigint)", " DESC")
         + ") t";
}

std::string reasons_sql() {
  const auto all = over_kinds([](const entity_table& table) {
    return "SELECT '" + table.name + "' AS kind, id, CASE WHEN quarantine <> '' THEN 'quarantine' ELSE 'failing' END AS state, "
           + "failure_group(CASE WHEN quarantine <> '' THEN quarantine ELSE last_error END) AS reason, updated_at AS at FROM " + table.name
           + " WHERE " + trouble;
  });
  return "SELECT coalesce(jsonb_agg(to_jsonb(g) ORDER BY g.count DESC, g.kind, g.state, g.reason), '[]') FROM (SELECT kind, state, reason, "
         "count(*) AS count, min(at) AS oldest, max(at) AS newest, min(id) AS example FROM ("
         + all
         + " UNION ALL SELECT kind::text, entity_id, 'listed', failure_group(code || ': ' || text), last_at FROM failed_transaction WHERE "
           "resolved_at IS NULL) t WHERE "
         + text_arg("kind") + " IS NULL OR kind = " + text_arg("kind") + " GROUP BY kind, state, reason ORDER BY count(*) DESC" + limit
         + ") g";
}

// The table has more columns as the cluster learns more: what a node says of itself is shown as it is.
const std::string nodes_sql =
    "SELECT coalesce(jsonb_agg(to_jsonb(n) - ARRAY['boot_id', 'pid_namespace', 'process_start', 'alive', 'held'] || jsonb_build_object('shards', "
    "n.held, 'state', CASE WHEN n.left_at IS NOT NULL THEN 'left' WHEN to_jsonb(n)->>'dead_at' IS NOT NULL THEN 'dead' WHEN n.alive THEN 'alive' ELSE 'silent' END) "
    "ORDER BY n.started_at), '[]') FROM (SELECT m.*, coalesce((to_jsonb(m)->>'expires_at')::timestamptz, m.seen_at + interval '30 seconds') > now() AS alive, (SELECT count(*) FROM shard_lease l "
    "WHERE l.node = m.identity AND l.expires_at > now()) AS held FROM node m) n WHERE "
    + flag_arg("all") + " OR (n.left_at IS NULL AND n.seen_at > now() - interval '1 hour')";

const std::string leases_sql =
    "SELECT jsonb_agg(jsonb_build_object('shard', l.shard, 'node', l.node, 'name', to_jsonb(n)->>'name', 'epoch', l.epoch, 'expires_at', "
    "nullif(l.expires_at, '-infinity'), 'expired', l.expires_at <= now()) ORDER BY l.shard) FROM shard_lease l LEFT JOIN node n ON "
    "n.identity = l.node WHERE $1::jsonb IS NOT NULL AND ("
    + text_arg("node") + " IS NULL OR n.identity = " + text_arg("node") + " OR to_jsonb(n)->>'name' = " + text_arg("node") + ")";

const std::string pauses_sql = "SELECT coalesce(jsonb_agg(to_jsonb(p) ORDER BY p.what), '[]') FROM pause p WHERE $1::jsonb IS NOT NULL";

const std::string pause_sql = "WITH done AS (INSERT INTO pause (what, operator, reason) SELECT " + text_arg("what") + ", coalesce(nullif("
                              + text_arg("operator") + ", ''), 'paygatectl'), " + text_arg("reason")
                              + " ON CONFLICT (what) DO NOTHING RETURNING what) SELECT CASE WHEN EXISTS (SELECT FROM done) THEN "
                                "'{\"done\":true}'::jsonb ELSE '{\"done\":true,\"remark\":\"it was paused already\"}' END";

const std::string resume_sql = "WITH done AS (DELETE FROM pause WHERE what = " + text_arg("what")
                               + " RETURNING what) SELECT CASE WHEN EXISTS (SELECT FROM done) THEN '{\"done\":true}'::jsonb ELSE "
                                 "'{\"error\":{\"code\":\"not_found\",\"text\":\"it is not paused\"}}' END";

} // namespace

std::string inspection_sql_of(std::string_view name) {
  if (name == actors) return actors_sql();
  if (name == tail) return tail_sql();
  if (name == reasons) return reasons_sql();
  if (name == nodes) return nodes_sql;
  if (name == leases) return leases_sql;
  if (name == pauses) return pauses_sql;
  if (name == pause) return pause_sql;
  if (name == resume) return resume_sql;
  return {};
}

} // namespace paygate::queries
