#pragma once

#include <string>
#include <string_view>

// Questions that the reader answers: (query, name, JSON arguments) -> JSON text, made by SQL. Amounts are decimal strings; times are ISO
// 8601. An answer that could not be made is {"error":{"code":"unavailable"|"invalid"|"unknown_query","text":"..."}}.
namespace paygate::queries {

/// {"kind"?, "status"?, "stuck"?: true, "node"?: identity or name, "reason_is"?: of `reasons`, "after"?: id, "after_kind"?, "limit"?: 100} ->
/// [{kind, id, status, version, shard, node, attempts, last_error, quarantine, wake_at, updated_at}], by id downwards, then kind (ids that
/// begin with a time come newest first). `after` and `after_kind` name the last one of the page before. stuck: attempts > 0, a last_error
/// or a quarantine.
inline constexpr std::string_view actors = "actors";
/// {"kind", "id"} -> {row, owner: {shard, node, name, epoch, expired}, children: {table: [..]}, transitions: the newest 50, ledger: [{key, at, reason, postings}], failures}; row is
/// null when there is none.
inline constexpr std::string_view show = "show";
/// {} -> [{account, currency, units}] by account.
inline constexpr std::string_view balances = "balances";
/// {} -> {balanced, entries, sums: [{currency, units}], unbalanced: [{key, currency, units}], empty: [keys of entries without postings]}.
inline constexpr std::string_view ledger_check = "ledger_check";
/// {"after_seq"?: 0, "newest"?: true, "kind"?, "limit"?: 100} -> [{seq, kind, id, version, at, message, from_status, to_status, note}], oldest
/// first; those that follow after_seq, but without it or with `newest` the newest ones. Of no more than the 10 000 next, or newest. A row
/// of a transaction that was slow to commit may come with a seq that was passed already.
inline constexpr std::string_view tail = "tail";
/// {} -> [{kind, status, count, stuck, quarantined}].
inline constexpr std::string_view counts = "counts";
/// {"open"?: true, "limit"?: 100} -> [failed_transaction].
inline constexpr std::string_view failed = "failed";
/// {"order_id"?, "payment_id"?, "unknown"?: true, "limit"?: 100} -> [webhook_event], newest first; raw as text with octal escapes.
inline constexpr std::string_view webhooks = "webhooks";
/// {} -> [wallet with {transfers: [those not final, without their bytes], foreign: [foreign_nonce]}].
inline constexpr std::string_view wallet = "wallet";
/// {"node"?: identity or name} -> [{shard, node, name, epoch, expires_at, expired}].
inline constexpr std::string_view leases = "leases";
/// {"kind"?, "limit"?: 100} -> [{kind, state: quarantine|failing|listed, reason, count, oldest, newest, example: an id}], the most first: what
/// is wrong now, grouped by failure_group (sql/0171); `listed` waits for a person.
inline constexpr std::string_view reasons = "reasons";
/// {"all"?: true} -> [{identity, ..., shards, state: alive|silent|dead|left}], oldest first; of the last hour, without those that left.
inline constexpr std::string_view nodes = "nodes";
/// {} -> [{what, since, operator, reason}].
inline constexpr std::string_view pauses = "pauses";

/// {} -> {round, finished_round, status, started_at, finished_at, block, clean, wallet: [{currency, ledger, chain, explained, difference}],
/// exceptions: the open ones, not_seen: [sentences], resolve_id, resolve_note, last_error}.
inline constexpr std::string_view reconcile = "reconcile";
/// {"open"?: true, "limit"?: 100} -> [reconcile_exception], newest first.
inline constexpr std::string_view exceptions = "exceptions";

/// {"id": an order, or the provider's id of a payment} -> {order_id, status, ..., deposits: [payment_trace]}, every number as text; or the
/// error not_found.
inline constexpr std::string_view trace = "trace";
/// {"id": an order} -> {"ended": the payout of its newest refund, if that has ended for good without having paid, else ""}.
inline constexpr std::string_view ended_refund = "ended_refund";
/// {"id": of a webhook_event} -> {id, source, order_id, payment_id, raw: as hex}, or null.
inline constexpr std::string_view webhook = "webhook";
/// {"id"} -> the failed_transaction, or null.
inline constexpr std::string_view failure = "failure";
/// {} -> {"eth", "usdt"}: what the books have of assets beyond what others are owed: the platform's own.
inline constexpr std::string_view free_value = "free_value";
/// {"verb"?, "target"?, "limit"?: 100} -> [audit_trail], newest first.
inline constexpr std::string_view audit_list = "audit_list";

/// {"kind"?, "limit"?: 100} -> [stuck_entity]: who has been in its status for longer than its machine allows, the longest first.
inline constexpr std::string_view stuck = "stuck";
/// {"kind"?, "limit"?: 100} -> [quarantined_entity]: {kind, id, status, shard, version, cause, at, message: the one it broke on, as JSON text}.
inline constexpr std::string_view quarantined = "quarantined";
/// {} -> [[metric, label, number]]: the business by its last day, the wallet, what is under way. Cheap: every 15 s.
inline constexpr std::string_view figures = "figures";
/// {} -> the same of what is looked at each minute: stuck, quarantined, balances, sums.
inline constexpr std::string_view watch = "watch";

// Those that write; nothing else does.
/// {"operator"?, "source"?, "verb", "target": "kind/id" or any other, "reason", "arguments"?: {..}} -> {"id"}: a line of the audit log.
inline constexpr std::string_view audit = "audit";
/// {"id": of the line, "code", "text"} -> {"done": true}: what came of it.
inline constexpr std::string_view audit_result = "audit_result";
/// {"id": of a failed_transaction, "reason", "operator"?} -> {"done": true, "remark"?}, or the error not_found.
inline constexpr std::string_view resolve = "resolve";
/// {"what": "payouts"|"kind/..."|"lane/...", "reason", "operator"?} -> {"done": true, "remark"?}.
inline constexpr std::string_view pause = "pause";
/// {"what"} -> {"done": true}, or the error not_found.
inline constexpr std::string_view resume = "resume";
bool writes(std::string_view name);

/// The SQL of a query with $1 = its arguments as text; empty when there is none of that name. `show` also needs the kind.
std::string sql_of(std::string_view name, std::string_view kind = {});
/// Those of operators' verbs (operator_queries.cpp); `sql_of` asks here as well.
std::string operator_sql_of(std::string_view name);
std::string reconciliation_sql_of(std::string_view name);
std::string figures_sql_of(std::string_view name);
/// Those over many entities, and of the cluster (inspection_queries.cpp).
std::string inspection_sql_of(std::string_view name);

/// The wake scan: $1 and $2 in microseconds since the epoch (exclusive, inclusive), $3 the limit, $4 the shards; answers (kind, id, microseconds).
/// The shards are a filter over the index on wake_at, so that the rows come in their order: over an index on (shard, wake_at) a crowd would
/// have to be sorted, which costs more than to pass by the rows of other nodes. All entities of the last instant come along, so that nobody is lost between two scans.
std::string wake_scan_sql();

} // namespace paygate::queries
