#include "persistence/api_queries.hpp"

// What the API keeps for itself: first answers, counts of log-ins, nonces, the exchange's list of currencies.
namespace paygate::queries {

namespace {

const std::string args = "($1::jsonb)";
std::string arg(const std::string& name) { return "(" + args + "->>'" + name + "')"; }

// A key is free again after a day, and after a minute for a repeat of what was left half done. What nobody sees yet is being worked on.
const std::string begin_sql =
    "WITH taken AS (INSERT INTO api_answer AS a (account, key, body_sha256, first_at, tried_at) VALUES (" + arg("account") + ", "
    + arg("key") + ", " + arg("body_sha256")
    + ", now(), now()) ON CONFLICT (account, key) DO UPDATE SET tried_at = now(), body_sha256 = excluded.body_sha256, status = NULL, "
      "answer = '', etag = '', "
      "location = '', first_at = CASE WHEN a.first_at < now() - interval '24 hours' THEN now() ELSE a.first_at END "
      "WHERE a.first_at < now() - interval '24 hours' OR (a.status IS NULL AND a.tried_at < now() - interval '1 minute' AND a.body_sha256 "
      "= "
      "excluded.body_sha256) RETURNING first_at) "
      "SELECT coalesce((SELECT jsonb_build_object('state', 'taken', 'seed', account.name || '|' || account.key || '|' || extract(epoch "
      "FROM t.first_at)) FROM taken t, "
      "(SELECT "
    + arg("account") + " AS name, " + arg("key") + " AS key) account), (SELECT jsonb_build_object('state', CASE WHEN a.body_sha256 <> "
    + arg("body_sha256")
    + " THEN 'other' WHEN a.status IS NULL THEN 'running' ELSE 'done' END, 'status', a.status, 'answer', a.answer, 'etag', a.etag, "
      "'location', a.location) FROM "
      "api_answer a WHERE a.account = "
    + arg("account") + " AND a.key = " + arg("key") + "), '{\"state\":\"running\"}')";

const std::string end_sql =
    "WITH old AS (DELETE FROM api_answer WHERE ctid = ANY (ARRAY(SELECT ctid FROM api_answer WHERE first_at < now() - interval '25 hours' "
    "LIMIT 20))) UPDATE api_answer SET status = "
    + arg("status") + "::smallint, answer = " + arg("answer") + ", etag = " + arg("etag") + ", location = " + arg("location")
    + " WHERE account = " + arg("account") + " AND key = " + arg("key") + " RETURNING 'true'";

const std::string forget_sql =
    "DELETE FROM api_answer WHERE account = " + arg("account") + " AND key = " + arg("key") + " AND status IS NULL RETURNING 'true'";

// Whoever holds it for longer than a request may take has crashed.
const std::string lock_sql =
    "WITH mine AS (INSERT INTO api_lock AS l (channel, at) VALUES (" + arg("id")
    + ", now()) ON CONFLICT (channel) DO UPDATE SET at = now() WHERE l.at < now() - interval '30 seconds' RETURNING channel) "
      "SELECT jsonb_build_object('taken', EXISTS (SELECT FROM mine))";
const std::string unlock_sql = "DELETE FROM api_lock WHERE channel = " + arg("id") + " RETURNING 'true'";

// What there is after the time that has gone by.
const std::string filled = "least(" + arg("most") + "::numeric, b.tokens + extract(epoch FROM now() - b.at)::numeric * " + arg("most")
                           + "::numeric / " + arg("seconds") + "::numeric)";
const std::string auth_token_sql = "WITH old AS (DELETE FROM auth_bucket WHERE network <> " + arg("network")
                                   + " AND ctid = ANY (ARRAY(SELECT ctid FROM auth_bucket WHERE at < now() - interval '1 hour' LIMIT 5))), "
                                     "took AS (INSERT INTO auth_bucket AS b (network, tokens, granted, at) VALUES ("
                                   + arg("network") + ", " + arg("most")
                                   + "::numeric - 1, true, now()) ON CONFLICT (network) DO UPDATE SET granted = " + filled
                                   + " >= 1, tokens = CASE WHEN " + filled + " >= 1 THEN " + filled + " - 1 ELSE " + filled
                                   + " END, at = now() RETURNING b.granted, b.tokens) SELECT jsonb_build_object('granted', granted, "
                                     "'retry_after', CASE WHEN granted THEN 0 ELSE ceil((1 - tokens) * "
                                   + arg("seconds") + "::numeric / " + arg("most") + "::numeric)::int END) FROM took";

const std::string nonce_sql =
    "WITH old AS (DELETE FROM internal_nonce WHERE nonce <> " + arg("nonce")
    + " AND at < now() - interval '15 minutes'), fresh AS (INSERT INTO internal_nonce (nonce, at) VALUES (" + arg("nonce")
    + ", now()) ON CONFLICT DO NOTHING RETURNING nonce) SELECT jsonb_build_object('fresh', EXISTS (SELECT FROM fresh))";

const std::string networks_sql = "SELECT jsonb_build_object('source', 'exchange', 'updated_at', to_char(read_at, 'YYYY-MM-DD\"T\"HH24:MI:SS.US\"Z\"'), 'items', "
                                 "(SELECT coalesce(jsonb_agg(jsonb_build_object("
                                 "'currency', ticker, 'network', network, 'name', name, 'legacy_ticker', legacy_ticker, 'has_memo', "
                                 "has_memo) ORDER BY ticker, network), '[]') FROM "
                                 "currency_network)) FROM currency_list WHERE $1::jsonb IS NOT NULL";

// Whoever fails is followed by the next after ten minutes.
const std::string due_sql =
    "WITH mine AS (UPDATE currency_list SET tried_at = now() WHERE coalesce(read_at < now() - " + arg("older_than")
    + "::int * interval '1 second', true) AND coalesce(tried_at < now() - interval '10 minutes', true) RETURNING one) "
      "SELECT jsonb_build_object('due', EXISTS (SELECT FROM mine))";

const std::string read_sql =
    "WITH item AS (SELECT DISTINCT ON (ticker, network) * FROM jsonb_to_recordset(" + args
    + "->'items') AS x (ticker text, network text, legacy_ticker text, name text, has_memo boolean) ORDER BY ticker, network), "
      "gone AS (DELETE FROM currency_network c WHERE NOT EXISTS (SELECT FROM item i WHERE i.ticker = c.ticker AND i.network = c.network)), "
      "known AS (INSERT INTO currency_network AS c (ticker, network, legacy_ticker, name, has_memo) SELECT ticker, network, legacy_ticker, "
      "name, has_memo FROM item "
      "ON CONFLICT (ticker, network) DO UPDATE SET legacy_ticker = excluded.legacy_ticker, name = excluded.name, has_memo = "
      "excluded.has_memo RETURNING 1), "
      "told AS (UPDATE currency_list SET read_at = now(), last_error = '') SELECT jsonb_build_object('known', (SELECT count(*) FROM "
      "known))";

const std::string failed_sql = "UPDATE currency_list SET last_error = left(" + arg("error") + ", 300) RETURNING 'true'";

// What a round made is named by it (ids.hpp); it began after the look.
const std::string round_sql =
    "SELECT jsonb_build_object('round', s.round::text, 'status', s.status, 'reason', s.reason, 'created', CASE " + arg("id")
    + " WHEN 'conversions' THEN (SELECT coalesce(jsonb_agg(c.id), '[]') FROM conversion c WHERE c.id = 'c' || " + arg("since")
    + ") WHEN 'payouts' THEN (SELECT coalesce(jsonb_agg(p.id ORDER BY p.id), '[]') FROM payout p WHERE s.created > 0 AND p.created_at >= "
      "s.looked_at - interval '1 minute' AND "
      "p.id LIKE '%.%.' || "
    + arg("since") + ") ELSE '[]' END) FROM scheduler s WHERE s.id = " + arg("id");

const std::string concerned_sql =
    "WITH hash AS (SELECT lower(jsonb_array_elements_text(" + args
    + "->'hashes')) AS h), ours AS (SELECT EXISTS (SELECT FROM wallet w JOIN "
      "jsonb_array_elements_text("
    + args
    + "->'to') AS t (address) ON w.id = lower(t.address)) AS paid), "
      "who AS (SELECT 'wallet' AS kind, t.wallet AS id FROM wallet_transfer t JOIN hash ON t.hash = hash.h OR strpos(t.old_hashes, hash.h) "
      "> 0 WHERE t.acknowledged_at IS NULL "
      "UNION SELECT 'payment', d.order_id FROM deposit d, ours WHERE d.settled_at IS NOT NULL AND d.arrived_at IS NULL AND "
      "(lower(d.payout_hash) IN (SELECT h FROM hash) "
      "OR (ours.paid AND d.payout_hash = '')) "
      "UNION SELECT 'conversion', c.id FROM conversion c, ours WHERE ours.paid AND c.status = 'receiving' AND c.wake_at IS NOT NULL) "
      "SELECT coalesce(jsonb_agg(to_jsonb(k)), '[]') FROM (SELECT who.* FROM who WHERE NOT EXISTS (SELECT FROM payment p WHERE who.kind = "
      "'payment' AND p.id = who.id AND "
      "p.quarantine <> '') AND NOT EXISTS (SELECT FROM wallet w WHERE who.kind = 'wallet' AND w.id = who.id AND w.quarantine <> '') AND "
      "NOT EXISTS (SELECT FROM conversion "
      "c WHERE who.kind = 'conversion' AND c.id = who.id AND c.quarantine <> '') ORDER BY kind DESC, id LIMIT 200) k";

} // namespace

std::string api_state_sql_of(std::string_view name) {
  if (name == api_begin) return begin_sql;
  if (name == api_end) return end_sql;
  if (name == api_forget) return forget_sql;
  if (name == api_lock) return lock_sql;
  if (name == api_unlock) return unlock_sql;
  if (name == auth_token) return auth_token_sql;
  if (name == internal_nonce) return nonce_sql;
  if (name == scheduler_round) return round_sql;
  if (name == ethereum_concerned) return concerned_sql;
  if (name == currency_networks) return networks_sql;
  if (name == currencies_due) return due_sql;
  if (name == currencies_read) return read_sql;
  if (name == currencies_failed) return failed_sql;
  return {};
}

} // namespace paygate::queries
