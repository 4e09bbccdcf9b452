#include "persistence/side_rows.hpp"

#include <unordered_map>

#include "persistence/reconciliation_rows.hpp"
#include "persistence/row_tables.hpp"

namespace paygate {

namespace {

template <class Row>
child_table make_child_table(std::string name, std::string parent) {
  child_table table{std::move(name), std::move(parent), columns_of<Row>(), {}};
  const auto names = name_list(table.fields);
  const auto& key = table.fields.front().name;
  std::string changes;
  for (const auto& column : table.fields) {
    if (column.name == key || column.name == table.parent) continue;
    if (!changes.empty()) changes += ", ";
    changes += column.name + " = EXCLUDED." + column.name;
  }
  table.upsert_sql = "INSERT INTO " + table.name + " (" + names + ") SELECT * FROM " + unnest_list(table.fields) + " AS u (" + names
                     + ") ON CONFLICT (" + key + ") DO UPDATE SET " + changes + " WHERE " + table.name + "." + table.parent + " = EXCLUDED."
                     + table.parent;
  return table;
}

constexpr const char* webhook_sql =
    "INSERT INTO webhook_event (source, body_sha256, payment_id, order_id, order_known, raw, received, first_at, last_at) "
    "SELECT source, sha256(raw), min(payment_id), min(order_id), bool_or(order_known), raw, count(*), min(coalesce(at, now())), "
    "max(coalesce(at, now())) "
    "FROM unnest($1::text[], $2::text[], $3::text[], $4::boolean[], $5::bytea[], $6::timestamptz[]) "
    "AS u (source, payment_id, order_id, order_known, raw, at) GROUP BY source, raw ORDER BY 1, 2 "
    "ON CONFLICT (source, body_sha256) DO UPDATE SET received = webhook_event.received + EXCLUDED.received, "
    "last_at = greatest(webhook_event.last_at, EXCLUDED.last_at), order_known = webhook_event.order_known OR EXCLUDED.order_known";

constexpr const char* accrual_open_sql =
    "INSERT INTO accrual (payment_id, order_id, channel_id, status, payout_id, gross_usd, fee_usd, net_usd, gross_eth, fee_eth, net_eth, "
    "created_at, updated_at) SELECT payment_id, order_id, channel_id, status, payout_id, "
    "gross_usd, fee_usd, net_usd, gross_eth, fee_eth, net_eth, coalesce(at, now()), coalesce(at, now()) "
    "FROM unnest($1::text[], $2::text[], $3::bigint[], $4::accrual_status[], $5::text[], "
    "$6::numeric[], $7::numeric[], $8::numeric[], $9::numeric[], $10::numeric[], $11::numeric[], $12::timestamptz[]) "
    "AS u (payment_id, order_id, channel_id, status, payout_id, gross_usd, fee_usd, net_usd, gross_eth, fee_eth, net_eth, at)";

// An accrual that is free again forgets its payout.
constexpr const char* accrual_close_sql =
    "UPDATE accrual a SET status = u.status, payout_id = CASE WHEN u.status IN ('pending', 'converted') THEN '' ELSE "
    "a.payout_id END, updated_at = coalesce(u.at, now()) "
    "FROM unnest($1::text[], $2::accrual_status[], $3::timestamptz[]) AS u (payout_id, status, at) "
    "WHERE a.payout_id = u.payout_id AND u.payout_id <> ''";

// Rare, and a statement of their own each: the work is set-based inside (sql/0110).
constexpr const char* claim_sql = "SELECT claim_accruals($1::entity_kind, $2, $3::bigint, coalesce(nullif($4, '')::timestamptz, now()), "
                                  "$5::accrual_status, $6::bigint, $7)";
constexpr const char* close_conversion_sql =
    "SELECT close_conversion($1, $2::bigint, coalesce(nullif($3, '')::timestamptz, now()), $4::numeric)";

constexpr const char* failure_sql =
    "INSERT INTO failed_transaction (kind, entity_id, code, text, first_at, last_at) SELECT kind, entity_id, code, text, coalesce(at, "
    "now()), coalesce(at, now()) "
    "FROM unnest($1::entity_kind[], $2::text[], $3::text[], $4::text[], $5::timestamptz[]) AS u (kind, entity_id, code, text, at) "
    "ON CONFLICT (kind, entity_id) WHERE resolved_at IS NULL DO UPDATE SET code = EXCLUDED.code, text = EXCLUDED.text, "
    "last_at = EXCLUDED.last_at, times = failed_transaction.times + 1";

constexpr const char* entry_sql = "INSERT INTO ledger_entry (key, at, reason, kind, entity_id, version) SELECT key, coalesce(at, now()), "
                                  "reason, kind, entity_id, version "
                                  "FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::entity_kind[], $5::text[], $6::bigint[]) "
                                  "AS u (key, at, reason, kind, entity_id, version) RETURNING id, key";

constexpr const char* posting_sql = "INSERT INTO ledger_posting (entry, line, account, currency, units) "
                                    "SELECT * FROM unnest($1::bigint[], $2::smallint[], $3::text[], $4::text[], $5::numeric[])";

// A step that writes no row may come without a time: the database's is taken then.
void append_when(std::string& out, const step_record& step) {
  if (step.header.updated_at == timestamp{})
    out += "NULL";
  else
    append_element(out, step.header.updated_at);
}

std::string when(const step_record& step) {
  std::string text;
  if (step.header.updated_at != timestamp{}) append_element(text, step.header.updated_at);
  return text;
}

// The newest version of each child row of a batch: an upsert may not touch a row twice.
template <class Row>
class newest_rows {
public:
  void add(const std::string& key, const Row& row) {
    const auto [place, fresh] = places_.emplace(key, rows_.size());
    if (fresh)
      rows_.push_back(&row);
    else
      rows_[place->second] = &row;
  }
  void write(pqxx::transaction_base& transaction, const child_table& table) {
    if (rows_.empty()) return;
    column_arrays arrays(table.fields.size());
    for (const auto* row : rows_) {
      arrays.begin_row();
      append_fields(arrays, *row);
    }
    if (run_over(transaction, table.name, std::move(arrays)).affected_rows() != rows_.size())
      throw codec_error("a row of " + table.name + " belongs to another " + table.parent);
  }

private:
  std::unordered_map<std::string, std::size_t> places_;
  std::vector<const Row*> rows_;
};

struct side_row_writer {
  const step_record* step = nullptr;
  newest_rows<deposit> deposits;
  newest_rows<subscription_period> periods;
  newest_rows<wallet_transfer> transfers;
  newest_rows<wallet_correction> corrections;
  std::unordered_map<std::string, std::pair<const step_record*, const failure_listed*>> failures;
  column_arrays webhooks{6}, opened{12}, closed{3};
  std::vector<std::pair<const step_record*, const claim_accruals*>> claims;
  std::vector<std::pair<const step_record*, const conversion_closed*>> conversions;

  // Reconciliation's are written in their order, by reconciliation_rows.cpp.
  void operator()(const movements_seen&) {}
  void operator()(const movements_matched&) {}
  void operator()(const movement_claimed&) {}
  void operator()(const exception_found&) {}
  void operator()(const round_closed&) {}
  void operator()(const exception_resolved&) {}
  void operator()(const deposit& row) { deposits.add(row.payment_id, row); }
  void operator()(const subscription_period& row) { periods.add(row.order_id, row); }
  void operator()(const wallet_transfer& row) { transfers.add(row.intent, row); }
  void operator()(const wallet_correction& row) { corrections.add(row.key, row); }
  void operator()(const claim_accruals& row) { claims.emplace_back(step, &row); }
  void operator()(const conversion_closed& row) { conversions.emplace_back(step, &row); }
  void operator()(const failure_listed& row) { failures[to_text(step->ref)] = {step, &row}; }
  void operator()(const webhook_event& row) {
    webhooks.begin_row();
    append_element(webhooks.next(), row.source);
    append_element(webhooks.next(), row.payment_id);
    append_element(webhooks.next(), row.order_id);
    append_element(webhooks.next(), row.order_known);
    append_bytes(webhooks.next(), row.raw);
    append_when(webhooks.next(), *step);
  }
  void operator()(const accrual_opened& row) {
    opened.begin_row();
    append_element(opened.next(), row.payment_id);
    append_element(opened.next(), row.order_id);
    append_element(opened.next(), row.channel_id);
    append_element(opened.next(), row.status);
    append_element(opened.next(), row.payout_id);
    append_element(opened.next(), row.gross_usd);
    append_element(opened.next(), row.fee_usd);
    append_element(opened.next(), row.net_usd);
    append_element(opened.next(), row.gross_eth);
    append_element(opened.next(), row.fee_eth);
    append_element(opened.next(), row.net_eth);
    append_when(opened.next(), *step);
  }
  void operator()(const accrual_closed& row) {
    closed.begin_row();
    append_element(closed.next(), row.payout_id);
    append_element(closed.next(), row.status);
    append_when(closed.next(), *step);
  }

  // Parents before children: an accrual names its deposit.
  void write(pqxx::transaction_base& transaction) {
    deposits.write(transaction, deposit_table());
    periods.write(transaction, subscription_period_table());
    transfers.write(transaction, wallet_transfer_table());
    corrections.write(transaction, wallet_correction_table());
    if (webhooks.rows() > 0) run_over(transaction, "webhook_event", std::move(webhooks));
    if (opened.rows() > 0) run_over(transaction, "accrual_open", std::move(opened));
    if (closed.rows() > 0) run_over(transaction, "accrual_close", std::move(closed));
    // What is set free comes before what claims.
    for (const auto& [of, row] : conversions)
      transaction.exec_prepared("close_conversion", of->ref.id, of->header.version, when(*of), to_decimal(row->received));
    for (const auto& [of, row] : claims)
      transaction.exec_prepared("claim_accruals", std::string(to_text(of->ref.kind)), of->ref.id, of->header.version, when(*of),
                                row->scope == claim_scope::converted_of_channel ? "converted" : "pending",
                                row->scope == claim_scope::pending ? std::int64_t{0} : row->channel_id, row->account);
    if (failures.empty()) return;
    column_arrays arrays(5);
    for (const auto& [key, failure] : failures) {
      arrays.begin_row();
      append_element(arrays.next(), failure.first->ref.kind);
      append_element(arrays.next(), failure.first->ref.id);
      append_element(arrays.next(), failure.second->code);
      append_element(arrays.next(), failure.second->text);
      append_when(arrays.next(), *failure.first);
    }
    run_over(transaction, "failed_transaction", std::move(arrays));
  }
};

} // namespace

const child_table& deposit_table() {
  static const auto table = make_child_table<deposit>("deposit", "order_id");
  return table;
}

const child_table& subscription_period_table() {
  static const auto table = make_child_table<subscription_period>("subscription_period", "subscription_id");
  return table;
}

const child_table& wallet_transfer_table() {
  static const auto table = make_child_table<wallet_transfer>("wallet_transfer", "wallet");
  return table;
}

const child_table& wallet_correction_table() {
  static const auto table = make_child_table<wallet_correction>("wallet_correction", "wallet");
  return table;
}

void prepare_side_rows(pqxx::connection& connection) {
  for (const auto* table : {&deposit_table(), &subscription_period_table(), &wallet_transfer_table(), &wallet_correction_table()})
    connection.prepare(table->name, table->upsert_sql);
  connection.prepare("webhook_event", webhook_sql);
  prepare_reconciliation_rows(connection);
  connection.prepare("accrual_open", accrual_open_sql);
  connection.prepare("accrual_close", accrual_close_sql);
  connection.prepare("claim_accruals", claim_sql);
  connection.prepare("close_conversion", close_conversion_sql);
  connection.prepare("failed_transaction", failure_sql);
  connection.prepare("ledger_entry", entry_sql);
  connection.prepare("ledger_posting", posting_sql);
}

pqxx::result run_over(pqxx::transaction_base& transaction, const std::string& statement, column_arrays arrays) {
  const auto literals = arrays.finish();
  return transaction.exec_prepared(statement, pqxx::prepare::make_dynamic_params(literals));
}

void write_side_rows(pqxx::transaction_base& transaction, const std::vector<const step_record*>& steps) {
  side_row_writer writer;
  bool any = false;
  for (const auto* step : steps) {
    writer.step = step;
    for (const auto& row : step->rows) {
      std::visit(writer, row);
      any = true;
    }
  }
  if (any) writer.write(transaction);
  for (const auto* step : steps)
    if (step->ref.kind == entity_kind::reconciliation) write_reconciliation_rows(transaction, *step);
}

void write_ledger(pqxx::transaction_base& transaction, const std::vector<const step_record*>& steps) {
  column_arrays entries(6);
  for (const auto* step : steps)
    for (const auto& entry : step->entries) {
      if (entry.postings.empty()) throw codec_error("ledger entry " + entry.key + " has no postings");
      entries.begin_row();
      append_element(entries.next(), entry.key);
      append_when(entries.next(), *step);
      append_element(entries.next(), entry.reason);
      append_element(entries.next(), step->ref.kind);
      append_element(entries.next(), step->ref.id);
      append_element(entries.next(), step->header.version);
    }
  if (entries.rows() == 0) return;
  std::unordered_map<std::string, std::string> ids;
  for (const auto& row : run_over(transaction, "ledger_entry", std::move(entries))) ids.emplace(row[1].c_str(), row[0].c_str());
  column_arrays postings(5);
  for (const auto* step : steps)
    for (const auto& entry : step->entries) {
      std::int32_t line = 0;
      for (const auto& posting : entry.postings) {
        postings.begin_row();
        postings.next() += ids.at(entry.key);
        append_element(postings.next(), ++line);
        append_element(postings.next(), posting.account);
        append_element(postings.next(), posting.currency);
        append_element(postings.next(), posting.units);
      }
    }
  run_over(transaction, "ledger_posting", std::move(postings));
}

} // namespace paygate
