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
    "net_usdt, conversion_id, created_at, updated_at) SELECT payment_id, order_id, channel_id, status, payout_id, "
    "gross_usd, fee_usd, net_usd, gross_eth, fee_eth, net_eth, net_usdt, CASE status WHEN 'converted' THEN 'imported' ELSE '' END, "
    "coalesce(at, now()), coalesce(at, now()) "
    "FROM unnest($1::text[], $2::text[], $3::bigint[], $4::accrual_status[], $5::text[], "
    "$6::numeric[], $7::numeric[], $8::numeric[], $9::numeric[], $10::numeric[], $11::numeric[], $12::numeric[], $13::timestamptz[]) "
    "AS u (payment_id, order_id, channel_id, status, payout_id, gross_usd, fee_usd, net_usd, gross_eth, fee_eth, net_eth, net_usdt, at)";

// An accrual that is free again forgets its payout.
constexpr const char* accrual_close_sql =
    "UPDATE accrual a SET status = u.status, payout_id = CASE WHEN u.status IN ('pending', 'converted') THEN '' ELSE "
    "a.payout_id END, updated_at = coalesce(u.at, now()) "
    "FROM unnest($1::text[], $2::accrual_status[], $3::timestamptz[]) AS u (payout_id, status, at) "
    "WHERE a.payout_id = u.payout_id AND u.payout_id <> ''";

// Rare, and a statement of their own each: the work is set-based inside (sql/0110, sql/0132).
constexpr const char* claim_sql = "SELECT claim_accruals($1::entity_kind, $2, $3::bigint, coalesce(nullif($4, '')::timestamptz, now()), "
                                  "$5::accrual_status, $6::bigint, $7, $8::numeric)";
constexpr const char* close_conversion_sql =
    "SELECT close_conversion($1, $2::bigint, coalesce(nullif($3, '')::timestamptz, now()), $4::numeric, $5::numeric)";
constexpr const char* return_accruals_sql =
    "SELECT return_accruals($1, $2::accrual_status, $3::numeric, $4::boolean, coalesce(nullif($5, '')::timestamptz, now()))";
constexpr const char* claim_arrival_sql =
    "INSERT INTO chain_arrival (hash, currency, units, kind, entity_id, at) "
    "VALUES (lower($1), $2, $3::numeric, $4::entity_kind, $5, coalesce(nullif($6, '')::timestamptz, now()))";
constexpr const char* claim_allowance_sql = "SELECT claim_allowance($1, $2::bigint, $3::numeric, $4::numeric, $5::numeric, $6::boolean, "
                                            "coalesce(nullif($7, '')::timestamptz, now()))";
constexpr const char* claim_slot_sql =
    "SELECT claim_channel_slot($1::bigint, $2::bigint, $3, $4::bigint, $5::boolean, coalesce(nullif($6, '')::timestamptz, now()))";
constexpr const char* return_slot_sql = "UPDATE channel_slot SET returned_at = coalesce(nullif($2, '')::timestamptz, now()) WHERE "
                                        "channel_id = $1::bigint AND returned_at IS NULL";
constexpr const char* return_allowance_sql =
    "UPDATE payout_allowance SET returned_at = coalesce(nullif($2, '')::timestamptz, now()) WHERE payout_id = $1 AND returned_at IS NULL";

constexpr const char* failure_sql =
    "INSERT INTO failed_transaction (kind, entity_id, code, text, first_at, last_at) SELECT kind, entity_id, code, text, coalesce(at, "
    "now()), coalesce(at, now()) "
    "FROM unnest($1::entity_kind[], $2::text[], $3::text[], $4::text[], $5::timestamptz[]) AS u (kind, entity_id, code, text, at) "
    "ON CONFLICT (kind, entity_id) WHERE resolved_at IS NULL DO UPDATE SET code = EXCLUDED.code, text = EXCLUDED.text, "
    "last_at = EXCLUDED.last_at, times = failed_transaction.times + 1";

constexpr const char* failure_mended_sql =
    "UPDATE failed_transaction f SET resolved_at = coalesce(u.at, now()), resolved_by = 'itself', resolution = u.text "
    "FROM unnest($1::entity_kind[], $2::text[], $3::text[], $4::timestamptz[]) AS u (kind, entity_id, text, at) "
    "WHERE f.kind = u.kind AND f.entity_id = u.entity_id AND f.resolved_at IS NULL";

constexpr const char* entry_sql = "INSERT INTO ledger_entry (key, at, reason, kind, entity_id, version) SELECT key, coalesce(at, now()), "
                                  "reason, kind, entity_id, version "
                                  "FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::entity_kind[], $5::text[], $6::bigint[]) "
                                  "AS u (key, at, reason, kind, entity_id, version)";

// Behind the entries, which it finds by their keys.
constexpr const char* posting_sql = "INSERT INTO ledger_posting (entry, line, account, currency, units) "
                                    "SELECT e.id, line, account, currency, units "
                                    "FROM unnest($1::text[], $2::integer[], $3::text[], $4::text[], $5::numeric[]) "
                                    "AS u (key, line, account, currency, units) JOIN ledger_entry e ON e.key = u.key";

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
  void add_to(std::vector<statement>& batch, const child_table& table) const {
    if (rows_.empty()) return;
    column_arrays arrays(table.fields.size());
    for (const auto* row : rows_) {
      arrays.begin_row();
      append_fields(arrays, *row);
    }
    batch.push_back({table.name, arrays.finish(), rows_.size()}); // Fewer: a row belongs to another parent.
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
  newest_rows<foreign_nonce> foreign;
  newest_rows<promo_use> promo_uses;
  std::unordered_map<std::string, std::pair<const step_record*, const failure_listed*>> failures;
  column_arrays webhooks{6}, opened{13}, closed{3};
  std::vector<std::pair<const step_record*, const claim_accruals*>> claims;
  std::vector<std::pair<const step_record*, const conversion_closed*>> conversions;
  std::vector<std::pair<const step_record*, const accrual_closed*>> returns;
  std::vector<std::pair<const step_record*, const arrival_claimed*>> arrivals;
  std::vector<std::pair<const step_record*, const allowance_claimed*>> allowances;
  std::vector<const step_record*> allowances_back;
  std::vector<std::pair<const step_record*, const failure_mended*>> mended;
  std::vector<std::pair<const step_record*, const slot_claimed*>> slots;
  std::vector<std::pair<const step_record*, const slot_returned*>> slots_back;
  newest_rows<channel_draft> drafts;

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
  void operator()(const foreign_nonce& row) { foreign.add(row.key, row); }
  void operator()(const promo_use& row) { promo_uses.add(row.order_id, row); }
  void operator()(const claim_accruals& row) { claims.emplace_back(step, &row); }
  void operator()(const conversion_closed& row) { conversions.emplace_back(step, &row); }
  void operator()(const arrival_claimed& row) { arrivals.emplace_back(step, &row); }
  void operator()(const allowance_claimed& row) { allowances.emplace_back(step, &row); }
  void operator()(const allowance_returned&) { allowances_back.push_back(step); }
  void operator()(const slot_claimed& row) { slots.emplace_back(step, &row); }
  void operator()(const slot_returned& row) { slots_back.emplace_back(step, &row); }
  void operator()(const channel_draft& row) { drafts.add(row.conversation_id, row); }
  void operator()(const failure_listed& row) { failures[to_text(step->ref)] = {step, &row}; }
  // The newest word of a batch holds: what was listed and mended in one batch was never a matter for a person.
  void operator()(const failure_mended& row) {
    failures.erase(to_text(step->ref));
    mended.emplace_back(step, &row);
  }
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
    append_element(opened.next(), row.net_usdt);
    append_when(opened.next(), *step);
  }
  void operator()(const accrual_closed& row) {
    if (row.left) {
      returns.emplace_back(step, &row);
      return;
    }
    closed.begin_row();
    append_element(closed.next(), row.payout_id);
    append_element(closed.next(), row.status);
    append_when(closed.next(), *step);
  }

  // Parents before children: an accrual names its deposit.
  void add_to(std::vector<statement>& batch) {
    deposits.add_to(batch, deposit_table());
    periods.add_to(batch, subscription_period_table());
    foreign.add_to(batch, wallet_foreign_table()); // Before the transfers: an explained nonce lets one be dropped.
    transfers.add_to(batch, wallet_transfer_table());
    corrections.add_to(batch, wallet_correction_table());
    drafts.add_to(batch, channel_draft_table());
    promo_uses.add_to(batch, promo_use_table());
    if (webhooks.rows() > 0) batch.push_back({"webhook_event", webhooks.finish()});
    if (opened.rows() > 0) batch.push_back({"accrual_open", opened.finish()});
    if (closed.rows() > 0) batch.push_back({"accrual_close", closed.finish()});
    add_gathering(batch);
    add_slots(batch);
    add_failures(batch);
  }

private:
  void add_gathering(std::vector<statement>& batch) const {
    for (const auto& [of, row] : arrivals)
      batch.push_back(
          {"claim_arrival", {row->hash, row->currency, to_decimal(row->units), std::string(to_text(of->ref.kind)), of->ref.id, when(*of)}});
    // What is set free comes before what claims.
    for (const auto& [of, row] : returns)
      batch.push_back(
          {"return_accruals",
           {row->payout_id, std::string(to_text(row->status)), to_decimal(*row->left), row->resold ? "true" : "false", when(*of)}});
    for (const auto* of : allowances_back) batch.push_back({"return_allowance", {of->ref.id, when(*of)}});
    for (const auto& [of, row] : conversions)
      batch.push_back({"close_conversion",
                       {of->ref.id, std::to_string(of->header.version), when(*of), to_decimal(row->received), to_decimal(row->left)}});
    for (const auto& [of, row] : claims)
      batch.push_back({"claim_accruals",
                       {std::string(to_text(of->ref.kind)), of->ref.id, std::to_string(of->header.version), when(*of),
                        row->scope == claim_scope::converted_of_channel ? "converted" : "pending",
                        row->scope == claim_scope::pending ? "0" : std::to_string(row->channel_id), row->account, to_decimal(row->most)}});
    for (const auto& [of, row] : allowances)
      batch.push_back({"claim_allowance",
                       {of->ref.id, std::to_string(row->channel_id), to_decimal(row->net), to_decimal(row->channel_max),
                        to_decimal(row->total_max), row->approved ? "true" : "false", when(*of)}});
  }

  void add_slots(std::vector<statement>& batch) const {
    // What is set free comes before what claims.
    for (const auto& [of, row] : slots_back) batch.push_back({"return_slot", {std::to_string(row->channel_id), when(*of)}});
    for (const auto& [of, row] : slots)
      batch.push_back({"claim_slot",
                       {std::to_string(row->channel_id), std::to_string(row->owner_user_id), row->owner_account,
                        std::to_string(channels_of_owner_max), row->granted ? "true" : "false", when(*of)}});
  }

  void add_failures(std::vector<statement>& batch) const {
    // What is mended comes before what is listed: a later failure is a row of its own.
    if (!mended.empty()) {
      column_arrays arrays(4);
      for (const auto& [of, row] : mended) {
        arrays.begin_row();
        append_element(arrays.next(), of->ref.kind);
        append_element(arrays.next(), of->ref.id);
        append_element(arrays.next(), row->text);
        append_when(arrays.next(), *of);
      }
      batch.push_back({"failure_mended", arrays.finish()});
    }
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
    batch.push_back({"failed_transaction", arrays.finish()});
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

const child_table& wallet_foreign_table() {
  static const auto table = make_child_table<foreign_nonce>("wallet_foreign", "wallet");
  return table;
}

const child_table& channel_draft_table() {
  static const auto table = make_child_table<channel_draft>("channel_draft", "conversation_id");
  return table;
}

const child_table& promo_use_table() {
  static const auto table = make_child_table<promo_use>("promo_use", "promo_id");
  return table;
}

std::vector<prepared_statement> side_row_statements() {
  std::vector<prepared_statement> all;
  for (const auto* table : {&deposit_table(), &subscription_period_table(), &wallet_transfer_table(), &wallet_correction_table(),
                            &wallet_foreign_table(), &channel_draft_table(), &promo_use_table()})
    all.push_back({table->name, table->upsert_sql});
  all.push_back({"webhook_event", webhook_sql});
  all.push_back({"accrual_open", accrual_open_sql});
  all.push_back({"accrual_close", accrual_close_sql});
  all.push_back({"claim_accruals", claim_sql});
  all.push_back({"close_conversion", close_conversion_sql});
  all.push_back({"return_accruals", return_accruals_sql});
  all.push_back({"claim_arrival", claim_arrival_sql});
  all.push_back({"claim_allowance", claim_allowance_sql});
  all.push_back({"return_allowance", return_allowance_sql});
  all.push_back({"claim_slot", claim_slot_sql});
  all.push_back({"return_slot", return_slot_sql});
  all.push_back({"failed_transaction", failure_sql});
  all.push_back({"failure_mended", failure_mended_sql});
  all.push_back({"ledger_entry", entry_sql});
  all.push_back({"ledger_posting", posting_sql});
  for (auto& statement : reconciliation_statements()) all.push_back(std::move(statement));
  return all;
}

void add_side_rows(std::vector<statement>& batch, const std::vector<const step_record*>& steps) {
  side_row_writer writer;
  for (const auto* step : steps) {
    writer.step = step;
    for (const auto& row : step->rows) std::visit(writer, row);
  }
  writer.add_to(batch);
  for (const auto* step : steps)
    if (step->ref.kind == entity_kind::reconciliation) add_reconciliation_rows(batch, *step);
}

void add_ledger(std::vector<statement>& batch, const std::vector<const step_record*>& steps) {
  column_arrays entries(6), postings(5);
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
      std::int32_t line = 0;
      for (const auto& posting : entry.postings) {
        postings.begin_row();
        append_element(postings.next(), entry.key);
        append_element(postings.next(), ++line);
        append_element(postings.next(), posting.account);
        append_element(postings.next(), posting.currency);
        append_element(postings.next(), posting.units);
      }
    }
  const auto lines = postings.rows();
  if (entries.rows() == 0) return;
  batch.push_back({"ledger_entry", entries.finish()});
  batch.push_back({"ledger_posting", postings.finish(), lines});
}

} // namespace paygate
