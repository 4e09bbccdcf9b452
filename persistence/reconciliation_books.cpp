#include "persistence/reconciliation_books.hpp"

#include "persistence/row_codec.hpp"

namespace paygate {

namespace {

constexpr const char* cut_sql = "SELECT m.id, coalesce(sum(p.units) FILTER (WHERE p.currency = 'eth'), 0), coalesce(sum(p.units) FILTER "
                                "(WHERE p.currency = 'usdt'), 0), "
                                "(SELECT coalesce(max(block_number), 0) FROM wallet_transfer) "
                                "FROM (SELECT $1::bigint AS id) m LEFT JOIN ledger_posting p ON p.account = "
                                "'assets:wallet' AND p.entry <= m.id "
                                "GROUP BY m.id";

// The entries that make something final, and what was then believed. A swap comes as two items: the provider's record of it, and the
// transaction that it names, where that is on our own chain.
constexpr const char* audit_sql =
    "WITH page AS MATERIALIZED (SELECT e.id, e.key, e.kind::text AS kind, e.entity_id FROM ledger_entry e WHERE e.id > $1::bigint AND e.id "
    "<= "
    "$2::bigint AND (e.key LIKE 'wallet/%/gas' OR e.key LIKE 'payment/%/settled/%' OR e.key LIKE 'payment/%/received/%' OR e.key LIKE "
    "'payout/%/completed' OR e.key LIKE 'conversion/%/bought') AND (e.id > $3::bigint OR e.at >= $4::timestamptz OR e.id IN (SELECT "
    "ledger_entry FROM reconcile_exception WHERE resolved_at IS NULL AND ledger_entry IS NOT NULL)) ORDER BY e.id LIMIT $5::bigint), "
    "item AS ("
    "SELECT page.id, 0 AS what, 'transfer/' || t.intent AS subject, '' AS provider_id, t.hash, CASE WHEN t.token = '' THEN 'eth' ELSE "
    "'usdt' "
    "END AS currency, CASE WHEN t.token = '' THEN t.value_eth ELSE t.value_usdt END AS units, t.gas_fee_eth AS gas, '' AS sent_currency, 0 "
    "AS "
    "sent, t.status = 'reverted' AS reverted FROM page JOIN wallet_transfer t ON page.kind = 'wallet' AND t.intent = substr(page.key, "
    "length('wallet/' || page.entity_id || '/') + 1, length(page.key) - length('wallet/' || page.entity_id || '/') - length('/gas')) "
    "UNION ALL SELECT page.id, 1, 'deposit/' || d.payment_id, d.payment_id, d.payout_hash, d.outcome_currency, d.gross_eth, 0, '', 0, "
    "false "
    "FROM page JOIN deposit d ON page.kind = 'payment' AND d.payment_id = regexp_replace(page.key, '^.*/', '') "
    "UNION ALL SELECT page.id, w.what, 'payout/' || p.id, p.swap_id, p.payout_hash, p.target_ticker, p.amount_out, 0, p.pot::text, CASE "
    "WHEN "
    "p.pot = 'eth' THEN p.funded_eth ELSE p.funded_usdt END, false FROM page JOIN payout p ON page.kind = 'payout' AND p.id = "
    "page.entity_id, "
    "(VALUES (2), (3)) AS w (what) WHERE p.swap_id <> '' AND (w.what = 2 OR (p.target_network = 'eth' AND p.payout_hash <> '')) "
    "UNION ALL SELECT page.id, w.what, 'conversion/' || c.id, c.swap_id, c.payout_hash, 'usdt', c.amount_out, 0, 'eth', c.funded_eth, "
    "false "
    "FROM page JOIN conversion c ON page.kind = 'conversion' AND c.id = page.entity_id, (VALUES (2), (3)) AS w (what) WHERE c.swap_id <> "
    "'') "
    "SELECT i.*, (SELECT max(id) FROM page), (SELECT count(*) FROM page) FROM (SELECT 1) one LEFT JOIN item i ON true ORDER BY i.id, "
    "i.what";

constexpr const char* unknown_sql =
    "SELECT id FROM unnest($1::text[]) AS u (id) WHERE NOT EXISTS (SELECT FROM deposit d WHERE d.payment_id = u.id) ORDER BY id";

constexpr const char* unclaimed_sql = "SELECT DISTINCT hash FROM chain_movement m WHERE NOT booked AND subject = '' AND NOT EXISTS (SELECT "
                                      "FROM chain_movement o WHERE o.hash = "
                                      "m.hash AND (o.gas_eth > 0 OR o.units < 0)) ORDER BY hash LIMIT $1::bigint";
// Whose transaction we do not know yet. Those that nobody touched for a week are no longer asked about.
constexpr const char* waiting_payments_sql =
    "SELECT d.payment_id FROM deposit d JOIN payment p ON p.id = d.order_id WHERE d.payout_hash = '' AND d.status IN ('waiting', "
    "'confirming', "
    "'confirmed', 'sending', 'finished') AND p.updated_at > now() - interval '7 days' ORDER BY p.updated_at DESC LIMIT $1::bigint";
constexpr const char* waiting_swaps_sql = "SELECT swap_id, 'payout/' || id AS subject FROM payout WHERE status IN ('confirming', "
                                          "'exchanging', 'receiving', 'refunding', 'needs_attention') "
                                          "AND swap_id <> '' UNION ALL SELECT swap_id, 'conversion/' || id FROM conversion WHERE status IN "
                                          "('confirming', 'exchanging', 'receiving', 'refunding', 'needs_attention') "
                                          "AND swap_id <> '' ORDER BY 2 LIMIT $1::bigint";

constexpr const char* unbooked_sql =
    "SELECT m.hash, max(m.subject), coalesce(sum(m.units) FILTER (WHERE m.currency = 'eth'), 0), coalesce(sum(m.units) FILTER (WHERE "
    "m.currency "
    "= 'usdt'), 0), sum(m.gas_eth), max(m.block), max(m.at), max(m.counterparty), (SELECT d.gross_eth FROM deposit d WHERE d.payment_id = "
    "substr(max(m.subject), length('deposit/') + 1) AND max(m.subject) LIKE 'deposit/%' AND d.settled_at IS NOT NULL AND "
    "d.outcome_currency = "
    "'eth') FROM chain_movement m WHERE NOT m.booked AND m.hash > $1 GROUP BY m.hash ORDER BY m.hash LIMIT $2::bigint";
constexpr const char* other_sql = "SELECT coalesce(sum(wallet_eth), 0), coalesce(sum(wallet_usdt), 0) FROM reconcile_exception e WHERE "
                                  "(wallet_eth <> 0 OR wallet_usdt <> 0) "
                                  "AND CASE WHEN resolved_at IS NULL THEN seen_round = (SELECT round FROM reconciliation WHERE id = "
                                  "'main') ELSE resolution <> 'vanished' END "
                                  "AND NOT EXISTS (SELECT FROM ledger_entry l WHERE l.key = e.correction_key AND l.id <= $1::bigint)";

// What the wallet has more than the books because of it: the movements of its transaction, what it says itself, or the difference it is.
constexpr const char* exception_sql =
    "SELECT e.resolved_at IS NULL, e.kind::text || ' ' || e.subject, e.wallet_eth + coalesce(m.eth, 0) + CASE WHEN e.kind = "
    "'wallet_balance' AND "
    "e.currency = 'eth' THEN e.actual - e.expected ELSE 0 END, e.wallet_usdt + coalesce(m.usdt, 0) + CASE WHEN e.kind = 'wallet_balance' "
    "AND "
    "e.currency = 'usdt' THEN e.actual - e.expected ELSE 0 END, coalesce(m.gas, 0) FROM reconcile_exception e LEFT JOIN LATERAL (SELECT "
    "sum(units) FILTER (WHERE c.currency = 'eth') AS eth, sum(units) FILTER (WHERE c.currency = 'usdt') AS usdt, sum(c.gas_eth) AS gas "
    "FROM "
    "chain_movement c WHERE c.hash = e.hash AND e.hash <> '' AND NOT c.booked AND (e.kind IN ('foreign_deposit', 'manual_transfer', "
    "'unknown_payment') OR (e.kind = 'wrong_provider_amount' AND c.currency = e.currency AND c.units = e.actual))) m ON true WHERE e.id = "
    "$1::bigint";

template <class T>
T read(const pqxx::row& row, int column) {
  T value{};
  read_value(std::string_view(row[column].c_str(), row[column].size()), value);
  return value;
}

std::string text(const pqxx::row& row, int column) { return {row[column].c_str(), row[column].size()}; }

} // namespace

void prepare_reconciliation_books(pqxx::connection& connection) {
  connection.prepare("books_cut", cut_sql);
  connection.prepare("audit_page", audit_sql);
  connection.prepare("unknown_payments", unknown_sql);
  connection.prepare("unclaimed", unclaimed_sql);
  connection.prepare("waiting_payments", waiting_payments_sql);
  connection.prepare("waiting_swaps", waiting_swaps_sql);
  connection.prepare("unbooked", unbooked_sql);
  connection.prepare("unbooked_other", other_sql);
  connection.prepare("exception", exception_sql);
}

io_outcome answer_reconciliation(pqxx::transaction_base& transaction, const get_books_cut&) {
  // For a moment nobody writes to the ledger: then every entry up to the highest id is there, and no later one has a lower id. Ids alone do
  // not tell, because transactions do not commit in the order of theirs.
  // Going back to the savepoint gives the lock up before anything is summed: whoever waits behind it waits for one look at an index.
  transaction.exec("SET LOCAL lock_timeout = '500ms'; SAVEPOINT before_lock; LOCK TABLE ledger_entry IN SHARE MODE");
  const auto cut = read<std::int64_t>(transaction.exec1("SELECT coalesce(max(id), 0) FROM ledger_entry"), 0);
  transaction.exec("ROLLBACK TO SAVEPOINT before_lock");
  const auto rows = transaction.exec_prepared("books_cut", cut);
  return books_cut{read<std::int64_t>(rows[0], 0), read<eth_amount>(rows[0], 1), read<usdt_amount>(rows[0], 2),
                   read<std::int64_t>(rows[0], 3)};
}

io_outcome answer_reconciliation(pqxx::transaction_base& transaction, const get_audit_page& request) {
  std::string since;
  append_element(since, request.since);
  const auto limit = static_cast<std::int64_t>(request.limit);
  audit_page page;
  page.next = request.last;
  for (const auto& row : transaction.exec_prepared("audit_page", request.after, request.last, request.known, since, limit)) {
    page.more = read<std::int64_t>(row, 12) >= limit;
    if (page.more) page.next = read<std::int64_t>(row, 11);
    if (row[0].is_null()) continue;
    audit_item item;
    item.entry = read<std::int64_t>(row, 0);
    item.what = static_cast<audited>(read<int>(row, 1));
    item.subject = text(row, 2);
    item.id = text(row, 3);
    item.hash = text(row, 4);
    item.currency = text(row, 5);
    item.units = read<int128>(row, 6);
    item.gas = read<int128>(row, 7);
    item.sent_currency = text(row, 8);
    item.sent = read<int128>(row, 9);
    item.reverted = read<bool>(row, 10);
    page.items.push_back(std::move(item));
  }
  return page;
}

io_outcome answer_reconciliation(pqxx::transaction_base& transaction, const get_unknown_payments& request) {
  column_arrays ids(1);
  for (const auto& id : request.ids) ids.begin_row(), append_element(ids.next(), id);
  unknown_payments unknown;
  for (const auto& row : transaction.exec_prepared("unknown_payments", ids.finish().front())) unknown.ids.push_back(text(row, 0));
  return unknown;
}

io_outcome answer_reconciliation(pqxx::transaction_base& transaction, const get_unclaimed& request) {
  const auto limit = static_cast<std::int64_t>(request.limit);
  unclaimed_seen seen;
  for (const auto& row : transaction.exec_prepared("unclaimed", limit)) seen.hashes.push_back(text(row, 0));
  if (seen.hashes.empty()) return seen;
  for (const auto& row : transaction.exec_prepared("waiting_payments", limit)) seen.payments.push_back(text(row, 0));
  for (const auto& row : transaction.exec_prepared("waiting_swaps", limit)) seen.swaps.emplace_back(text(row, 0), text(row, 1));
  return seen;
}

io_outcome answer_reconciliation(pqxx::transaction_base& transaction, const get_unbooked& request) {
  unbooked_page page;
  const auto rows = transaction.exec_prepared("unbooked", request.after, static_cast<std::int64_t>(request.limit) + 1);
  for (const auto& row : rows) {
    if (page.items.size() == request.limit) {
      page.more = true;
      return page;
    }
    unbooked item{text(row, 0),
                  text(row, 1),
                  read<int128>(row, 2),
                  read<int128>(row, 3),
                  read<int128>(row, 4),
                  read<std::uint64_t>(row, 5),
                  read<timestamp>(row, 6),
                  text(row, 7),
                  std::nullopt};
    if (!row[8].is_null()) item.gross = read<int128>(row, 8);
    page.items.push_back(std::move(item));
  }
  const auto other = transaction.exec_prepared("unbooked_other", request.cut);
  page.other_eth = read<int128>(other[0], 0);
  page.other_usdt = read<int128>(other[0], 1);
  return page;
}

io_outcome answer_reconciliation(pqxx::transaction_base& transaction, const get_exception& request) {
  const auto rows = transaction.exec_prepared("exception", request.id);
  if (rows.empty()) return io_failure{fault::permanent, "not_found", "no exception has this id", {}};
  return exception_seen{
      request.id, read<bool>(rows[0], 0), text(rows[0], 1), read<int128>(rows[0], 2), read<int128>(rows[0], 3), read<int128>(rows[0], 4)};
}

} // namespace paygate
